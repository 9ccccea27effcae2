/**
 * How long to rest before the next attempt.
 *
 * Exponential with full jitter: every rest is drawn evenly from nothing up to a ceiling that doubles with each attempt,
 * so that what failed together does not come back together. A neighbour that says itself when to come again
 * (Retry-After) knows better and wins; the cap holds for it too, or one wrong header would park a work for a year.
 */

export interface Backoff {
  /** The attempt that has just failed; the first is 1. */
  readonly attempt: number
  /** The ceiling after the first attempt. */
  readonly initialMs: number
  /** The ceiling that no later one exceeds. */
  readonly maxMs: number
  /** From 0 (included) to 1 (excluded), from the Clock. */
  readonly chance: number
}

/** Beyond this the doubling alone passes any cap; 2 ** 1024 would be Infinity, and Infinity × 0 is no number. */
const DOUBLINGS_MAX = 1000

/** @returns whole milliseconds, from 0 up to, not including, min(maxMs, initialMs × 2^(attempt - 1)). */
export function backoffMs({ attempt, initialMs, maxMs, chance }: Backoff): number {
  const doublings = Math.min(Math.max(attempt - 1, 0), DOUBLINGS_MAX)
  return Math.floor(chance * Math.min(maxMs, initialMs * 2 ** doublings))
}

/**
 * The same where the other side may have said when to come again: Retry-After wins, capped by `maxMs`. One that asks for
 * less than the first rest (0, or a date that the other side's clock has passed) is no rest at all: taken at its word
 * it would spend every attempt at once, so the backoff is kept as the least.
 */
export function restMs(rest: Backoff & { readonly retryAfterMs?: number | undefined }): number {
  const { retryAfterMs, initialMs, maxMs } = rest
  if (retryAfterMs === undefined) return backoffMs(rest)
  const askedMs = Math.min(retryAfterMs, maxMs)
  return retryAfterMs < initialMs ? Math.max(askedMs, backoffMs(rest)) : askedMs
}
