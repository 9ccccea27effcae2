/**
 * Buffers: how many bytes of records wait in memory, and whose partition must pause for it.
 *
 * Each assigned partition has an even share of BRIDGE_MAX_BUFFERED_BYTES, so one with a long backlog never takes the
 * room of the others. It pauses past its share and goes on below half of it: a gap between the two keeps it from
 * pausing and resuming with every record. What is fetched already still arrives, so a bound is passed by one fetch at
 * most. Records that the app has accepted are counted apart: they hold up no fetching, only further deliveries.
 */
import type { TopicPartition } from './record.ts'
import { partitionName } from './record.ts'

/**
 * How many settled records may stand behind one unsettled record of their partition: each costs its ledger some bytes,
 * and a crash would deliver them all again.
 */
export const AHEAD_MAX = 100_000

interface Buffer {
  readonly partition: TopicPartition
  waitingBytes: number
  paused: boolean
}

export interface BufferChange {
  readonly partition: TopicPartition
  readonly pause: boolean
  readonly waitingBytes: number
}

export class Buffers {
  readonly #maxBytes: number
  readonly #buffers = new Map<string, Buffer>()
  #waitingBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes of all records that wait, are out or rest. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  waitingBytesOf(partition: TopicPartition): number {
    return this.#buffers.get(partitionName(partition))?.waitingBytes ?? 0
  }

  isPaused(partition: TopicPartition): boolean {
    return this.#buffers.get(partitionName(partition))?.paused ?? false
  }

  assign(partition: TopicPartition): void {
    this.revoke(partition)
    this.#buffers.set(partitionName(partition), { partition, waitingBytes: 0, paused: false })
  }

  revoke(partition: TopicPartition): void {
    const name = partitionName(partition)
    this.#waitingBytes -= this.#buffers.get(name)?.waitingBytes ?? 0
    this.#buffers.delete(name)
  }

  /** Counts bytes in (positive) or out (negative). */
  count(partition: TopicPartition, bytes: number): void {
    const buffer = this.#buffers.get(partitionName(partition))
    if (buffer === undefined) return
    buffer.waitingBytes += bytes
    this.#waitingBytes += bytes
  }

  /** Who changes now; each change is said once. @param aheadOf how many entries a ledger holds behind an unsettled one. */
  changes(aheadOf: (partition: TopicPartition) => number): BufferChange[] {
    const changes: BufferChange[] = []
    for (const buffer of this.#buffers.values()) {
      const ahead = aheadOf(buffer.partition)
      const must = !buffer.paused && (buffer.waitingBytes >= this.#share() || ahead >= AHEAD_MAX)
      const may = buffer.paused && buffer.waitingBytes < this.#share() / 2 && ahead < AHEAD_MAX / 2
      if (!must && !may) continue
      buffer.paused = !buffer.paused
      changes.push({ partition: buffer.partition, pause: buffer.paused, waitingBytes: buffer.waitingBytes })
    }
    return changes
  }

  #share(): number {
    return this.#maxBytes / Math.max(1, this.#buffers.size)
  }
}
