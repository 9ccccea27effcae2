import fc from 'fast-check'
import t from 'tap'
import type { Outcome, Owed } from '../../src/core/telling.ts'
import { Telling } from '../../src/core/telling.ts'
import type { XzeprAnswer } from '../../src/core/xzepr-answer.ts'

const SETTINGS = { concurrency: 3, initialMs: 500, maxMs: 60_000, triesMax: 20 }
const ANSWERS: Readonly<Record<string, XzeprAnswer>> = {
  stored: { kind: 'stored', id: '01A', rate: {} },
  scarce: { kind: 'stored', id: '01A', rate: { remaining: 0, limit: 100 } },
  refused: { kind: 'refused', why: 'HTTP 400', rate: {} },
  'no-receiver': { kind: 'no-receiver', why: 'HTTP 404', rate: {} },
  unauthorised: { kind: 'barred', code: 'XZB_XZEPR_UNAUTHORISED', why: 'HTTP 401', receiverInDoubt: false },
  foreign: { kind: 'barred', code: 'XZB_XZEPR_FORBIDDEN', why: 'HTTP 403', receiverInDoubt: true },
  limited: { kind: 'limited', why: 'HTTP 429', retryAfterMs: 0, rate: {} },
  busy: { kind: 'busy', why: 'HTTP 503', retryAfterMs: 2000 },
  failing: { kind: 'failing', why: 'HTTP 500' },
  away: { kind: 'away', why: 'ECONNREFUSED' },
}
const NAMES = Object.keys(ANSWERS)
const answer = (name: string): XzeprAnswer => ANSWERS[name] ?? missing(name)

function missing(what: string): never {
  throw new Error(`no ${what}`)
}

/** A book, a clock that stands still, and what was done. */
class Desk {
  readonly book: Telling<string>
  nowMs = 0

  constructor(settings = SETTINGS) {
    this.book = new Telling(settings)
  }

  owe(...names: string[]): void {
    for (const name of names) this.book.owe(name.slice(0, 1), name, 10)
  }

  take(): Owed<string>[] {
    const taken: Owed<string>[] = []
    for (let owed = this.book.next(this.nowMs); owed; owed = this.book.next(this.nowMs)) taken.push(owed)
    return taken
  }

  /** What goes next, when time alone must pass for it. */
  one(): Owed<string> {
    const { wakeAtMs } = this.book
    this.nowMs = Math.max(this.nowMs, wakeAtMs ?? 0)
    const owed = this.book.next(this.nowMs)
    return owed ?? missing('report may go')
  }

  hear(owed: Owed<string>, name: string, stale = false): Outcome {
    return this.book.answered(owed, answer(name), stale, { nowMs: this.nowMs, chance: 0.5 })
  }
}
const names = (owed: readonly Owed<string>[]): string[] => owed.map(({ what }) => what)

void t.test('reports of one thread go one after the other, those of others beside them', async (t) => {
  const desk = new Desk()
  desk.owe('a1', 'a2', 'b1', 'c1', 'd1')
  t.same(desk.book.backlog, { events: 5, bytes: 50 })
  const first = desk.take()
  t.same(names(first), ['a1', 'b1', 'c1'])
  for (const owed of first) desk.hear(owed, 'stored')
  t.same(names(desk.take()), ['d1', 'a2'])
  t.same(desk.book.backlog, { events: 2, bytes: 20 })
})

void t.test('whatever the answers: order per thread is kept, one out per thread, and nothing is lost', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('owe' as const), thread: fc.nat(4) }),
    fc.record({ do: fc.constant('take' as const) }),
    fc.record({
      do: fc.constant('hear' as const),
      which: fc.nat(5),
      name: fc.constantFrom(...NAMES),
      stale: fc.boolean(),
    }),
    fc.record({ do: fc.constant('wait' as const), forMs: fc.nat(90_000) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 4 }), (steps, triesMax) => {
      const desk = new Desk({ ...SETTINGS, triesMax })
      const owedByThread = new Map<string, number[]>()
      const ended = new Map<string, number[]>()
      const out: Owed<string>[] = []
      let count = 0
      for (const step of steps) {
        if (step.do === 'owe') {
          const thread = `t${step.thread}`
          owedByThread.set(thread, [...(owedByThread.get(thread) ?? []), count])
          desk.book.owe(thread, `${thread} ${count++}`, 10)
        } else if (step.do === 'wait') desk.nowMs += step.forMs
        else if (step.do === 'take') {
          for (const owed of desk.take()) {
            if (out.some(({ line }) => line === owed.line)) return false
            out.push(owed)
          }
          if (out.length > SETTINGS.concurrency) return false
        } else {
          const [owed] = out.splice(step.which, 1)
          if (owed === undefined) continue
          const outcome = desk.hear(owed, step.name, step.stale)
          if (outcome.kind === 'held') continue
          if (outcome.kind === 'given-up' && owed.tries !== triesMax) return false
          const [thread = '', at] = owed.what.split(' ')
          ended.set(thread, [...(ended.get(thread) ?? []), Number(at)])
        }
      }
      for (const [thread, all] of owedByThread) {
        const over = ended.get(thread) ?? []
        if (over.some((at, place) => at !== all[place])) return false
      }
      const over = [...ended.values()].flat().length
      if (desk.book.backlog.events !== count - over || desk.book.out !== out.length) return false
      // What is held can always still go: nothing waits for an instant that never comes.
      for (const owed of out) desk.hear(owed, 'stored')
      for (let left = desk.book.backlog.events; left > 0; left--) desk.hear(desk.one(), 'stored')
      return desk.book.backlog.events === 0 && desk.book.backlog.bytes === 0
    }),
    { numRuns: 400 },
  )
})

void t.test('what XZepr refuses is given up after the last try, and its thread goes on', async (t) => {
  const desk = new Desk()
  desk.owe('a1', 'a2')
  for (let tries = 1; tries < 20; tries++) t.same(desk.hear(desk.one(), 'refused'), { kind: 'held', lookAgain: false })
  t.match(desk.hear(desk.one(), 'refused'), { kind: 'given-up', why: 'given up after 20 tries: HTTP 400' })
  t.ok(desk.nowMs > 5 * 60_000, 'the tries stretch over minutes, so that a mended XZepr still gets it')
  t.equal(desk.one().what, 'a2')
})

void t.test('an outage never burns a try, however long it is', async (t) => {
  for (const name of ['away', 'failing', 'unauthorised', 'foreign', 'limited', 'busy']) {
    const desk = new Desk()
    desk.owe('a1', 'b1', 'c1')
    for (let times = 0; times < 200; times++) t.equal(desk.hear(desk.one(), name).kind, 'held', name)
    for (let left = 3; left > 0; left--) t.equal(desk.hear(desk.one(), 'stored').kind, 'stored')
    t.equal(desk.book.pace.problem, undefined)
  }
})

void t.test('a report that XZepr fails on while it accepts others is given up, at no cost for them', async (t) => {
  const desk = new Desk()
  desk.owe('p1')
  let ended: Outcome | undefined
  let failures = 0
  for (let others = 0; ended?.kind !== 'given-up'; others++) {
    desk.owe(`n${others}`)
    for (const owed of desk.take()) {
      if (owed.what === 'p1') {
        failures += 1
        ended = desk.hear(owed, 'failing')
      } else desk.hear(owed, 'stored')
    }
    t.equal(desk.book.pace.width, 3)
    t.ok(desk.book.pace.notBeforeMs <= desk.nowMs)
    desk.nowMs += 60_000
  }
  t.match(ended, { why: 'given up after 20 tries: HTTP 500' })
  t.equal(failures, 21, 'the first failure alone proves nothing')
})

void t.test('while XZepr is down one probe goes at a time, each with another report', async (t) => {
  const desk = new Desk()
  desk.owe('a1', 'b1', 'c1', 'd1', 'e1')
  for (const owed of desk.take()) desk.hear(owed, 'away')
  const probed: string[] = []
  for (let probes = 0; probes < 4; probes++) {
    desk.nowMs = desk.book.pace.notBeforeMs
    const [probe, ...more] = desk.take()
    t.same(more, [])
    probed.push(probe?.what ?? 'none')
    desk.hear(probe ?? missing('probe'), 'away')
  }
  t.same(probed.slice(0, 2).sort(), ['d1', 'e1'], 'those that never failed come first')
  desk.nowMs = desk.book.pace.notBeforeMs
  desk.hear(desk.one(), 'stored')
  desk.nowMs += 60_000
  t.equal(desk.take().length, 3, 'the first success opens the whole width')
})

void t.test('what was held up by a full bucket goes first when it may', async (t) => {
  const desk = new Desk()
  desk.owe('a1', 'b1')
  desk.hear(desk.one(), 'limited')
  t.equal(desk.book.next(desk.nowMs), undefined)
  t.equal(desk.one().what, 'a1')
  t.ok(desk.nowMs >= 600)
})

void t.test('a missing receiver is looked for again; only then does a 404 count', async (t) => {
  const desk = new Desk()
  desk.owe('a1')
  t.same(desk.hear(desk.one(), 'no-receiver'), { kind: 'held', lookAgain: true })
  t.same(desk.hear(desk.one(), 'no-receiver', true), { kind: 'held', lookAgain: false })
  for (let tries = 1; tries < 20; tries++) {
    t.same(desk.hear(desk.one(), 'no-receiver'), { kind: 'held', lookAgain: true })
  }
  t.match(desk.hear(desk.one(), 'no-receiver'), { kind: 'given-up', lookAgain: true })
})

void t.test('another user’s receiver is looked for again and never burns a try', async (t) => {
  const desk = new Desk()
  desk.owe('a1')
  for (let times = 0; times < 50; times++) {
    t.same(desk.hear(desk.one(), 'foreign'), { kind: 'held', lookAgain: true })
    t.same(desk.hear(desk.one(), 'unauthorised'), { kind: 'held', lookAgain: false })
  }
  t.same(desk.hear(desk.one(), 'foreign', true), { kind: 'held', lookAgain: false })
})

void t.test('nothing is woken for nothing', async (t) => {
  const desk = new Desk()
  t.equal(desk.book.wakeAtMs, undefined)
  desk.owe('a1')
  const a1 = desk.one()
  t.equal(desk.book.wakeAtMs, undefined)
  desk.hear(a1, 'refused')
  t.equal(desk.book.wakeAtMs, 250)
  desk.owe('b1', 'c1', 'd1')
  desk.take()
  t.equal(desk.book.wakeAtMs, undefined, 'at full width only an answer can help')
})

void t.test('holding and taking cost the same in a long queue as in a short one', async (t) => {
  const desk = new Desk()
  for (let at = 0; at < 50_000; at++) desk.book.owe(`t${at}`, `${at}`, 1)
  for (let at = 0; at < 50_000; at++) {
    const owed = desk.book.next(0)
    if (owed?.what !== String(at)) t.fail(`expected ${at}`)
    else desk.hear(owed, 'stored')
  }
  t.same(desk.book.backlog, { events: 0, bytes: 0 })
})
