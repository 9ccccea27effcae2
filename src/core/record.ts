/**
 * A record: what Kafka hands over, before anybody has looked inside.
 *
 * It is the first word of the road. Its coordinates (topic/partition/offset) name it in every log line, error and
 * idempotency key. Keys, values and headers are bytes: what they mean is message.ts's business.
 */

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** One header of a record. Kafka allows a name to come more than once, and a null value. */
export interface RecordHeader {
  readonly name: string
  readonly value: Uint8Array | null
}

/** One record as it stands in the log. The bytes belong to the holder: they pin no network buffer. */
export interface KafkaRecord extends TopicPartition {
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
}

/** What a held record costs beside its own bytes: the objects around it, measured on Node 20 and rounded up. */
export const RECORD_OVERHEAD_BYTES = 1024

/** The same for each of its headers, which may be many and tiny. */
export const HEADER_OVERHEAD_BYTES = 128

/** `topic/partition`: the name of a partition in maps and logs. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/** `topic/partition/offset`: the name of a record in logs, errors and idempotency keys. */
export function coordinates(record: TopicPartition & { readonly offset: bigint }): string {
  return `${record.topic}/${record.partition}/${record.offset}`
}

/** What holding this record costs in memory, in bytes. */
export function heldBytes(record: KafkaRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const header of record.headers) bytes += HEADER_OVERHEAD_BYTES + header.name.length + (header.value?.length ?? 0)
  return bytes
}

/**
 * The same record with bytes that pin no other: small records share a piece of memory with their neighbours, which is
 * cheap for those that pass, and would hold the whole piece for one that stays.
 */
export function onItsOwn(record: KafkaRecord): KafkaRecord {
  const { key, value, headers } = record
  return {
    ...record,
    key: key && new Uint8Array(key),
    value: value && new Uint8Array(value),
    headers: headers.map(({ name, value: bytes }) => ({ name, value: bytes && new Uint8Array(bytes) })),
  }
}
