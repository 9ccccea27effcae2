/**
 * Batching: how many works go in one delivery, and when.
 *
 * A delivery goes when it is full, or when the first of its works has waited long enough for company. The formats that
 * carry one event are the same with a size of one: nothing waits there.
 */
export interface BatchPolicy {
  /** Events in one delivery at most. */
  readonly maxEvents: number
  /** How long a delivery waits to be filled. */
  readonly waitMs: number
}

/** One event in a delivery, and no waiting. */
export const SINGLE: BatchPolicy = { maxEvents: 1, waitMs: 0 }

/** Past this many bytes of records a delivery is full: servers refuse large bodies, and one refusal is for all in it. */
export const BATCH_BYTES_MAX = 1024 * 1024

export class Batching {
  readonly #policy: BatchPolicy
  #sinceMs: number | undefined

  constructor(policy: BatchPolicy) {
    this.#policy = policy
  }

  /** When a delivery that is not full goes all the same; undefined while none waits. */
  get dueAtMs(): number | undefined {
    return this.#sinceMs === undefined ? undefined : this.#sinceMs + this.#policy.waitMs
  }

  /** How many of `waiting` works may go in one delivery now; 0: they wait for company until `dueAtMs`. */
  ready(waiting: number, nowMs: number): number {
    const { maxEvents, waitMs } = this.#policy
    if (waiting >= maxEvents) return maxEvents
    if (waiting === 0) {
      this.#sinceMs = undefined
      return 0
    }
    this.#sinceMs ??= nowMs
    return nowMs >= this.#sinceMs + waitMs ? waiting : 0
  }

  /** A delivery has gone: what is left waits from now on. */
  gone(): void {
    this.#sinceMs = undefined
  }
}
