import t from 'tap'
import type { Answer } from '../../src/core/answer.ts'
import type { Report } from '../../src/core/report.ts'
import { detailsOf, namedBy, statusOf } from '../../src/core/reported.ts'
import type { Work } from '../../src/core/work.ts'
import { POLICY, Books } from '../support/books.ts'

const none = new Map<string, string>()
const started = (name?: string): Report => ({ kind: 'started', details: none, ...(name !== undefined && { name }) })
const COMPLETED: Report = { kind: 'completed', success: true, details: none }
const UNSUCCESSFUL: Report = { kind: 'completed', success: false, details: none }
const FAILED: Report = { kind: 'failed', details: none, retry: false }
const AGAIN: Report = { kind: 'failed', details: none, retry: true }
const ALL: readonly Report[] = [started(), { kind: 'progress', details: none }, COMPLETED, UNSUCCESSFUL, FAILED, AGAIN]
const DONE: Answer = { kind: 'done', why: '200' }
const ACCEPTED: Answer = { kind: 'accepted', why: '202' }
const LATER: Answer = { kind: 'later', why: '503', responded: true }

/** A work in each state that is no ending. */
const STATES: Readonly<Record<string, (books: Books) => Work>> = {
  waiting: (books) => books.take({}),
  attempting: (books) => {
    const work = books.take({})
    books.begin(work)
    return work
  },
  resting: (books) => {
    const work = books.take({})
    books.begin(work)
    books.answer(work, LATER)
    return work
  },
  running: (books) => {
    const work = books.take({})
    books.begin(work)
    books.answer(work, ACCEPTED)
    return work
  },
}

/** A work that has ended and still owes its report, so that it can be reported about. */
function ended(ending: 'completed' | 'failed'): { books: Books; work: Work } {
  const books = new Books()
  const work = books.take({})
  books.report(work, ending === 'completed' ? COMPLETED : FAILED)
  return { books, work }
}

const statuses = (work: Work): string[] => work.reports.map(({ status }) => status)

void t.test(
  'an ending is taken at any time: before the first attempt, during the call, at rest, under a lease',
  async (t) => {
    for (const [state, make] of Object.entries(STATES)) {
      for (const [report, ending] of [
        [COMPLETED, 'completed'],
        [UNSUCCESSFUL, 'failed'],
        [FAILED, 'failed'],
      ] as const) {
        const books = new Books()
        const work = make(books)
        t.equal(work.state.name, state)
        const outcome = books.report(work, report)
        t.match(outcome, { kind: 'held', report: { status: ending } }, `${state}, ${ending}`)
        t.equal(work.state.name, ending)
        t.same(statuses(work), [ending])
        t.equal(books.wakes.size, 0)
        books.finish(work)
        t.equal(books.historyOf(work).sends, work.entry.attempts, 'it is not sent again')
      }
    }
  },
)

void t.test('a report repeated is the same report: nothing is told twice', async (t) => {
  for (const report of [started(), COMPLETED, UNSUCCESSFUL, FAILED]) {
    const books = new Books()
    const work = books.take({})
    const first = books.report(work, report)
    const again = books.report(work, report)
    t.equal(first.kind === 'held' && first.report, again.kind === 'held' && again.report)
    t.same(again.kind === 'held' && again.steps, [])
    t.equal(books.owed.length, 1)
  }
})

void t.test('a report that contradicts the ending is refused, one that agrees is held', async (t) => {
  const agrees: Record<string, Report[]> = { completed: [COMPLETED], failed: [UNSUCCESSFUL, FAILED] }
  for (const ending of ['completed', 'failed'] as const) {
    for (const report of ALL) {
      const { books, work } = ended(ending)
      const outcome = books.report(work, report)
      t.equal(
        outcome.kind,
        agrees[ending]?.includes(report) === true ? 'held' : 'conflict',
        `${ending}, then ${report.kind}`,
      )
      if (outcome.kind === 'conflict') t.match(outcome.why, new RegExp(`^the work has ${ending}; it cannot be `))
      t.same(statuses(work), [ending])
    }
  }
})

void t.test('what was started before it ended may be said to have started again', async (t) => {
  const books = new Books()
  const work = books.take({})
  const first = books.report(work, started())
  books.report(work, COMPLETED)
  const again = books.report(work, started())
  t.equal(again.kind === 'held' && again.report, first.kind === 'held' && first.report)
  t.same(statuses(work), ['started', 'completed'])
})

void t.test('a completed report of a work that its answer completed is told, if something is still owed', async (t) => {
  const books = new Books()
  const work = books.take({})
  books.begin(work)
  books.report(work, started())
  books.answer(work, DONE)
  t.same([work.state.name, work.settled], ['completed', false])
  t.match(books.report(work, COMPLETED), { kind: 'held', report: { status: 'completed' } })
  books.tell(work)
  t.equal(work.settled, false)
  books.tell(work)
  t.equal(work.settled, true)
})

void t.test('started keeps the name and version it gives, and renews the lease', async (t) => {
  const books = new Books()
  const work = books.take({})
  books.begin(work)
  books.answer(work, ACCEPTED)
  books.nowMs += 1000
  books.report(work, { kind: 'started', details: none, name: 'deployer', version: '2' })
  t.same([work.name, work.version], ['deployer', '2'])
  t.same(work.state, { name: 'running', leaseEndsAtMs: books.nowMs + POLICY.leaseMs })
})

void t.test('progress renews the lease, for as long as it asks, then and later; nothing goes to XZepr', async (t) => {
  const books = new Books()
  const work = books.take({})
  books.begin(work)
  t.match(books.report(work, { kind: 'progress', details: none, leaseMs: 5000 }), { kind: 'held', report: undefined })
  books.answer(work, ACCEPTED)
  t.same(
    work.state,
    { name: 'running', leaseEndsAtMs: books.nowMs + 5000 },
    'said during the call it holds for the run',
  )
  books.nowMs += 4000
  books.report(work, { kind: 'progress', details: none })
  t.same(work.state, { name: 'running', leaseEndsAtMs: books.nowMs + 5000 }, 'what was asked for stays')
  books.report(work, { kind: 'progress', details: none, leaseMs: 7000 })
  t.same(work.state, { name: 'running', leaseEndsAtMs: books.nowMs + 7000 })
  t.equal(books.owed.length, 0)
})

void t.test('a sign of life outside a run changes no state', async (t) => {
  for (const state of ['waiting', 'attempting', 'resting']) {
    const books = new Books()
    const work = STATES[state]?.(books)
    if (work === undefined) throw new Error('unreachable')
    const before = work.state
    books.report(work, { kind: 'progress', details: none })
    books.report(work, started())
    t.equal(work.state, before, state)
  }
})

void t.test('failed with retry sends a running work again, after as long as it asks', async (t) => {
  const books = new Books()
  const work = STATES.running?.(books)
  if (work === undefined) throw new Error('unreachable')
  t.match(books.report(work, { ...AGAIN, retryAfterMs: 3000 }), { kind: 'held', report: undefined })
  t.same(work.state, { name: 'resting', untilMs: books.nowMs + 3000 })
  t.equal(books.inHand.running, 0)
  t.equal(books.owed.length, 0, 'no lifecycle event')
})

void t.test('failed with retry during the call outweighs every answer but away', async (t) => {
  for (const answer of [DONE, ACCEPTED, LATER, { kind: 'never', why: '400', responded: true } as const]) {
    const books = new Books()
    const work = books.take({})
    books.begin(work)
    books.report(work, { ...AGAIN, retryAfterMs: 3000 })
    t.equal(work.state.name, 'attempting')
    books.answer(work, answer)
    t.same(work.state, { name: 'resting', untilMs: books.nowMs + 3000 }, answer.kind)
    books.wake(work)
    books.begin(work)
    books.answer(work, DONE)
    t.equal(work.state.name, 'completed', 'it counts for one call only')
  }
  const books = new Books()
  const work = books.take({})
  books.begin(work)
  books.report(work, AGAIN)
  books.answer(work, { kind: 'away', why: 'ECONNREFUSED' })
  t.same([work.state.name, work.entry.attempts, work.retryAsked], ['waiting', 0, undefined])
})

void t.test('failed with retry on the last attempt is the end: attempts are spent', async (t) => {
  for (const state of ['attempting', 'running']) {
    const books = new Books({ attemptsMax: 1 })
    const work = STATES[state]?.(books)
    if (work === undefined) throw new Error('unreachable')
    books.report(work, AGAIN)
    if (books.out.has(work)) books.answer(work, DONE)
    t.equal(work.state.name, 'failed')
    t.match(books.historyOf(work).details.get(work.reports[0] as never), {
      error: '1 attempt is spent; the last one: the app asked to be sent it again',
      error_code: 'attempts_spent',
    })
  }
})

void t.test('failed with retry asks for nothing new where the work will be sent anyway', async (t) => {
  for (const state of ['waiting', 'resting']) {
    const books = new Books()
    const work = STATES[state]?.(books)
    if (work === undefined) throw new Error('unreachable')
    const before = work.state
    t.match(books.report(work, AGAIN), { kind: 'held', report: undefined, steps: [] })
    t.equal(work.state, before)
  }
})

void t.test('after failed with retry the app may still end the work itself', async (t) => {
  const books = new Books()
  const work = books.take({})
  books.begin(work)
  books.report(work, AGAIN)
  books.report(work, COMPLETED)
  books.answer(work, LATER)
  t.equal(work.state.name, 'completed')
})

void t.test('each report says which lifecycle event it asks for, with what name and details', async (t) => {
  t.same(ALL.map(statusOf), ['started', undefined, 'completed', 'failed', 'failed', undefined])
  t.same(namedBy({ kind: 'started', details: none, name: 'n', version: 'v' }), { name: 'n', version: 'v' })
  t.same(namedBy(COMPLETED), {})
  const details = new Map([['a', '1']])
  t.same([...detailsOf({ ...COMPLETED, details })], [['a', '1']])
  t.same(
    [...detailsOf({ kind: 'failed', details, retry: false, error: 'e', errorCode: 'c' })],
    [
      ['a', '1'],
      ['error', '"e"'],
      ['error_code', '"c"'],
    ],
  )
})
