/**
 * Partitions: what of Kafka is ours just now, with a ledger for each.
 *
 * A ledger lives as long as one assignment. A partition whose buffer is full is paused, and goes on when there is room
 * again; once the bridge takes nothing new, everything stays paused.
 */
import type { Buffers } from './core/buffers.ts'
import type { Journal } from './core/journal.ts'
import { Ledger } from './core/ledger.ts'
import { decodeOffsetMap } from './core/offset-map.ts'
import type { TopicPartition } from './core/record.ts'
import { partitionName } from './core/record.ts'
import type { Source } from './core/seams.ts'

export class Partitions {
  readonly #source: Pick<Source, 'pause' | 'resume'>
  readonly #buffers: Buffers
  readonly #journal: Journal
  readonly #ledgers = new Map<string, Ledger>()
  #closed = false

  constructor(source: Pick<Source, 'pause' | 'resume'>, buffers: Buffers, journal: Journal) {
    this.#source = source
    this.#buffers = buffers
    this.#journal = journal
  }

  [Symbol.iterator](): MapIterator<Ledger> {
    return this.#ledgers.values()
  }

  find(partition: TopicPartition): Ledger | undefined {
    return this.#ledgers.get(partitionName(partition))
  }

  /** @param metadata what the last commit says of the records from `committed` on; not ours, it costs duplicates. */
  assign({ topic, partition }: TopicPartition, committed: bigint | undefined, metadata: string): void {
    const reading = committed === undefined ? { kind: 'none' as const } : decodeOffsetMap(committed, metadata)
    const ledger = new Ledger({ topic, partition }, committed, reading.kind === 'map' ? reading.map : undefined)
    this.#ledgers.set(partitionName(ledger), ledger)
    this.#buffers.assign(ledger)
    this.#journal({ name: 'partition.assigned', topic, partition, committed })
    if (committed !== undefined && reading.kind === 'foreign') {
      this.#journal({ name: 'offset-map.ignored', topic, partition, offset: committed, why: reading.why })
    }
    if (this.#closed) this.#source.pause([ledger])
  }

  /** Closes the ledger of a partition that is ours no more. @returns it, or undefined when it was not ours. */
  revoke(revoked: TopicPartition): Ledger | undefined {
    const ledger = this.find(revoked)
    if (ledger === undefined) return undefined
    const { topic, partition, pending } = ledger
    this.#ledgers.delete(partitionName(ledger))
    this.#journal({ name: 'partition.revoked', topic, partition, unsettled: pending })
    ledger.close()
    return ledger
  }

  /** Pauses and resumes what the buffers ask for. */
  keepBounds(): void {
    if (this.#closed) return
    for (const { partition: at, pause, waitingBytes, readyWorks } of this.#buffers.changes()) {
      if (pause) this.#source.pause([at])
      else this.#source.resume([at])
      const name = pause ? 'partition.paused' : 'partition.resumed'
      this.#journal({ name, topic: at.topic, partition: at.partition, waitingBytes, readyWorks })
    }
  }

  /** Nothing new is taken from here on. */
  close(): void {
    this.#closed = true
    this.#source.pause([...this])
  }
}
