/**
 * Faults that a test or a demo asks the XZepr stand-in to commit.
 *
 *   request ─▶ [delayMs] ─▶ status · reset · hang      nothing is handled, stored or counted against a limit
 *                        └▶ delay ─▶ handled as always
 *           ─▶ handled, stored ─▶ [delayMs] ─┬─ unpublished           200, never on Kafka (Kafka is down)
 *                                            ├─ stored-but-no-answer  the connection is reset
 *                                            ├─ stored-but-status     another answer (a proxy's 504)
 *                                            └─ half-answer           headers and half a body, then cut
 *
 * A client that leaves during a delay has sent nothing before the request was handled, and everything after it.
 * The oldest fault that fits a request is spent on it; one request commits one fault.
 */
import type { Route } from './xzepr-routes.ts'

export type FaultKind =
  | {
      readonly kind: 'status' | 'stored-but-status'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
      readonly delayMs?: number
    }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | {
      readonly kind: 'reset' | 'hang' | 'unpublished' | 'stored-but-no-answer' | 'half-answer'
      readonly delayMs?: number
    }

export type Fault = FaultKind & {
  /** Any request when absent. */
  readonly route?: Route | 'other'
  /** How many requests it strikes; 1 when absent, Infinity for all. */
  readonly times?: number
  /** How many fitting requests pass unharmed first. */
  readonly skip?: number
}

/** A fault that was added. */
export interface Laid {
  /** How many more it strikes. */
  readonly left: number
  remove(): void
}

interface Waiting {
  readonly fault: Fault
  skip: number
  left: number
}

export class Faults {
  readonly #waiting = new Set<Waiting>()

  add(fault: Fault): Laid {
    const waiting: Waiting = { fault, skip: fault.skip ?? 0, left: fault.times ?? 1 }
    this.#waiting.add(waiting)
    return {
      get left() {
        return waiting.left
      },
      remove: () => {
        waiting.left = 0
        this.#waiting.delete(waiting)
      },
    }
  }

  clear(): void {
    for (const waiting of this.#waiting) waiting.left = 0
    this.#waiting.clear()
  }

  /** The fault that strikes this request, spent by asking. */
  strike(route: Route | 'other'): Fault | undefined {
    for (const waiting of this.#waiting) {
      if (waiting.fault.route !== undefined && waiting.fault.route !== route) continue
      if (waiting.skip > 0) {
        waiting.skip -= 1
        continue
      }
      waiting.left -= 1
      if (waiting.left <= 0) this.#waiting.delete(waiting)
      return waiting.fault
    }
    return undefined
  }
}
