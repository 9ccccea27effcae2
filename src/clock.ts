/**
 * Real time and real chance, behind the Clock seam.
 *
 * setTimeout counts in 32 bits: a longer wait fires at once. So a far instant is reached in steps, and a wait is
 * measured against the wall clock again at each step.
 */
import type { Clock, Wake } from './core/seams.ts'

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  chance: () => Math.random(),
  wake(atMs: number, what: () => void): Wake {
    let timer: NodeJS.Timeout
    const arm = (): void => {
      const waitMs = Math.max(0, atMs - Date.now())
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
