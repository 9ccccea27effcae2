/**
 * Wakes: at most one pending wake-up for each of many.
 *
 * A work that rests, or whose lease runs, wants to be looked at again at an instant; a later wish replaces an earlier
 * one, so a lease that is renewed leaves no timer behind.
 */
import type { Clock, Wake } from './core/seams.ts'

export class Wakes<T> {
  readonly #clock: Clock
  readonly #wakes = new Map<T, Wake>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  set(whom: T, atMs: number, what: () => void): void {
    this.cancel(whom)
    const wake = this.#clock.wake(atMs, () => {
      this.#wakes.delete(whom)
      what()
    })
    this.#wakes.set(whom, wake)
  }

  cancel(whom: T): void {
    this.#wakes.get(whom)?.cancel()
    this.#wakes.delete(whom)
  }

  cancelAll(): void {
    for (const whom of [...this.#wakes.keys()]) this.cancel(whom)
  }
}
