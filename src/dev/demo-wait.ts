/**
 * Waiting that gives up: when the person has had enough (Ctrl-C aborts the signal), or when the time is up.
 *
 * Nothing in the demo waits in any other way, so nothing can hang it.
 */
import type { Clock } from '../core/seams.ts'

/** The wanted result, or a rejection as soon as the signal is aborted. What was wanted is left to itself then. */
export async function unlessAborted<T>(wanted: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = (): void => {
      reject(new Error('aborted'))
    }
    if (signal.aborted) give()
    signal.addEventListener('abort', give, { once: true })
    void wanted.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', give)
    })
  })
}

/** The wanted result, or a rejection with this sentence once the time is up. */
export async function inTime<T>(wanted: Promise<T>, clock: Clock, timeoutMs: number, late: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const wake = clock.wake(clock.nowMs() + timeoutMs, () => {
      reject(new Error(late))
    })
    void wanted.then(resolve, reject).finally(() => {
      wake.cancel()
    })
  })
}
