import fc from 'fast-check'
import t from 'tap'
import type { Ledger } from '../../src/core/ledger.ts'
import { Line, orderLane } from '../../src/core/line.ts'
import type { Work } from '../../src/core/work.ts'
import { ledgerOf, workOf } from '../support/books.ts'

/** A work and where it still stands, as a naive reader of the laws would write it down. */
interface Stand {
  readonly work: Work
  inHand: boolean
  inOrderLane: boolean
  /** It goes: the app has it, it rests, or its call is still out although it has ended. */
  going: boolean
  /** When it became free to go; undefined while it is not. */
  freeSince: number | undefined
  /** Was it among those that were sent before, when it became free? */
  again: boolean
}

/** The turns of one partition. */
interface Turn {
  /** Since when its turn comes; undefined while none of its works is free. */
  since: number | undefined
  /** Whether the last that left its line was one of those sent before. */
  lastAgain: boolean
}

const sameId = (a: Stand, b: Stand): boolean => a.work.event.id === b.work.event.id
const sameLane = (a: Stand, b: Stand): boolean =>
  a.inOrderLane && b.inOrderLane && a.work.orderLane !== undefined && a.work.orderLane === b.work.orderLane

/** Is nobody before it in any lane? */
function isFirst(all: readonly Stand[], stand: Stand): boolean {
  const before = all.slice(0, all.indexOf(stand)).filter(({ inHand }) => inHand)
  return !before.some((other) => sameId(other, stand) || sameLane(other, stand))
}

type Move =
  | { readonly kind: 'join'; readonly id: string; readonly lane: string | undefined; readonly partition: number }
  | { readonly kind: 'go' }
  | { readonly kind: 'step'; readonly pick: number; readonly to: number }
  | { readonly kind: 'drop'; readonly partition: number }

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      id: fc.constantFrom('x', 'y', 'z', 'u', 'v'),
      lane: fc.constantFrom('key a', 'key b', undefined),
      partition: fc.nat(1),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'go' as const }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('step' as const), pick: fc.nat(100), to: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), partition: fc.nat(1) }) },
)

/** A step of one work, as the road would take it from where the work is. */
function step(line: Line, stand: Stand, to: number): void {
  const { work } = stand
  const { name } = work.state
  const ended = name === 'completed' || name === 'failed'
  if (ended && stand.inOrderLane && to % 2 === 0) {
    stand.inOrderLane = false
    stand.going = false
    line.letPass(work)
  } else if (ended) {
    stand.inHand = false
    line.leave(work)
  } else if (name === 'waiting') {
    // Only a report ends a work that waits: in the line or not.
    if (to !== 0) return
    work.state = { name: 'completed' }
    line.step(work)
  } else if (to === 0) {
    work.state = { name: 'completed' }
    line.step(work)
  } else if (to === 1) {
    work.state = { name: 'resting', untilMs: 0 }
    line.step(work)
  } else if (to === 2) work.state = { name: 'running', leaseEndsAtMs: 0 }
  else {
    work.state = { name: 'waiting' }
    stand.going = false
    line.lineUp(work)
  }
}

/** Plays the moves. @returns what is wrong, or undefined. */
function play(moves: readonly Move[]): string | undefined {
  const line = new Line()
  const all: Stand[] = []
  const ledgers = [ledgerOf(0), ledgerOf(1)]
  const turns = new Map<Ledger, Turn>(ledgers.map((ledger) => [ledger, { since: undefined, lastAgain: true }]))
  for (const [now, each] of moves.entries()) {
    if (each.kind === 'join') {
      const ledger = ledgers[each.partition] ?? ledgerOf(0)
      const work = workOf({ id: each.id, orderLane: each.lane, ledger })
      all.push({ work, inHand: true, inOrderLane: true, going: false, freeSince: undefined, again: false })
      line.join(work)
    } else if (each.kind === 'go') {
      const { next } = line
      if (next === undefined) continue
      next.ledger.attempt(next.entry)
      next.state = { name: 'attempting' }
      for (const stand of all) if (stand.work === next) stand.going = true
      line.step(next)
    } else if (each.kind === 'step') {
      const inHand = all.filter((stand) => stand.inHand)
      const stand = inHand[each.pick % inHand.length]
      if (stand !== undefined) step(line, stand, each.to)
    } else {
      const dropped = all.filter(({ inHand, work }) => inHand && work.ledger === ledgers[each.partition])
      for (const stand of dropped) stand.inHand = false
      line.leaveTogether(dropped.map(({ work }) => work))
    }

    const free = all.filter((stand) => stand.inHand && stand.work.state.name === 'waiting' && isFirst(all, stand))
    const left = all.filter((stand) => stand.freeSince !== undefined && !free.includes(stand))
    for (const stand of all) {
      const isFree = free.includes(stand)
      if (isFree && stand.freeSince === undefined) stand.again = stand.work.entry.offset < stand.work.ledger.touchedTo
      stand.freeSince = isFree ? (stand.freeSince ?? now) : undefined
    }
    for (const { work, again } of left) {
      const turn = turns.get(work.ledger)
      if (turn !== undefined) Object.assign(turn, { since: now, lastAgain: again })
    }
    for (const [ledger, turn] of turns) {
      const some = free.some(({ work }) => work.ledger === ledger)
      turn.since = some ? (turn.since ?? now) : undefined
    }
    if (line.size !== free.length) return `${line.size} in the line, ${free.length} are free`
    const next = all.find(({ work }) => work === line.next)
    if (free.length > 0) {
      if (next === undefined) return 'nobody is next'
      const turn = turns.get(next.work.ledger)
      if ([...turns.values()].some(({ since }) => since !== undefined && since < (turn?.since ?? Infinity))) {
        return 'another partition has waited longer for its turn'
      }
      const own = free.filter(({ work }) => work.ledger === next.work.ledger)
      const kin = own.filter(({ again }) => again === next.again)
      if (next.again && kin.some(({ freeSince }) => (freeSince ?? Infinity) < (next.freeSince ?? -1))) {
        return 'one of those sent before has been free for longer'
      }
      if (!next.again && kin.some(({ work }) => work.entry.offset < next.work.entry.offset)) {
        return 'a fresh one of a lower offset may go'
      }
      // Several may leave in one move; then nobody can tell which was the last.
      if (left.length <= 1 && kin.length < own.length && next.again === turn?.lastAgain) {
        return 'fresh ones and those sent before take turns'
      }
    }
    const waiting = all.filter(({ inHand, work }) => inHand && work.state.name === 'waiting')
    const others = all.some(({ inHand, work }) => inHand && work.state.name !== 'waiting')
    if (waiting.length > 0 && !others && line.size === 0) return 'the lanes have locked'
    const busy = all.filter(({ inHand, going }) => inHand && going).concat(free)
    for (const a of busy) {
      for (const b of busy) {
        if (a !== b && (sameId(a, b) || sameLane(a, b))) return 'two of one lane go'
      }
    }
  }
  return undefined
}

void t.test('at most one of a lane goes, in order of arrival, and the lanes never lock', async () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      const wrong = play(moves)
      if (wrong !== undefined) throw new Error(wrong)
    }),
    { numRuns: 500 },
  )
})

void t.test('two works of one id are never both free, whatever the order setting', async (t) => {
  const key = (byte: number): Uint8Array => Uint8Array.of(byte)
  for (const order of ['key', 'partition', 'none'] as const) {
    const line = new Line()
    const works = [0, 1].map((partition) => {
      const lane = orderLane(order, { topic: 't', partition, key: key(partition) })
      return workOf({ id: 'same', orderLane: lane })
    })
    for (const work of works) line.join(work)
    t.equal(line.size, 1, order)
    t.equal(line.next, works[0])
    if (works[0] !== undefined) line.leave(works[0])
    t.equal(line.next, works[1])
  }
})

void t.test('an ended work that still owes a report lets its order lane pass and keeps its id', async (t) => {
  const line = new Line()
  const first = workOf({ id: 'x', orderLane: 'key a' })
  const behind = workOf({ id: 'y', orderLane: 'key a' })
  const again = workOf({ id: 'x', orderLane: 'key b' })
  for (const work of [first, behind, again]) line.join(work)
  first.state = { name: 'completed' }
  line.step(first)
  t.equal(line.next, undefined)
  line.letPass(first)
  t.equal(line.next, behind)
  t.equal(line.size, 1)
  line.leave(first)
  t.equal(line.size, 2)
})

void t.test('a work that ended while it waited behind another is not in the line when that one leaves', async (t) => {
  const line = new Line()
  const [first, ended, last] = ['1', '2', '3'].map((id) => workOf({ id, orderLane: 'key a' }))
  if (first === undefined || ended === undefined || last === undefined) throw new Error('unreachable')
  for (const work of [first, ended, last]) line.join(work)
  ended.state = { name: 'completed' }
  line.step(ended)
  line.leave(first)
  t.equal(line.next, undefined)
  line.letPass(ended)
  t.equal(line.next, last)
})

void t.test('works that leave together are never in the line in passing', async (t) => {
  const line = new Line()
  const works = ['1', '2', '3', '4'].map((id) => workOf({ id, orderLane: 'key a' }))
  for (const work of works) line.join(work)
  line.leaveTogether(works.slice(0, 3))
  t.equal(line.next, works[3])
  t.equal(line.size, 1)
  line.leaveTogether(works.slice(3))
  t.equal(line.size, 0)
})

void t.test('of a partition whose map is full only those go that were sent before, and others go on', async (t) => {
  const line = new Line()
  const full = ledgerOf(0)
  const sent = workOf({ id: 'sent', ledger: full })
  full.attempt(sent.entry)
  const fresh = workOf({ id: 'fresh', ledger: full })
  const other = workOf({ id: 'other', ledger: ledgerOf(1) })
  Object.defineProperty(full, 'hasRoom', { value: false, configurable: true })
  for (const work of [fresh, sent, other]) line.join(work)
  const order: string[] = []
  for (let next = line.next; next !== undefined; next = line.next) {
    order.push(next.event.id)
    line.step(next)
  }
  t.same(order, ['sent', 'other'])
  t.equal(line.size, 1)
  Object.defineProperty(full, 'hasRoom', { value: true })
  t.equal(line.next, fresh)
})

void t.test('a work that lies before what was sent goes however full the map is: it adds nothing to it', async (t) => {
  const line = new Line()
  const ledger = ledgerOf(0)
  const [first, low, high] = ['1', '2', '3'].map((id) =>
    workOf({ id, orderLane: id === '2' ? 'key of low' : `key ${id}`, ledger }),
  )
  if (first === undefined || low === undefined || high === undefined) throw new Error('unreachable')
  const before = workOf({ id: '0', orderLane: 'key of low', ledger: ledgerOf(1) })
  for (const work of [before, first, low, high]) line.join(work)
  // Free before anything was sent; then what lies beyond it is sent.
  line.leave(before)
  ledger.attempt(high.entry)
  high.state = { name: 'attempting' }
  line.step(high)
  Object.defineProperty(ledger, 'hasRoom', { value: false })
  t.equal(line.next, first)
  line.step(first)
  t.equal(line.next, low)
})

void t.test('a work without an order lane has nothing to let pass, and lining up twice is one place', async (t) => {
  const line = new Line()
  const work = workOf({ orderLane: undefined })
  line.join(work)
  line.lineUp(work)
  line.letPass(work)
  t.equal(line.size, 1)
})

void t.test('the order setting names the lane', async (t) => {
  const record = { topic: 't', partition: 3, key: Uint8Array.of(65) }
  t.equal(orderLane('none', record), undefined)
  t.equal(orderLane('partition', record), '\0t/3')
  t.equal(orderLane('key', record), '\0t/3/A')
  t.equal(orderLane('partition', { ...record, key: null }), '\0t/3')
  t.equal(orderLane('key', { ...record, key: null }), undefined, 'no key, no order to keep')
  t.equal(orderLane('key', { ...record, key: new Uint8Array(0) }), '\0t/3/', 'an empty key is a key')
})

void t.test('two keys share a lane only if they are the same bytes of the same partition', async () => {
  const record = fc.record({
    topic: fc.constantFrom('t', 't.u'),
    partition: fc.nat(12),
    key: fc.uint8Array({ maxLength: 3 }),
  })
  fc.assert(
    fc.property(record, record, (a, b) => {
      const same = a.topic === b.topic && a.partition === b.partition && Buffer.compare(a.key, b.key) === 0
      return (orderLane('key', a) === orderLane('key', b)) === same
    }),
    { numRuns: 1000 },
  )
})

void t.test('a key of a megabyte has its lane, and every part of it counts', async (t) => {
  const key = new Uint8Array(1 << 20).fill(255)
  const lane = orderLane('key', { topic: 't', partition: 0, key })
  for (const at of [0, 4095, 4096, 10_000, 500_000, key.length - 1]) {
    const other = key.slice()
    other[at] = 254
    t.ok(orderLane('key', { topic: 't', partition: 0, key: other }) !== lane, String(at))
  }
  t.equal(orderLane('key', { topic: 't', partition: 0, key: key.slice() }), lane)
})
