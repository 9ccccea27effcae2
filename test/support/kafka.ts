/**
 * A real Kafka for tests.
 *
 * `npm test` runs beside one broker (src/dev/with-kafka.ts) and names it in KAFKA_BROKERS. A test file that is run by
 * hand starts its own and tears it down. Where none can be had the test fails and says what to install: nothing is
 * skipped in silence. Topics and groups have names of their own, so that files may share a broker.
 */
import { randomUUID } from 'node:crypto'
import type { Admin, IHeaders, Producer, TopicMessages } from 'kafkajs'
import { Kafka, logLevel } from 'kafkajs'
import type { KafkaRecord } from '../../src/core/record.ts'
import { coordinates } from '../../src/core/record.ts'
import type { KafkaBroker } from '../../src/dev/kafka-broker.ts'
import { findKafka } from '../../src/dev/kafka-broker.ts'
import type { CommittedOffset, NewRecord } from '../../src/dev/memory-log.ts'

interface Test {
  teardown(fn: () => unknown): unknown
}

/** The user of the SASL listener of a broker that a test file starts by itself. */
const SASL = { username: 'alice', password: 'alice-secret' }

/** Said in full, and to the consumer again: with NODE_ENV=test, and for consumers, KafkaJS has other values of its own. */
const RETRY = { initialRetryTime: 100, maxRetryTime: 1000, retries: 10 }

/** A Kafka for this test, ended with it. */
export async function kafkaForTests(t: Test): Promise<TestKafka> {
  const broker = await findKafka({ env: process.env, sasl: SASL })
  if (broker.kind === 'none') throw new Error(broker.why)
  const kafka = new TestKafka(broker)
  t.teardown(() => kafka.stop())
  return kafka
}

export class TestKafka {
  readonly broker: KafkaBroker
  readonly client: Kafka
  #admin: Admin | undefined
  #producer: Producer | undefined

  constructor(broker: KafkaBroker) {
    this.broker = broker
    this.client = new Kafka({
      clientId: 'xzepr-bridge-test',
      brokers: [...broker.brokers],
      retry: RETRY,
      logLevel: logLevel.NOTHING,
    })
  }

  get brokers(): readonly string[] {
    return this.broker.brokers
  }

  /** A name that nobody else has. */
  name(what: string): string {
    return `${what}-${randomUUID().slice(0, 13)}`
  }

  async admin(): Promise<Admin> {
    if (this.#admin === undefined) {
      this.#admin = this.client.admin()
      await this.#admin.connect()
    }
    return this.#admin
  }

  async producer(): Promise<Producer> {
    if (this.#producer === undefined) {
      this.#producer = this.client.producer({ allowAutoTopicCreation: false })
      await this.#producer.connect()
    }
    return this.#producer
  }

  /** @returns the name of a new topic, ready to be written to. */
  async createTopic(partitions = 1, topic = this.name('topic')): Promise<string> {
    const admin = await this.admin()
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true })
    return topic
  }

  /** Appends records, in order within each partition. @returns where each of them stands. */
  async produce(topic: string, records: readonly NewRecord[]): Promise<{ partition: number; offset: bigint }[]> {
    const producer = await this.producer()
    const places: { partition: number; offset: bigint }[] = []
    // One request for each: KafkaJS answers with base offsets by partition, not with the place of each record.
    for (const record of records) {
      const [sent] = await producer.send({ topic, acks: -1, messages: [messageOf(record)] })
      places.push({ partition: sent?.partition ?? 0, offset: BigInt(sent?.baseOffset ?? -1) })
    }
    return places
  }

  /** Appends many records in one request. */
  async produceMany(topic: string, records: readonly NewRecord[]): Promise<void> {
    const producer = await this.producer()
    await producer.send({ topic, acks: -1, messages: records.map(messageOf) })
  }

  /** What a group has committed on a topic, by partition; partitions without a commit are absent. */
  async committed(groupId: string, topic: string): Promise<Map<number, CommittedOffset>> {
    const admin = await this.admin()
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
    const offsets = new Map<number, CommittedOffset>()
    for (const { partition, offset, metadata } of found?.partitions ?? []) {
      if (offset !== '-1') offsets.set(partition, { offset: BigInt(offset), metadata: metadata ?? '' })
    }
    return offsets
  }

  /** Everything a topic holds just now, ordered by partition and offset. */
  async readAll(topic: string): Promise<KafkaRecord[]> {
    const admin = await this.admin()
    const ends = new Map<number, bigint>()
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      if (BigInt(high) > BigInt(low)) ends.set(partition, BigInt(high))
    }
    if (ends.size === 0) return []
    // By place: a consumer that KafkaJS starts again, as it does while a coordinator loads, reads from the start again.
    const records = new Map<string, KafkaRecord>()
    const groupId = this.name('read-all')
    const consumer = this.client.consumer({
      groupId,
      maxWaitTimeInMs: 100,
      allowAutoTopicCreation: false,
      retry: RETRY,
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) reject(payload.error)
      })
      // Said for every batch, also for one that holds nothing but transaction markers.
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
        const end = ends.get(payload.partition)
        if (end !== undefined && BigInt(payload.lastOffset) + 1n >= end) ends.delete(payload.partition)
        if (ends.size === 0) resolve()
      })
      consumer
        .run({
          autoCommit: false,
          eachMessage: async ({ partition, message }) => {
            const offset = BigInt(message.offset)
            records.set(coordinates({ topic, partition, offset }), {
              topic,
              partition,
              offset,
              timestampMs: Number(message.timestamp),
              key: message.key && Uint8Array.from(message.key),
              value: message.value && Uint8Array.from(message.value),
              headers: headersOf(message.headers ?? {}),
            })
          },
        })
        .catch(reject)
    })
    await consumer.disconnect()
    await admin.deleteGroups([groupId])
    return [...records.values()].sort((a, b) => a.partition - b.partition || Number(a.offset - b.offset))
  }

  async stop(): Promise<void> {
    await this.#producer?.disconnect()
    await this.#admin?.disconnect()
    await this.broker.stop()
  }
}

function messageOf(record: NewRecord): TopicMessages['messages'][number] {
  const headers: IHeaders = {}
  for (const { name, value } of record.headers ?? []) {
    // KafkaJS reads null values of headers and cannot write them.
    if (value === null) throw new Error(`no null value can be written for header ${name}`)
    const bytes = Buffer.from(value)
    const before = headers[name]
    headers[name] = before === undefined ? bytes : [...[before].flat(), bytes]
  }
  return {
    key: bufferOf(record.key ?? null),
    value: bufferOf(record.value),
    headers,
    ...(record.partition === undefined ? {} : { partition: record.partition }),
    ...(record.timestampMs === undefined ? {} : { timestamp: String(record.timestampMs) }),
  }
}

function bufferOf(bytes: Uint8Array | string | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes as Uint8Array)
}

function headersOf(headers: IHeaders): KafkaRecord['headers'] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => ({ name, value: bytesOf(value) })),
  )
}

function bytesOf(value: Buffer | string | null | undefined): Uint8Array | null {
  return value === null || value === undefined ? null : Uint8Array.from(Buffer.from(value as Buffer))
}
