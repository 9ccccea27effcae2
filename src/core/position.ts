/**
 * Where a partition's reader stands: the offset it expects next, and what to make of a batch that begins elsewhere.
 *
 * The client's own position is not to be trusted: a batch of an older generation moves it, retention and a topic made
 * anew reset it. So each batch is held against the offset that must come next:
 *
 *   begins at or before it        take (what was seen before is skipped), or nothing of it is new
 *   begins behind it              seek back to it; the same jump twice is real: the log no longer holds what lies between
 *   the log ends before it        seek to it; twice in a row is real: the log was cut or made anew
 *
 * The law: no offset is passed over on the word of one batch, and none is taken twice.
 */

/** One batch, as far as positions go. */
export interface Span {
  /** The offset that was asked for. */
  readonly from: bigint
  /** The offset after it. */
  readonly next: bigint
  /** The offset after the newest record of the log when it was fetched. */
  readonly highWatermark: bigint
}

export type PositionVerdict =
  /** Records from `from` on are new. `missing` is the offset that was expected, when those between are gone. */
  | { readonly kind: 'take'; readonly from: bigint; readonly missing: bigint | undefined }
  /** All of it was seen before. */
  | { readonly kind: 'seen' }
  /** Not what was expected: read again from `to`. */
  | { readonly kind: 'seek'; readonly to: bigint }
  /** The log ends before what was already read: it is another log, and begins anew. */
  | { readonly kind: 'recreated' }

export class Position {
  #expected: bigint
  /** The jump that was seen once, by its far end. */
  #jump: bigint | undefined
  /** The log was seen to end before what is expected. */
  #endsEarly = false

  /** @param start the first offset to read. */
  constructor(start: bigint) {
    this.#expected = start
  }

  /** The next offset to read. */
  get next(): bigint {
    return this.#expected
  }

  /** Judges a batch, and moves past it when it is taken. */
  judge({ from, next, highWatermark }: Span): PositionVerdict {
    const expected = this.#expected
    if (highWatermark < expected) {
      const again = this.#endsEarly && from < expected
      this.#jump = undefined
      this.#endsEarly = true
      return again ? { kind: 'recreated' } : { kind: 'seek', to: expected }
    }
    this.#endsEarly = false
    if (from > expected && this.#jump !== from) {
      this.#jump = from
      return { kind: 'seek', to: expected }
    }
    this.#jump = undefined
    if (next <= expected) return { kind: 'seen' }
    this.#expected = next
    return from > expected
      ? { kind: 'take', from, missing: expected }
      : { kind: 'take', from: expected, missing: undefined }
  }
}
