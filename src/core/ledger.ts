/**
 * The ledger of one partition: what was received and what of it is not settled yet.
 *
 * It keeps the promise that no event is lost: an offset is never committable before every earlier received one is
 * settled. It tracks what was received, never a range by arithmetic, because compaction and transaction markers leave
 * gaps in the offsets.
 *
 *   received   3  4  7  8  9        committable: 4     (everything before 4 is settled)
 *   settled    ■  □  ■  □  ■        pending:     2     (4 and 8)
 *
 * One ledger lives as long as one assignment of its partition. When the partition is revoked the ledger is closed:
 * what settles there afterwards settles an orphan.
 */
import type { TopicPartition } from './record.ts'

/** One received offset in its ledger. */
export interface Entry {
  readonly offset: bigint
  settled: boolean
}

/** Settled entries are dropped from the front in bulk: past this many, and when they are half of the list. */
const COMPACT_AT = 1024

export class Ledger implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** When its road last moved; kept by whoever has the clock. */
  movedAtMs = 0
  /** Since when no commit has succeeded although there was one to make. */
  commitRefusedSinceMs: number | undefined
  #entries: Entry[] = []
  #head = 0
  #pending = 0
  #next: bigint | undefined
  #committed: bigint | undefined
  /** Where reading began: as long as nothing is settled, a group without an offset needs none. */
  #first: bigint | undefined
  #highWatermark = 0n
  #open = true

  /** @param committed the next offset to read as the group has it; undefined when the group has none. */
  constructor({ topic, partition }: TopicPartition, committed: bigint | undefined) {
    this.topic = topic
    this.partition = partition
    this.#next = committed
    this.#committed = committed
  }

  /** False once the partition is revoked. */
  get open(): boolean {
    return this.#open
  }

  /** How many received offsets are not settled. */
  get pending(): number {
    return this.#pending
  }

  /** Received and settled, but behind an unsettled one: what a crash would deliver again. */
  get settledAhead(): number {
    return this.#entries.length - this.#head - this.#pending
  }

  /** The offset after everything received. */
  get next(): bigint | undefined {
    return this.#next
  }

  /** The next offset that a successor has to read; undefined while nothing was received or committed. */
  get committable(): bigint | undefined {
    return this.#entries[this.#head]?.offset ?? this.#next
  }

  /** The next offset to read as Kafka has it from us. */
  get committed(): bigint | undefined {
    return this.#committed
  }

  /** What Kafka does not have yet: the offset to commit, or undefined when there is nothing new. */
  get uncommitted(): bigint | undefined {
    const { committable } = this
    return this.#open && committable !== (this.#committed ?? this.#first) ? committable : undefined
  }

  /** Kafka has this offset. */
  commit(offset: bigint): void {
    this.#committed = offset
    this.commitRefusedSinceMs = undefined
  }

  /** Kafka did not take what there was to commit. */
  commitRefused(nowMs: number): void {
    this.commitRefusedSinceMs ??= nowMs
  }

  /**
   * Takes an offset in.
   * @returns its entry, or undefined when an offset this high was received before: it must not be delivered twice.
   */
  receive(offset: bigint): Entry | undefined {
    if (!this.#open || (this.#next !== undefined && offset < this.#next)) return undefined
    this.#first ??= offset
    const entry: Entry = { offset, settled: false }
    this.#entries.push(entry)
    this.#pending += 1
    this.#next = offset + 1n
    return entry
  }

  /** How a journal entry names one of its records. */
  place({ offset }: Entry): { readonly topic: string; readonly partition: number; readonly offset: bigint } {
    return { topic: this.topic, partition: this.partition, offset }
  }

  /** Says that the log holds nothing more below `next`: markers and compacted records count as settled. */
  reach(next: bigint, highWatermark: bigint): void {
    if (this.#open && (this.#next === undefined || next > this.#next)) this.#next = next
    this.#highWatermark = highWatermark
  }

  /** The offset after the newest record of the partition that was seen. */
  get highWatermark(): bigint {
    return this.#highWatermark
  }

  /** How many offsets lie between what is settled and the newest record seen, as a consumer group's lag is counted. */
  get lag(): bigint {
    const { committable } = this
    return committable === undefined || this.#highWatermark < committable ? 0n : this.#highWatermark - committable
  }

  /** Nothing more is owed for this entry. @returns false when it counts nowhere: settled before, or revoked. */
  settle(entry: Entry): boolean {
    if (!this.#open || entry.settled) return false
    entry.settled = true
    this.#pending -= 1
    while (this.#entries[this.#head]?.settled === true) this.#head += 1
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
    return true
  }

  /** The partition is revoked: nothing settles here any more. */
  close(): void {
    this.#open = false
    this.#entries = []
    this.#head = 0
    this.#pending = 0
  }
}
