/**
 * Real time and real chance, behind the Clock seam.
 *
 * Time is the wall clock's at the start of the process and runs evenly from there: a wall clock that is set back would
 * otherwise hold up every rest, lease and probe for as long as the step. setTimeout counts in 32 bits and fires a longer
 * wait at once, so a far instant is reached in steps.
 */
import type { Clock, Wake } from './core/seams.ts'

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

const nowMs = (): number => Math.floor(performance.timeOrigin + performance.now())

export const systemClock: Clock = {
  nowMs,
  chance: () => Math.random(),
  wake(atMs: number, what: () => void): Wake {
    let timer: NodeJS.Timeout
    const arm = (): void => {
      const waitMs = Math.max(0, atMs - nowMs())
      timer = setTimeout(waitMs > LONGEST_TIMEOUT_MS ? arm : what, Math.min(waitMs, LONGEST_TIMEOUT_MS))
    }
    arm()
    return {
      cancel: () => {
        clearTimeout(timer)
      },
    }
  },
}
