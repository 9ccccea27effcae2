/**
 * Where new partitions are to be read from: what the group has committed, metadata included, or else the log's ends.
 *
 * KafkaJS reads committed offsets too, but drops their metadata, and resolves "latest" anew at every join: records that
 * were handed over and not yet settled would be skipped for good. So a group that starts at the latest record has that
 * offset committed before any record is handed over. The group's leader alone does it, after every join and whatever
 * is assigned to it, in one request for all partitions of a topic: were each member to judge for itself, one would take
 * the other's first commit for an old group's, or write over its progress. A partition added later has no offset in a
 * group that has others: earliest.
 */
import type { Admin } from 'kafkajs'
import { partitionName } from '../core/record.ts'
import type { TopicPartition } from '../core/record.ts'
import { backoffMs } from '../core/retry.ts'
import type { Held, Start } from './assignment.ts'
import type { CommitAnswers, TopicCommits } from './offset-commit.ts'
import type { Settings } from './settings.ts'
import type { Waits } from './wait.ts'

export interface StartsNeeds {
  readonly settings: Settings
  readonly waits: Waits
  readonly makeAdmin: () => Admin
  /** Whether it is still the holding that the search was begun for. */
  readonly ours: (held: Held) => boolean
  readonly begin: (held: Held, start: Start) => void
  /** Whether this member led the join that the search was begun for, and no other has come since. */
  readonly leads: () => boolean
  /** Commits under that join's membership, unless the commit is wanted no more when it could go out. */
  readonly commitEnds: (ends: readonly TopicCommits[], wanted: () => boolean) => Promise<CommitAnswers>
  readonly trouble: (error: unknown) => void
}

/** Between two looks, and the most that is added by chance: the leader may have to commit a start, or Kafka to come back. */
const LOOK_AGAIN_MS = 200
const LOOK_AGAIN_MAX_MS = 5000
/** How long one look may take, and how long its goodbye: KafkaJS may leave either pending for ever. */
const LOOK_MS = 30_000
const PART_MS = 2000

/** Looks until the start of each is known and told, or it is no longer ours, and the ends are committed. Never rejects. */
export async function lookForStarts(fresh: readonly Held[], needs: StartsNeeds): Promise<void> {
  const { settings, waits } = needs
  let wanted = fresh
  // Topics of which it is not known yet that the group has an offset there.
  const open = new Set(settings.startFrom === 'latest' ? settings.topics : [])
  const more = (): boolean => wanted.length > 0 || (open.size > 0 && needs.leads())
  for (let attempt = 1; more(); attempt += 1) {
    // An admin of its own for each look: its connections are idle between two joins, and would be found broken.
    const admin = needs.makeAdmin()
    let waiting = true
    try {
      const starts = await waits.within(
        LOOK_MS,
        look(admin, wanted, open, needs, () => waiting),
      )
      if (starts === undefined) throw new Error(`no answer within ${LOOK_MS} ms`)
      for (const held of wanted) {
        const start = starts(held.partition)
        if (start !== undefined && needs.ours(held)) needs.begin(held, start)
      }
    } catch (error) {
      needs.trouble(error)
    } finally {
      waiting = false
      // What it says at the goodbye is no news: the look has said it, and the session breaks what is left standing.
      await waits.within(PART_MS, admin.disconnect()).catch((error: unknown) => error)
    }
    wanted = wanted.filter((held) => held.position === undefined && needs.ours(held))
    const jitter = {
      initialMs: LOOK_AGAIN_MS,
      maxMs: LOOK_AGAIN_MAX_MS - LOOK_AGAIN_MS,
      chance: settings.clock.chance(),
    }
    if (more()) await waits.rest(LOOK_AGAIN_MS + backoffMs({ attempt, ...jitter }))
  }
}

async function look(
  admin: Admin,
  wanted: readonly Held[],
  open: Set<string>,
  { settings, leads, commitEnds, trouble }: StartsNeeds,
  waiting: () => boolean,
): Promise<Starts> {
  await admin.connect()
  for (const topic of leads() ? [...open] : []) {
    // Late, the ends would be written over what the group has committed since.
    const inTime = (): boolean => waiting() && leads()
    try {
      const ends = await missingEnds(admin, settings.groupId, topic)
      if (ends !== undefined && inTime()) await commitAll(ends, (topics) => commitEnds(topics, inTime))
      if (waiting()) open.delete(topic)
    } catch (error) {
      // A topic whose ends cannot be committed holds up no other.
      if (waiting()) trouble(error)
    }
  }
  return findStarts(admin, { ...settings, partitions: wanted.map(({ partition }) => partition) })
}

async function commitAll(
  ends: TopicCommits,
  commit: (topics: readonly TopicCommits[]) => Promise<CommitAnswers>,
): Promise<void> {
  for (const error of (await commit([ends])).values()) if (error !== undefined) throw error
}

export type Starts = (partition: TopicPartition) => Start | undefined

export interface StartsQuery {
  readonly groupId: string
  readonly partitions: readonly TopicPartition[]
  readonly startFrom: 'earliest' | 'latest'
}

/** KafkaJS's mark for "never committed"; -2 stands for "earliest", written when an offset was out of range. */
const NEVER = '-1'

/** The newest ends of a topic where the group has no offset; undefined where it has one. */
async function missingEnds(admin: Admin, groupId: string, topic: string): Promise<TopicCommits | undefined> {
  const [group] = await admin.fetchOffsets({ groupId, topics: [topic] })
  if (!(group?.partitions ?? []).every(({ offset }) => offset === NEVER)) return undefined
  const ends = await admin.fetchTopicOffsets(topic)
  return { topic, partitions: ends.map(({ partition, high }) => ({ partition, offset: high, metadata: '' })) }
}

/** @returns the start of a partition; undefined for one that has to be asked for again. */
export async function findStarts(admin: Admin, query: StartsQuery): Promise<Starts> {
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
  { groupId, startFrom }: StartsQuery,
): Promise<ReadonlyMap<number, Start>> {
  const starts = new Map<number, Start>()
  const [group] = await admin.fetchOffsets({ groupId, topics: [topic] })
  const committed = group?.partitions ?? []
  for (const { partition, offset, metadata } of committed) {
    if (!wanted.has(partition) || offset.startsWith('-')) continue
    starts.set(partition, { from: BigInt(offset), committed: BigInt(offset), metadata: metadata ?? '' })
  }
  // What counts is what the group holds: the ends are the leader's to commit.
  if (startFrom === 'latest' && committed.every(({ offset }) => offset === NEVER)) return starts
  if (starts.size === wanted.size) return starts

  for (const { partition, low } of await admin.fetchTopicOffsets(topic)) {
    if (!wanted.has(partition) || starts.has(partition)) continue
    starts.set(partition, { from: BigInt(low), committed: undefined, metadata: '' })
  }
  return starts
}
