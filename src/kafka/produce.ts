/**
 * One produce request, byte by byte as Kafka wants it (protocol versions 3 to 7, which differ in nothing that is sent).
 *
 * KafkaJS writes headers from an object by name: names that are numbers come first, those that come again stand together,
 * and a null value is a TypeError. A letter must carry the headers of its record as they came. So the records are written
 * here; the batch around them, its checksum and the way to the broker are KafkaJS's.
 */
import type { RecordHeader } from '../core/record.ts'
import { batchMaker, encoderClass, kafkaError } from './cluster.ts'
import type { Broker, Encoder, Exchange } from './cluster.ts'

/** A record on its way into a topic. */
export interface NewRecord {
  readonly timestampMs: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
}

/** Where the first record of a partition went, or why none of them is there. */
export type Produced =
  { readonly kind: 'written'; readonly baseOffset: bigint } | { readonly kind: 'refused'; readonly error: Error }

interface ProduceAnswer {
  readonly topics: readonly {
    readonly partitions: readonly {
      readonly partition: number
      readonly errorCode: number
      readonly baseOffset: string
    }[]
  }[]
}

export interface ProduceRequest {
  readonly topic: string
  readonly recordsOf: ReadonlyMap<number, readonly NewRecord[]>
  /** How long the leader waits for the other in-sync replicas. */
  readonly timeoutMs: number
}

/** All in-sync replicas. */
const ACKS = -1
/** What a producer says that has no sequence (KIP-98). */
const NO_SEQUENCE = { producerEpoch: -1, firstSequence: -1 }

/** Sends one request, never repeated. Rejects when no answer can be had. */
export async function produce(broker: Broker, request: ProduceRequest): Promise<ReadonlyMap<number, Produced>> {
  const lookupRequest = (apiKey: number, definitions: unknown) => {
    const exchange = broker.lookupRequest(apiKey, definitions)
    return (fields: never): Exchange => {
      const theirs = exchange(fields)
      return {
        request: { ...theirs.request, encode: () => encodeProduce(request) },
        response: { ...theirs.response, parse: (decoded: ProduceAnswer) => Promise.resolve(producedOf(decoded)) },
      }
    }
  }
  // The broker itself but for this one request.
  const ours = Object.create(broker, { lookupRequest: { value: lookupRequest } }) as Broker
  return (await ours.produce({ acks: ACKS, topicData: [] })) as ReadonlyMap<number, Produced>
}

/** Each partition's answer: KafkaJS throws the first error and drops the rest. */
function producedOf({ topics }: ProduceAnswer): ReadonlyMap<number, Produced> {
  const produced = new Map<number, Produced>()
  for (const { partition, errorCode, baseOffset } of topics.flatMap(({ partitions }) => partitions)) {
    const error = kafkaError(errorCode)
    produced.set(
      partition,
      error === undefined ? { kind: 'written', baseOffset: BigInt(baseOffset) } : { kind: 'refused', error },
    )
  }
  return produced
}

export async function encodeProduce({ topic, recordsOf, timeoutMs }: ProduceRequest): Promise<Encoder> {
  const EncoderClass = encoderClass()
  const partitions: Encoder[] = []
  for (const [partition, records] of recordsOf) {
    const batch = await encodeBatch(records)
    partitions.push(new EncoderClass().writeInt32(partition).writeInt32(batch.size()).writeEncoder(batch))
  }
  return new EncoderClass()
    .writeString(null)
    .writeInt16(ACKS)
    .writeInt32(timeoutMs)
    .writeArray([new EncoderClass().writeString(topic).writeArray(partitions)])
}

function encodeBatch(records: readonly NewRecord[]): Promise<Encoder> {
  const times = records.map(({ timestampMs }) => timestampMs)
  const firstTimestamp = times[0] ?? 0
  return batchMaker()({
    ...NO_SEQUENCE,
    records: records.map((record, at) => encodeRecord(record, at, record.timestampMs - firstTimestamp)),
    firstTimestamp,
    maxTimestamp: Math.max(...times),
    lastOffsetDelta: records.length - 1,
  })
}

function encodeRecord({ key, value, headers }: NewRecord, offsetDelta: number, timestampDelta: number): Encoder {
  const EncoderClass = encoderClass()
  const body = new EncoderClass()
    // The attributes, of which a record has none.
    .writeInt8(0)
    .writeVarLong(timestampDelta)
    .writeVarInt(offsetDelta)
    .writeVarIntBytes(bufferOf(key))
    .writeVarIntBytes(bufferOf(value))
    .writeVarInt(headers.length)
  for (const header of headers) body.writeVarIntString(header.name).writeVarIntBytes(bufferOf(header.value))
  return new EncoderClass().writeVarInt(body.size()).writeEncoder(body)
}

/** KafkaJS would write the text of what is no Buffer. */
export function bufferOf(bytes: Uint8Array | null): Buffer | null {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
