/**
 * Batches through a bridge of its own process: each event of an answer takes its own way, and a crash in between repeats
 * only what had not settled.
 */
import t from 'tap'
import type { AppAnswer, Delivered } from '../support/app.ts'
import { TestApp } from '../support/app.ts'
import { produceEvents } from '../support/events.ts'
import { killForGood, settledBy } from '../support/group.ts'
import { makeWorld } from '../support/world.ts'

const BATCH_MAX = 10
const EACH = 5
const WAYS = ['done', 'accepted', 'retry', 'failed'] as const
const ENV = {
  BRIDGE_WEBHOOK_FORMAT: 'batch',
  BRIDGE_BATCH_MAX: String(BATCH_MAX),
  BRIDGE_RETRY_INITIAL_MS: '1',
}

interface EventInBatch {
  readonly id: string
  readonly workattempt: string
  readonly kafkaoffset: string
}

const eventsOf = ({ body }: Delivered): EventInBatch[] => JSON.parse(body) as EventInBatch[]

/** By the event's id: what it says of itself, and `done` from its second attempt on. */
function answerOf(delivered: Delivered): AppAnswer | Promise<AppAnswer> {
  const events = eventsOf(delivered)
  if (events.some(({ id, workattempt }) => id.startsWith('hang') && Number(workattempt) === 1)) {
    return new Promise(() => undefined)
  }
  const results = events.map(({ id, workattempt }) => ({
    id,
    status: Number(workattempt) > 1 ? 'done' : (WAYS.find((way) => id.startsWith(way)) ?? 'done'),
    retry_after_seconds: 0,
  }))
  // What no result names takes this status: it would be tried again, and none is.
  return { status: 503, headers: { 'content-type': 'application/json' }, body: { results } }
}

void t.test(
  'each event of a batch ends as its result says, and kill -9 repeats those that had not settled',
  async (t) => {
    const world = await makeWorld(t, 1)
    const app = new TestApp(answerOf)
    await app.up()
    t.teardown(() => app.down())
    const first = await world.startBridge(app, ENV)
    await produceEvents(world.kafka, world.topic, EACH * WAYS.length, (n) => ({ id: `${WAYS[n % 4] ?? ''}-${n >> 2}` }))
    const sent = (): EventInBatch[] => app.deliveries.flatMap(eventsOf)
    const idsOf = (way: string): string[] => Array.from({ length: EACH }, (_, n) => `${way}-${n}`)
    await world.until('all but the accepted are settled', async () => {
      const settled = (await settledBy(world.kafka, world.group, world.topic)).of(0)
      const unsettled = sent().filter(({ kafkaoffset }) => !settled.has(BigInt(kafkaoffset)))
      return sent().length >= EACH * 5 && unsettled.every(({ id }) => id.startsWith('accepted'))
    })
    t.strictSame(
      sent()
        .map(({ id, workattempt }) => `${id} ${workattempt}`)
        .sort(),
      [...WAYS.flatMap((way) => idsOf(way).map((id) => `${id} 1`)), ...idsOf('retry').map((id) => `${id} 2`)].sort(),
    )
    t.strictSame(world.told('failed').sort(), idsOf('failed'))
    const sizes = app.deliveries.map((delivered) => eventsOf(delivered).length)
    t.ok(Math.max(...sizes) > 1 && Math.max(...sizes) <= BATCH_MAX, `deliveries of ${sizes.join(', ')} events`)
    t.ok(
      app.deliveries.every(
        ({ headers }) => headers['content-type'] === 'application/cloudevents-batch+json; charset=utf-8',
      ),
    )
    t.equal((await app.report('accepted-0', 'completed')).status, 202, 'an accepted one is reported by itself')
    await produceEvents(world.kafka, world.topic, EACH, (n) => ({ id: `hang-${n}` }))
    await world.until('a batch is out, and what was reported is settled', async () => {
      const settled = (await settledBy(world.kafka, world.group, world.topic)).of(0)
      const [reported, out] = ['accepted-0', 'hang-4'].map((id) =>
        BigInt(sent().find((one) => one.id === id)?.kafkaoffset ?? -1),
      )
      return settled.has(reported ?? -1n) && out !== -1n && settled.attemptsOf(out ?? -1n) === 1
    })
    await killForGood(world, first)
    const before = sent().length

    await world.startBridge(app, ENV)
    await world.until('all is committed', () => world.allCommitted())
    t.strictSame(
      sent()
        .slice(before)
        .map(({ id, workattempt }) => `${id} ${workattempt}`)
        .sort(),
      [...idsOf('accepted').slice(1), ...idsOf('hang')].map((id) => `${id} 2`).sort(),
    )
    t.strictSame(world.told('failed').sort(), idsOf('failed'), 'nothing is told twice')
    t.strictSame(world.told('completed'), ['accepted-0'])
  },
)
