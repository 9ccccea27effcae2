/**
 * The partitions that are ours, and how each batch and each join bears on them.
 *
 * ```
 *   join ─▶ looking ─── start found ───▶ reading ─▶ lost at a join, or with the consumer
 *          (paused)     seek, assigned      │ └─ join again: seek to the next offset, so that nothing comes twice
 *                                           └─ the log was made anew: revoked, then assigned again
 * ```
 *
 * The laws: a join is the only sign of a change, and is acted on before the first fetch after it; no record is handed
 * over before the partition's committed offset is known; every batch is held against core/position.ts; all of it is
 * synchronous, because KafkaJS waits for none of its listeners and holds every partition up while it waits for a batch.
 */
import { ERRORS } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import { Position } from '../core/position.ts'
import type { Span } from '../core/position.ts'
import { partitionName } from '../core/record.ts'
import type { KafkaRecord, TopicPartition } from '../core/record.ts'
import type { SourceEvents } from '../core/seams.ts'
import type { Undecodable } from './patches/batches.ts'

/** What KafkaJS's consumer must do for a partition. */
export interface Reader {
  pause(partition: TopicPartition): void
  resume(partition: TopicPartition): void
  /** Reads on from this offset at the next fetch. */
  seek(partition: TopicPartition, offset: bigint): void
}

/** Where a partition is to be read from, and what the group has written about it. */
export interface Start {
  readonly from: bigint
  readonly committed: bigint | undefined
  readonly metadata: string
}

/** A partition of ours, for as long as it is ours. */
export interface Held {
  readonly partition: TopicPartition
  /** Undefined while its start is looked up. */
  position: Position | undefined
  paused: boolean
}

export type MemberAssignment = Readonly<Record<string, readonly number[]>>

/** A batch, before its records are copied. */
export interface Arrival extends Span {
  readonly partition: TopicPartition
  /** Whether a gap before it means that records are gone; not so for a batch of markers. */
  readonly tellsGaps: boolean
  /** The records at or after this offset. */
  records(from: bigint): readonly KafkaRecord[]
  /** What of it could not be read, at or after this offset; a record stands for each in `records`. */
  undecodable(from: bigint): readonly Undecodable[]
}

export class Assignment {
  readonly #held = new Map<string, Held>()
  readonly #reader: Reader
  readonly #events: SourceEvents
  readonly #journal: Journal

  constructor(reader: Reader, events: SourceEvents, journal: Journal) {
    this.#reader = reader
    this.#events = events
    this.#journal = journal
  }

  get size(): number {
    return this.#held.size
  }

  get partitions(): readonly TopicPartition[] {
    return [...this.#held.values()].map(({ partition }) => partition)
  }

  /** Whether anything is there to be read just now. */
  get reading(): boolean {
    return [...this.#held.values()].some(({ position, paused }) => position !== undefined && !paused)
  }

  /** Whether anything was handed to the road at all. */
  get begun(): boolean {
    return [...this.#held.values()].some(({ position }) => position !== undefined)
  }

  /** The holding of a partition; another object after it was lost and came back. */
  holding(partition: TopicPartition): Held | undefined {
    return this.#held.get(partitionName(partition))
  }

  /** The group has joined anew. @returns what is new: its start must be found, then `begin`. */
  join(assignment: MemberAssignment): readonly Held[] {
    const now = new Map<string, TopicPartition>()
    for (const [topic, partitions] of Object.entries(assignment)) {
      for (const partition of partitions) now.set(partitionName({ topic, partition }), { topic, partition })
    }
    this.#lose([...this.#held.values()].filter(({ partition }) => !now.has(partitionName(partition))))

    const fresh: Held[] = []
    for (const [name, partition] of now) {
      const known = this.#held.get(name)
      const held = known ?? { partition, position: undefined, paused: false }
      if (known === undefined) {
        this.#held.set(name, held)
        fresh.push(held)
      }
      // Every join sets KafkaJS back to the committed offset, also for what stayed with us.
      if (held.position !== undefined) this.#reader.seek(partition, held.position.next)
      this.#steer(held)
    }
    return fresh
  }

  /** The start of a new partition is known: it is read from here on. */
  begin(held: Held, start: Start): void {
    if (this.holding(held.partition) !== held) return
    this.#reader.seek(held.partition, start.from)
    held.position = new Position(start.from)
    this.#events.assigned(held.partition, start.committed, start.metadata)
    this.#steer(held)
  }

  /** A batch has come. */
  arrived(arrival: Arrival): void {
    const { partition } = arrival
    const held = this.holding(partition)
    if (held?.position === undefined) return
    const verdict = held.position.judge(arrival)
    if (verdict.kind === 'seen') return
    if (verdict.kind === 'seek') {
      this.#reader.seek(partition, verdict.to)
      return
    }
    if (verdict.kind === 'recreated') {
      this.#beginAnew(held, arrival.from)
      this.arrived(arrival)
      return
    }
    if (verdict.missing !== undefined && arrival.tellsGaps) {
      this.#journal({ name: 'kafka.records-missing', ...partition, offset: verdict.from, expected: verdict.missing })
    }
    for (const unread of arrival.undecodable(verdict.from)) this.#passOver(partition, unread)
    this.#events.received({
      ...partition,
      records: arrival.records(verdict.from),
      nextOffset: arrival.next,
      highWatermark: arrival.highWatermark,
    })
  }

  #passOver(partition: TopicPartition, { from, last, why }: Undecodable): void {
    const code = 'XZB_KAFKA_DECOMPRESS'
    const offsets = `${partitionName(partition)}: offsets ${from} to ${last} are passed over: ${why}`
    this.#journal({ name: 'kafka.problem', code, why: offsets, hint: ERRORS[code].hint })
  }

  pause(partition: TopicPartition): void {
    const held = this.holding(partition)
    if (held === undefined) return
    held.paused = true
    this.#steer(held)
  }

  resume(partition: TopicPartition): void {
    const held = this.holding(partition)
    if (held === undefined) return
    held.paused = false
    this.#steer(held)
  }

  /** The consumer is gone, and with it every partition. */
  loseAll(): void {
    this.#lose([...this.#held.values()])
  }

  /** All are gone before any is told: a commit that the road sends on hearing of one finds no taker for another. */
  #lose(lost: readonly Held[]): void {
    for (const { partition } of lost) this.#held.delete(partitionName(partition))
    const told = lost.filter(({ position }) => position !== undefined).map(({ partition }) => partition)
    if (told.length > 0) this.#events.revoked(told)
  }

  /** A new holding, so that a commit that was meant for the old log finds no taker. */
  #beginAnew({ partition }: Held, from: bigint): void {
    const held: Held = { partition, position: new Position(from), paused: false }
    this.#held.set(partitionName(partition), held)
    this.#events.revoked([partition])
    this.#events.assigned(partition, undefined, '')
    this.#steer(held)
  }

  /** Said at every join, both ways: KafkaJS keeps the flags of partitions that went and came back. */
  #steer({ partition, position, paused }: Held): void {
    if (paused || position === undefined) this.#reader.pause(partition)
    else this.#reader.resume(partition)
  }
}
