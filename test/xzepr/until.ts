/** Waits for what real sockets bring while the clock stands still, or moves it on until then. */
import type { VirtualClock } from '../support/clock.ts'

/** Lets I/O go on until it is so. Fails after very many turns instead of hanging. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 200_000; turn++) {
    if (isSo()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error(`it never came to this: ${what}`)
}

/** The same while time passes in small steps, so that rests end; I/O goes on between them. */
export async function inTime(clock: VirtualClock, what: string, isSo: () => boolean, stepMs = 50): Promise<void> {
  for (let step = 0; step < 20_000; step++) {
    if (isSo()) return
    await clock.advance(stepMs)
  }
  throw new Error(`it never came to this: ${what}`)
}
