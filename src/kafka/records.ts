/**
 * From KafkaJS's message to a record that holds its own bytes.
 *
 * What KafkaJS hands over are windows into the whole response: one held value of a kilobyte would pin megabytes. So the
 * bytes of a record are copied, all of them in one go. Small ones share pieces of 8 KiB: an allocation of its own costs a
 * record more than its copy does. So a held record pins its own bytes, or 8 KiB at the most.
 */
import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { KafkaRecord, RecordHeader, TopicPartition } from '../core/record.ts'
import type { OrderedHeader } from './patches/headers.ts'

// Newer Nodes let small buffers share 64 KiB, and one record that is held for hours would pin them all.
Buffer.poolSize = 8192

/** A record of this partition, with bytes of its own. */
export function recordOf({ topic, partition }: TopicPartition, message: KafkaMessage): KafkaRecord {
  const { headersInOrder } = message as KafkaMessage & { readonly headersInOrder?: readonly OrderedHeader[] }
  const named = headersInOrder ?? headersOf(message.headers)
  let bytes = (message.key?.length ?? 0) + (message.value?.length ?? 0)
  for (const { value } of named) bytes += value?.length ?? 0
  const own = Buffer.allocUnsafe(bytes)
  let at = 0
  const keep = (from: Buffer | null): Buffer | null => {
    if (from === null) return null
    const start = at
    at += from.copy(own, start)
    return own.subarray(start, at)
  }
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    timestampMs: Number(message.timestamp),
    key: keep(message.key),
    value: keep(message.value),
    headers: named.map(({ name, value }): RecordHeader => ({ name, value: keep(value) })),
  }
}

/** KafkaJS makes a list of the values of a name that comes more than once, and null of a value that is none. */
function headersOf(headers: IHeaders | undefined): readonly OrderedHeader[] {
  const found: OrderedHeader[] = []
  for (const [name, values] of Object.entries(headers ?? {})) {
    for (const value of Array.isArray(values) ? values : [values]) {
      found.push({ name, value: typeof value === 'string' ? Buffer.from(value) : (value ?? null) })
    }
  }
  return found
}
