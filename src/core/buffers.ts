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

  /** Counts bytes in (positive) or out (negative). @returns true when somebody may have to pause or go on. */
  count(partition: TopicPartition, bytes: number): boolean {
    const buffer = this.#buffers.get(partitionName(partition))
    if (buffer === undefined) return false
    buffer.waitingBytes += bytes
    this.#waitingBytes += bytes
    return this.#mustPause(buffer) || this.#mayResume(buffer)
  }

  /** Who changes now; each change is said once. */
  changes(): BufferChange[] {
    const changes: BufferChange[] = []
    for (const buffer of this.#buffers.values()) {
      if (!this.#mustPause(buffer) && !this.#mayResume(buffer)) continue
      buffer.paused = !buffer.paused
      changes.push({ partition: buffer.partition, pause: buffer.paused, waitingBytes: buffer.waitingBytes })
    }
    return changes
  }

  #share(): number {
    return this.#maxBytes / Math.max(1, this.#buffers.size)
  }

  #mustPause(buffer: Buffer): boolean {
    return !buffer.paused && buffer.waitingBytes >= this.#share()
  }

  #mayResume(buffer: Buffer): boolean {
    return buffer.paused && buffer.waitingBytes < this.#share() / 2
  }
}
