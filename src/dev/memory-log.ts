/**
 * An in-memory log behind the same seam as Kafka: for the bridge's own tests, for `xzepr-bridge dev`, and for a demo on
 * a machine that cannot run a Kafka.
 *
 *   append ─▶ topic / partition ─▶ source (one member of a group) ─▶ the road
 *                                     └── commit ─▶ the group's offsets
 *
 * It moves only when its clock does, and everything arrives later than it was asked for, as from a network. One set of
 * laws (test/support/source-laws.ts) is run against it and against real Kafka, so that it cannot lie.
 */
import type { KafkaRecord, TopicPartition } from '../core/record.ts'
import type { Clock } from '../core/seams.ts'
import type { CommittedOffset } from './memory/group.ts'
import { MemoryGroup } from './memory/group.ts'
import type { NewRecord } from './memory/partition.ts'
import { MemoryPartition } from './memory/partition.ts'
import type { MemorySourceOptions } from './memory/source.ts'
import { MemorySource } from './memory/source.ts'

export type { CommittedOffset, MemorySourceOptions, NewRecord }

/** Where an appended record stands. */
export interface Place {
  readonly partition: number
  readonly offset: bigint
}

export class MemoryLog {
  readonly #clock: Clock
  readonly #topics = new Map<string, MemoryPartition[]>()
  readonly #groups = new Map<string, MemoryGroup>()
  readonly #readers = new Set<MemorySource>()
  #keyless = 0
  #members = 0
  #away: string | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Makes a topic, or adds partitions to it. Groups that read it share them out. */
  createTopic(topic: string, partitions: number): void {
    const there = this.#topics.get(topic) ?? []
    for (let partition = there.length; partition < partitions; partition++) {
      there.push(new MemoryPartition({ topic, partition }))
    }
    this.#topics.set(topic, there)
    for (const group of this.#groups.values()) group.topicChanged(topic)
    this.#look()
  }

  /** Deletes a topic with what the groups have committed on it. */
  deleteTopic(topic: string): void {
    for (const partition of this.#partitionsOf(topic)) {
      for (const group of this.#groups.values()) group.forget(partition)
    }
    this.#topics.delete(topic)
  }

  /** Records of one key stay in one partition; those without a key take turns. */
  append(topic: string, record: NewRecord): Place {
    const partitions = this.#topics.get(topic)?.length ?? 0
    const key = record.key ?? null
    const partition = record.partition ?? (key === null ? this.#keyless++ : hash(key)) % Math.max(1, partitions)
    const offset = this.#at(topic, partition).append(record, this.#clock.nowMs())
    this.#look()
    return { partition, offset }
  }

  /** Leaves offsets that no reader sees, as transaction markers and compaction do. */
  skip(topic: string, partition: number, count: number): void {
    this.#at(topic, partition).skip(count)
    this.#look()
  }

  /** Forgets the records before an offset, as retention does. */
  truncate(topic: string, partition: number, before: bigint): void {
    this.#at(topic, partition).truncate(before)
  }

  /** From here on nothing is fetched and nothing committed, for this reason; undefined mends it. */
  away(why: string | undefined): void {
    this.#away = why
    this.#look()
  }

  /** What a group has committed on a topic, by partition; partitions without a commit are absent. */
  committed(groupId: string, topic: string): Map<number, CommittedOffset> {
    const offsets = new Map<number, CommittedOffset>()
    for (const name of this.#partitionsOf(topic)) {
      const committed = this.#groups.get(groupId)?.committed(name)
      if (committed !== undefined) offsets.set(name.partition, committed)
    }
    return offsets
  }

  /** Everything a topic holds, ordered by partition and offset. */
  records(topic: string): KafkaRecord[] {
    return (this.#topics.get(topic) ?? []).flatMap((partition) => partition.records)
  }

  /** A member of a group, not yet started. Starting it, stopping it or its crash rebalances the group. */
  source(options: MemorySourceOptions): MemorySource {
    const { groupId } = options
    const group = this.#groups.get(groupId) ?? new MemoryGroup(this.#clock, (topic) => this.#partitionsOf(topic))
    this.#groups.set(groupId, group)
    this.#members += 1
    return new MemorySource(
      `member-${String(this.#members).padStart(6, '0')}`,
      {
        clock: this.#clock,
        group,
        readers: this.#readers,
        away: () => this.#away,
        partition: ({ topic, partition }) => this.#topics.get(topic)?.[partition],
      },
      options,
    )
  }

  #partitionsOf(topic: string): TopicPartition[] {
    return (this.#topics.get(topic) ?? []).map((_, partition) => ({ topic, partition }))
  }

  #at(topic: string, partition: number): MemoryPartition {
    const found = this.#topics.get(topic)?.[partition]
    if (found === undefined) throw new Error(`the in-memory log has no ${topic}/${partition}: create the topic first`)
    return found
  }

  #look(): void {
    for (const reader of this.#readers) reader.look()
  }
}

/** FNV-1a in 32 bits: the same key, the same partition. */
function hash(key: Uint8Array | string): number {
  let sum = 0x811c9dc5
  for (const byte of typeof key === 'string' ? new TextEncoder().encode(key) : key) {
    sum = Math.imul(sum ^ byte, 0x01000193) >>> 0
  }
  return sum
}
