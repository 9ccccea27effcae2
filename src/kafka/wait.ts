/**
 * Waiting by the Clock: the few ways the Kafka edge waits, each with an end.
 *
 * KafkaJS may leave a promise pending for ever, so nothing here waits for it without a bound.
 */
import type { Clock, Wake } from '../core/seams.ts'

/** Resolves when the time has come. */
export function rest(clock: Clock, forMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.wake(clock.nowMs() + forMs, resolve)
  })
}

/**
 * Resolves when the work is done or the time is up, whichever comes first; rejects when the work does in time. A
 * failure after that is nobody's news any more: whoever waited has gone on.
 * @param meanwhile is called every `everyMs` until then.
 */
export function within(
  clock: Clock,
  boundMs: number,
  work: Promise<unknown>,
  meanwhile?: { readonly everyMs: number; readonly beat: () => void },
): Promise<void> {
  return new Promise((resolve, reject) => {
    let beat: Wake | undefined
    const rebeat = (everyMs: number, what: () => void): void => {
      beat = clock.wake(clock.nowMs() + everyMs, () => {
        what()
        rebeat(everyMs, what)
      })
    }
    const end = clock.wake(clock.nowMs() + boundMs, () => {
      beat?.cancel()
      resolve()
    })
    if (meanwhile !== undefined) rebeat(meanwhile.everyMs, meanwhile.beat)
    const settle = (then: () => void): void => {
      beat?.cancel()
      end.cancel()
      then()
    }
    work.then(
      () => {
        settle(resolve)
      },
      (error: unknown) => {
        settle(() => {
          reject(error instanceof Error ? error : new Error(String(error)))
        })
      },
    )
  })
}
