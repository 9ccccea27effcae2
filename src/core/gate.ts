/**
 * The gate: is the app there?
 *
 *            away, or its health ill twice
 *    open ───────────────────────────────▶ closed ──(the wait is over; its health, if asked, is well)──▶ probing ─┐
 *     ▲                                      └◀── away, reset, timeout: waits longer ─────────────────────────────┤
 *     └─────────────────────────────── the app answers the probe with anything, or reports about it ──────────────┘
 *
 * While closed nothing is sent, no attempt is burned and the group is kept. One probe at a time is let through; any
 * HTTP answer to it means that the app is there. What was sent before the gate last changed says nothing of now: an
 * app that shuts down refuses new calls while it answers old ones, and would flap the gate with each. A half-dead app
 * that accepts and then resets does not answer, so it neither opens nor closes it.
 */
import type { Answer, Exchange } from './answer.ts'
import { backoffMs } from './retry.ts'

/** First and longest wait between tries: an app that comes up is seen soon, one that is gone costs little. */
const TRY_INITIAL_MS = 200
const TRY_MAX_MS = 5000
/** Between two questions for the health of an app that is well, and after one that was ill. */
const HEALTH_EVERY_MS = 5000
const HEALTH_AGAIN_MS = 1000
/** One answer that is late or lost is no outage, and a closed gate holds up everything; two in a row are news. */
const ILL_MAX = 2

/** What a delivery was let through as. The gate reads it again with the answer. */
export interface Pass {
  /** It tries whether the app is there while the gate is closed. */
  readonly probe: boolean
  /** How often the gate had changed by then. */
  readonly era: number
}

/** What the app's health came to: 2xx is well, anything else and silence are ill. */
export interface HealthAnswer {
  readonly well: boolean
  readonly why: string
}

export class Gate {
  #era = 0
  #closedAtMs: number | undefined
  #openedAtMs: number | undefined
  #retryAtMs = 0
  #failures = 0
  #probing = false
  /** When to ask for the health next; undefined when it is never asked. */
  #askAtMs: number | undefined
  #asking = false
  /** How often in a row it was ill. An app that has never been well is believed at once: it is coming up. */
  #ill = ILL_MAX - 1
  /** It was well since the gate closed. */
  #well = false

  /** Since when the gate is closed; undefined while it is open. */
  get closedAtMs(): number | undefined {
    return this.#closedAtMs
  }

  /** When it last opened; undefined when it never closed. */
  get openedAtMs(): number | undefined {
    return this.#openedAtMs
  }

  /** When a delivery may try again by the clock alone: closed, not probing, and not waiting for the app's health. */
  get retryAtMs(): number | undefined {
    return this.#closedAtMs === undefined || this.#probing || this.#waitsForHealth ? undefined : this.#retryAtMs
  }

  /** May a delivery go now? */
  admits(nowMs: number): boolean {
    if (this.#closedAtMs === undefined) return true
    return !this.#probing && !this.#waitsForHealth && nowMs >= this.#retryAtMs
  }

  /** A delivery goes. */
  pass(): Pass {
    const probe = this.#closedAtMs !== undefined
    if (probe) this.#probing = true
    return { probe, era: this.#era }
  }

  /** A delivery came to nothing of its own: it was taken back. */
  callOff(pass: Pass): void {
    if (this.#isNow(pass) && pass.probe) this.#probing = false
  }

  /**
   * Learns from an answer.
   * @returns 'closed' or 'opened' when that changed.
   */
  learn(answer: Answer, pass: Pass, nowMs: number, chance: number): 'closed' | 'opened' | undefined {
    if (!this.#isNow(pass)) return undefined
    if (pass.probe) this.#probing = false
    // A request that could not be written was never sent: it says nothing of the app.
    if (answer.kind === 'never' && !answer.responded) return undefined
    const responded = answer.kind === 'later' ? answer.responded : answer.kind !== 'away'
    if (responded) return this.#open(nowMs)
    if (pass.probe) {
      this.#wait(nowMs, chance)
      return undefined
    }
    return answer.kind === 'away' ? this.#close(nowMs, chance) : undefined
  }

  /** The app reports about what was let through: it is there, however long its answer takes. */
  heard(pass: Pass, nowMs: number): 'opened' | undefined {
    return this.#isNow(pass) ? this.#open(nowMs) : undefined
  }

  // ── the app's health ────────────────────────────────────────────────────────────────────────────────────────────

  /** From here on the app's health is asked too; for the first time at once. */
  askHealth(nowMs: number): void {
    this.#askAtMs = nowMs
  }

  /** When to ask for the app's health; undefined while it is being asked, is not asked at all, or a probe is out. */
  get askAtMs(): number | undefined {
    return this.#asking || this.#probing ? undefined : this.#askAtMs
  }

  /** The app is asked for its health. @returns what to hand in with the answer. */
  asks(): number {
    this.#asking = true
    return this.#era
  }

  /** @returns 'closed' when that changed. Whether a delivery may go now, `admits` says. */
  learnHealth(well: boolean, era: number, nowMs: number, chance: number): 'closed' | undefined {
    this.#asking = false
    // Asked before the gate changed: what it is now was said by something newer. The next question stands already.
    if (era !== this.#era) return undefined
    this.#ill = well ? 0 : this.#ill + 1
    if (this.#closedAtMs === undefined) {
      if (this.#ill >= ILL_MAX) return this.#close(nowMs, chance)
      this.#askAtMs = nowMs + jittered(well ? HEALTH_EVERY_MS : HEALTH_AGAIN_MS, chance)
      return undefined
    }
    if (this.#probing) {
      // The delivery that is on its way will say more; one after it must not rest on an older word.
      this.#well &&= well
      return undefined
    }
    this.#well = well
    // It stays well only as long as it says so: nothing may be there to be the probe for hours.
    if (well) this.#askAtMs = nowMs + jittered(HEALTH_EVERY_MS, chance)
    else this.#wait(nowMs, chance)
    return undefined
  }

  get #waitsForHealth(): boolean {
    return this.#askAtMs !== undefined && !this.#well
  }

  #isNow({ era }: Pass): boolean {
    return era === this.#era
  }

  #open(nowMs: number): 'opened' | undefined {
    if (this.#closedAtMs === undefined) return undefined
    this.#era += 1
    this.#closedAtMs = undefined
    this.#openedAtMs = nowMs
    this.#failures = 0
    this.#probing = false
    this.#ill = 0
    if (this.#askAtMs !== undefined) this.#askAtMs = nowMs + HEALTH_EVERY_MS
    return 'opened'
  }

  #close(nowMs: number, chance: number): 'closed' {
    this.#era += 1
    this.#closedAtMs = nowMs
    this.#wait(nowMs, chance)
    return 'closed'
  }

  /** Another try failed: at least half of the wait is kept, or an app that is just starting would be hammered. */
  #wait(nowMs: number, chance: number): void {
    this.#failures += 1
    const waitMs = backoffMs({
      attempt: this.#failures,
      initialMs: TRY_INITIAL_MS,
      maxMs: TRY_MAX_MS,
      chance: 0.5 + chance / 2,
    })
    this.#well = false
    this.#retryAtMs = nowMs + waitMs
    // Once it is well its answer has waited; the probe need not wait again.
    if (this.#askAtMs !== undefined) this.#askAtMs = this.#retryAtMs
  }
}

export function healthAnswer(exchange: Exchange): HealthAnswer {
  if (exchange.kind !== 'response') return { well: false, why: exchange.why }
  const { status } = exchange
  return { well: status >= 200 && status < 300, why: `HTTP ${status}` }
}

/** From three quarters to five quarters: copies of a pod do not ask in step. */
function jittered(ms: number, chance: number): number {
  return Math.round(ms * (0.75 + chance / 2))
}
