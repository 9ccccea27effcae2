/**
 * The road on a real Kafka: three partitions, a thousand events of mixed kinds.
 */
import t from 'tap'
import { reportsAndAnswers, TestApp } from '../support/app.ts'
import { makeWorld } from '../support/world.ts'

const KINDS = ['deployment.success', 'deployment.failure', 'build.started', 'build.done', 'test.passed']

void t.test('every event of a thousand reaches the app once, is reported in order, and is committed', async (t) => {
  const world = await makeWorld(t)
  const app = new TestApp(reportsAndAnswers)
  await app.up()
  t.teardown(() => app.down())
  const bridge = await world.startBridge(app)
  const names = Array.from({ length: 1000 }, (_, n) => KINDS[n % KINDS.length] ?? '')
  const ids = await world.postMany(names)
  await world.until(
    'all is committed',
    async () => world.told('completed').length >= 1000 && (await world.allCommitted()),
  )

  const byId = new Map(app.deliveries.map((delivered) => [delivered.workId, delivered]))
  t.strictSame([...byId.keys()].filter((id) => ids.includes(id)).length, 1000, 'none is lost')
  t.equal(app.deliveries.filter(({ workId }) => ids.includes(workId)).length, 1000, 'none comes twice')
  const records = await world.kafka.readAll(world.topic)
  const values = new Map(
    records.map((record) => [Buffer.from(record.key ?? []).toString(), Buffer.from(record.value ?? []).toString()]),
  )
  t.ok(
    ids.every((id) => byId.get(id)?.body === values.get(id)),
    'the body is the Kafka value, byte for byte',
  )
  t.strictSame(world.told('started').sort(), [...byId.keys()].sort())
  t.strictSame(world.told('completed').sort(), [...byId.keys()].sort())
  const order = world.xzepr.journal.events.map(
    ({ name, payload }) => `${name} ${(JSON.parse(payload) as { work_id?: string }).work_id ?? ''}`,
  )
  t.ok(
    ids.every(
      (id) => order.indexOf(`${world.service}.started ${id}`) < order.indexOf(`${world.service}.completed ${id}`),
    ),
    'started comes before completed',
  )
  t.notOk(
    app.deliveries.some(({ body }) => body.includes('work_id')),
    'its own lifecycle events come back and are not delivered',
  )
  const { how } = await bridge.terminate()
  t.equal(how, 'exit code 0')
})
