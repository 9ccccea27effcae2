import t from 'tap'
import type { Answer } from '../../src/core/answer.ts'
import type { Report, Told } from '../../src/core/report.ts'
import type { Work, WorkPolicy } from '../../src/core/work.ts'
import { coordinatesOf, failureDetails, findReport } from '../../src/core/work.ts'
import { POLICY, Books, TOPIC } from '../support/books.ts'

const details = new Map<string, string>()
const ANSWERS: readonly Answer[] = [
  { kind: 'done', why: '200' },
  { kind: 'accepted', why: '202' },
  { kind: 'later', why: '503', responded: true },
  { kind: 'never', why: '400', responded: true },
  { kind: 'away', why: 'ECONNREFUSED' },
]
const [DONE, ACCEPTED, LATER, NEVER, AWAY] = ANSWERS as [Answer, Answer, Answer, Answer, Answer]
const COMPLETED: Report = { kind: 'completed', success: true, details }
const REPORTS: readonly Report[] = [
  { kind: 'started', details },
  { kind: 'progress', details, leaseMs: 1000 },
  COMPLETED,
  { kind: 'failed', details, retry: false },
  { kind: 'failed', details, retry: true },
]
const TOLD: readonly Told[] = [
  { kind: 'stored', eventId: 'e' },
  { kind: 'given-up', why: '422' },
]

/** A work, and behind it in line one of its id and one of its order lane. */
interface Scene {
  readonly books: Books
  readonly work: Work
  readonly sameLane: Work
}

function sceneOf(policy: Partial<WorkPolicy>): Scene {
  const books = new Books(policy)
  const work = books.take({ id: 'x', orderLane: 'key a', valueBytes: 10 })
  books.take({ id: 'x', orderLane: undefined })
  const sameLane = books.take({ id: 'y', orderLane: 'key a' })
  return { books, work, sameLane }
}

/** Everything that can happen to the work now: an index each, in a fixed order. */
function inputs({ books, work }: Scene): (() => void)[] {
  const all: (() => void)[] = []
  if (books.inHand.line.next === work) {
    all.push(() => {
      books.begin(work)
    })
  }
  for (const answer of books.out.has(work) ? ANSWERS : []) {
    all.push(() => {
      books.answer(work, answer)
    })
  }
  for (const report of books.inHand.registry.has(work) ? REPORTS : []) {
    all.push(() => {
      takeReport(books, work, report)
    })
  }
  if (books.wakes.has(work)) {
    all.push(() => {
      books.wake(work)
    })
  }
  for (const told of books.owes(work) ? TOLD : []) {
    all.push(() => {
      books.tell(work, told)
    })
  }
  return all
}

/** A report, and what is true of any report: a refused one changes nothing, one held says which event carries it. */
function takeReport(books: Books, work: Work, report: Report): void {
  const { state, retryAsked } = work
  const { attempts } = work.entry
  const count = work.reports.length
  const outcome = books.report(work, report)
  if (outcome.kind === 'conflict') {
    const same = work.state === state && work.entry.attempts === attempts && work.retryAsked === retryAsked
    if (!same || work.reports.length !== count) throw new Error('a refused report changes something')
  } else if (outcome.report !== undefined && findReport(work, outcome.report.status) !== outcome.report) {
    throw new Error('it is held by a report that its work does not know')
  }
}

/** Who is free behind a work tells what it still holds. */
function heldLanes({ books, work, sameLane }: Scene): void {
  const { line, registry } = books.inHand
  const over = !registry.has(work)
  const ended = work.state.name === 'completed' || work.state.name === 'failed'
  const waits = !ended && work.state.name === 'waiting'
  const passes = ended && !work.callOut
  if (line.size !== Number(waits) + Number(passes) + Number(over)) throw new Error('the line is not what its lanes say')
  if (waits && line.next !== work) throw new Error('it waits and is not next')
  if (!waits && passes && line.next !== sameLane) throw new Error('its order lane is not free')
}

/** Plays every sequence of inputs up to a length, and after each lets the work come to its end. */
function enumerate(policy: Partial<WorkPolicy>, length: number): number {
  let played = 0
  const path: number[] = []
  const visit = (): void => {
    const scene = sceneOf(policy)
    for (const [step, which] of path.entries()) {
      scene.books.replaying = step < path.length - 1
      inputs(scene)[which]?.()
    }
    heldLanes(scene)
    played += 1
    const count = path.length < length ? inputs(scene).length : 0
    if (count === 0) scene.books.finish(scene.work)
    for (let which = 0; which < count; which++) {
      path.push(which)
      visit()
      path.pop()
    }
  }
  visit()
  return played
}

void t.test('whatever comes in whatever order, a work keeps its laws and can always end', async (t) => {
  t.ok(enumerate({ attemptsMax: 2 }, 5) > 10_000)
  t.ok(enumerate({ attemptsMax: 2, lifecycle: 'auto' }, 4) > 1000)
  t.ok(enumerate({ attemptsMax: 1, lifecycle: 'auto' }, 4) > 1000)
  t.ok(enumerate({ attemptsMax: 0 }, 4) > 1000)
})

/** A work that has had these answers, each to an attempt of its own. */
function after(policy: Partial<WorkPolicy>, ...answers: readonly Answer[]): { books: Books; work: Work } {
  const books = new Books(policy)
  const work = books.take({ id: 'x' })
  for (const answer of answers) {
    if (work.state.name === 'resting') books.wake(work)
    books.begin(work)
    books.answer(work, answer)
  }
  return { books, work }
}

const tells = ({ books, work }: { books: Books; work: Work }): string[] =>
  books.historyOf(work).tells.map(({ status }) => status)

void t.test('done settles at once when nothing is owed, and nothing goes to XZepr', async (t) => {
  const { books, work } = after({}, DONE)
  t.same([work.state.name, work.settled, tells({ books, work })], ['completed', true, []])
  t.equal(books.inHand.registry.recall('x'), work)
  t.same(books.historyOf(work).notes, ['work.ended'])
})

void t.test('a report made while the call is out wins over any answer', async (t) => {
  for (const report of REPORTS.slice(2, 4)) {
    for (const answer of ANSWERS) {
      const books = new Books()
      const work = books.take({})
      books.begin(work)
      books.report(work, report)
      books.answer(work, answer)
      t.equal(work.state.name, report.kind, `${report.kind} then ${answer.kind}`)
      t.equal(work.settled, false, 'XZepr does not have it yet')
      t.same(tells({ books, work }), [report.kind])
      books.tell(work)
      t.equal(work.settled, true)
    }
  }
})

void t.test('a settled work whose call is still out keeps its lanes and its place in the registry', async (t) => {
  const books = new Books()
  const work = books.take({ id: 'x' })
  const again = books.take({ id: 'x' })
  books.begin(work)
  books.report(work, COMPLETED)
  books.tell(work)
  t.equal(work.settled, true)
  t.equal(books.inHand.line.next, undefined)
  books.answer(work, LATER)
  t.equal(books.inHand.line.next, again)
})

void t.test('accepted holds the offset until a report, under the lease', async (t) => {
  const { books, work } = after({}, ACCEPTED)
  t.same(work.state, { name: 'running', leaseEndsAtMs: books.nowMs + POLICY.leaseMs })
  t.equal(books.inHand.running, 1)
  books.report(work, COMPLETED)
  t.equal(work.settled, false)
  t.equal(books.inHand.running, 0)
  books.tell(work)
  t.equal(work.settled, true)
})

void t.test('a lease that runs out is an attempt that failed', async (t) => {
  const { books, work } = after({ attemptsMax: 2 }, ACCEPTED)
  books.wake(work)
  t.same(work.state, { name: 'resting', untilMs: books.nowMs + 250 })
  t.same(books.historyOf(work).notes, ['work.lease-out', 'work.resting'])
  books.wake(work)
  books.begin(work)
  books.answer(work, ACCEPTED)
  books.wake(work)
  t.equal(work.state.name, 'failed')
  t.same(books.historyOf(work).details.get(work.reports[0] as never), {
    error: '2 attempts are spent; the last one: the lease ran out',
    error_code: 'lease_expired',
  })
})

void t.test('later rests as retry.ts says, Retry-After first, and is sent again', async (t) => {
  const { books, work } = after({ attemptsMax: 3 }, LATER)
  t.same(work.state, { name: 'resting', untilMs: books.nowMs + 250 })
  t.equal(books.inHand.line.size, 0)
  books.wake(work)
  t.equal(books.inHand.line.next, work)
  books.begin(work)
  books.answer(work, { kind: 'later', why: '429', responded: true, retryAfterMs: 7000 })
  t.same(work.state, { name: 'resting', untilMs: books.nowMs + 7000 })
})

void t.test('attempts spent: failed, told once with the reason, and never sent again', async (t) => {
  for (const attemptsMax of [1, 2, 5]) {
    const { books, work } = after({ attemptsMax }, ...Array<Answer>(attemptsMax).fill(LATER))
    t.equal(work.state.name, 'failed')
    t.equal(books.historyOf(work).sends, attemptsMax)
    t.same(tells({ books, work }), ['failed'])
    t.match(books.historyOf(work).details.get(work.reports[0] as never), {
      error: `${attemptsMax} ${attemptsMax === 1 ? 'attempt is' : 'attempts are'} spent; the last one: 503`,
      error_code: 'attempts_spent',
    })
    books.tell(work, { kind: 'given-up', why: '422' })
    t.equal(work.settled, true, 'what XZepr never takes holds no offset')
  }
})

void t.test('attempts without an end never fail by their number', async (t) => {
  const { work } = after({ attemptsMax: 0 }, ...Array<Answer>(50).fill(LATER))
  t.same([work.state.name, work.entry.attempts], ['resting', 50])
})

void t.test('never: failed at once, told with the answer', async (t) => {
  const { books, work } = after({}, NEVER)
  t.equal(work.state.name, 'failed')
  t.same(books.historyOf(work).details.get(work.reports[0] as never), {
    error: 'the app rejected the event: 400',
    error_code: 'answer_rejected',
  })
})

void t.test('away burns no attempt: the work waits again, at the end of the line', async (t) => {
  const books = new Books({ attemptsMax: 1 })
  const [work, other] = [books.take({ id: 'x' }), books.take({ id: 'y' })]
  for (let times = 0; times < 5; times++) {
    books.begin(work)
    books.answer(work, AWAY)
    t.same([work.state.name, work.entry.attempts], ['waiting', 0])
    t.equal(books.inHand.line.next, other)
    books.begin(other)
    books.answer(other, AWAY)
  }
  books.begin(work)
  books.answer(work, DONE)
  t.equal(work.settled, true)
})

void t.test('auto: started at the first attempt, completed on a 2xx the app did not report itself', async (t) => {
  const { books, work } = after({ lifecycle: 'auto' }, LATER, DONE)
  t.same(tells({ books, work }), ['started', 'completed'])
  t.equal(work.settled, false)
  books.tell(work)
  t.equal(work.settled, false)
  books.tell(work)
  t.equal(work.settled, true)
})

void t.test('auto: an accepted work is started, and its ending is the app’s own', async (t) => {
  const { books, work } = after({ lifecycle: 'auto' }, ACCEPTED)
  t.same(tells({ books, work }), ['started'])
  books.report(work, COMPLETED)
  t.same(tells({ books, work }), ['started', 'completed'])
})

void t.test('auto: what the app reported itself is not told twice', async (t) => {
  const books = new Books({ lifecycle: 'auto' })
  const work = books.take({})
  books.begin(work)
  books.report(work, { kind: 'started', details })
  books.report(work, COMPLETED)
  books.answer(work, DONE)
  t.same(tells({ books, work }), ['started', 'completed'])
})

void t.test('auto: a probe is no start; the answer that proves the app is there makes up for it', async (t) => {
  for (const answer of [DONE, ACCEPTED, LATER, NEVER]) {
    const books = new Books({ lifecycle: 'auto' })
    const work = books.take({})
    books.begin(work, true)
    t.same(tells({ books, work }), [])
    books.answer(work, AWAY)
    t.same(tells({ books, work }), [])
    books.begin(work, true)
    books.answer(work, answer)
    t.equal(tells({ books, work })[0], 'started', answer.kind)
  }
})

void t.test('explicit: what only the bridge can know is told, and nothing else', async (t) => {
  for (const [answer, told] of [
    [DONE, []],
    [ACCEPTED, []],
    [LATER, []],
    [NEVER, ['failed']],
    [AWAY, []],
  ] as const) {
    t.same(tells(after({}, answer)), told, answer.kind)
  }
})

void t.test('a wake that comes for a work that neither rests nor runs does nothing', async (t) => {
  const books = new Books()
  const work = books.take({})
  books.wakes.set(work, 0)
  books.wake(work)
  t.equal(work.state.name, 'waiting')
  t.equal(books.inHand.line.next, work)
})

void t.test('a work names itself by its id and its record', async (t) => {
  const { work } = after({}, LATER)
  t.same(coordinatesOf(work), { workId: 'x', topic: TOPIC, partition: 0, offset: 0n })
})

void t.test('an error joins the details as JSON, and wins over what stands there', async (t) => {
  const members = new Map([
    ['build', '12345678901234567890'],
    ['error', '1'],
  ])
  t.same(
    [...failureDetails({ details: members, error: 'a "b"', errorCode: 'E' })],
    [
      ['build', '12345678901234567890'],
      ['error', '"a \\"b\\""'],
      ['error_code', '"E"'],
    ],
  )
  t.same([...failureDetails({ details: members })], [...members])
  t.equal(members.get('error'), '1', 'the report keeps its own')
})
