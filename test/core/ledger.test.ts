import fc from 'fast-check'
import t from 'tap'
import type { Entry } from '../../src/core/ledger.ts'
import { Ledger } from '../../src/core/ledger.ts'

const PARTITION = { topic: 'events', partition: 3 }
const COUNT = 7

function received(ledger: Ledger, offset: bigint): Entry {
  const entry = ledger.receive(offset)
  if (entry === undefined) throw new Error(`${offset} is refused`)
  return entry
}

function* orders(rest: readonly number[]): Generator<number[]> {
  if (rest.length === 0) yield []
  for (const first of rest) for (const tail of orders(rest.filter((each) => each !== first))) yield [first, ...tail]
}

void t.test('an offset is never committable before every earlier received one is settled', async (t) => {
  const all = [...orders(Array.from({ length: COUNT }, (_, at) => at))]
  let wrong = 0
  // Every pattern of gaps between seven offsets × every order in which they can settle.
  for (let gaps = 0; gaps < 1 << (COUNT - 1); gaps++) {
    const offsets: bigint[] = [10n]
    for (let at = 1; at < COUNT; at++) offsets.push((offsets[at - 1] ?? 0n) + (gaps & (1 << (at - 1)) ? 3n : 1n))
    const end = (offsets[COUNT - 1] ?? 0n) + 1n
    for (const order of all) {
      const ledger = new Ledger(PARTITION, 10n)
      const entries = offsets.map((offset) => received(ledger, offset))
      for (const at of order) {
        const entry = entries[at]
        if (entry === undefined || !ledger.settle(entry)) wrong += 1
        const first = entries.findIndex((entry) => !entry.settled)
        if (ledger.committable !== (first === -1 ? end : offsets[first])) wrong += 1
      }
    }
  }
  t.equal(all.length, 5040)
  t.equal(wrong, 0)
})

type Move =
  | { readonly kind: 'receive'; readonly ahead: number }
  | { readonly kind: 'settle'; readonly pick: number }
  | { readonly kind: 'reach'; readonly ahead: number; readonly behind: number }
  | { readonly kind: 'commit' }

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('receive' as const), ahead: fc.integer({ min: -2, max: 3 }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle' as const), pick: fc.nat(1000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('reach' as const),
      ahead: fc.integer({ min: -2, max: 3 }),
      behind: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'commit' as const }) },
)

void t.test('whatever is received, settled, reached and committed, the books agree with a naive count', async () => {
  fc.assert(
    fc.property(fc.option(fc.bigInt(0n, 5n), { nil: undefined }), fc.array(move, { maxLength: 80 }), (start, moves) => {
      const ledger = new Ledger(PARTITION, start)
      const taken: Entry[] = []
      const settled = new Set<bigint>()
      let next = start
      let committed = start
      let first: bigint | undefined
      let highWatermark = 0n
      for (const each of moves) {
        if (each.kind === 'receive') {
          const offset = (next ?? 7n) + BigInt(each.ahead)
          const entry = ledger.receive(offset)
          // What was received before is refused, a gap is not.
          if ((entry === undefined) !== (next !== undefined && offset < next)) return false
          if (entry === undefined) continue
          if (entry.offset !== offset) return false
          taken.push(entry)
          first ??= offset
          next = offset + 1n
        } else if (each.kind === 'settle') {
          const entry = taken[each.pick % taken.length]
          if (entry === undefined) continue
          if (ledger.settle(entry) === settled.has(entry.offset)) return false
          settled.add(entry.offset)
        } else if (each.kind === 'reach') {
          const to = (next ?? 7n) + BigInt(each.ahead)
          highWatermark = to + BigInt(each.behind)
          ledger.reach(to, highWatermark)
          if (next === undefined || to > next) next = to
        } else {
          const due = ledger.uncommitted
          if (due === undefined) continue
          ledger.commit(due)
          committed = due
          if (ledger.uncommitted !== undefined) return false
        }
        const open = taken.filter((entry) => !settled.has(entry.offset))
        const committable = open[0]?.offset ?? next
        const ahead = taken.filter((entry) => settled.has(entry.offset) && entry.offset > (committable ?? 0n))
        const lag = committable === undefined ? 0n : highWatermark - committable
        if (
          ledger.next !== next ||
          ledger.pending !== open.length ||
          ledger.committable !== committable ||
          ledger.committed !== committed ||
          ledger.uncommitted !== (committable === (committed ?? first) ? undefined : committable) ||
          ledger.settledAhead !== ahead.length ||
          ledger.highWatermark !== highWatermark ||
          ledger.lag !== (lag > 0n ? lag : 0n)
        ) {
          return false
        }
      }
      return true
    }),
    { numRuns: 500 },
  )
})

void t.test('an entry settled twice counts once', async (t) => {
  const ledger = new Ledger(PARTITION, undefined)
  const [a, b] = [received(ledger, 5n), received(ledger, 6n)]
  t.same([ledger.settle(b), ledger.settle(b), ledger.pending, ledger.committable], [true, false, 1, 5n])
  t.same([ledger.settle(a), ledger.settle(a), ledger.pending, ledger.committable], [true, false, 0, 7n])
})

void t.test('an offset that was received before is refused, and one below what the group has', async (t) => {
  const ledger = new Ledger(PARTITION, 5n)
  t.equal(ledger.receive(4n), undefined)
  t.match(ledger.receive(5n), { offset: 5n, settled: false })
  t.equal(ledger.receive(5n), undefined)
  t.match(ledger.receive(9n), { offset: 9n })
  t.equal(ledger.receive(8n), undefined, 'nor does one come later into a gap')
})

void t.test('markers and compacted records count as settled, once all received before them are', async (t) => {
  const ledger = new Ledger(PARTITION, 0n)
  const entry = received(ledger, 0n)
  ledger.reach(5n, 9n)
  t.same([ledger.committable, ledger.next, ledger.lag], [0n, 5n, 9n])
  t.equal(ledger.settle(entry), true)
  t.same([ledger.committable, ledger.uncommitted, ledger.lag], [5n, 5n, 4n])
  ledger.reach(3n, 9n)
  t.equal(ledger.next, 5n, 'it never goes back')
})

void t.test('with nothing received and nothing committed there is nothing to commit', async (t) => {
  const ledger = new Ledger(PARTITION, undefined)
  t.same([ledger.committable, ledger.uncommitted, ledger.lag, ledger.pending], [undefined, undefined, 0n, 0])
  t.equal(ledger.topic, 'events')
  t.equal(ledger.partition, 3)
})

void t.test('a group without an offset gets one when something has settled, not before', async (t) => {
  const ledger = new Ledger(PARTITION, undefined)
  const [first, second] = [received(ledger, 5n), received(ledger, 8n)]
  t.equal(ledger.uncommitted, undefined)
  ledger.settle(second)
  t.equal(ledger.uncommitted, undefined)
  ledger.settle(first)
  t.equal(ledger.uncommitted, 9n)
})

void t.test('once the partition is revoked nothing is received, settled or committed there', async (t) => {
  const ledger = new Ledger(PARTITION, 0n)
  const [first, second] = [received(ledger, 0n), received(ledger, 1n)]
  ledger.settle(first)
  t.equal(ledger.uncommitted, 1n)
  ledger.close()
  t.equal(ledger.open, false)
  t.equal(ledger.settle(second), false, 'what settles late settles an orphan')
  t.equal(second.settled, false)
  t.equal(ledger.receive(2n), undefined)
  ledger.reach(9n, 9n)
  t.same([ledger.uncommitted, ledger.pending, ledger.settledAhead, ledger.next], [undefined, 0, 0, 2n])
})

void t.test('a ledger that has settled thousands keeps counting: what it dropped changes nothing', async (t) => {
  const ledger = new Ledger(PARTITION, 0n)
  const entries: Entry[] = []
  for (let offset = 0n; offset < 5000n; offset++) entries.push(received(ledger, offset))
  const held = entries.splice(4000, 1)
  for (const entry of entries) ledger.settle(entry)
  t.same([ledger.committable, ledger.pending, ledger.settledAhead], [4000n, 1, 999])
  for (const entry of held) ledger.settle(entry)
  t.same([ledger.committable, ledger.pending, ledger.settledAhead], [5000n, 0, 0])
})
