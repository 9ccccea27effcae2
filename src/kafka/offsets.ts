/**
 * Where new partitions are to be read from: what the group has committed, metadata included, or else the log's ends.
 *
 * KafkaJS reads committed offsets too, but drops their metadata, and resolves "latest" anew at every join: records that
 * were handed over and not yet settled would be skipped for good. So a group that starts at the latest record has that
 * offset committed before any record is handed over. The group's leader alone does it, in one request for all
 * partitions of a topic: were each member to judge for itself, one would take the other's first commit for an old
 * group's, or write over its progress. A partition added later has no offset in a group that has others: earliest.
 */
import type { Admin } from 'kafkajs'
import { partitionName } from '../core/record.ts'
import type { TopicPartition } from '../core/record.ts'
import type { Held, Start } from './assignment.ts'
import type { TopicCommits } from './membership.ts'
import type { Settings } from './settings.ts'
import { rest } from './wait.ts'

export interface StartsNeeds {
  readonly settings: Settings
  readonly makeAdmin: () => Admin
  /** Whether it is still the holding that the search was begun for. */
  readonly ours: (held: Held) => boolean
  readonly begin: (held: Held, start: Start) => void
  /** Commits the newest ends of a topic for a group that has none there, where this member leads; else nothing. */
  readonly commitEnds: (ends: readonly TopicCommits[]) => Promise<void>
  readonly trouble: (error: unknown) => void
}

/** Between two looks: the leader may have to commit a start first, or Kafka to come back. */
const LOOK_AGAIN_MS = 200

/** Looks until the start of each is known and told, or it is no longer ours. Never rejects. */
export async function lookForStarts(fresh: readonly Held[], needs: StartsNeeds): Promise<void> {
  for (let wanted = fresh; wanted.length > 0;) {
    // An admin of its own for each look: its connections are idle between two joins, and would be found broken.
    const admin = needs.makeAdmin()
    try {
      await admin.connect()
      const starts = await findStarts(admin, {
        ...needs.settings,
        partitions: wanted.map(({ partition }) => partition),
        commitEnds: needs.commitEnds,
      })
      for (const held of wanted) {
        const start = starts(held.partition)
        if (start !== undefined && needs.ours(held)) needs.begin(held, start)
      }
      await admin.disconnect()
    } catch (error) {
      needs.trouble(error)
    }
    wanted = wanted.filter((held) => held.position === undefined && needs.ours(held))
    if (wanted.length > 0) await rest(needs.settings.clock, LOOK_AGAIN_MS)
  }
}

export interface StartsQuery {
  readonly groupId: string
  readonly partitions: readonly TopicPartition[]
  readonly startFrom: 'earliest' | 'latest'
  readonly commitEnds: (ends: readonly TopicCommits[]) => Promise<void>
}

/** KafkaJS's mark for "never committed"; -2 stands for "earliest", written when an offset was out of range. */
const NEVER = '-1'

/** @returns the start of a partition; undefined for one that has to be asked for again. */
export async function findStarts(
  admin: Admin,
  query: StartsQuery,
): Promise<(partition: TopicPartition) => Start | undefined> {
  const starts = new Map<string, Start>()
  for (const topic of new Set(query.partitions.map((partition) => partition.topic))) {
    const wanted = new Set(query.partitions.filter((partition) => partition.topic === topic).map((p) => p.partition))
    for (const [partition, start] of await startsOf(admin, topic, wanted, query)) {
      starts.set(partitionName({ topic, partition }), start)
    }
  }
  return (partition) => starts.get(partitionName(partition))
}

async function startsOf(
  admin: Admin,
  topic: string,
  wanted: ReadonlySet<number>,
  { groupId, startFrom, commitEnds }: StartsQuery,
): Promise<ReadonlyMap<number, Start>> {
  const starts = new Map<number, Start>()
  const [group] = await admin.fetchOffsets({ groupId, topics: [topic] })
  const committed = group?.partitions ?? []
  for (const { partition, offset, metadata } of committed) {
    if (!wanted.has(partition) || offset.startsWith('-')) continue
    starts.set(partition, { from: BigInt(offset), committed: BigInt(offset), metadata: metadata ?? '' })
  }
  if (starts.size === wanted.size) return starts

  const ends = await admin.fetchTopicOffsets(topic)
  if (startFrom === 'latest' && committed.every(({ offset }) => offset === NEVER)) {
    // Asked for again in any case: what counts is what the group then holds.
    const partitions = ends.map(({ partition, high }) => ({ partition, offset: high, metadata: '' }))
    await commitEnds([{ topic, partitions }])
    return starts
  }
  for (const { partition, low } of ends) {
    if (!wanted.has(partition) || starts.has(partition)) continue
    starts.set(partition, { from: BigInt(low), committed: undefined, metadata: '' })
  }
  return starts
}
