/**
 * The log under the demo: a real Kafka, or the in-memory log where none can be had or none is wanted.
 *
 * Both take XZepr's records, say where they put them, and say what the group has committed: those are the demo's
 * witnesses, and neither is the bridge.
 */
import { randomBytes } from 'node:crypto'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import type { Clock } from '../core/seams.ts'
import type { Place } from './demo-view.ts'
import type { KafkaBroker } from './kafka-broker.ts'
import { MemoryLog } from './memory-log.ts'
import type { XzeprRecord } from './xzepr-publisher.ts'

const XZEPR_TOPIC = 'xzepr.dev.events'
/** As many as XZepr's own topic has. */
const PARTITIONS = 3

export interface DemoLog {
  readonly topic: string
  readonly groupId: string
  /** Where the bridge's own process finds it; undefined when it lives in this process alone. */
  readonly brokers: readonly string[] | undefined
  readonly memory: MemoryLog | undefined
  append(record: XzeprRecord): Promise<Place>
  /** The next offset to read by partition. */
  committed(): Promise<ReadonlyMap<number, bigint>>
  /** Closes our own connections; what was made in a Kafka that is not ours is removed. */
  stop(): Promise<void>
}

export function memoryDemoLog(clock: Clock, groupId: string): DemoLog {
  const memory = new MemoryLog(clock)
  memory.createTopic(XZEPR_TOPIC, PARTITIONS)
  return {
    topic: XZEPR_TOPIC,
    groupId,
    brokers: undefined,
    memory,
    append: async ({ topic, key, value }) => memory.append(topic, { key, value }),
    async committed() {
      const offsets = [...memory.committed(groupId, XZEPR_TOPIC)]
      return new Map(offsets.map(([partition, { offset }]) => [partition, offset]))
    },
    stop: async () => undefined,
  }
}

export async function kafkaDemoLog(broker: KafkaBroker, group: string): Promise<DemoLog> {
  const brokers = [...broker.brokers]
  // In a Kafka that others use too, the demo touches nothing but what it makes.
  const isOurs = broker.node !== undefined
  const suffix = randomBytes(4).toString('hex')
  const topic = isOurs ? XZEPR_TOPIC : `xzepr.demo.${suffix}`
  const groupId = isOurs ? group : `${group}-${suffix}`
  const kafka = new Kafka({ clientId: 'xzepr-demo', brokers, logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true })
  await producer.connect()
  return {
    topic,
    groupId,
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
        if (!isOurs) {
          await admin.deleteTopics({ topics: [topic] })
          await admin.deleteGroups([groupId])
        }
      } finally {
        await admin.disconnect()
      }
    },
  }
}
