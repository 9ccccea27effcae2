/**
 * Writing to one topic: one connection to the cluster, one request to each leader, each record's answer.
 *
 * Not KafkaJS's producer, and not idempotent. Its idempotent one takes a sequence back when an answer is missing,
 * although the broker may have written the batch; other records then go out under the sequence of those, and the broker
 * takes them for a repetition and acknowledges them without writing: lost. Here a request without an answer is sent
 * again by whoever waits for it, so a record may stand twice, and none is missing. A producer that could not be used is
 * closed and never used again: KafkaJS goes on writing into connections that have gone silent.
 */
import { Partitioners } from 'kafkajs'
import { REQUEST_TIMEOUT_MS } from './client.ts'
import type { KafkaOptions, Sockets } from './client.ts'
import type { Cluster } from './cluster.ts'
import { kafkaError, openCluster } from './cluster.ts'
import type { NewRecord, Produced } from './produce.ts'
import { bufferOf, produce } from './produce.ts'

/** Where a record stands, or why it does not. */
export type Appended =
  | { readonly kind: 'written'; readonly partition: number; readonly offset: bigint }
  | { readonly kind: 'refused'; readonly error: Error }

export interface Producer {
  /**
   * Appends records to the partitions that Kafka's default partitioner chooses by their keys. Never repeats a request.
   * @returns an answer for each, in their order. Rejects when Kafka could not be asked for any of them.
   */
  append(records: readonly NewRecord[]): Promise<readonly Appended[]>
  close(): Promise<void>
}

/** The broker says why it waits in vain before we give up on its answer. */
const ACK_SLACK_MS = 2000

/** Nothing is connected before the first `append`. */
export class TopicProducer implements Producer {
  readonly #topic: string
  readonly #cluster: Cluster
  readonly #sockets: Sockets
  readonly #timeoutMs: number
  readonly #partitionOf = Partitioners.DefaultPartitioner()
  #connected = false

  constructor(options: KafkaOptions, topic: string) {
    this.#topic = topic
    // What KafkaJS has to say comes as errors too.
    const { cluster, sockets } = openCluster(options, () => undefined)
    this.#cluster = cluster
    this.#sockets = sockets
    this.#timeoutMs = Math.max(1, (options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS) - ACK_SLACK_MS)
  }

  async append(records: readonly NewRecord[]): Promise<readonly Appended[]> {
    if (!this.#connected) {
      await this.#cluster.connect()
      await this.#cluster.addTargetTopic(this.#topic)
      this.#connected = true
    }
    await this.#cluster.refreshMetadataIfNecessary()
    const placed = this.#place(records)
    const leaders = new Map<number, number[]>()
    for (const [partition, { leader }] of placed) {
      const led = leaders.get(leader)
      if (led === undefined) leaders.set(leader, [partition])
      else led.push(partition)
    }
    const appended: Appended[] = records.map(() => NO_ANSWER)
    const asked = [...leaders].map(async ([leader, partitions]) => {
      const produced = await this.#ask(
        leader,
        new Map(partitions.map((each) => [each, placed.get(each)?.records ?? []])),
      )
      for (const partition of partitions) {
        for (const [delta, at] of (placed.get(partition)?.at ?? []).entries()) {
          appended[at] = answerOf(produced.get(partition), partition, delta)
        }
      }
    })
    await Promise.all(asked)
    return appended
  }

  /** Breaks the connections: whatever is still out comes to nothing here. */
  async close(): Promise<void> {
    this.#sockets.close()
    // A failure to say goodbye is no news.
    await this.#cluster.disconnect().catch((error: unknown) => error)
  }

  /** The partition of each record, with its leader. */
  #place(records: readonly NewRecord[]): ReadonlyMap<number, Placed> {
    const partitionMetadata = [...this.#cluster.findTopicPartitionMetadata(this.#topic)]
    const placed = new Map<number, Placed>()
    for (const [at, record] of records.entries()) {
      const message = { key: bufferOf(record.key), value: null }
      const partition = this.#partitionOf({ topic: this.#topic, partitionMetadata, message })
      const found = placed.get(partition) ?? {
        leader: partitionMetadata.find(({ partitionId }) => partitionId === partition)?.leader ?? NO_LEADER,
        records: [],
        at: [],
      }
      found.records.push(record)
      found.at.push(at)
      placed.set(partition, found)
    }
    return placed
  }

  /** What a leader says to its partitions; where it cannot be asked, why, for each of them. */
  async #ask(
    leader: number,
    recordsOf: ReadonlyMap<number, readonly NewRecord[]>,
  ): Promise<ReadonlyMap<number, Produced>> {
    const refused = (error: unknown): ReadonlyMap<number, Produced> => {
      const why = error instanceof Error ? error : new Error(String(error))
      return new Map([...recordsOf.keys()].map((partition) => [partition, { kind: 'refused', error: why }]))
    }
    if (leader === NO_LEADER) return refused(kafkaError(LEADER_NOT_AVAILABLE))
    try {
      const broker = await this.#cluster.findBroker({ nodeId: String(leader) })
      return await produce(broker, { topic: this.#topic, recordsOf, timeoutMs: this.#timeoutMs })
    } catch (error) {
      return refused(error)
    }
  }
}

/** The records of one partition, and where they stand among all that are to be written. */
interface Placed {
  readonly leader: number
  readonly records: NewRecord[]
  readonly at: number[]
}

const NO_LEADER = -1
const LEADER_NOT_AVAILABLE = 5
const NO_ANSWER: Appended = { kind: 'refused', error: new Error('the broker’s answer does not speak of its partition') }

function answerOf(produced: Produced | undefined, partition: number, delta: number): Appended {
  if (produced?.kind !== 'written') return produced ?? NO_ANSWER
  return { kind: 'written', partition, offset: produced.baseOffset + BigInt(delta) }
}
