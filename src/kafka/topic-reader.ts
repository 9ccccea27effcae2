/**
 * A topic from one time to its end as it is now, read once and without a group.
 *
 * A group would need an ACL of its own, wait for a join, and leave its name behind; a reader that only looks needs none of
 * it. So the offsets are asked for by time and fetched as they stand: nothing is committed, nothing is balanced, and any
 * number of readers do not know of each other. ACLs: Describe and Read on the topic. The laws: the records come in the order
 * of their times across partitions; a partition holds one answer of the broker in memory; it ends at the end as it was
 * at the start, whatever is written meanwhile.
 */
import { createRequire } from 'node:module'
import type { KafkaMessage } from 'kafkajs'
import { BridgeError } from '../core/errors.ts'
import type { KafkaRecord, TopicPartition } from '../core/record.ts'
import type { Clock } from '../core/seams.ts'
import type { KafkaOptions, Sockets } from './client.ts'
import { READ_COMMITTED, openCluster } from './cluster.ts'
import type { Cluster } from './cluster.ts'
import { problemOf } from './problem.ts'
import { recordOf } from './records.ts'
import { Waits } from './wait.ts'

export interface TopicReaderOptions {
  readonly kafka: KafkaOptions
  readonly clock: Clock
  /** What one answer holds of a partition; a larger record comes all the same. */
  readonly maxBytes?: number
}

/** What there is to read of one partition. */
export interface Span {
  readonly partition: number
  readonly from: bigint
  /** The offset after the last. */
  readonly end: bigint
}

const MAX_BYTES = 1024 * 1024
/** How long a broker waits with nothing to say: here something is there. */
const MAX_WAIT_MS = 500
/** Tries to have one answer, with pauses between them. */
const TRIES = 3
const TRY_AGAIN_MS = 1000
/** Answers in which nothing comes of what should be there. */
const EMPTY_ANSWERS_MAX = 10

export class TopicReader {
  readonly #options: TopicReaderOptions
  readonly #waits: Waits
  #closed = false
  #open: { readonly cluster: Cluster; readonly sockets: Sockets } | undefined

  constructor(options: TopicReaderOptions) {
    this.#options = options
    this.#waits = new Waits(options.clock)
  }

  /**
   * What there is from a time on; all that is there without one.
   * @throws BridgeError when Kafka cannot be reached, or the topic is not there or not for us.
   */
  async spans(topic: string, sinceMs: number | undefined): Promise<readonly Span[]> {
    return this.#ask(`looking for ${topic}`, topic, async (cluster) => {
      const partitions = cluster
        .findTopicPartitionMetadata(topic)
        .map(({ partitionId }) => ({ partition: partitionId }))
      const ends = await offsetsOf(cluster, { topic, partitions, fromBeginning: false })
      const from = sinceMs === undefined ? { fromBeginning: true } : { fromTimestamp: sinceMs }
      const starts = await offsetsOf(cluster, { topic, partitions, ...from })
      return [...ends].map(([partition, end]): Span => {
        const start = starts.get(partition) ?? end
        // None is that young.
        return { partition, from: start < 0n || start > end ? end : start, end }
      })
    })
  }

  /** The records of the spans, the oldest first. @throws BridgeError as `spans` does. */
  async *records(topic: string, spans: readonly Span[]): AsyncGenerator<KafkaRecord, void, undefined> {
    const cursors = spans.map((span) => new Cursor(topic, span))
    for (;;) {
      await Promise.all(cursors.filter(({ hungry }) => hungry).map((cursor) => this.#fill(cursor)))
      const [next] = cursors
        .filter(({ head }) => head !== undefined)
        .sort((a, b) => (a.head?.timestampMs ?? 0) - (b.head?.timestampMs ?? 0))
      const record = next?.take()
      if (record === undefined) return
      yield record
    }
  }

  /** The record that stands at a place; undefined where none does any more. */
  async record(place: TopicPartition & { readonly offset: bigint }): Promise<KafkaRecord | undefined> {
    const { topic, partition, offset } = place
    const spans = await this.spans(topic, undefined)
    const span = spans.find((each) => each.partition === partition)
    if (span === undefined || offset < span.from || offset >= span.end) return undefined
    const cursor = new Cursor(topic, { partition, from: offset, end: offset + 1n })
    await this.#fill(cursor)
    return cursor.take()
  }

  /** Whatever is still asked for comes to nothing, at once. */
  async close(): Promise<void> {
    this.#closed = true
    this.#waits.end()
    this.#drop()
  }

  async #fill(cursor: Cursor): Promise<void> {
    for (let empty = 0; cursor.hungry; empty++) {
      const before = cursor.position
      const { topic, partition } = cursor
      const during = `reading ${topic}/${partition} from offset ${before}`
      if (empty === EMPTY_ANSWERS_MAX) throw new BridgeError('XZB_KAFKA_STALLED', `${during}: nothing comes`)
      cursor.answered(await this.#ask(during, topic, (cluster) => this.#fetch(cluster, cursor)))
      if (cursor.position > before) empty = 0
    }
  }

  async #fetch(cluster: Cluster, { topic, partition, position }: Cursor): Promise<PartitionAnswer> {
    const leader = cluster
      .findTopicPartitionMetadata(topic)
      .find(({ partitionId }) => partitionId === partition)?.leader
    const broker = await cluster.findBroker({ nodeId: String(leader ?? -1) })
    const maxBytes = this.#options.maxBytes ?? MAX_BYTES
    const answer = (await broker.fetch({
      maxWaitTime: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes,
      isolationLevel: READ_COMMITTED,
      topics: [{ topic, partitions: [{ partition, fetchOffset: String(position), maxBytes }] }],
    })) as { readonly responses: readonly { readonly partitions: readonly PartitionAnswer[] }[] }
    const found = answer.responses[0]?.partitions[0]
    if (found === undefined) throw new Error('the broker’s answer does not speak of the partition')
    return found
  }

  /** Asks, a few times; a cluster that gave no answer is not asked again. */
  async #ask<T>(during: string, topic: string, question: (cluster: Cluster) => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        if (this.#closed) throw new Error('the reader is closed')
        // What KafkaJS has to say comes as errors too.
        this.#open ??= openCluster(this.#options.kafka, () => undefined)
        const { cluster } = this.#open
        await cluster.connect()
        await cluster.addTargetTopic(topic)
        await cluster.refreshMetadataIfNecessary()
        return await question(cluster)
      } catch (error) {
        this.#drop()
        if (tried === TRIES || this.#closed) {
          const { code, why } = problemOf(error, during)
          throw new BridgeError(code, why, error)
        }
        await this.#waits.rest(TRY_AGAIN_MS)
      }
    }
  }

  #drop(): void {
    this.#open?.sockets.close()
    void this.#open?.cluster.disconnect().catch((error: unknown) => error)
    this.#open = undefined
  }
}

async function offsetsOf(
  cluster: Cluster,
  query: Parameters<Cluster['fetchTopicsOffset']>[0][number],
): Promise<ReadonlyMap<number, bigint>> {
  const [answer] = await cluster.fetchTopicsOffset([query])
  return new Map((answer?.partitions ?? []).map(({ partition, offset }) => [partition, BigInt(offset)]))
}

interface PartitionAnswer {
  readonly messages: readonly KafkaMessage[]
}

/** KafkaJS's reading of an answer: without control records, and without what a transaction took back. */
interface Batch {
  readonly messages: readonly KafkaMessage[]
}
type BatchClass = new (topic: string, fetchedOffset: string, answer: PartitionAnswer) => Batch

const require = createRequire(import.meta.url)

/** Where the reading of one partition stands. */
class Cursor implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly #end: bigint
  #position: bigint
  #waiting: KafkaRecord[] = []

  constructor(topic: string, { partition, from, end }: Span) {
    this.topic = topic
    this.partition = partition
    this.#position = from
    this.#end = end
  }

  /** The offset to fetch from. */
  get position(): bigint {
    return this.#position
  }

  /** Nothing is here, and there is more to come. */
  get hungry(): boolean {
    return this.#waiting.length === 0 && this.#position < this.#end
  }

  get head(): KafkaRecord | undefined {
    return this.#waiting[0]
  }

  take(): KafkaRecord | undefined {
    return this.#waiting.shift()
  }

  answered(answer: PartitionAnswer): void {
    const BatchClass = require('kafkajs/src/consumer/batch.js') as BatchClass
    const { messages } = new BatchClass(this.topic, String(this.#position), answer)
    this.#waiting = messages
      .filter(({ offset }) => BigInt(offset) < this.#end)
      .map((message) => recordOf(this, message))
    // The last one that came, read or not: markers and what compaction took move the position too.
    const last = answer.messages.at(-1)
    if (last !== undefined && BigInt(last.offset) >= this.#position) this.#position = BigInt(last.offset) + 1n
  }
}
