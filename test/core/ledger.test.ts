import fc from 'fast-check'
import t from 'tap'
import type { Due } from '../../src/core/ledger.ts'
import type { Entry } from '../../src/core/unsettled.ts'
import { Ledger } from '../../src/core/ledger.ts'
import { decodeOffsetMap } from '../../src/core/offset-map.ts'

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
          ledger.see(highWatermark)
          ledger.reach(to)
          if (next === undefined || to > next) next = to
        } else {
          const due = ledger.uncommitted
          if (due === undefined) continue
          ledger.commit(due)
          committed = due.offset
          if (ledger.uncommitted !== undefined) return false
        }
        const open = taken.filter((entry) => !settled.has(entry.offset))
        const committable = open[0]?.offset ?? next
        const lag = committable === undefined ? 0n : highWatermark - committable
        if (
          ledger.next !== next ||
          ledger.pending !== open.length ||
          ledger.committable !== committable ||
          ledger.committed !== committed ||
          (committable !== (committed ?? first) && ledger.uncommitted?.offset !== committable) ||
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
  ledger.see(9n)
  ledger.reach(5n)
  t.same([ledger.committable, ledger.next, ledger.lag], [0n, 5n, 9n])
  t.equal(ledger.settle(entry), true)
  t.same([ledger.committable, ledger.uncommitted?.offset, ledger.lag], [5n, 5n, 4n])
  ledger.reach(3n)
  t.equal(ledger.next, 5n, 'it never goes back')
})

void t.test('with nothing received and nothing committed there is nothing to commit', async (t) => {
  const ledger = new Ledger(PARTITION, undefined)
  t.same([ledger.committable, ledger.uncommitted, ledger.lag, ledger.pending], [undefined, undefined, 0n, 0])
  t.equal(ledger.topic, 'events')
  t.equal(ledger.partition, 3)
})

void t.test('a group without an offset gets one when something has changed, not before', async (t) => {
  const ledger = new Ledger(PARTITION, undefined)
  const [first, second] = [received(ledger, 5n), received(ledger, 8n)]
  t.equal(ledger.uncommitted, undefined)
  ledger.settle(second)
  t.match(ledger.uncommitted, { offset: 5n, complete: true }, 'the map tells of what settled behind')
  ledger.settle(first)
  t.match(ledger.uncommitted, { offset: 9n, metadata: '' })
})

void t.test('what changes while a commit is on its way is due with the next', async (t) => {
  const ledger = new Ledger(PARTITION, 0n)
  const [first, second] = [received(ledger, 0n), received(ledger, 1n)]
  ledger.attempt(first)
  const due = ledger.uncommitted
  ledger.attempt(second)
  if (due === undefined) throw new Error('nothing is due')
  ledger.commit(due)
  t.match(ledger.uncommitted, { offset: 0n })
  t.not(ledger.uncommitted?.metadata, due.metadata)
})

void t.test('once the partition is revoked nothing is received, settled or committed there', async (t) => {
  const ledger = new Ledger(PARTITION, 0n)
  const [first, second] = [received(ledger, 0n), received(ledger, 1n)]
  ledger.settle(first)
  t.equal(ledger.uncommitted?.offset, 1n)
  ledger.close()
  t.equal(ledger.open, false)
  t.equal(ledger.settle(second), false, 'what settles late settles an orphan')
  t.equal(second.settled, false)
  t.equal(ledger.receive(2n), undefined)
  ledger.reach(9n)
  t.same([ledger.uncommitted, ledger.pending, ledger.next], [undefined, 0, 2n])
})

/** What another reader knows from a commit. */
function successor({ offset, metadata }: Due): Ledger {
  const reading = decodeOffsetMap(offset, metadata)
  if (reading.kind === 'foreign') throw new Error(reading.why)
  return new Ledger(PARTITION, offset, reading.kind === 'map' ? reading.map : undefined)
}

type Life =
  | { readonly kind: 'receive'; readonly gap: number; readonly passedOver: boolean }
  | { readonly kind: 'attempt' | 'settle' | 'take back'; readonly pick: number }
  | { readonly kind: 'commit' | 'crash' }

const life: fc.Arbitrary<Life> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('receive' as const),
      gap: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(4)),
      passedOver: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('attempt' as const, 'settle' as const, 'settle' as const, 'take back' as const),
      pick: fc.nat(1000),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'commit' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
)

interface Truth {
  attempts: number
  settled: boolean
}

void t.test(
  'after any number of crashes exactly what was unsettled at the last commit comes again, with its attempts',
  async () => {
    fc.assert(
      fc.property(fc.array(life, { maxLength: 150 }), (lives) => {
        let ledger = new Ledger(PARTITION, 3n)
        let due: Due = { offset: 3n, metadata: '', complete: true, changes: 0 }
        /** The log as it was written, and which of it the filter refuses. */
        const log: { offset: bigint; passedOver: boolean }[] = []
        let read = 0
        let open = new Map<bigint, Entry>()
        const truth = new Map<bigint, Truth>()
        /** The truth as of the last commit. */
        let kept = new Map<bigint, Truth>()
        const read1 = (): void => {
          const record = log[read]
          if (record === undefined) return
          read += 1
          const { offset, passedOver } = record
          const entry = ledger.receive(offset)
          const known = truth.get(offset)
          if (entry === undefined) {
            if (known?.settled !== true && !passedOver) throw new Error(`${offset} is lost`)
            return
          }
          if (known?.settled === true) throw new Error(`${offset} comes again, although it had settled`)
          if (passedOver) {
            ledger.settle(entry, true)
            return
          }
          if (entry.attempts !== (known?.attempts ?? 0)) throw new Error(`${offset}: ${entry.attempts} attempts`)
          truth.set(offset, known ?? { attempts: 0, settled: false })
          open.set(offset, entry)
        }
        for (const each of lives) {
          const picked = 'pick' in each ? [...open.values()][each.pick % open.size] : undefined
          const true1 = picked && truth.get(picked.offset)
          if (each.kind === 'receive') {
            const last = log.at(-1)?.offset ?? 2n
            log.push({ offset: last + 1n + BigInt(each.gap), passedOver: each.passedOver })
            read1()
          } else if (each.kind === 'commit') {
            const now = ledger.uncommitted
            // Nothing is new: what another life committed is not this one's to commit.
            if (now === undefined) continue
            due = now
            if (!due.complete) throw new Error('a small map is complete')
            ledger.commit(due)
            if (ledger.uncommitted !== undefined) throw new Error('what is committed is due no more')
            kept = new Map([...truth].map(([offset, one]) => [offset, { ...one }]))
          } else if (each.kind === 'crash') {
            ledger.close()
            ledger = successor(due)
            truth.clear()
            for (const [offset, one] of kept) truth.set(offset, { ...one })
            open = new Map()
            read = log.findIndex(({ offset }) => offset >= due.offset)
            if (read === -1) read = log.length
            const upTo = log.length
            while (read < upTo) read1()
          } else if (picked !== undefined && true1 !== undefined) {
            if (each.kind === 'attempt') {
              ledger.attempt(picked)
              true1.attempts += 1
            } else if (each.kind === 'take back') {
              if (true1.attempts === 0) continue
              ledger.takeBack(picked)
              true1.attempts -= 1
            } else {
              if (!ledger.settle(picked)) throw new Error('it settles once')
              true1.settled = true
              open.delete(picked.offset)
            }
          }
          const unsettled = [...open.keys()]
          if (ledger.pending !== unsettled.length) throw new Error(`${ledger.pending} pending`)
          if (unsettled[0] !== undefined && ledger.committable !== unsettled[0]) throw new Error('committable')
        }
      }),
      { numRuns: 400 },
    )
  },
)

void t.test('what the filter refused between unsettled records makes the map no longer', async (t) => {
  const ledger = new Ledger(PARTITION, 0n)
  const first = received(ledger, 0n)
  ledger.attempt(first)
  for (let offset = 1n; offset < 1000n; offset++) {
    const entry = received(ledger, offset)
    if (offset % 2n === 0n) ledger.settle(entry, true)
  }
  const short = ledger.uncommitted?.metadata.length ?? 0
  t.ok(short > 0 && short < 24, `${short} characters`)
})

void t.test('a map of another log is dropped: what it settled beyond the end was settled elsewhere', async (t) => {
  const before = new Ledger(PARTITION, 0n)
  const entries = Array.from({ length: 10 }, (_, at) => received(before, BigInt(at)))
  for (const entry of entries.slice(5)) before.settle(entry)
  const due = before.uncommitted
  if (due === undefined) throw new Error('nothing is due')
  const intact = successor(due)
  intact.see(10n)
  t.same([intact.receive(0n)?.offset, intact.receive(7n)], [0n, undefined])
  const cut = successor(due)
  cut.see(8n)
  t.same([cut.receive(0n)?.offset, cut.receive(7n)?.offset], [0n, 7n])
})

void t.test('fresh records wait when the map might not fit, and go on when it does', async (t) => {
  const ledger = new Ledger(PARTITION, 0n)
  const held: Entry[] = []
  let offset = 0n
  // Every third record is held for long, all others settle: holes enough to fill any map.
  while (ledger.hasRoom && offset < 1_000_000n) {
    const entry = received(ledger, offset)
    ledger.attempt(entry)
    if (offset % 3n === 0n) held.push(entry)
    else ledger.settle(entry)
    offset += 1n
  }
  t.ok(offset > 8000n && offset < 30_000n, `${offset} records`)
  const due = ledger.uncommitted
  t.match(due, { offset: 0n, complete: true }, 'before the map would not fit')
  t.ok((due?.metadata.length ?? 9999) <= 4096)
  const later = received(ledger, offset)
  for (const entry of held.splice(0, held.length / 2)) ledger.settle(entry)
  t.equal(ledger.hasRoom, true)
  t.equal(ledger.settle(later), true)
})

/** Is there room, measured anew where there seems to be none? What is due is measured when it is asked for. */
function roomIn(ledger: Ledger): boolean {
  const { hasRoom } = ledger
  return hasRoom || (ledger.uncommitted !== undefined && ledger.hasRoom)
}

void t.test(
  'a map that was full is full for its next reader: what lies within goes, what is fresh waits',
  async (t) => {
    const before = new Ledger(PARTITION, 0n)
    let end = 0n
    // Every third record did not reach the app: to the next reader it looks as if it had never been sent.
    for (; roomIn(before); end += 1n) {
      const entry = received(before, end)
      before.attempt(entry)
      if (end % 3n === 0n) before.takeBack(entry)
      else before.settle(entry)
    }
    const due = before.uncommitted
    if (due === undefined) throw new Error('nothing is due')
    const next = successor(due)
    next.see(end + 10n)
    const again: Entry[] = []
    for (let offset = 0n; offset < end; offset += 1n) {
      const entry = next.receive(offset)
      if (entry !== undefined) again.push(entry)
    }
    t.ok(again.length > 5000 && again.slice(0, -1).every(({ offset }) => offset < next.touchedTo), `${again.length} go`)
    let fresh = 0
    for (; next.hasRoom; fresh++) next.attempt(received(next, next.next ?? 0n))
    t.ok(fresh < 64, `${fresh} that are beyond all that the map tells of`)
    for (const entry of again.slice(0, 1000)) {
      next.attempt(entry)
      next.settle(entry)
    }
    t.equal(next.hasRoom, true, 'and more go when some of that has settled')
    const other = successor(due)
    other.see(5n)
    t.same([other.hasRoom, other.touchedTo], [true, 0n], 'a map of another log takes no room')
  },
)

void t.test('ten thousand works held in one stretch leave room for all that comes behind them', async (t) => {
  const ledger = new Ledger(PARTITION, 0n)
  for (let offset = 0n; offset < 10_000n; offset++) ledger.attempt(received(ledger, offset))
  for (let offset = 10_000n; offset < 300_000n; offset++) {
    const entry = received(ledger, offset)
    ledger.attempt(entry)
    if (!ledger.hasRoom) throw new Error(`no room at ${offset}`)
    ledger.settle(entry)
  }
  t.equal(ledger.pending, 10_000)
  const due = ledger.uncommitted
  t.ok((due?.metadata.length ?? 9999) < 64)
})
