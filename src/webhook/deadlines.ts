/**
 * The deadlines of all attempts that are out, on one timer.
 *
 * Each attempt has the same time, so they run out in the order in which they began: only the oldest needs a wake. A
 * timer for each would cost more than the rest of an attempt's own book-keeping.
 */
import type { Clock, Wake } from '../core/seams.ts'
import { SlotMap } from '../core/slot-map.ts'

export interface Timed {
  readonly deadlineAtMs: number
  /** Its time is over. It leaves the book by itself. */
  timeout(): void
}

export class Deadlines<A extends Timed> {
  readonly #clock: Clock
  /** In the order of their starts, and so of their deadlines. */
  readonly #out = new SlotMap<number, A>()
  #tickets = 0
  #wake: Wake | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns the ticket for `delete`. */
  add(attempt: A): number {
    const ticket = ++this.#tickets
    this.#out.set(ticket, attempt)
    this.#wake ??= this.#arm(attempt)
    return ticket
  }

  delete(ticket: number): void {
    this.#out.delete(ticket)
    if (this.#out.size > 0) return
    this.#wake?.cancel()
    this.#wake = undefined
  }

  /** What is out just now, oldest first. */
  get all(): readonly A[] {
    return [...this.#out]
  }

  #arm({ deadlineAtMs }: A): Wake {
    return this.#clock.wake(deadlineAtMs, () => {
      this.#wake = undefined
      this.#due()
    })
  }

  #due(): void {
    const nowMs = this.#clock.nowMs()
    for (const attempt of this.#out) {
      if (attempt.deadlineAtMs > nowMs) {
        this.#wake ??= this.#arm(attempt)
        return
      }
      attempt.timeout()
    }
  }
}
