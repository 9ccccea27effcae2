/**
 * Buffers: what of records waits in memory, and whose partition must pause for it.
 *
 * Each assigned partition has an even share of BRIDGE_MAX_BUFFERED_BYTES, so one with a long backlog never takes the
 * room of the others. It pauses past its share, or as soon as enough of its works may go: more in stock would make no
 * delivery sooner. Works that wait for others of their lane are no stock, so a partition with many of them is read on to
 * those that need not wait. It goes on when it is well below each bound that it has reached: that gap keeps it from pausing
 * and resuming with every record. What is fetched already still arrives, so a bound is passed by one fetch at most.
 * Records that the app has accepted are counted apart: they hold up no fetching, only further deliveries.
 *
 * A buffer belongs to one assignment, by its ledger: what is counted for one that was revoked counts nowhere.
 */
import type { TopicPartition } from './record.ts'

interface Buffer {
  readonly partition: TopicPartition
  waitingBytes: number
  /** How many of its works may go. */
  ready: number
  /** The most since it was full of them. */
  mostReady: number
  /** Which bounds it has reached and not left by half since: it is paused for either. */
  fullOfBytes: boolean
  fullOfReady: boolean
}

export interface BufferChange {
  readonly partition: TopicPartition
  readonly pause: boolean
  readonly waitingBytes: number
  /** How many of its works may go. */
  readonly readyWorks: number
}

/**
 * What of a stock is left when its partition goes on. A fetch that is out then asks for the others alone, and may take a
 * quarter of the time that the partition was paused (kafka/patches/waits.ts): the rest lasts a third of that time.
 */
const LEFT = 1 / 4
const NO_CHANGES: readonly BufferChange[] = []

export class Buffers {
  readonly #maxBytes: number
  readonly #maxReady: number
  readonly #buffers = new Map<TopicPartition, Buffer>()
  /** Those that may have passed one of their bounds since they were last looked at. */
  readonly #moved = new Set<Buffer>()
  #waitingBytes = 0

  /** @param maxReady of one partition. */
  constructor(maxBytes: number, maxReady: number) {
    this.#maxBytes = maxBytes
    this.#maxReady = maxReady
  }

  /** Bytes of all records that wait, are out or rest. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  waitingBytesOf(partition: TopicPartition): number {
    return this.#buffers.get(partition)?.waitingBytes ?? 0
  }

  isPaused(partition: TopicPartition): boolean {
    const buffer = this.#buffers.get(partition)
    return buffer !== undefined && isPaused(buffer)
  }

  /** @param partition stands for its assignment: the same object in every call. */
  assign(partition: TopicPartition): void {
    this.revoke(partition)
    this.#buffers.set(partition, {
      partition,
      waitingBytes: 0,
      ready: 0,
      mostReady: 0,
      fullOfBytes: false,
      fullOfReady: false,
    })
    this.#lookAtAll()
  }

  revoke(partition: TopicPartition): void {
    const buffer = this.#buffers.get(partition)
    if (buffer === undefined) return
    this.#waitingBytes -= buffer.waitingBytes
    this.#buffers.delete(partition)
    this.#lookAtAll()
  }

  /** Counts bytes in (positive) or out (negative). */
  count(partition: TopicPartition, bytes: number): void {
    const buffer = this.#buffers.get(partition)
    if (buffer === undefined) return
    buffer.waitingBytes += bytes
    this.#waitingBytes += bytes
    if (this.#hasMoved(buffer)) this.#moved.add(buffer)
  }

  /** So many of its works may go now. */
  stock(partition: TopicPartition, ready: number): void {
    const buffer = this.#buffers.get(partition)
    if (buffer === undefined) return
    buffer.ready = ready
    buffer.mostReady = buffer.fullOfReady ? Math.max(buffer.mostReady, ready) : ready
    if (this.#hasMoved(buffer)) this.#moved.add(buffer)
  }

  /** Who changes now; each change is said once. */
  changes(): readonly BufferChange[] {
    if (this.#moved.size === 0) return NO_CHANGES
    const changes: BufferChange[] = []
    for (const buffer of this.#moved) {
      const { partition, waitingBytes, ready: readyWorks } = buffer
      const before = isPaused(buffer)
      buffer.fullOfBytes = this.#isFullOfBytes(buffer)
      buffer.fullOfReady = this.#isFullOfReady(buffer)
      const pause = isPaused(buffer)
      if (pause !== before) changes.push({ partition, pause, waitingBytes, readyWorks })
    }
    this.#moved.clear()
    return changes
  }

  #hasMoved(buffer: Buffer): boolean {
    return this.#isFullOfBytes(buffer) !== buffer.fullOfBytes || this.#isFullOfReady(buffer) !== buffer.fullOfReady
  }

  #isFullOfBytes({ waitingBytes, fullOfBytes }: Buffer): boolean {
    const shareBytes = this.#maxBytes / Math.max(1, this.#buffers.size)
    return waitingBytes >= (fullOfBytes ? shareBytes / 2 : shareBytes)
  }

  /** One fetch of small records brings many times the stock. What is left must outlast the wait for the next. */
  #isFullOfReady({ ready, mostReady, fullOfReady }: Buffer): boolean {
    return ready >= (fullOfReady ? Math.max(this.#maxReady / 2, mostReady * LEFT) : this.#maxReady)
  }

  /** Everybody's share is another. */
  #lookAtAll(): void {
    this.#moved.clear()
    for (const buffer of this.#buffers.values()) this.#moved.add(buffer)
  }
}

function isPaused({ fullOfBytes, fullOfReady }: Buffer): boolean {
  return fullOfBytes || fullOfReady
}
