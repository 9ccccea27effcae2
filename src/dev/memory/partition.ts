/**
 * One partition of the in-memory log: records at offsets that only grow, with the holes that a real log has.
 *
 *   offset   0 1 2 3 4 5 6 7 8
 *            · · · r r – – r       – a marker or a compacted record: an offset that no reader ever sees
 *                  ▲         ▲
 *                start      end    truncate moves the start, append and skip move the end
 */
import type { Batch } from '../../core/seams.ts'
import type { KafkaRecord, RecordHeader, TopicPartition } from '../../core/record.ts'

/** A record on its way into a log. Text stands for its UTF-8 bytes. */
export interface NewRecord {
  /** Where it has to go; without it the key decides. */
  readonly partition?: number
  readonly key?: Uint8Array | string | null
  readonly value: Uint8Array | string | null
  readonly headers?: readonly RecordHeader[]
  readonly timestampMs?: number
}

export class MemoryPartition {
  readonly #name: TopicPartition
  readonly #records: KafkaRecord[] = []
  #start = 0n
  #end = 0n

  constructor(name: TopicPartition) {
    this.#name = name
  }

  /** The first offset that can still be read. */
  get start(): bigint {
    return this.#start
  }

  /** The offset that the next record gets. */
  get end(): bigint {
    return this.#end
  }

  get records(): readonly KafkaRecord[] {
    return this.#records
  }

  /** @returns its offset. The bytes are copied: the log shares no buffer with its writer. */
  append(record: NewRecord, nowMs: number): bigint {
    const offset = this.#end
    this.#records.push({
      ...this.#name,
      offset,
      timestampMs: record.timestampMs ?? nowMs,
      key: bytes(record.key ?? null),
      value: bytes(record.value),
      headers: (record.headers ?? []).map(({ name, value }) => ({ name, value: bytes(value) })),
    })
    this.#end += 1n
    return offset
  }

  /** Uses up offsets as transaction markers and compaction do. */
  skip(count: number): void {
    this.#end += BigInt(count)
  }

  /** Forgets what stands before an offset, as retention does. */
  truncate(before: bigint): void {
    this.#start = before > this.#end ? this.#end : before
    const kept = this.#records.findIndex((record) => record.offset >= this.#start)
    this.#records.splice(0, kept === -1 ? this.#records.length : kept)
  }

  /** The records from an offset on; undefined at the end. A batch of markers alone holds no record. */
  read(from: bigint, maxRecords: number): Batch | undefined {
    const position = from < this.#start ? this.#start : from
    if (position >= this.#end) return undefined
    const first = this.#indexOf(position)
    const records = this.#records.slice(first, first + maxRecords)
    const following = this.#records[first + maxRecords]
    return { ...this.#name, records, nextOffset: following?.offset ?? this.#end, highWatermark: this.#end }
  }

  /** Where the first record at or after an offset stands: by halves, as a demo may hold a million. */
  #indexOf(offset: bigint): number {
    let low = 0
    let high = this.#records.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#records[middle]?.offset ?? offset) < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

function bytes(value: Uint8Array | string | null): Uint8Array | null {
  if (value === null) return null
  return typeof value === 'string' ? new TextEncoder().encode(value) : Uint8Array.from(value)
}
