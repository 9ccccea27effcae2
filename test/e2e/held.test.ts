/**
 * What had settled beyond a held work does not come again: the offset map on a real Kafka, over kill -9.
 */
import t from 'tap'
import type { Delivered } from '../support/app.ts'
import { TestApp } from '../support/app.ts'
import { produceEvents } from '../support/events.ts'
import { killForGood, settledBy } from '../support/group.ts'
import { kafkaForTests } from '../support/kafka.ts'
import { makeWorld } from '../support/world.ts'

const BEYOND = 10_000
const MANY = 4000
/** Without the runner's coverage, which costs more than the rest. */
const QUIET = { NODE_OPTIONS: '', BRIDGE_LOG_LEVEL: 'info' }

/** Other records stand in the topic too: of the bridge's receiver. */
const offsetOf = (delivered: Delivered | undefined): bigint => BigInt(delivered?.headers['kafka-offset'] ?? -1)

const kafka = await kafkaForTests(t)

void t.test(
  'after kill -9 with one work held and 10,000 settled beyond it, exactly one record comes again',
  async (t) => {
    const world = await makeWorld(t, 1, kafka)
    const app = new TestApp(({ workId, attempt }) => (workId === 'held' && attempt === 1 ? 202 : 200))
    await app.up()
    t.teardown(() => app.down())
    const first = await world.startBridge(app, QUIET)
    await produceEvents(kafka, world.topic, BEYOND + 1, (n) => ({ id: n === 0 ? 'held' : `event-${n}` }))
    await world.until('all but one are settled in Kafka', async () => {
      const { offset, beyond } = (await settledBy(kafka, world.group, world.topic)).of(0)
      return offset === offsetOf(app.deliveries[0]) && beyond >= BEYOND
    })
    const { metadata, attempts } = (await settledBy(kafka, world.group, world.topic)).of(0)
    t.comment(`the commit's metadata: ${metadata}`)
    t.equal(attempts[0]?.attempts, 1, 'its attempt is in Kafka too')
    await killForGood(world, first)
    t.equal(app.deliveries.length, BEYOND + 1)

    await world.startBridge(app, QUIET)
    await world.until('all is committed', () => world.allCommitted())
    const again = app.deliveries.slice(BEYOND + 1)
    t.strictSame(
      again.map(({ workId, attempt }) => ({ workId, attempt })),
      [{ workId: 'held', attempt: 2 }],
    )
  },
)

void t.test('killed while it is settling, only that comes again which Kafka did not know to be settled', async (t) => {
  const world = await makeWorld(t, 1, kafka)
  let release = (): void => undefined
  const held = new Promise<number>((resolve) => {
    release = () => {
      resolve(200)
    }
  })
  const app = new TestApp(({ workId, attempt }) => (workId === 'event-0' && attempt === 1 ? held : 200))
  await app.up()
  t.teardown(() => app.down())
  const first = await world.startBridge(app, QUIET)
  const producing = produceEvents(kafka, world.topic, MANY, (n) => ({ id: `event-${n}` }))
  await app.until(() => app.deliveries.length >= MANY / 2)
  await killForGood(world, first)
  release()
  await producing
  const before = app.deliveries.length
  const settled = await settledBy(kafka, world.group, world.topic)
  t.ok(before < MANY, 'the kill comes in the middle')

  await world.startBridge(app, QUIET)
  await world.until('all is committed', () => world.allCommitted())
  const later = app.deliveries.slice(before)
  t.same(
    later.filter(({ headers }) => settled.has(headers)),
    [],
    'nothing that was settled there',
  )
  t.equal(new Set(app.deliveries.map(({ workId }) => workId)).size, MANY, 'nothing is lost')
  t.equal(later.length, new Set(later.map(({ workId }) => workId)).size, 'each comes once')
  const seen = new Set(app.deliveries.slice(0, before).map(({ workId }) => workId))
  const again = later.filter(({ workId }) => seen.has(workId))
  t.comment(`delivered before the kill: ${before}; again: ${again.length}, of the last 0.2 s before the kill`)
  t.ok(
    again.some(({ workId }) => workId === 'event-0'),
    'the call that was out is among them',
  )
  const places = settled.of(0)
  t.same(
    again.filter((each) => each.attempt !== places.attemptsOf(offsetOf(each)) + 1),
    [],
    'its attempt counts on from what Kafka knew',
  )
})
