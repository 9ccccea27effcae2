/**
 * A neighbour goes away and comes back: nothing is lost, and no attempt is burned on an app that is not there.
 */
import t from 'tap'
import { reportsAndAnswers, TestApp } from '../support/app.ts'
import { makeWorld } from '../support/world.ts'

void t.test('an app that is away for a while misses nothing and burns no attempt', async (t) => {
  const world = await makeWorld(t)
  const app = new TestApp(reportsAndAnswers)
  await app.up()
  t.teardown(() => app.down())
  const bridge = await world.startBridge(app)
  const before = await world.postMany(Array.from({ length: 20 }, () => 'build.done'))
  await world.until('the first are completed', () => world.told('completed').length >= before.length)
  await app.down()
  const meanwhile = await world.postMany(Array.from({ length: 40 }, () => 'build.done'))
  await bridge.until('the gate closes', () => bridge.count('gate.closed') > 0)
  await app.up()
  await world.until('all is committed', async () => world.told('completed').length >= 60 && world.allCommitted())

  const delivered = app.deliveries.filter(({ workId }) => meanwhile.includes(workId))
  t.equal(new Set(delivered.map(({ workId }) => workId)).size, meanwhile.length, 'every event arrives')
  t.ok(
    delivered.every(({ attempt }) => attempt === 1),
    'and for each it is the first attempt',
  )
  t.equal(bridge.count('gate.opened'), bridge.count('gate.closed'))
  t.equal(bridge.count('partition.revoked'), 0, 'the group is kept')
})

void t.test(
  'an XZepr that is away for a while gets every report in the end, and nothing is committed before',
  async (t) => {
    const world = await makeWorld(t)
    const app = new TestApp(reportsAndAnswers)
    await app.up()
    t.teardown(() => app.down())
    const bridge = await world.startBridge(app)
    const before = await world.post('build.done')
    await world.until('the receiver is known', () => world.told('completed').includes(before))
    const ids = await world.postMany(Array.from({ length: 40 }, () => 'build.done'))
    await world.xzepr.down()
    // Some of them may have been told in time; what is owed holds its offset.
    await app.until(() => ids.every((id) => app.deliveries.some(({ workId }) => workId === id)))
    const untold = ids.filter((id) => !world.told('completed').includes(id))
    const committed = await world.kafka.committed(world.group, world.topic)
    const behind = app.deliveries.filter(({ workId, headers }) => {
      const offset = committed.get(Number(headers['kafka-partition']))?.offset ?? 0n
      return untold.includes(workId) && BigInt(headers['kafka-offset'] ?? '-1') < offset
    })
    t.strictSame(behind, [], 'no offset moved past a work that is owed a report')
    t.equal(
      (await fetch(`${bridge.opsUrl}/livez`)).status,
      200,
      'an outage of XZepr does not make the bridge look dead',
    )
    await world.xzepr.up()
    await world.until(
      'all is committed',
      async () => new Set(world.told('completed')).size >= 41 && world.allCommitted(),
    )
    const delivered = app.deliveries.map(({ workId }) => workId)
    t.equal(delivered.length, new Set(delivered).size, 'nothing was delivered twice')
  },
)
