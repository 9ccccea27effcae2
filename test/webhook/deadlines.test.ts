import fc from 'fast-check'
import t from 'tap'
import { Deadlines } from '../../src/webhook/deadlines.ts'
import { VirtualClock } from '../support/clock.ts'

class Waiting {
  readonly deadlineAtMs: number
  timedOutAtMs: number | undefined
  readonly #clock: VirtualClock
  readonly ticket: number
  readonly #book: Deadlines<Waiting>

  constructor(clock: VirtualClock, book: Deadlines<Waiting>) {
    this.deadlineAtMs = clock.nowMs() + 1000
    this.#clock = clock
    this.#book = book
    this.ticket = book.add(this)
  }

  timeout(): void {
    this.timedOutAtMs = this.#clock.nowMs()
    this.#book.delete(this.ticket)
  }
}

void t.test('each attempt ends at its own deadline, whoever came and went before it', async () => {
  const step = fc.record({ waitMs: fc.nat(700), ends: fc.option(fc.nat(10)) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
      const clock = new VirtualClock()
      const book = new Deadlines<Waiting>(clock)
      const all: Waiting[] = []
      const ended = new Set<Waiting>()
      for (const { waitMs, ends } of steps) {
        all.push(new Waiting(clock, book))
        await clock.advance(waitMs)
        const answered = ends === null ? undefined : all[ends]
        if (answered !== undefined && answered.timedOutAtMs === undefined) {
          book.delete(answered.ticket)
          ended.add(answered)
        }
        if (clock.pending > 1) throw new Error('a wake for more than the oldest')
      }
      await clock.advance(2000)
      if (clock.pending !== 0 || book.all.length !== 0) throw new Error('something is left behind')
      return all.every((each) => each.timedOutAtMs === (ended.has(each) ? undefined : each.deadlineAtMs))
    }),
    { numRuns: 50 },
  )
})

void t.test('when nothing is out nothing waits', async (t) => {
  const clock = new VirtualClock()
  const book = new Deadlines<Waiting>(clock)
  const [a, b] = [new Waiting(clock, book), new Waiting(clock, book)]
  t.equal(clock.pending, 1)
  book.delete(b.ticket)
  book.delete(a.ticket)
  t.equal(clock.pending, 0)
})
