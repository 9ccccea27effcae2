/**
 * Attempts on a real Kafka: they are counted on over kill -9 and over a change of owner, and spent once.
 */
import t from 'tap'
import type { Behaviour } from '../support/app.ts'
import { TestApp } from '../support/app.ts'
import { produceEvents } from '../support/events.ts'
import { killForGood, settledBy } from '../support/group.ts'
import { kafkaForTests } from '../support/kafka.ts'
import { makeWorld } from '../support/world.ts'

const PARTITIONS = 4
/** Retries come at once, but where the app asks for more. */
const EAGER = { BRIDGE_EVENT_TYPES: 'build.done', BRIDGE_RETRY_INITIAL_MS: '1', BRIDGE_RETRY_MAX_MS: '3600000' }
const FOR_LONG = { status: 503, headers: { 'retry-after': '3600' } }

const kafka = await kafkaForTests(t)

interface Test {
  teardown(fn: () => unknown): unknown
}

async function appThat(t: Test, behave: Behaviour): Promise<TestApp> {
  const app = new TestApp(behave)
  await app.up()
  t.teardown(() => app.down())
  return app
}

void t.test(
  'what was answered 503 comes with its count, at another bridge, after SIGTERM and after kill -9',
  async (t) => {
    const world = await makeWorld(t, PARTITIONS, kafka)
    // The third answer sends each of them to rest for longer than the test takes.
    const first = await appThat(t, ({ attempt }) => (attempt < 3 ? 503 : FOR_LONG))
    const second = await appThat(t, () => FOR_LONG)
    const third = await appThat(t, () => 200)
    const bridge = await world.startBridge(first, EAGER)
    await produceEvents(kafka, world.topic, PARTITIONS, (partition) => ({ id: `event-${partition}`, partition }))
    const counted = async (attempts: (partition: number) => number): Promise<boolean> => {
      const settled = await settledBy(kafka, world.group, world.topic)
      return Array.from({ length: PARTITIONS }, (_, at) => at).every(
        (partition) => settled.of(partition).attemptsOf(settled.of(partition).offset) === attempts(partition),
      )
    }
    await world.until('three attempts of each are in Kafka', () => counted(() => 3))

    const other = await world.startBridge(second, EAGER)
    await second.until(() => second.deliveries.length === PARTITIONS / 2)
    const moved = new Set(second.deliveries.map(({ workId }) => workId))
    t.ok(
      second.deliveries.every(({ attempt }) => attempt === 4),
      'what moved comes with the fourth attempt',
    )
    t.equal(first.deliveries.length, 3 * PARTITIONS, 'what stayed rests on')
    t.equal((await bridge.terminate()).how, 'exit code 0')
    await second.until(() => second.deliveries.length === PARTITIONS)
    t.ok(
      second.deliveries.every(({ attempt }) => attempt === 4),
      'and so does the rest when its bridge leaves',
    )
    t.equal(new Set(second.deliveries.map(({ workId }) => workId)).size, PARTITIONS)
    await world.until('four attempts of each are in Kafka', () => counted(() => 4))

    await killForGood(world, other)
    await world.startBridge(third, EAGER)
    await world.until('all is committed', () => world.allCommitted())
    t.strictSame(
      third.deliveries.map(({ attempt, headers }) => [attempt, headers['work-attempts-max']]),
      Array.from({ length: PARTITIONS }, () => [5, '10']),
      'after kill -9 each comes with the fifth',
    )
    t.equal(moved.size, PARTITIONS / 2)
  },
)

void t.test('a record whose attempts are spent fails, and is told once', async (t) => {
  const world = await makeWorld(t, 1, kafka)
  const app = await appThat(t, () => 503)
  await world.startBridge(app, { ...EAGER, BRIDGE_MAX_ATTEMPTS: '3' })
  const id = await world.post('build.done')
  await world.until('all is committed', async () => world.told('failed').length > 0 && world.allCommitted())
  t.strictSame(
    app.deliveries.map(({ attempt }) => attempt),
    [1, 2, 3],
  )
  t.strictSame(world.told('failed'), [id])
})

void t.test(
  'killed during its last attempt it is not sent again: it fails when its lease is out, and is told once',
  async (t) => {
    const world = await makeWorld(t, 1, kafka)
    const app = await appThat(t, ({ attempt }) => (attempt < 2 ? 503 : new Promise<number>(() => undefined)))
    const env = { ...EAGER, BRIDGE_MAX_ATTEMPTS: '2', BRIDGE_LEASE_SECONDS: '2' }
    const first = await world.startBridge(app, env)
    const id = await world.post('build.done')
    await world.until('both attempts are in Kafka', async () => {
      const { offset, ...rest } = (await settledBy(kafka, world.group, world.topic)).of(0)
      return rest.attempts.some(({ from, attempts }) => from >= offset && attempts === 2)
    })
    await killForGood(world, first)
    const second = await world.startBridge(app, env)
    await world.until('all is committed', async () => world.told('failed').length > 0 && world.allCommitted())
    t.strictSame(
      app.deliveries.map(({ attempt }) => attempt),
      [1, 2],
      'the second bridge sends nothing',
    )
    t.equal(second.count('work.lease-out'), 1)
    t.strictSame(world.told('failed'), [id])
    const told = world.xzepr.journal.events.find(({ name }) => name === `${world.service}.failed`)
    const { details } = JSON.parse(told?.payload ?? '{}') as { details?: Record<string, unknown> }
    t.match(details, { error_code: 'lease_expired', error: /^2 attempts are spent/ })
  },
)
