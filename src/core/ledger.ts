/**
 * The ledger of one partition: what was received and what of it is not settled yet.
 *
 * It keeps the promise that no event is lost: an offset is never committable before every earlier received one is
 * settled. What is settled beyond it, and how often the rest was attempted, goes into the commit's metadata
 * (offset-map.ts), so that after a crash only what is unsettled comes again.
 *
 *   received   3  4  7  8  9  12       committable: 4      (everything before 4 is settled)
 *   settled    ■  □  ■  ■  □  ■        the map:     5…8, 10…12
 *
 * Only unsettled entries are held: a work held for hours costs one entry, however much settles behind it. One ledger lives
 * as long as one assignment; when the partition is revoked it is closed, and what settles there settles an orphan.
 */
import { Known, NOTHING_KNOWN } from './known.ts'
import type { OffsetMap } from './offset-map.ts'
import { METADATA_MAX_CHARS, encodeOffsetMap, worstChars } from './offset-map.ts'
import type { TopicPartition } from './record.ts'
import type { Entry, Place } from './unsettled.ts'
import { Unsettled } from './unsettled.ts'

/** What Kafka does not have yet. */
export interface Due {
  /** The next offset to read. */
  readonly offset: bigint
  readonly metadata: string
  /** False when the map had to be cut to fit: a crash would bring some settled records again. */
  readonly complete: boolean
  /** How many changes the map covers. */
  readonly changes: number
}

/** What one more record that goes out may add to the map at the most, in characters, until it is measured again. */
const CHARS_PER_SEND = 6
/** While there is no room: after how many changes it is worth looking again. */
const MEASURE_EVERY = 64

export class Ledger implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** When its road last moved; kept by whoever has the clock. */
  movedAtMs = 0
  /** Since when no commit has succeeded although there was one to make. */
  commitRefusedSinceMs: number | undefined
  readonly #unsettled = new Unsettled()
  #next: bigint | undefined
  #committed: bigint | undefined
  /** Where reading began: as long as nothing has changed, a group without an offset needs none. */
  #first: bigint | undefined
  #highWatermark = 0n
  #open = true
  readonly #known: Known
  #changes = 0
  #committedChanges = 0
  #roomChars = METADATA_MAX_CHARS
  #measuredAt = 0

  /**
   * @param committed the next offset to read as the group has it; undefined when the group has none.
   * @param known what the commit's metadata says beyond it.
   */
  constructor({ topic, partition }: TopicPartition, committed: bigint | undefined, known = NOTHING_KNOWN) {
    this.topic = topic
    this.partition = partition
    this.#next = committed
    this.#committed = committed
    this.#known = new Known(known)
    // A map that was full is full for its next reader too.
    if (known !== NOTHING_KNOWN) this.#measure(known)
  }

  /** False once the partition is revoked. */
  get open(): boolean {
    return this.#open
  }

  /** How many received offsets are not settled. */
  get pending(): number {
    return this.#unsettled.size
  }

  /** The offset after everything that need not be read any more: received, or settled by an earlier reader. */
  get next(): bigint | undefined {
    return this.#next
  }

  /** The next offset that a successor has to read; undefined while nothing was received or committed. */
  get committable(): bigint | undefined {
    return this.#unsettled.first?.offset ?? this.#next
  }

  /** The next offset to read as Kafka has it from us. */
  get committed(): bigint | undefined {
    return this.#committed
  }

  /** The offset after the newest record seen of the partition. */
  get highWatermark(): bigint {
    return this.#highWatermark
  }

  /** How many offsets lie between what is settled and the newest record seen, as a consumer group's lag is counted. */
  get lag(): bigint {
    const { committable } = this
    return committable === undefined || this.#highWatermark < committable ? 0n : this.#highWatermark - committable
  }

  // ── received, attempted, settled ────────────────────────────────────────────────────────────────────────────────

  /**
   * Takes an offset in.
   * @returns its entry, or undefined when it must not be delivered: received before, or settled by an earlier reader.
   */
  receive(offset: bigint): Entry | undefined {
    if (!this.#open || (this.#next !== undefined && offset < this.#next)) return undefined
    this.#first ??= offset
    this.#moveTo(offset)
    if (this.#next !== undefined && offset < this.#next) return undefined
    const place = this.#unsettled.add(offset, this.#known.attemptsAt(offset))
    this.#next = offset
    this.#moveTo(offset + 1n)
    return place
  }

  /** Says that the log holds nothing more below `next`: markers and compacted records count as settled. */
  reach(next: bigint): void {
    if (this.#open && (this.#next === undefined || next > this.#next)) this.#moveTo(next)
  }

  /** The log ends here, as far as it is known. What an earlier reader settled beyond its end was settled in another log. */
  see(highWatermark: bigint): void {
    this.#highWatermark = highWatermark
    if (this.#known.see(highWatermark)) this.#measure(this.#map())
  }

  /** It goes out to the app. */
  attempt(entry: Entry): void {
    const place = entry as Place
    place.attempts += 1
    this.#changes += 1
    this.#roomChars -= CHARS_PER_SEND
    this.#unsettled.touch(place.offset)
  }

  /** It did not reach the app after all. */
  takeBack(entry: Entry): void {
    const place = entry as Place
    place.attempts -= 1
    this.#changes += 1
  }

  /**
   * Nothing more is owed for this entry.
   * @param again it would end the same way again: a successor need not be told.
   * @returns false when it counts nowhere: settled before, or revoked.
   */
  settle(entry: Entry, again = false): boolean {
    const place = entry as Place
    if (!this.#open || place.settled) return false
    if (this.#unsettled.settle(place, again)) this.#changes += 1
    return true
  }

  // ── committed ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** What Kafka does not have yet, or undefined when there is nothing new. It costs a walk over what was sent. */
  get uncommitted(): Due | undefined {
    const { committable: offset } = this
    const isNew = offset !== (this.#committed ?? this.#first) || this.#changes !== this.#committedChanges
    if (!this.#open || offset === undefined || !isNew) return undefined
    const map = this.#map()
    this.#measure(map)
    const { text, complete } = encodeOffsetMap(offset, map)
    return { offset, metadata: text, complete, changes: this.#changes }
  }

  /** Kafka has it. */
  commit({ offset, changes }: Due): void {
    this.#committed = offset
    this.#committedChanges = changes
    this.commitRefusedSinceMs = undefined
  }

  /** Kafka did not take what there was to commit. */
  commitRefused(nowMs: number): void {
    this.commitRefusedSinceMs ??= nowMs
  }

  /**
   * May a record go out that lies beyond all that went before? Not when the map might outgrow its commit, whatever
   * settles next: what was sent is held until some of it has settled.
   */
  get hasRoom(): boolean {
    if (this.#roomChars <= 0 && this.#changes - this.#measuredAt >= MEASURE_EVERY) this.#measure(this.#map())
    return this.#roomChars > 0
  }

  /**
   * The offset after the last one that was ever sent, or settled by an earlier reader: what lies before it adds nothing to
   * the map by being sent.
   */
  get touchedTo(): bigint {
    const { touchedTo } = this.#unsettled
    const { end } = this.#known
    return touchedTo > end ? touchedTo : end
  }

  /** How a journal entry names one of its records. */
  place({ offset }: Entry): { readonly topic: string; readonly partition: number; readonly offset: bigint } {
    return { topic: this.topic, partition: this.partition, offset }
  }

  /** The partition is revoked: nothing settles here any more. */
  close(): void {
    this.#open = false
    this.#unsettled.clear()
  }

  // ── the map ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Moves on to an offset, and past what an earlier reader has settled from there on. */
  #moveTo(next: bigint): void {
    const from = this.#next === undefined || next > this.#next ? next : this.#next
    const to = this.#known.settledTo(from)
    if (to > from) this.#unsettled.settledUpTo(to)
    this.#next = to
  }

  #measure(map: OffsetMap): void {
    const { committable } = this
    if (committable === undefined) return
    this.#roomChars = METADATA_MAX_CHARS - worstChars(committable, map, this.touchedTo)
    this.#measuredAt = this.#changes
  }

  #map(): OffsetMap {
    return this.#unsettled.map(this.#next ?? 0n, this.#known)
  }
}
