/**
 * Waiting for XZepr on a caller's time, and no longer.
 *
 * A wait ends when XZepr is told, when the time is up, when the caller hangs up, or when the listener stops: whichever
 * comes first. What was waited for goes on without the caller; only the waiting ends.
 */
import type { Told } from '../core/report.ts'
import type { Clock } from '../core/seams.ts'

export class Patience {
  readonly #clock: Clock
  readonly #max: number
  readonly #waits = new Set<() => void>()
  #over = false

  /** @param max how many may wait at once: each holds a connection. */
  constructor(clock: Clock, max: number) {
    this.#clock = clock
    this.#max = max
  }

  /** No more may wait: a caller who asks to is answered at once instead. */
  get full(): boolean {
    return this.#waits.size >= this.#max
  }

  /** How many wait just now. */
  get waiting(): number {
    return this.#waits.size
  }

  /**
   * @param hungUp calls its argument when the caller is gone.
   * @returns how telling XZepr ended; undefined when the wait ended first. Rejects as `told` does.
   */
  async within(told: Promise<Told>, waitMs: number, hungUp: (end: () => void) => void): Promise<Told | undefined> {
    if (this.#over) return undefined
    let end = (): void => undefined
    const ended = new Promise<undefined>((resolve) => {
      end = () => {
        resolve(undefined)
      }
    })
    this.#waits.add(end)
    const wake = this.#clock.wake(this.#clock.nowMs() + waitMs, end)
    hungUp(end)
    try {
      return await Promise.race([told, ended])
    } finally {
      wake.cancel()
      this.#waits.delete(end)
    }
  }

  /** Ends every wait, now and from now on. */
  stop(): void {
    this.#over = true
    for (const end of this.#waits) end()
  }
}
