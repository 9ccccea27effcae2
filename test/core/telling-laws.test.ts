/**
 * Laws of the book over hours of virtual time: what one report meets costs no other, and an outage costs none.
 */
import t from 'tap'
import type { Owed } from '../../src/core/telling.ts'
import { Telling } from '../../src/core/telling.ts'
import type { XzeprAnswer } from '../../src/core/xzepr-answer.ts'

const SETTINGS = { concurrency: 8, initialMs: 500, maxMs: 60_000, triesMax: 20 }
const HOUR_MS = 3_600_000
const HANG_MS = 30_000
const STORED: XzeprAnswer = { kind: 'stored', id: '01A', rate: {} }
const barred = (code: 'XZB_XZEPR_UNAUTHORISED' | 'XZB_XZEPR_FORBIDDEN', receiverInDoubt: boolean): XzeprAnswer => ({
  kind: 'barred',
  code,
  why: code,
  receiverInDoubt,
})
/** What XZepr, or what stands before it, may answer to one body; a hang ends with our own timeout. */
const FAULTS: Readonly<Record<string, { readonly answer: XzeprAnswer; readonly takesMs: number }>> = {
  500: { answer: { kind: 'failing', why: 'HTTP 500' }, takesMs: 5 },
  503: { answer: { kind: 'busy', why: 'HTTP 503', retryAfterMs: undefined }, takesMs: 5 },
  '503 with retry-after': { answer: { kind: 'busy', why: 'HTTP 503', retryAfterMs: 20_000 }, takesMs: 5 },
  401: { answer: barred('XZB_XZEPR_UNAUTHORISED', false), takesMs: 5 },
  403: { answer: barred('XZB_XZEPR_FORBIDDEN', true), takesMs: 5 },
  '403 with a permission': { answer: barred('XZB_XZEPR_FORBIDDEN', false), takesMs: 5 },
  400: { answer: { kind: 'refused', why: 'HTTP 400', rate: {} }, takesMs: 5 },
  404: { answer: { kind: 'no-receiver', why: 'HTTP 404', rate: {} }, takesMs: 5 },
  429: { answer: { kind: 'limited', why: 'HTTP 429', retryAfterMs: 0, rate: {} }, takesMs: 5 },
  reset: { answer: { kind: 'away', why: 'ECONNRESET' }, takesMs: 5 },
  hang: { answer: { kind: 'away', why: 'timeout' }, takesMs: HANG_MS },
}

interface Sent {
  readonly poison: boolean
  readonly owedAtMs: number
  readonly thread: string
}

/** The road in virtual time: what is owed, when, and what XZepr answers. */
class Road {
  readonly book = new Telling<Sent>(SETTINGS)
  readonly waitsMs: number[] = []
  readonly lookedAgain: number[] = []
  nowMs = 0
  givenUp = 0
  outMost = 0
  sent: string[] = []
  readonly #out: { readonly owed: Owed<Sent>; readonly atMs: number; readonly answer: XzeprAnswer }[] = []
  #seed = 1
  #threads = 0

  owe(poison = false, thread = `t${this.#threads++}`): void {
    this.book.owe(thread, { poison, owedAtMs: this.nowMs, thread }, 1)
  }

  /** Runs until `untilMs`; each good report is owed `everyMs` after the one before. */
  run(untilMs: number, everyMs: number, xzepr: (sent: Sent) => { answer: XzeprAnswer; takesMs: number }): void {
    let nextGoodMs = this.nowMs + everyMs
    for (let steps = 0; this.nowMs < untilMs; steps++) {
      if (steps > 500_000) throw new Error('it spins')
      for (let owed = this.book.next(this.nowMs); owed; owed = this.book.next(this.nowMs)) {
        const { answer, takesMs } = xzepr(owed.what)
        this.sent.push(owed.what.thread)
        this.#out.push({ owed, answer, atMs: this.nowMs + takesMs })
      }
      this.outMost = Math.max(this.outMost, this.book.out)
      this.#out.sort((a, b) => a.atMs - b.atMs)
      const answerAtMs = this.#out[0]?.atMs ?? Infinity
      this.nowMs = Math.max(this.nowMs, Math.min(answerAtMs, this.book.wakeAtMs ?? Infinity, nextGoodMs, untilMs))
      while ((this.#out[0]?.atMs ?? Infinity) <= this.nowMs) this.#hear()
      if (this.nowMs >= nextGoodMs) {
        this.owe()
        nextGoodMs += everyMs
      }
    }
  }

  #hear(): void {
    const { owed, answer } = this.#out.shift() ?? { owed: undefined, answer: STORED }
    if (owed === undefined) return
    this.#seed = (this.#seed * 16_807) % 2_147_483_647
    const outcome = this.book.answered(owed, answer, false, { nowMs: this.nowMs, chance: this.#seed / 2_147_483_647 })
    if (outcome.kind === 'stored') this.waitsMs.push(this.nowMs - owed.what.owedAtMs)
    else if (outcome.kind === 'given-up') this.givenUp += 1
    if (outcome.kind !== 'stored' && outcome.lookAgain) this.lookedAgain.push(this.nowMs)
  }
}

for (const [name, fault] of Object.entries(FAULTS)) {
  const xzepr = ({ poison }: Sent): { answer: XzeprAnswer; takesMs: number } =>
    poison ? fault : { answer: STORED, takesMs: 5 }

  void t.test(`reports answered ${name} for ever hold up no other, and are given up`, async (t) => {
    for (const poisons of [1, 2, 5, 20]) {
      const road = new Road()
      for (let at = 0; at < poisons; at++) road.owe(true)
      road.run(4 * HOUR_MS, 1000, xzepr)
      const worstMs = Math.max(...road.waitsMs)
      // Before any is accepted, what hangs cannot be told from an outage until it has hung, eight at a time.
      t.ok(worstMs <= 60_000 + (name === 'hang' ? 3 * HANG_MS : 0), `${poisons}: at most ${worstMs} ms`)
      t.equal(road.givenUp, poisons, 'all given up')
      t.ok(road.waitsMs.length >= (4 * HOUR_MS) / 1000 - 60, 'all others told')
      t.ok(road.lookedAgain.length <= 6 * poisons, `the receiver is looked for ${road.lookedAgain.length} times`)
    }
  })

  // A 400 or 404 for everybody is no outage: XZepr answers, and a try counts.
  if (name === '400' || name === '404') continue
  void t.test(`${name} for everybody: one probe at a time, no try, and all are told once it ends`, async (t) => {
    const road = new Road()
    // XZepr flaps first: what some met then must not weaken the law.
    let flip = 0
    for (let at = 0; at < 30; at++) road.owe()
    road.run(30_000, Infinity, () => (flip++ % 3 > 0 ? fault : { answer: STORED, takesMs: 5 }))
    for (let at = 0; at < 50; at++) road.owe()
    road.run(road.nowMs + 600_000, Infinity, () => fault)
    road.outMost = 0
    road.sent = []
    road.run(road.nowMs + 6 * HOUR_MS, Infinity, () => fault)
    t.equal(road.outMost, 1, 'one at a time')
    t.ok(road.sent.length < 6 * 60 * 20, `${road.sent.length} probes in six hours`)
    t.ok(new Set(road.sent).size >= 40, `the probes are ${new Set(road.sent).size} different reports`)
    road.run(road.nowMs + 6 * HOUR_MS, Infinity, () => ({ answer: STORED, takesMs: 5 }))
    t.equal(road.book.backlog.events, 0)
    t.equal(road.givenUp, 0, 'none given up')
  })
}

void t.test('the thread of a report that is given up goes on', async (t) => {
  const road = new Road()
  road.owe(true, 'a')
  for (let at = 0; at < 5; at++) road.owe(false, 'a')
  road.run(HOUR_MS, 1000, ({ poison }) => ({
    answer: poison ? { kind: 'busy', why: 'HTTP 503', retryAfterMs: undefined } : STORED,
    takesMs: 5,
  }))
  t.equal(road.givenUp, 1)
  t.ok(road.sent.filter((thread) => thread === 'a').length >= 20 + 5)
  t.ok(road.book.backlog.events <= 1)
})
