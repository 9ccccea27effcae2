/**
 * Who reads which partition: the sticky assignment of a consumer group, as a pure decision.
 *
 * A partition that stays keeps its works in flight and its buffers; one that moves costs the group a stop and may cost
 * a record a second delivery. So members say what they hold, and the leader moves as little as balance allows:
 *
 *   claims ─▶ one holder each (the newest claim wins) ─▶ the rest to the least loaded ─▶ level, from the fullest down
 *
 * The law: every partition that a member reads is assigned exactly once; loads of members with the same topics differ
 * by one at most; no assignment with that balance moves fewer; the same input gives the same answer at any leader.
 */
import type { TopicPartition } from './record.ts'
import { partitionName } from './record.ts'

export interface Member {
  readonly id: string
  readonly topics: readonly string[]
  /** What it holds, or held when it last joined. */
  readonly claims: readonly TopicPartition[]
  /** Grows with every join: of two claims to a partition the one with the higher stamp is true. */
  readonly claimedAt: number
}

/** @returns for each member's id the partitions it reads; partitions nobody subscribes to are left out. */
export function assignPartitions(
  partitions: readonly TopicPartition[],
  members: readonly Member[],
): ReadonlyMap<string, readonly TopicPartition[]> {
  const sorted = [...members].sort(byId)
  const held = new Map<Member, TopicPartition[]>(sorted.map((member) => [member, []]))
  const load = (member: Member): number => held.get(member)?.length ?? 0
  const holders = newestClaims(sorted)

  const unheld: TopicPartition[] = []
  for (const partition of [...partitions].sort(byPlace)) {
    const holder = holders.get(partitionName(partition))
    if (holder === undefined) unheld.push(partition)
    else held.get(holder)?.push(partition)
  }
  for (const partition of unheld) {
    const reader = least(sorted.filter(reads(partition)), load)
    if (reader !== undefined) held.get(reader)?.push(partition)
  }
  while (moveOne(held, sorted, load));
  return new Map(sorted.map((member) => [member.id, (held.get(member) ?? []).sort(byPlace)]))
}

/** The member that holds each partition by the newest claim to it; of equal claims the first id's. */
function newestClaims(members: readonly Member[]): ReadonlyMap<string, Member> {
  const holders = new Map<string, Member>()
  for (const member of members) {
    for (const claim of member.claims) {
      const rival = holders.get(partitionName(claim))
      if (!reads(claim)(member) || (rival !== undefined && rival.claimedAt >= member.claimedAt)) continue
      holders.set(partitionName(claim), member)
    }
  }
  return holders
}

/** Moves one partition from a fuller member to one that has at least two fewer; false when none can be moved. */
function moveOne(
  held: ReadonlyMap<Member, TopicPartition[]>,
  members: readonly Member[],
  load: (member: Member) => number,
): boolean {
  for (const giver of [...members].sort((a, b) => load(b) - load(a) || byId(a, b))) {
    const partitions = held.get(giver) ?? []
    for (let at = partitions.length - 1; at >= 0; at--) {
      const partition = partitions[at]
      if (partition === undefined) continue
      const taker = least(members.filter(reads(partition)), load)
      if (taker === undefined || load(taker) > load(giver) - 2) continue
      partitions.splice(at, 1)
      held.get(taker)?.push(partition)
      return true
    }
  }
  return false
}

function reads({ topic }: TopicPartition): (member: Member) => boolean {
  return ({ topics }) => topics.includes(topic)
}

function least(members: readonly Member[], load: (member: Member) => number): Member | undefined {
  return members.reduce<Member | undefined>(
    (found, member) => (found === undefined || load(member) < load(found) ? member : found),
    undefined,
  )
}

function byId(a: Member, b: Member): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

function byPlace(a: TopicPartition, b: TopicPartition): number {
  return a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition
}
