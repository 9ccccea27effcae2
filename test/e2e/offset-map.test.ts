/**
 * The metadata of commits on a real Kafka: it never outgrows what a broker takes, and metadata of others is let alone.
 */
import t from 'tap'
import { encodeOffsetMap, METADATA_MAX_CHARS } from '../../src/core/offset-map.ts'
import { TestApp } from '../support/app.ts'
import { produceEvents } from '../support/events.ts'
import type { Committed } from '../support/group.ts'
import { commitBeforehand, killForGood, settledBy } from '../support/group.ts'
import { kafkaForTests } from '../support/kafka.ts'
import { makeWorld } from '../support/world.ts'

const EVENTS = 30_000
/** Records wait for the sake of the map alone: for everything else there is room. The runner's coverage would cost more than the rest. */
const ENV = {
  NODE_OPTIONS: '',
  BRIDGE_EVENT_TYPES: 'build.done',
  BRIDGE_LOG_LEVEL: 'info',
  BRIDGE_MAX_BUFFERED_BYTES: '268435456',
  BRIDGE_MAX_ATTEMPTS: '0',
  BRIDGE_RETRY_INITIAL_MS: '50',
  BRIDGE_RETRY_MAX_MS: '100',
}

const kafka = await kafkaForTests(t)

void t.test('with every third work held the map fills up: fresh records wait, and what was sent goes on', async (t) => {
  const world = await makeWorld(t, 1, kafka)
  let holding = true
  let retries = 0
  const app = new TestApp(({ workId, attempt }) => {
    if (workId === 'event-0') retries = attempt
    if (workId === 'event-0' && holding) return 503
    return holding && Number(workId.slice('event-'.length)) % 3 === 0 ? 202 : 200
  })
  await app.up()
  t.teardown(() => app.down())
  const first = await world.startBridge(app, ENV)
  await produceEvents(kafka, world.topic, EVENTS, (n) => ({ id: `event-${n}` }))
  const distinct = new Set<string>()
  let counted = 0
  const sent = (): number => {
    for (; counted < app.deliveries.length; counted++) distinct.add(app.deliveries[counted]?.workId ?? '')
    return distinct.size
  }
  const atKafka = async (): Promise<Committed> => (await settledBy(kafka, world.group, world.topic)).of(0)
  // Each retry brings a commit, and each commit a look whether there is room: what stays still over some has none.
  let [before, fullAt] = [0, 1]
  let metadata = ''
  while (metadata.length < METADATA_MAX_CHARS * 0.8 || before < fullAt) {
    before = sent()
    const seen = retries
    await app.until(() => retries >= seen + 4)
    fullAt = sent()
    metadata = (await atKafka()).metadata
  }
  // As few as can be: neither form of the map has less than a bit for each of these offsets.
  t.ok(fullAt <= 6 * METADATA_MAX_CHARS, `${fullAt} of ${EVENTS} were sent`)
  t.ok(metadata.length <= METADATA_MAX_CHARS, `with metadata of ${metadata.length} characters`)
  const { waiting = 0 } = (await first.status()).works
  // How many of the rest are in the bridge already is the reader's choice: it reads no further than its stock needs.
  t.ok(waiting > 0, `${waiting} wait, while a retry goes on`)

  holding = false
  for (let n = 3; n < 3000; n += 3) await app.report(`event-${n}`, 'failed', { retry: true, retry_after_seconds: 0 })
  await app.until(() => sent() > fullAt + 500)
  t.pass('once works end fresh records go on')
  await killForGood(world, first)
  t.equal(first.count('offset-map.cut'), 0, 'nothing was ever left out of a map')
  t.equal(first.count('commit.refused'), 0, 'and Kafka took each')
  const settled = await settledBy(kafka, world.group, world.topic)
  t.ok(settled.of(0).metadata.length <= METADATA_MAX_CHARS)
  const atKill = app.deliveries.length
  await world.startBridge(app, ENV)
  await world.until('all is committed', () => world.allCommitted())
  t.equal(sent(), EVENTS, 'everything was sent')
  const again = app.deliveries.slice(atKill).filter(({ headers }) => settled.has(headers))
  t.same(again, [], 'and of a full map too nothing settled comes again')
})

void t.test('metadata that is not ours is ignored, said in the log, and costs nothing else', async (t) => {
  const world = await makeWorld(t, 3, kafka)
  await produceEvents(kafka, world.topic, 30, (n) => ({ id: `event-${n}`, partition: n % 3 }))
  const elsewhere = encodeOffsetMap(7n, { settled: [{ from: 8n, to: 10n }], attempts: [] }).text
  const own = encodeOffsetMap(4n, {
    settled: [{ from: 5n, to: 9n }],
    attempts: [
      { from: 4n, attempts: 2 },
      { from: 9n, attempts: 0 },
    ],
  }).text
  await commitBeforehand(kafka, world.group, world.topic, [
    { partition: 0, offset: '3', metadata: 'host-7 {"checkpoint":12}' },
    { partition: 1, offset: '3', metadata: elsewhere },
    { partition: 2, offset: '4', metadata: own },
  ])
  const app = new TestApp()
  await app.up()
  t.teardown(() => app.down())
  const bridge = await world.startBridge(app, ENV)
  await world.until('all is committed', () => world.allCommitted())
  const ignored = bridge.lines.filter(({ event }) => event === 'offset-map.ignored')
  t.strictSame(ignored.map(({ partition, offset, why }) => [partition, offset, why]).sort(), [
    [0, '3', 'it is no offset map of an xzepr-bridge'],
    [1, '3', 'it was written for the offset 7'],
  ])
  const places = app.deliveries.map(({ headers, attempt }) => {
    return `${headers['kafka-partition'] ?? ''}/${headers['kafka-offset'] ?? ''} ${attempt}`
  })
  const from3 = [3, 4, 5, 6, 7, 8, 9]
  t.strictSame(
    places.sort(),
    [...from3.map((at) => `0/${at} 1`), ...from3.map((at) => `1/${at} 1`), '2/4 3', '2/9 1'].sort(),
    'each from its committed offset on, the readable one by its map',
  )
})
