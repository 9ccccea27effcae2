/**
 * The gate: is the app there?
 *
 *            away
 *    open ─────────▶ closed ──(its wait is over)──▶ probing ──┐
 *     ▲                ▲                                      │
 *     │                └── away, reset, timeout: waits longer ┤
 *     └────────────────────── the app answers anything ───────┘
 *
 * While closed nothing is sent, no attempt is burned and the group is kept. One probe at a time is let through; any
 * HTTP answer, even a bad one, means that the app is there. A half-dead app that accepts and then resets does not
 * answer, so it does not open the gate.
 */
import type { Answer } from './answer.ts'
import { backoffMs } from './retry.ts'

/** First and longest wait between probes: an app that comes up is seen soon, one that is gone costs little. */
const PROBE_INITIAL_MS = 200
const PROBE_MAX_MS = 5000

export class Gate {
  #closedAtMs: number | undefined
  #openedAtMs: number | undefined
  #retryAtMs = 0
  #failures = 0
  #probing = false

  /** Since when the gate is closed; undefined while it is open. */
  get closedAtMs(): number | undefined {
    return this.#closedAtMs
  }

  /** When it last opened; undefined when it never closed. */
  get openedAtMs(): number | undefined {
    return this.#openedAtMs
  }

  /** When to try again, while closed and not probing. */
  get retryAtMs(): number | undefined {
    return this.#closedAtMs === undefined || this.#probing ? undefined : this.#retryAtMs
  }

  /** May a delivery go now? */
  admits(nowMs: number): boolean {
    return this.#closedAtMs === undefined || (!this.#probing && nowMs >= this.#retryAtMs)
  }

  /** A delivery goes. @returns true when it is the probe. */
  pass(): boolean {
    if (this.#closedAtMs === undefined) return false
    this.#probing = true
    return true
  }

  /** The probe came to nothing of its own: it was called off. */
  callOff(): void {
    this.#probing = false
  }

  /**
   * Learns from an answer.
   * @param probe whether this delivery was the probe: a late answer to an older one says little about now.
   * @returns 'closed' or 'opened' when that changed.
   */
  learn(answer: Answer, probe: boolean, nowMs: number, chance: number): 'closed' | 'opened' | undefined {
    // Only its own answer ends a probe: one that an older call's answer made needless is still out, and a second beside
    // it would be two requests at an app that has just gone away again.
    if (probe) this.#probing = false
    // A request that could not be written was never sent: it says nothing of the app.
    if (answer.kind === 'never' && !answer.responded) return undefined
    const responded = answer.kind === 'later' ? answer.responded : answer.kind !== 'away'
    if (responded) {
      if (this.#closedAtMs === undefined) return undefined
      this.#closedAtMs = undefined
      this.#openedAtMs = nowMs
      this.#failures = 0
      return 'opened'
    }
    const open = this.#closedAtMs === undefined
    if (open && answer.kind !== 'away') return undefined
    if (!open && !probe) return undefined
    this.#failures += 1
    // At least half of the wait is kept: a wait of nothing would hammer an app that is just starting.
    const waitMs = backoffMs({
      attempt: this.#failures,
      initialMs: PROBE_INITIAL_MS,
      maxMs: PROBE_MAX_MS,
      chance: 0.5 + chance / 2,
    })
    this.#retryAtMs = nowMs + waitMs
    if (!open) return undefined
    this.#closedAtMs = nowMs
    return 'closed'
  }
}
