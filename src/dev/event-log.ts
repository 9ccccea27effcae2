/**
 * The log under the demo and the local loop: a real Kafka, or the in-memory log.
 *
 * Both take XZepr's records, say where they put them, and say what the group has committed: witnesses that are not the
 * bridge. In a Kafka that others use too nothing is touched but what is made here, and that is removed at the end.
 */
import { randomBytes } from 'node:crypto'
import type { Kafka } from 'kafkajs'
import { Partitioners } from 'kafkajs'
import type { Clock } from '../core/seams.ts'
import { MemoryLog } from './memory-log.ts'
import type { XzeprRecord } from './xzepr-publisher.ts'

export const XZEPR_TOPIC = 'xzepr.dev.events'
/** As many as XZepr's own topic has. */
const PARTITIONS = 3
/** How many records the in-memory log takes before it forgets those that the group is done with. */
const FORGET_EVERY = 1000

/** Where an event stands in the log. */
export interface Place {
  readonly partition: number
  readonly offset: bigint
}

export interface LogNames {
  readonly topic: string
  readonly groupId: string
  /** Both are removed at the end. */
  readonly transient: boolean
}

export interface EventLog extends LogNames {
  /** Where the bridge's own process finds it; undefined when it lives in this process alone. */
  readonly brokers: readonly string[] | undefined
  readonly memory: MemoryLog | undefined
  append(record: XzeprRecord): Promise<Place>
  /** The next offset to read by partition. */
  committed(): Promise<ReadonlyMap<number, bigint>>
  /** Closes our own connections, and removes what is transient. */
  stop(): Promise<void>
}

/** Names of our own in a Kafka that others use too; the usual ones in one that is ours alone. */
export function namesIn(isOurs: boolean, prefix: string, groupId: string): LogNames {
  if (isOurs) return { topic: XZEPR_TOPIC, groupId, transient: false }
  const suffix = randomBytes(4).toString('hex')
  return { topic: `${prefix}.${suffix}`, groupId: `${groupId}-${suffix}`, transient: true }
}

/** It may run for days: what the group has committed is forgotten now and then. */
export function memoryEventLog(clock: Clock, groupId: string, topic = XZEPR_TOPIC): EventLog {
  const memory = new MemoryLog(clock)
  memory.createTopic(topic, PARTITIONS)
  let appended = 0
  const forget = (): void => {
    for (const [partition, { offset }] of memory.committed(groupId, topic)) memory.truncate(topic, partition, offset)
  }
  return {
    topic,
    groupId,
    transient: false,
    brokers: undefined,
    memory,
    async append({ key, value }) {
      if (++appended % FORGET_EVERY === 0) forget()
      return memory.append(topic, { key, value })
    },
    async committed() {
      const offsets = [...memory.committed(groupId, topic)]
      return new Map(offsets.map(([partition, { offset }]) => [partition, offset]))
    },
    stop: async () => undefined,
  }
}

export interface KafkaLogOptions extends LogNames {
  readonly kafka: Kafka
  readonly brokers: readonly string[]
}

/** The topic is there when this resolves. */
export async function kafkaEventLog({ kafka, brokers, ...names }: KafkaLogOptions): Promise<EventLog> {
  const { topic, groupId } = names
  const admin = kafka.admin()
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await admin.connect()
  // Whoever may not make topics may still use one.
  if (!(await admin.listTopics()).includes(topic)) {
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true })
  }
  await producer.connect()
  return {
    ...names,
    brokers,
    memory: undefined,
    async append({ key, value }) {
      const [put] = await producer.send({ topic, messages: [{ key, value }] })
      return { partition: put?.partition ?? 0, offset: BigInt(put?.baseOffset ?? '-1') }
    },
    async committed() {
      const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
      const offsets = (found?.partitions ?? []).map(({ partition, offset }) => [partition, BigInt(offset)] as const)
      // Kafka says -1 for a partition on which the group has committed nothing.
      return new Map(offsets.filter(([, offset]) => offset >= 0n))
    },
    async stop() {
      await producer.disconnect()
      try {
        if (names.transient) {
          await admin.deleteTopics({ topics: [topic] })
          await admin.deleteGroups([groupId])
        }
      } finally {
        await admin.disconnect()
      }
    },
  }
}
