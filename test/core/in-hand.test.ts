import fc from 'fast-check'
import t from 'tap'
import type { Answer } from '../../src/core/answer.ts'
import { InHand } from '../../src/core/in-hand.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import type { Report } from '../../src/core/report.ts'
import type { Work } from '../../src/core/work.ts'
import { ledgerOf, workOf, Books } from '../support/books.ts'
import { stillHeld } from '../support/garbage.ts'

const BOUNDS = { maxInFlight: 2, maxRunning: 3, maxBufferedBytes: 10_000, maxReports: 4 }
const IDLE = { inFlight: 0, out: 0, reports: 0, reportBytes: 0 }
const ACCEPTED: Answer = { kind: 'accepted', why: '202' }

/** A books whose one partition is assigned. */
function assigned(
  bounds = BOUNDS,
  eventsPerCall = 1,
): { books: Books; take: (id: string, valueBytes?: number) => Work } {
  const books = new Books({}, new InHand(bounds, eventsPerCall))
  const ledger = ledgerOf(0)
  books.inHand.buffers.assign(ledger)
  return { books, take: (id, valueBytes = 0) => books.take({ id, ledger, valueBytes }) }
}

function run(books: Books, work: Work): void {
  books.begin(work)
  books.answer(work, ACCEPTED)
}

void t.test('nothing is full while there is room in every bound, and each bound names itself', async (t) => {
  const { inHand } = assigned().books
  t.equal(inHand.full(IDLE), undefined)
  t.equal(inHand.full({ ...IDLE, inFlight: 1 }), undefined)
  t.match(inHand.full({ ...IDLE, inFlight: 2 }), /^2 requests .*BRIDGE_MAX_IN_FLIGHT/)
  t.match(inHand.full({ ...IDLE, reports: 4 }), /^4 reports of 0 bytes wait for XZepr/)
  t.match(inHand.full({ ...IDLE, reports: 1, reportBytes: 10_000 }), /^1 reports of 10000 bytes/)
  t.equal(inHand.full({ ...IDLE, reports: 3, reportBytes: 9_999 }), undefined)
})

void t.test('what is out may be accepted, so it counts as running beforehand', async (t) => {
  const { books, take } = assigned()
  run(books, take('a'))
  run(books, take('b'))
  t.equal(books.inHand.full(IDLE), undefined)
  t.match(books.inHand.full({ ...IDLE, inFlight: 1, out: 1 }), /^The app holds 2 works .*BRIDGE_MAX_RUNNING/)
  run(books, take('c'))
  t.match(books.inHand.full(IDLE), /^The app holds 3 works/)
})

void t.test('what runs counts apart: it holds up no fetching, only further deliveries', async (t) => {
  const { books, take } = assigned({ ...BOUNDS, maxRunning: 100 })
  const { buffers } = books.inHand
  const work = take('a', 9_000)
  t.equal(buffers.waitingBytes, work.heldBytes)
  t.match(buffers.changes(), [{ pause: true }])
  books.begin(work)
  t.equal(buffers.waitingBytes, work.heldBytes, 'out it still waits: it may come back')
  books.answer(work, ACCEPTED)
  t.equal(buffers.waitingBytes, 0)
  t.match(buffers.changes(), [{ pause: false }])
  t.match(books.inHand.full(IDLE), /^The app holds works of 10024 bytes .*BRIDGE_MAX_BUFFERED_BYTES/)
  books.report(work, { kind: 'failed', details: new Map(), retry: true })
  t.equal(buffers.waitingBytes, work.heldBytes, 'at rest its bytes wait again')
  t.equal(books.inHand.full(IDLE), undefined)
})

void t.test('who runs or rests holds its own bytes and no neighbour’s', async (t) => {
  for (const answer of [ACCEPTED, { kind: 'later', why: '503', responded: true } as const]) {
    const { books, take } = assigned()
    const work = take('a', 10)
    const shared = new Uint8Array(8192)
    if (work.record === undefined) throw new Error('unreachable')
    work.record = { ...work.record, key: shared.subarray(0, 3), value: shared.subarray(10, 20) }
    books.begin(work)
    t.equal(work.record.value?.buffer.byteLength, 8192, 'in passing it shares')
    books.answer(work, answer)
    t.same([work.record.key?.buffer.byteLength, work.record.value?.buffer.byteLength], [3, 10])
  }
})

void t.test('at the ending the bytes are let go, whatever is still owed', async (t) => {
  const { books, take } = assigned()
  const work = take('a', 100)
  books.report(work, { kind: 'completed', success: true, details: new Map() })
  t.equal(books.inHand.buffers.waitingBytes, 0)
  t.equal(books.inHand.registry.has(work), true)
})

void t.test('a work that runs is booked once, however often it is said', async (t) => {
  const { books, take } = assigned()
  const work = take('a', 100)
  run(books, work)
  books.inHand.book({ kind: 'run', work })
  t.equal(books.inHand.running, 1)
  t.equal(books.inHand.buffers.waitingBytes, 0)
})

void t.test('a partition that is revoked takes everything of its own with it, and nothing else', async (t) => {
  const books = new Books({}, new InHand(BOUNDS, 1))
  const [gone, kept] = [ledgerOf(0), ledgerOf(1)]
  for (const ledger of [gone, kept]) books.inHand.buffers.assign(ledger)
  const running = books.take({ id: 'a', ledger: gone, valueBytes: 10_000 })
  const waiting = books.take({ id: 'b', ledger: gone })
  const other = books.take({ id: 'a', ledger: kept })
  run(books, running)
  t.not(books.inHand.line.next, other, 'its id is out in the other partition')
  t.same(books.drop(gone), [running, waiting])
  t.equal(books.inHand.line.next, other)
  t.equal(books.inHand.line.size, 1)
  t.same([books.inHand.running, books.inHand.full(IDLE)], [0, undefined])
  t.equal(books.inHand.buffers.waitingBytes, other.heldBytes)
  t.same([...books.inHand.registry], [other])
  t.equal(books.inHand.registry.recall('b'), undefined, 'a work that was not ended here is not remembered')
})

void t.test('what comes late for a revoked partition settles an orphan and moves no book', async (t) => {
  const { books, take } = assigned()
  const work = take('a')
  const report = books.report(work, { kind: 'completed', success: true, details: new Map() })
  t.equal(report.kind, 'held')
  books.drop(work.ledger)
  for (const kind of ['let-pass', 'forget'] as const) books.inHand.book({ kind, work })
  t.equal(work.ledger.settle(work.entry), false)
  t.same([books.inHand.registry.size, books.inHand.line.size, books.inHand.buffers.waitingBytes], [0, 0, 0])
  t.equal(books.inHand.registry.recall('a'), undefined)
})

const ANSWERS: readonly Answer[] = [
  { kind: 'done', why: '200' },
  ACCEPTED,
  ACCEPTED,
  { kind: 'later', why: '503', responded: true },
  { kind: 'never', why: '400', responded: true },
  { kind: 'away', why: 'ECONNREFUSED' },
]
const REPORTS: readonly Report[] = [
  { kind: 'started', details: new Map() },
  { kind: 'completed', success: true, details: new Map() },
  { kind: 'failed', details: new Map(), retry: false },
  { kind: 'failed', details: new Map(), retry: true },
]

const chapter = fc.array(fc.record({ kind: fc.nat(12), pick: fc.nat(1000) }), { maxLength: 80 })

/** The books, counted anew from the works themselves. */
function agree(books: Books, ledgers: readonly Ledger[]): boolean {
  const works = [...books.inHand.registry]
  const running = works.filter(({ state }) => state.name === 'running')
  for (const ledger of ledgers) {
    // With dead letters an ended work holds its record until it has settled.
    const waiting = works.filter(
      (work) => work.ledger === ledger && !running.includes(work) && work.record !== undefined,
    )
    const bytes = waiting.reduce((sum, { heldBytes }) => sum + heldBytes, 0)
    if (books.inHand.buffers.waitingBytesOf(ledger) !== bytes) return false
  }
  return books.inHand.running === running.length
}

void t.test('the books agree with the works at every step, and after the last has ended nothing is held', async () => {
  fc.assert(
    fc.property(
      fc.constantFrom('explicit' as const, 'auto' as const),
      fc.boolean(),
      chapter,
      (lifecycle, deadLetters, moves) => {
        const books = new Books({ lifecycle, attemptsMax: 3, deadLetters })
        const ledgers = [ledgerOf(0), ledgerOf(1)]
        for (const ledger of ledgers) books.inHand.buffers.assign(ledger)
        for (const { kind, pick } of moves) {
          const works = [...books.inHand.registry]
          const work = works[pick % works.length]
          const { next } = books.inHand.line
          if (kind <= 2) {
            const id = `w${pick % 6}`
            books.take({ id, orderLane: `key ${pick % 3}`, ledger: ledgers[pick % 2] ?? ledgerOf(0), valueBytes: pick })
          } else if (kind <= 5) {
            if (next !== undefined) books.begin(next)
          } else if (kind === 6 && pick < 30) {
            books.drop(ledgers[pick % 2] ?? ledgerOf(0))
            const anew = ledgerOf(pick % 2)
            ledgers[pick % 2] = anew
            books.inHand.buffers.assign(anew)
          } else if (work !== undefined && kind === 7) {
            const report = REPORTS[pick % REPORTS.length]
            if (report !== undefined) books.report(work, report)
          } else if (work !== undefined && kind === 12 && pick < 100) books.letGo(work)
          else if (work !== undefined) {
            const answer = ANSWERS[pick % ANSWERS.length]
            if (books.out.has(work) && answer !== undefined) books.answer(work, answer)
            else if (books.owes(work)) {
              books.tell(
                work,
                pick % 3 === 0 ? { kind: 'given-up', why: 'HTTP 400' } : { kind: 'stored', eventId: 'e' },
              )
            } else if (books.unwritten.has(work)) books.bury(work)
            else if (books.wakes.has(work)) books.wake(work)
          }
          if (!agree(books, ledgers)) return false
        }
        // The oldest is first of all its lanes: where nobody is free to go, it is under way itself.
        for (let [work] = books.inHand.registry; work !== undefined; [work] = books.inHand.registry) {
          books.finish(books.inHand.line.next ?? work)
        }
        const { inHand } = books
        return (
          inHand.buffers.waitingBytes === 0 &&
          inHand.running === 0 &&
          inHand.line.size === 0 &&
          inHand.registry.size === 0
        )
      },
    ),
    { numRuns: 300 },
  )
})

void t.test(
  'works that may go are stock for eight answers of every event that may be out, and for 512 at least',
  async (t) => {
    for (const [maxInFlight, eventsPerCall, stock] of [
      [1, 1, 512],
      [100, 1, 800],
      [16, 10, 1280],
    ] as const) {
      const { inHand } = assigned({ ...BOUNDS, maxInFlight, maxBufferedBytes: 1 << 30 }, eventsPerCall).books
      const ledger = ledgerOf(1)
      inHand.buffers.assign(ledger)
      const take = (n: number): void => {
        inHand.take(workOf({ id: `w${n}`, ledger }))
      }
      for (let n = 1; n < stock; n++) take(n)
      t.same(inHand.buffers.changes(), [])
      take(stock)
      t.match(inHand.buffers.changes(), [{ partition: ledger, pause: true }])
    }
  },
)

/** In a function of its own: what a test's frame still holds is not garbage. @returns what is revoked. */
function comeAndBeRevoked(inHand: InHand): WeakRef<Work>[] {
  const ledger = ledgerOf(0)
  inHand.buffers.assign(ledger)
  const works = Array.from({ length: 100 }, (_, n) => workOf({ id: `w${n}`, ledger }))
  for (const work of works) inHand.take(work)
  const [ended, ...revoked] = works
  if (ended !== undefined) inHand.book({ kind: 'forget', work: ended })
  inHand.drop([ledger])
  return revoked.map((work) => new WeakRef(work))
}

void t.test('what is revoked is held by nobody, also while a work of its assignment is remembered', async (t) => {
  const inHand = new InHand(BOUNDS, 1)
  const revoked = comeAndBeRevoked(inHand)
  t.ok(inHand.registry.recall('w0'))
  t.equal(await stillHeld(revoked), 0)
})
