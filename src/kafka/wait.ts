/**
 * Waiting by the Clock: the few ways the Kafka edge waits, each with an end.
 *
 * KafkaJS may leave a promise pending for ever, so nothing here waits for it without a bound; and whoever waits is let
 * go together with the session, so that no timer outlives it.
 */
import type { Clock, Wake } from '../core/seams.ts'

interface Meanwhile {
  readonly everyMs: number
  readonly beat: () => void
}

/** The waits of one session. */
export class Waits {
  readonly #clock: Clock
  readonly #ends = new Set<() => void>()
  #over = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when the time has come. */
  async rest(forMs: number): Promise<void> {
    await this.within(forMs, new Promise<never>(() => undefined))
  }

  /**
   * Resolves with what the work gives, or with undefined when the time is up or the waits end before that; rejects when
   * the work does in time. A failure after that is nobody's news any more: whoever waited has gone on.
   * @param meanwhile is called every `everyMs` until then.
   */
  within<T>(boundMs: number, work: Promise<T>, meanwhile?: Meanwhile): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const wakes: { bound?: Wake; beat?: Wake } = {}
      const settle = (then: () => void): void => {
        wakes.beat?.cancel()
        wakes.bound?.cancel()
        this.#ends.delete(giveUp)
        then()
      }
      const giveUp = (): void => {
        settle(() => {
          resolve(undefined)
        })
      }
      const rebeat = ({ everyMs, beat: what }: Meanwhile): void => {
        wakes.beat = this.#clock.wake(this.#clock.nowMs() + everyMs, () => {
          what()
          rebeat({ everyMs, beat: what })
        })
      }
      work.then(
        (given) => {
          settle(() => {
            resolve(given)
          })
        },
        (error: unknown) => {
          settle(() => {
            reject(error instanceof Error ? error : new Error(String(error)))
          })
        },
      )
      if (this.#over) {
        giveUp()
        return
      }
      this.#ends.add(giveUp)
      wakes.bound = this.#clock.wake(this.#clock.nowMs() + boundMs, giveUp)
      if (meanwhile !== undefined) rebeat(meanwhile)
    })
  }

  /** Lets everyone go who waits, and whoever comes to wait later. */
  end(): void {
    this.#over = true
    for (const end of this.#ends) end()
  }
}
