/**
 * The outbox: dead letters that Kafka does not have yet, and what is tried with each.
 *
 * ```
 *   put ─▶ in company ──too large, or unfit──▶ alone ──too large──▶ without its value ──too large──▶ bare
 *              └── not now ──▶ rests ─▶ again        └── unfit, not now ──▶ rests ─▶ again
 * ```
 *
 * The laws: a letter leaves only when it is written; one that Kafka will not have holds up no other for longer than its
 * own request; what Kafka calls too large is made smaller until it fits, because its partition waits for it. How many
 * wait is bounded by whoever puts them in: their records count as held until they are written.
 */
import type { DeadLetter, LeftOut } from './dead-letter.ts'
import { LETTER_TEXT_MAX_BYTES } from './dead-letter.ts'
import { heldBytes } from './record.ts'
import { backoffMs } from './retry.ts'

/** A letter under way. */
export interface Parcel {
  readonly letter: DeadLetter
  readonly bytes: number
  /** What it is written without. */
  leftOut: LeftOut | undefined
  /** It has been refused in company: whether it was the reason shows when it goes alone. */
  alone: boolean
  refusals: number
  restsUntilMs: number
}

/**
 * `too-large`: for the topic's or the broker's limit. `unfit`: Kafka objects to something in the request, perhaps to this
 * letter. `not-now`: nothing is wrong with the letter.
 */
export type Refusal = 'too-large' | 'unfit' | 'not-now'

export interface OutboxOptions {
  readonly retryInitialMs: number
  readonly retryMaxMs: number
}

/** One request holds no more: a topic that keeps to Kafka's default takes 1 MiB. */
export const COMPANY_MAX_LETTERS = 500
export const COMPANY_MAX_BYTES = 512 * 1024
/** What the headers of a letter take at most: two cut texts, three names, the numbers. */
const OWN_HEADERS_BYTES = 2 * LETTER_TEXT_MAX_BYTES + 1024

export class Outbox {
  /** In the order in which they came. */
  readonly #waiting = new Set<Parcel>()
  readonly #options: OutboxOptions
  #failures = 0
  #pausedUntilMs = 0

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Is one here that Kafka has refused for itself? */
  get refusing(): boolean {
    for (const { refusals } of this.#waiting) if (refusals > 0) return true
    return false
  }

  put(letter: DeadLetter): Parcel {
    const bytes = heldBytes(letter.record) + OWN_HEADERS_BYTES
    const parcel = { letter, bytes, leftOut: undefined, alone: false, refusals: 0, restsUntilMs: 0 }
    this.#waiting.add(parcel)
    return parcel
  }

  /** What the next request holds: those that do not rest, as many as it may, or one that goes alone. */
  next(nowMs: number): readonly Parcel[] {
    const company: Parcel[] = []
    if (nowMs < this.#pausedUntilMs) return company
    let bytes = 0
    for (const parcel of this.#waiting) {
      if (nowMs < parcel.restsUntilMs) continue
      bytes += parcel.bytes
      if (company.length > 0 && (parcel.alone || bytes > COMPANY_MAX_BYTES)) break
      company.push(parcel)
      if (parcel.alone || company.length === COMPANY_MAX_LETTERS) break
    }
    return company
  }

  /** When there is something to send; undefined when nothing waits. */
  get nextAtMs(): number | undefined {
    let soonestMs: number | undefined
    for (const { restsUntilMs } of this.#waiting) {
      if (soonestMs === undefined || restsUntilMs < soonestMs) soonestMs = restsUntilMs
      if (soonestMs <= this.#pausedUntilMs) break
    }
    return soonestMs === undefined ? undefined : Math.max(soonestMs, this.#pausedUntilMs)
  }

  written(parcel: Parcel): void {
    this.#waiting.delete(parcel)
    this.#failures = 0
    this.#pausedUntilMs = 0
  }

  /** Kafka could not be asked at all: nothing is sent for a while. */
  unreached(nowMs: number, chance: number): void {
    this.#failures += 1
    this.#pausedUntilMs = nowMs + this.#restMs(this.#failures, chance)
  }

  /** @returns what the letter goes without from now on, where that has just been decided. */
  refused(parcel: Parcel, refusal: Refusal, nowMs: number, chance: number): LeftOut | undefined {
    // Behind those that have not been tried: what is refused does not go first.
    this.#waiting.delete(parcel)
    this.#waiting.add(parcel)
    if (refusal !== 'not-now' && !parcel.alone) {
      parcel.alone = true
      return undefined
    }
    const lighter = refusal === 'too-large' ? lighterThan(parcel) : undefined
    if (lighter !== undefined) {
      parcel.leftOut = lighter
      return lighter
    }
    parcel.refusals += 1
    parcel.restsUntilMs = nowMs + this.#restMs(parcel.refusals, chance)
    return undefined
  }

  /** Never at once: the same answer would come as fast as it can be asked for. */
  #restMs(attempt: number, chance: number): number {
    const { retryInitialMs, retryMaxMs } = this.#options
    return (
      retryInitialMs + backoffMs({ attempt, initialMs: retryInitialMs, maxMs: retryMaxMs - retryInitialMs, chance })
    )
  }
}

function lighterThan({ leftOut, letter }: Parcel): LeftOut | undefined {
  if (leftOut === undefined && letter.record.value !== null) return 'value'
  return leftOut === 'all' ? undefined : 'all'
}
