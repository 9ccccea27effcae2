/**
 * The sticky assigner: each member says at its join what it holds, and the group's leader moves as little as it can.
 *
 * KafkaJS speaks the eager protocol alone (KIP-429 is out of its reach), but a join carries bytes of our own, and that
 * is enough: what stays is read on from where it was (see assignment.ts), and what moves is decided in
 * core/assign.ts. A claim carries the generation it was made in, so that of two claims the stale one loses.
 */
import { AssignerProtocol } from 'kafkajs'
import type { Cluster, GroupMember, PartitionAssigner } from 'kafkajs'
import { assignPartitions } from '../core/assign.ts'
import type { Member } from '../core/assign.ts'
import type { TopicPartition } from '../core/record.ts'

/** All members of a group must know a protocol of this name, and mean the same by it. */
export const STICKY_NAME = 'XzeprBridgeSticky'
const VERSION = 1

/** What a member holds now, and the generation of the group that gave it. */
export interface Claim {
  readonly partitions: readonly TopicPartition[]
  readonly at: number
}

/** @param cluster is told once, when the consumer is made: KafkaJS shows it to nobody else. */
export function stickyAssigner(claim: () => Claim, onCluster: (cluster: Cluster) => void): PartitionAssigner {
  return ({ cluster }) => {
    onCluster(cluster)
    return {
      name: STICKY_NAME,
      version: VERSION,
      protocol: ({ topics }) => ({
        name: STICKY_NAME,
        metadata: AssignerProtocol.MemberMetadata.encode({
          version: VERSION,
          topics,
          userData: encodeClaim(claim()),
        }),
      }),
      assign: async ({ members, topics }) => {
        const partitions = topics.flatMap((topic) =>
          cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ topic, partition: partitionId })),
        )
        const assigned = assignPartitions(partitions, members.map(memberOf))
        return [...assigned].map(([memberId, held]) => ({
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({
            version: VERSION,
            assignment: byTopic(held),
            userData: Buffer.alloc(0),
          }),
        }))
      },
    }
  }
}

type ByTopic = Record<string, number[]>

function byTopic(partitions: readonly TopicPartition[]): ByTopic {
  const topics: ByTopic = {}
  for (const { topic, partition } of partitions) (topics[topic] ??= []).push(partition)
  return topics
}

function encodeClaim({ partitions, at }: Claim): Buffer {
  return Buffer.from(JSON.stringify({ at, held: byTopic(partitions) }))
}

/** A member as it described itself; what cannot be read is no claim, and costs a move at most. */
export function memberOf({ memberId, memberMetadata }: GroupMember): Member {
  const decoded = AssignerProtocol.MemberMetadata.decode(memberMetadata)
  const { at, partitions } = decodeClaim(decoded?.userData)
  return { id: memberId, topics: decoded?.topics ?? [], claims: partitions, claimedAt: at }
}

function decodeClaim(bytes: Buffer | undefined): Claim {
  const claim = parsed(bytes)
  const at = typeof claim.at === 'number' && Number.isSafeInteger(claim.at) ? claim.at : 0
  const partitions: TopicPartition[] = []
  for (const [topic, numbers] of Object.entries(claim.held ?? {})) {
    for (const partition of Array.isArray(numbers) ? (numbers as unknown[]) : []) {
      if (typeof partition === 'number' && Number.isInteger(partition)) partitions.push({ topic, partition })
    }
  }
  return { at, partitions }
}

function parsed(bytes: Buffer | undefined): { readonly at?: unknown; readonly held?: object } {
  try {
    const value: unknown = JSON.parse(bytes?.toString() ?? '{}')
    return typeof value === 'object' && value !== null ? value : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}
