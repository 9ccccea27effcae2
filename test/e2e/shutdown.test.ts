/**
 * SIGTERM under load: works in hand finish, what is settled is committed, and the next bridge repeats none of it.
 */
import t from 'tap'
import { reportsAndAnswers, TestApp } from '../support/app.ts'
import { makeWorld } from '../support/world.ts'

const EVENTS = 300

void t.test('SIGTERM under load exits 0, loses nothing, and nothing that was settled comes again', async (t) => {
  const world = await makeWorld(t)
  const app = new TestApp(reportsAndAnswers)
  await app.up()
  t.teardown(() => app.down())
  const first = await world.startBridge(app)
  const posting = world.postMany(Array.from({ length: EVENTS }, () => 'build.done'))
  await app.until(() => app.deliveries.length >= EVENTS / 3)
  const { how } = await first.terminate()
  t.equal(how, 'exit code 0')
  const before = app.deliveries.map(({ workId }) => workId)
  const settled = new Set(
    first.lines
      .filter(({ event, ending }) => event === 'record.settled' && ending === 'completed')
      .map(({ topic, partition, offset }) => `${String(topic)}/${String(partition)}/${String(offset)}`),
  )
  const ids = await posting

  await world.startBridge(app)
  await world.until('the second bridge has committed all', async () => {
    return ids.every((id) => app.deliveries.some(({ workId }) => workId === id)) && world.allCommitted()
  })
  const again = app.deliveries
    .slice(before.length)
    .filter(({ headers }) => settled.has(headers['idempotency-key']?.slice(world.group.length + 1) ?? ''))
  t.ok(settled.size > 0, `${settled.size} works were settled before the end`)
  t.strictSame(
    again.map(({ workId }) => workId),
    [],
    'nothing settled comes again',
  )
  t.equal(new Set(world.told('completed')).size, new Set(app.deliveries.map(({ workId }) => workId)).size)
})

void t.test(
  'a work that the app has accepted may still report during the drain, and a second signal hurries',
  async (t) => {
    const world = await makeWorld(t, 1)
    const app = new TestApp(({ body }) => (body.includes('"type":"build.done"') ? 202 : 200))
    await app.up()
    t.teardown(() => app.down())
    const bridge = await world.startBridge(app)
    const reported = await world.post('build.done')
    const left = await world.post('build.done')
    await bridge.until(
      'both are with the app',
      () => bridge.lines.filter(({ answer }) => answer === 'accepted').length === 2,
    )
    const exited = bridge.terminate()
    await bridge.until('it drains', () => bridge.count('bridge.draining') > 0)
    const { status, json } = await app.report(reported, 'completed', { details: { build: 12 } })
    t.equal(status, 202)
    t.equal(json.state, 'completed')
    await world.until('XZepr has it', () => world.told('completed').includes(reported))
    process.kill(bridge.pid ?? 0, 'SIGTERM')
    t.equal((await exited).how, 'exit code 0')
    const named = bridge.lines.filter(({ event }) => event === 'work.left-unsettled').map(({ workId }) => workId)
    t.strictSame(named, [left], 'what is left is named')
    t.notOk(world.told('completed').includes(left))
  },
)
