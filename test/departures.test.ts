import fc from 'fast-check'
import t from 'tap'
import { BATCH_BYTES_MAX } from '../src/core/batching.ts'
import { NO_MEMBERS } from '../src/core/json.ts'
import { ACCEPTED, AWAY, Road } from './support/road.ts'

const BATCH = { maxEvents: 3, waitMs: 20 }
const COMPLETED = { kind: 'completed', success: true, details: NO_MEMBERS } as const

void t.test('a batch is full by its bytes too, and an event above the bound goes alone', async () => {
  const sizes = fc.array(fc.constantFrom(10, 400_000, 600_000, 1_200_000), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(sizes, async (sizes) => {
      const bounds = { maxInFlight: 64, maxRunning: 100, maxBufferedBytes: 1 << 30, maxReports: 100 }
      const road = new Road({ batch: { maxEvents: 4, waitMs: 20 }, bounds })
      road.assign()
      road.receive(sizes.map((bytes, n) => [n, `w${n}`, { key: `${'k'.repeat(bytes)}${n}` }] as const))
      await road.clock.advance(200)
      const bytesOf = (at: bigint): number => sizes[Number(at)] ?? 0
      const fits = road.out.every(
        ({ events }) =>
          events.length === 1 ||
          (events.length <= 4 && events.reduce((sum, { offset }) => sum + bytesOf(offset), 0) <= BATCH_BYTES_MAX),
      )
      // None waits that could have gone along, and they go in the order in which they came.
      const order = road.out.flatMap(({ events }) => events.map(({ offset }) => Number(offset)))
      return fits && order.join() === sizes.map((_, n) => n).join()
    }),
    { numRuns: 30 },
  )
})

void t.test('whoever comes after those who waited have left by another way waits for company anew', async (t) => {
  const road = new Road({ batch: BATCH })
  road.assign()
  road.receive(['a'])
  await road.clock.advance(15)
  road.desk.report('a', COMPLETED)
  road.receive([[1, 'b']])
  await road.clock.advance(10)
  t.strictSame(road.sent, [], 'the wait of the one that left is over, that of b is not')
  await road.clock.advance(10)
  t.strictSame(road.sent, ['b#1'])
})

void t.test('a batch that waits does not go once nothing new is taken, and leaves no wake behind', async (t) => {
  const road = new Road({ batch: BATCH })
  road.assign()
  road.receive(['a'])
  road.bridge.takeNothingNew()
  await road.clock.advance(1000)
  t.strictSame(road.sent, [])
  road.bridge.close()
  t.equal(road.clock.pending, 0)
})

void t.test('what was held back goes at once when it may, in the order in which it came, as one batch', async (t) => {
  const road = new Road({ batch: BATCH })
  road.assign()
  road.bridge.pausedWhy = 'by hand'
  road.receive(['a', 'b', 'c', 'd'])
  await road.clock.advance(1000)
  t.strictSame(road.sent, [])
  road.bridge.pausedWhy = undefined
  road.bridge.step()
  t.strictSame(road.sent, ['a#1', 'b#1', 'c#1'])
  await road.clock.advance(20)
  t.strictSame(road.sent.at(-1), 'd#1')
})

void t.test('a batch takes no more than the app may hold, and what is left goes when there is room', async (t) => {
  const road = new Road({
    batch: { maxEvents: 3, waitMs: 0 },
    bounds: { maxInFlight: 64, maxRunning: 4, maxBufferedBytes: 1 << 20, maxReports: 100 },
  })
  road.assign()
  road.receive(['a', 'b', 'c', 'd', 'e', 'f'])
  t.same(
    road.out.map(({ events }) => events.length),
    [3, 1],
  )
  await road.answer('a', ACCEPTED)
  t.equal(road.out.length, 1)
  road.desk.report('b', COMPLETED)
  t.same(
    road.out.map(({ events }) => events.length),
    [1, 1],
  )
})

void t.test('while the gate is closed nothing goes before its time, and the wake for it is one', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a', 'b', 'c'])
  for (const id of ['a', 'b', 'c']) await road.answer(id, AWAY)
  const pending = road.clock.pending
  for (let n = 0; n < 10; n++) road.bridge.step()
  t.equal(road.clock.pending, pending)
  t.strictSame(road.outIds, [])
})
