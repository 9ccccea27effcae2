/**
 * KafkaJS's cluster by itself: brokers, who leads what, and one request at a time.
 *
 * KafkaJS hands it out only inside a consumer, which needs a group, or a producer, which retries by itself: one that is
 * sent again may spread letters without a key anew over the partitions, and take those that fall to a broker that has
 * answered before for written. Here a request is sent once, and each partition's answer is its own. What KafkaJS's types
 * do not admit is named here and nowhere else; patches.ts holds the version.
 */
import { createRequire } from 'node:module'
import type { Kafka, PartitionMetadata } from 'kafkajs'
import { BridgeError } from '../core/errors.ts'
import { kafkaClient } from './client.ts'
import type { KafkaLine, KafkaOptions, Sockets } from './client.ts'

/** One request, and how its answer is read. */
export interface Exchange {
  readonly request: { readonly encode: () => Promise<unknown> }
  readonly response: { readonly parse: (decoded: never) => Promise<unknown> }
}

export interface Broker {
  lookupRequest(apiKey: number, definitions: unknown): (fields: never) => Exchange
  produce(request: unknown): Promise<unknown>
  fetch(request: unknown): Promise<unknown>
}

export interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  /** Looks the topic up; rejects where it is not there. */
  addTargetTopic(topic: string): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[]
  findBroker(node: { readonly nodeId: string }): Promise<Broker>
  fetchTopicsOffset(queries: readonly OffsetQuery[]): Promise<readonly OffsetAnswer[]>
}

/** From the beginning, at the end, or at the first record of a time on. */
export type OffsetQuery = { readonly topic: string; readonly partitions: readonly { readonly partition: number }[] } & (
  { readonly fromBeginning: boolean } | { readonly fromTimestamp: number }
)
export interface OffsetAnswer {
  readonly topic: string
  /** An offset of -1: there is none. */
  readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
}

/** Reads nothing of a transaction that was aborted or is still open. */
export const READ_COMMITTED = 1
const METADATA_MAX_AGE_MS = 60_000

/** A cluster with sockets of its own, asked once at each broker. Nothing is connected yet. */
export function openCluster(
  options: KafkaOptions,
  say: (line: KafkaLine) => void,
): { cluster: Cluster; sockets: Sockets } {
  const { impatient, sockets } = kafkaClient(options, say)
  const cluster = maker(impatient)({
    // Neither reading nor writing ever makes a topic; KafkaJS would by default.
    allowAutoTopicCreation: false,
    isolationLevel: READ_COMMITTED,
    metadataMaxAge: METADATA_MAX_AGE_MS,
  })
  return { cluster, sockets }
}

function maker(kafka: Kafka): (options: object) => Cluster {
  const name = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  const make: unknown = name === undefined ? undefined : Reflect.get(kafka, name)
  if (typeof make !== 'function') throw new BridgeError('XZB_KAFKA_PATCH_MISMATCH', 'KafkaJS makes no cluster')
  return make as (options: object) => Cluster
}

const require = createRequire(import.meta.url)

/** The error that stands for Kafka's code; undefined for none. */
export function kafkaError(code: number): Error | undefined {
  const { failure, createErrorFromCode } = require('kafkajs/src/protocol/error.js') as {
    readonly failure: (code: number) => boolean
    readonly createErrorFromCode: (code: number) => Error
  }
  return failure(code) ? createErrorFromCode(code) : undefined
}

/** Writes Kafka's primitives. */
export interface Encoder {
  writeInt8(value: number): this
  writeInt16(value: number): this
  writeInt32(value: number): this
  writeString(value: string | null): this
  writeVarInt(value: number): this
  writeVarLong(value: number): this
  writeVarIntString(value: string): this
  writeVarIntBytes(value: Buffer | null): this
  writeEncoder(value: Encoder): this
  writeArray(values: readonly Encoder[]): this
  size(): number
}
export type EncoderClass = new () => Encoder

export function encoderClass(): EncoderClass {
  return require('kafkajs/src/protocol/encoder.js') as EncoderClass
}

/** Writes a batch around records, with its checksum. */
export type MakeBatch = (fields: object) => Promise<Encoder>

export function batchMaker(): MakeBatch {
  return (require('kafkajs/src/protocol/recordBatch/v0/index.js') as { readonly RecordBatch: MakeBatch }).RecordBatch
}
