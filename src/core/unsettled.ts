/**
 * The unsettled entries of a ledger, in the order of their offsets, and what has settled between them.
 *
 *   unsettled   4 ──── 9 ──── 12         each knows whether something that must be remembered settled before it
 *   settled       5…8    10…11
 *
 * What was never received (compaction, markers) and what would end the same way again (a record the filter refuses) counts
 * with either neighbour, whichever keeps the map short.
 */
import type { Known } from './known.ts'
import type { AttemptStep, OffsetMap, Run } from './offset-map.ts'

/** One received offset in its ledger. */
export interface Entry {
  readonly offset: bigint
  /** Attempts that reached the app, also before a crash or under another reader. */
  readonly attempts: number
  readonly settled: boolean
}

/** An unsettled entry in its place. */
export interface Place extends Entry {
  attempts: number
  settled: boolean
  before: Place | undefined
  after: Place | undefined
  /** Something that must be remembered has settled between the one before and this one. */
  settledBefore: boolean
}

export class Unsettled {
  #head: Place | undefined
  #tail: Place | undefined
  /** The same as `settledBefore`, for the next one that is received. */
  #settledAtEnd = false
  #size = 0
  #touchedTo = 0n
  /** Beyond it nothing was touched or settled: the map has nothing to say of what was received there. */
  #mappedTo = 0n

  get size(): number {
    return this.#size
  }

  get first(): Place | undefined {
    return this.#head
  }

  /** The offset after the last one that was ever attempted. */
  get touchedTo(): bigint {
    return this.#touchedTo
  }

  /** Takes in an offset behind all others. */
  add(offset: bigint, attempts: number): Place {
    const place: Place = {
      offset,
      attempts,
      settled: false,
      before: this.#tail,
      after: undefined,
      settledBefore: this.#settledAtEnd,
    }
    if (this.#tail === undefined) this.#head = place
    else this.#tail.after = place
    this.#tail = place
    this.#settledAtEnd = false
    this.#size += 1
    if (attempts > 0) this.touch(offset)
    return place
  }

  /** It goes out, or has been out before. */
  touch(offset: bigint): void {
    if (offset >= this.#touchedTo) this.#touchedTo = offset + 1n
    if (offset >= this.#mappedTo) this.#mappedTo = offset + 1n
  }

  /** Everything behind the last one is settled, up to here. */
  settledUpTo(next: bigint): void {
    if (this.#tail === undefined) return
    this.#settledAtEnd = true
    if (next > this.#mappedTo) this.#mappedTo = next
  }

  /**
   * It is settled.
   * @param again it would end the same way again: nobody need remember it.
   * @returns whether the map has changed.
   */
  settle(place: Place, again: boolean): boolean {
    const { before, after } = place
    place.settled = true
    this.#size -= 1
    // Before the first unsettled entry everything is committed, and nothing needs to be remembered.
    const remember = before !== undefined && (place.settledBefore || !again)
    if (after !== undefined) after.settledBefore = before !== undefined && (after.settledBefore || remember)
    else this.#settledAtEnd = before !== undefined && (this.#settledAtEnd || remember)
    if (before === undefined) this.#head = after
    else before.after = after
    if (after === undefined) this.#tail = before
    else after.before = before
    // A remembered work must not hold its neighbours.
    place.before = place.after = undefined
    if (before === undefined || again) return false
    if (place.offset >= this.#mappedTo) this.#mappedTo = place.offset + 1n
    return true
  }

  clear(): void {
    this.#head = this.#tail = undefined
    this.#size = 0
  }

  /**
   * At the cost of a walk over what was touched.
   * @param next the offset after everything received. @param known what an earlier reader left behind about the rest.
   */
  map(next: bigint, known: Known): OffsetMap {
    const settled: Run[] = []
    const attempts: AttemptStep[] = []
    let current = 0
    let behind: bigint | undefined
    let place = this.#head
    for (; place !== undefined; place = place.after) {
      if (place.settledBefore && behind !== undefined) settled.push({ from: behind, to: place.offset })
      if (place.attempts !== current) attempts.push({ from: place.offset, attempts: (current = place.attempts) })
      behind = place.offset + 1n
      if (place.offset >= this.#mappedTo) break
    }
    if (place === undefined && this.#settledAtEnd && behind !== undefined) settled.push({ from: behind, to: next })
    // What was not received yet keeps the count that an earlier reader gave it.
    const rest = known.attemptsAt(next)
    if (rest !== current) attempts.push({ from: next, attempts: rest })
    const { left } = known
    return { settled: settled.concat(left.settled), attempts: attempts.concat(left.attempts) }
  }
}
