/**
 * kill -9 in the middle of the road: the next bridge goes on from the last commit.
 */
import t from 'tap'
import { reportsAndAnswers, TestApp } from '../support/app.ts'
import { makeWorld } from '../support/world.ts'

const EVENTS = 300

void t.test('after kill -9 nothing is lost, and what comes again was not committed', async (t) => {
  const world = await makeWorld(t)
  // The first work is accepted and never reported, so its offset cannot be committed before the kill.
  let held = ''
  const app: TestApp = new TestApp((delivered) => {
    if (held === '') held = delivered.workId
    const isFirstLife = delivered.workId === held && app.deliveries.filter(({ workId }) => workId === held).length === 1
    return isFirstLife ? 202 : reportsAndAnswers(delivered)
  })
  await app.up()
  t.teardown(() => app.down())
  const first = await world.startBridge(app)
  const posting = world.postMany(Array.from({ length: EVENTS }, () => 'build.done'))
  await app.until(() => app.deliveries.length >= EVENTS / 3)
  await first.kill9()
  const deliveredBefore = app.deliveries.map(({ workId }) => workId)
  t.ok(deliveredBefore.length < EVENTS, 'the kill comes in the middle')
  // Nobody is left to commit, so this is what the group had at the kill.
  const committed = await world.kafka.committed(world.group, world.topic)
  const ids = await posting

  await world.startBridge(app)
  await world.until('the second bridge has committed all', async () => {
    const delivered = new Set(app.deliveries.map(({ workId }) => workId))
    return ids.every((id) => delivered.has(id)) && world.allCommitted()
  })
  const again = app.deliveries.slice(deliveredBefore.length).filter(({ workId }) => deliveredBefore.includes(workId))
  const unexplained = again.filter(({ headers }) => {
    const offset = committed.get(Number(headers['kafka-partition']))?.offset ?? 0n
    return BigInt(headers['kafka-offset'] ?? '-1') < offset
  })
  t.comment(`delivered before the kill: ${deliveredBefore.length}; again after it: ${again.length}`)
  t.ok(
    again.some(({ workId }) => workId === held),
    'what was held comes again',
  )
  t.strictSame(unexplained, [], 'whatever comes again stood behind the committed offset')
  t.equal(again.length, new Set(again.map(({ workId }) => workId)).size, 'and comes again once')
  const completed = new Set(world.told('completed'))
  t.ok(
    ids.every((id) => completed.has(id)),
    'every lifecycle event has reached XZepr',
  )
})
