/**
 * The consumer group as Kafka has it: what is settled according to its commits, and who counts as a member.
 *
 * A commit is read as a stranger would read it, by its offset and the map in its metadata: what a killed bridge had
 * settled is what stands there, whatever its log says.
 */
import { AssignerProtocol } from 'kafkajs'
import { decodeOffsetMap } from '../../src/core/offset-map.ts'
import type { AttemptStep, Run } from '../../src/core/offset-map.ts'
import { openCluster } from '../../src/kafka/cluster.ts'
import type { TestKafka } from './kafka.ts'
import type { BridgeProcess } from './bridge-process.ts'
import type { World } from './world.ts'

/** One partition's commit. */
export class Committed {
  readonly offset: bigint
  readonly metadata: string
  readonly runs: readonly Run[]
  readonly attempts: readonly AttemptStep[]

  constructor(offset: bigint, metadata: string) {
    const reading = decodeOffsetMap(offset, metadata)
    if (reading.kind === 'foreign') throw new Error(`the metadata of offset ${offset} is foreign: ${reading.why}`)
    const { settled, attempts } = reading.kind === 'map' ? reading.map : { settled: [], attempts: [] }
    this.offset = offset
    this.metadata = metadata
    this.runs = settled
    this.attempts = attempts
  }

  /** Does it say that this record is settled? */
  has(offset: bigint): boolean {
    return offset < this.offset || this.runs.some(({ from, to }) => offset >= from && offset < to)
  }

  /** How many are settled beyond its offset. */
  get beyond(): number {
    return this.runs.reduce((sum, { from, to }) => sum + Number(to - from), 0)
  }

  /** How often it says that this record was attempted. */
  attemptsOf(offset: bigint): number {
    return this.attempts.filter(({ from }) => from <= offset).at(-1)?.attempts ?? 0
  }
}

const NOTHING = new Committed(0n, '')

/** What a group has settled on a topic, by partition. */
export class Settled {
  readonly #partitions: ReadonlyMap<number, Committed>

  constructor(partitions: ReadonlyMap<number, Committed>) {
    this.#partitions = partitions
  }

  of(partition: number): Committed {
    return this.#partitions.get(partition) ?? NOTHING
  }

  /** Is the record of this delivery settled? */
  has(headers: Readonly<Record<string, string>>): boolean {
    return this.of(Number(headers['kafka-partition'])).has(BigInt(headers['kafka-offset'] ?? -1))
  }
}

export async function settledBy(kafka: TestKafka, groupId: string, topic: string): Promise<Settled> {
  const partitions = new Map<number, Committed>()
  for (const [partition, { offset, metadata }] of await kafka.committed(groupId, topic)) {
    partitions.set(partition, new Committed(offset, metadata))
  }
  return new Settled(partitions)
}

interface Coordinator {
  leaveGroup(member: { readonly groupId: string; readonly memberId: string }): Promise<unknown>
  offsetCommit(commit: {
    readonly groupId: string
    readonly memberId: string
    readonly groupGenerationId: number
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { partition: number; offset: string; metadata: string }[]
    }[]
  }): Promise<unknown>
}

/** What KafkaJS can say to a group's coordinator and its admin client does not. */
async function tellCoordinator(
  kafka: TestKafka,
  groupId: string,
  say: (coordinator: Coordinator) => Promise<unknown>,
): Promise<void> {
  const options = { clientId: 'xzepr-bridge-test', brokers: kafka.brokers, securityProtocol: 'PLAINTEXT' } as const
  const { cluster, sockets } = openCluster(options, () => undefined)
  try {
    await cluster.connect()
    await cluster.refreshMetadataIfNecessary()
    const asked = cluster as unknown as {
      findGroupCoordinator(of: { readonly groupId: string }): Promise<Coordinator>
    }
    await say(await asked.findGroupCoordinator({ groupId }))
  } finally {
    await cluster.disconnect()
    sockets.close()
  }
}

/**
 * kill -9, and the member that it was leaves the group, as Kafka would have it half a minute later, when its session has
 * timed out. kill.test.ts waits for that once; elsewhere nothing is proved by waiting. Of several members it is known by
 * its partitions, so it must have some.
 */
export async function killForGood({ kafka, group, topic }: World, bridge: BridgeProcess): Promise<void> {
  const admin = await kafka.admin()
  const { partitions } = await bridge.status()
  const its = new Set(partitions.map(({ partition }) => partition))
  const { groups } = await admin.describeGroups([group])
  const member = groups[0]?.members.find(({ memberAssignment }) => {
    const assigned = AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment[topic] ?? []
    return assigned.length > 0 && assigned.every((partition) => its.has(partition))
  })
  if (member === undefined) throw new Error(`no member of ${group} has the partitions ${[...its].join(', ')}`)
  await bridge.kill9()
  await tellCoordinator(kafka, group, (coordinator) =>
    coordinator.leaveGroup({ groupId: group, memberId: member.memberId }),
  )
}

/** Somebody who is no member commits for a group that has none. */
export async function commitBeforehand(
  kafka: TestKafka,
  groupId: string,
  topic: string,
  partitions: readonly { partition: number; offset: string; metadata: string }[],
): Promise<void> {
  const outsider = { groupId, memberId: '', groupGenerationId: -1 }
  await tellCoordinator(kafka, groupId, (coordinator) =>
    coordinator.offsetCommit({ ...outsider, topics: [{ topic, partitions }] }),
  )
}
