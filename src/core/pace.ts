/**
 * The pace at which XZepr is asked: how many requests may be out, and not before when.
 *
 * One answer can stand for all requests: XZepr is down, the token is refused, the user's bucket is empty. Then all
 * rest together, and come back one at a time, so that a XZepr that rises is not met by everything that was held.
 *
 *              trouble                      alive
 *      open ───────────▶ probing (1 out) ───────────▶ open
 *        │                 │   ▲ trouble: a longer rest
 *        │ limited         └───┘
 *        └─────────▶ saving (1 out, a token's time apart) ──▶ open, when the bucket holds enough again
 *
 * Laws: the answers to requests that were out together are one wave, and lengthen the rest once. A report that fails
 * alone rests alone: only when a second one fails too, with nothing accepted between, it is XZepr that is down. What a
 * report brings on itself, shown by others accepted between its failures, touches no other's pace.
 */
import { backoffMs } from './retry.ts'
import type { Problem, Rate, XzeprAnswer } from './xzepr-answer.ts'
import { problemIn } from './xzepr-answer.ts'
import type { Moment } from './seams.ts'

export interface PaceSettings {
  /** Requests out at a time while all is well. */
  readonly concurrency: number
  readonly initialMs: number
  readonly maxMs: number
}

/**
 * How long the bucket takes to gain a token, where XZepr does not say: its authenticated default is 100 requests a
 * minute, refilled continuously. Its 429 says `retry-after: 0`, so this is the least that helps.
 */
export const TOKEN_MS = 600
/** Pods that share a bucket spread over this many tokens' time when they meet its end again and again. */
const SPREAD_TOKENS = 16

export class Pace {
  readonly #settings: PaceSettings
  #mode: 'open' | 'probing' | 'saving' = 'open'
  #wave = 0
  #failures = 0
  #notBeforeMs = 0
  #accepted = 0
  #problem: Problem | undefined
  /** Threads that failed since XZepr last accepted anything. */
  readonly #failing = new Set<string>()

  constructor(settings: PaceSettings) {
    this.#settings = settings
  }

  /** Stamped on a request when it goes out, handed back with its answer. */
  get wave(): number {
    return this.#wave
  }

  /** No request may start before this instant. */
  get notBeforeMs(): number {
    return this.#notBeforeMs
  }

  get open(): boolean {
    return this.#mode === 'open'
  }

  get probing(): boolean {
    return this.#mode === 'probing'
  }

  /**
   * Probes come from both ends of the queue in turn: many bad reports at one end would else keep XZepr from showing
   * that it takes others. A bucket that is merely low keeps the queue's order.
   */
  get newestNext(): boolean {
    if (this.open || this.#failures === 0) return false
    return this.#failures % 2 === (this.probing ? 1 : 0)
  }

  /** How many requests may be out. */
  get width(): number {
    return this.open ? this.#settings.concurrency : 1
  }

  /** How many requests XZepr has granted so far. */
  get accepted(): number {
    return this.#accepted
  }

  /** What keeps XZepr from taking reports just now; undefined when nothing does, or nothing was tried. */
  get problem(): Problem | undefined {
    return this.#problem
  }

  /**
   * What an answer says about XZepr as a whole.
   * @param thread tells the failures of one report from those of many.
   * @param own XZepr accepted others since this report failed before: its failures say nothing about XZepr.
   */
  heard(thread: string, answer: XzeprAnswer, wave: number, moment: Moment, own = false): void {
    if (answer.kind === 'stored') {
      this.#accepted += 1
      this.#failing.clear()
    }
    switch (answer.kind) {
      case 'stored':
      case 'refused':
      case 'no-receiver':
        this.#alive(wave, answer.rate, moment.nowMs)
        return
      case 'limited':
        if (own) return
        this.#limited(wave, moment, answer.rate, answer.retryAfterMs)
        return
      case 'barred':
      case 'busy':
        if (own) return
        this.#problem = problemIn(answer)
        this.#trouble(wave, moment, answer.kind === 'busy' ? answer.retryAfterMs : undefined)
        return
      case 'failing':
      case 'away':
        if (own) return
        this.#failed(thread, answer, wave, moment)
    }
  }

  /** A report of this thread was given up: what it did says nothing about XZepr any more. */
  forget(thread: string): void {
    this.#failing.delete(thread)
  }

  #failed(thread: string, answer: XzeprAnswer, wave: number, moment: Moment): void {
    const again = this.#failing.has(thread)
    // Two tell enough; more would be held for nothing.
    if (this.#failing.size < 2) this.#failing.add(thread)
    const many = this.#failing.size > 1 || !this.open
    // One failure is often a connection that XZepr closed just as it was used: no news for the operator.
    if (many || again) this.#problem = problemIn(answer)
    if (many) this.#trouble(wave, moment)
  }

  #alive(wave: number, rate: Rate, nowMs: number): void {
    this.#problem = undefined
    // The bucket was empty since: an older answer's count is out of date.
    if (this.#mode === 'saving' && wave !== this.#wave) return
    this.#failures = 0
    if (this.#mode === 'probing') this.#notBeforeMs = nowMs
    const scarce = rate.remaining !== undefined && rate.remaining < this.#settings.concurrency
    this.#mode = scarce ? 'saving' : 'open'
    if (rate.remaining === 0) this.#restUntil(nowMs + tokenMs(rate))
  }

  /** `retryAfterMs`: XZepr's own word on when it will serve us. */
  #trouble(wave: number, { nowMs, chance }: Moment, retryAfterMs?: number): void {
    const { initialMs, maxMs } = this.#settings
    if (retryAfterMs !== undefined) this.#restUntil(nowMs + Math.min(retryAfterMs, maxMs))
    if (wave !== this.#wave) return
    this.#nextWave('probing')
    this.#restUntil(nowMs + backoffMs({ attempt: this.#failures, initialMs, maxMs, chance }))
  }

  /** The bucket is empty. XZepr rounds Retry-After down to 0: a token's time is the least that helps. */
  #limited(wave: number, { nowMs, chance }: Moment, rate: Rate, retryAfterMs = 0): void {
    const { maxMs } = this.#settings
    const initialMs = tokenMs(rate)
    const leastMs = Math.max(TOKEN_MS, initialMs, Math.min(retryAfterMs, maxMs))
    this.#restUntil(nowMs + leastMs)
    if (wave !== this.#wave) return
    this.#nextWave('saving')
    const spreadMs = Math.min(maxMs, SPREAD_TOKENS * initialMs)
    this.#restUntil(nowMs + leastMs + backoffMs({ attempt: this.#failures, initialMs, maxMs: spreadMs, chance }))
  }

  #nextWave(mode: 'probing' | 'saving'): void {
    this.#mode = mode
    this.#wave += 1
    this.#failures += 1
  }

  #restUntil(atMs: number): void {
    this.#notBeforeMs = Math.max(this.#notBeforeMs, atMs)
  }
}

/** How long the bucket takes to gain one token. */
function tokenMs({ limit }: Rate): number {
  return limit === undefined || limit === 0 ? TOKEN_MS : Math.ceil(60_000 / limit)
}
