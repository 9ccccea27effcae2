/**
 * A consumer group of the in-memory log, with the manners of Kafka's classic protocol.
 *
 *   stable ── a member joins, leaves, expires ──▶ preparing ── all have drained, or left ──▶ stable, next generation
 *
 * Offsets are written under a membership: of a member, in its generation, for partitions it owns. A generation ends
 * only when the next begins, so what is finished while the group prepares can still be committed (Kafka,
 * ClassicGroup.validateOffsetCommit). Who reads what is core's decision, the same as on real Kafka.
 */
import { assignPartitions } from '../../core/assign.ts'
import type { TopicPartition } from '../../core/record.ts'
import { partitionName } from '../../core/record.ts'
import type { Clock, Commit, CommitOutcome } from '../../core/seams.ts'

/** Where a group stands in a partition. */
export interface CommittedOffset {
  readonly offset: bigint
  readonly metadata: string
}

export interface Member {
  readonly id: string
  readonly topics: readonly string[]
  /** Stops reading, finishes what it can; resolves within a bound, at the latest when the group has lost the member. */
  prepare(): Promise<void>
  /** What it owns in this generation. */
  assign(generation: number, partitions: readonly TopicPartition[]): void
}

/** What Kafka stores for a partition at most (`offset.metadata.max.bytes`, counted in UTF-16 units). */
const METADATA_MAX_LENGTH = 4096

export class MemoryGroup {
  readonly #clock: Clock
  readonly #partitionsOf: (topic: string) => readonly TopicPartition[]
  readonly #offsets = new Map<string, CommittedOffset>()
  #owned = new Map<Member, readonly TopicPartition[]>()
  #generation = 0
  #preparing = false

  constructor(clock: Clock, partitionsOf: (topic: string) => readonly TopicPartition[]) {
    this.#clock = clock
    this.#partitionsOf = partitionsOf
  }

  join(member: Member): void {
    this.#owned.set(member, [])
    this.rebalance()
  }

  leave(member: Member): void {
    if (this.#owned.delete(member)) this.rebalance()
  }

  committed(partition: TopicPartition): CommittedOffset | undefined {
    return this.#offsets.get(partitionName(partition))
  }

  /** Forgets what is committed on a partition, as Kafka does when its topic is deleted. */
  forget(partition: TopicPartition): void {
    this.#offsets.delete(partitionName(partition))
  }

  /** Judges each of these offsets by itself, and writes those that nothing speaks against. */
  commit(member: Member, generation: number, commits: readonly Commit[]): readonly CommitOutcome[] {
    return commits.map((commit) => {
      const why = this.#against(member, generation, commit)
      if (why !== undefined) return { kind: 'refused', why }
      this.#offsets.set(partitionName(commit), { offset: commit.offset, metadata: commit.metadata })
      return { kind: 'committed' }
    })
  }

  #against(member: Member, generation: number, commit: Commit): string | undefined {
    const owned = this.#owned.get(member)
    if (owned === undefined) return 'UNKNOWN_MEMBER_ID'
    if (generation !== this.#generation) return 'ILLEGAL_GENERATION'
    if (!owned.map(partitionName).includes(partitionName(commit))) return 'the partition is no longer ours'
    return commit.metadata.length > METADATA_MAX_LENGTH ? 'OFFSET_METADATA_TOO_LARGE' : undefined
  }

  /** The partitions of a topic have changed. */
  topicChanged(topic: string): void {
    if ([...this.#owned.keys()].some(({ topics }) => topics.includes(topic))) this.rebalance()
  }

  rebalance(): void {
    if (this.#preparing) return
    this.#preparing = true
    this.#clock.wake(this.#clock.nowMs(), () => void this.#nextGeneration())
  }

  async #nextGeneration(): Promise<void> {
    await Promise.all([...this.#owned.keys()].map((member) => member.prepare()))
    // Who joined while the others prepared is in; who left is not.
    this.#preparing = false
    this.#generation += 1
    const generation = this.#generation
    const members = [...this.#owned].map(([{ id, topics }, claims]) => ({ id, topics, claims, claimedAt: generation }))
    const topics = new Set(members.flatMap((member) => member.topics))
    const shares = assignPartitions([...topics].flatMap(this.#partitionsOf), members)
    this.#owned = new Map([...this.#owned.keys()].map((member) => [member, shares.get(member.id) ?? []]))
    for (const [member, partitions] of this.#owned) {
      // Each member hears of it by itself, as processes do: for a moment two of them differ.
      this.#clock.wake(this.#clock.nowMs(), () => {
        if (generation === this.#generation) member.assign(generation, partitions)
      })
    }
  }
}
