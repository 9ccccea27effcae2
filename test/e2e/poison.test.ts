/**
 * Poison among good records: each kind ends as itself and costs its neighbours nothing.
 */
import t from 'tap'
import { reportsAndAnswers, TestApp } from '../support/app.ts'
import { makeWorld } from '../support/world.ts'

const POISON: Readonly<Record<string, string | Buffer>> = {
  'bytes that are no UTF-8': Buffer.from([0xff, 0xfe, 0x00, 0x80]),
  'text that is no JSON': 'hello',
  'JSON that is no object': '[1,2,3]',
  'an object without an id': JSON.stringify({ type: 'a', source: 'b', specversion: '1.0' }),
  'an id that XZepr cannot store': JSON.stringify({ id: 'a\u0000b', type: 'a', source: 'b', specversion: '1.0' }),
  'an id too long for a header': JSON.stringify({ id: 'x'.repeat(5000), type: 'a', source: 'b', specversion: '1.0' }),
  'another specversion': JSON.stringify({ id: 'x', type: 'a', source: 'b', specversion: '0.3' }),
  'half a message': '{"id":"x","type":',
}

void t.test('poison is passed over with its coordinates in the log, and its neighbours go their way', async (t) => {
  const world = await makeWorld(t, 1)
  const app = new TestApp(reportsAndAnswers)
  await app.up()
  t.teardown(() => app.down())
  const bridge = await world.startBridge(app)
  const ids: string[] = [await world.post('build.done')]
  const places: { kind: string; offset: bigint }[] = []
  for (const [kind, value] of Object.entries(POISON)) {
    const [place] = await world.kafka.produce(world.topic, [{ key: Buffer.from('poison'), value: Buffer.from(value) }])
    places.push({ kind, offset: place?.offset ?? -1n })
    ids.push(await world.post('build.done'))
  }
  await world.kafka.produce(world.topic, [{ key: Buffer.from('tombstone'), value: null }])
  ids.push(await world.post('build.done'))
  await world.until(
    'all is committed',
    async () => world.told('completed').length >= ids.length && world.allCommitted(),
  )

  const delivered = app.deliveries.map(({ workId }) => workId)
  t.ok(
    ids.every((id) => delivered.filter((each) => each === id).length === 1),
    'every neighbour came once',
  )
  for (const { kind, offset } of places) {
    const line = bridge.lines.find(({ event, offset: at }) => event === 'record.poison' && at === offset.toString())
    t.ok(line, `${kind} is logged by its offset`)
    t.equal(line?.topic, world.topic)
  }
  t.equal(bridge.count('record.poison'), places.length, 'nothing else is poison')
})
