/**
 * A record's headers, decoded in the order of their number.
 *
 * KafkaJS copies all headers it has for each one that it adds (`{...obj}`, `concat`): 10,000 headers of a byte each, a
 * record that any producer may write, hold the event loop for most of a minute, and with it heartbeats and every
 * other partition. Here each header is looked at once. The shape stays KafkaJS's: the value by its name, or a list
 * where a name comes again; but of a name that objects inherit (`toString`, `__proto__`) too, which KafkaJS mixes up
 * with what is inherited. That shape forgets the order among names, which a dead letter has to keep: it is kept beside.
 */

type Value = Buffer | null
type Headers = Record<string, Value | Value[]>

/** What is used of KafkaJS's decoder of primitives. */
export interface RecordBytes {
  readonly buffer: Buffer
  readonly offset: number
  readVarInt(): number
  readVarIntArray(read: ReadHeader): readonly unknown[]
}
type ReadHeader = (decoder: RecordBytes) => { readonly key: string | null; readonly value: Value }
/** One header, in the order of the record. */
export interface OrderedHeader {
  readonly name: string
  readonly value: Value
}
interface DecodedRecord {
  headers: Headers
  /** Where there is more than one. */
  headersInOrder?: readonly OrderedHeader[]
}
export type DecodeRecord = (decoder: RecordBytes, batchContext?: object) => DecodedRecord

/** @param decode KafkaJS's decoder of one record; it is shown a record without headers. */
export function withHeadersInPlace(decode: DecodeRecord): DecodeRecord {
  return (decoder, batchContext) => {
    let read: Pick<DecodedRecord, 'headers' | 'headersInOrder'> = { headers: {} }
    decoder.readVarIntArray = (readHeader) => {
      read = readHeaders(decoder, readHeader)
      return []
    }
    return Object.assign(decode(decoder, batchContext), read)
  }
}

function readHeaders(decoder: RecordBytes, read: ReadHeader): Pick<DecodedRecord, 'headers' | 'headersInOrder'> {
  const count = decoder.readVarInt()
  // A header takes two bytes at least: beyond that the count is no count, and would be followed for minutes.
  if (count * 2 > decoder.buffer.length - decoder.offset) throw new RangeError(`it claims ${count} headers`)
  const headers = Object.create(null) as Headers
  const headersInOrder: OrderedHeader[] = []
  for (let left = count; left > 0; left--) {
    const { key, value } = read(decoder)
    const name = String(key)
    headersInOrder.push({ name, value })
    const known = headers[name]
    if (known === undefined) headers[name] = value
    else if (Array.isArray(known)) known.push(value)
    else headers[name] = [known, value]
  }
  return count > 1 ? { headers, headersInOrder } : { headers }
}
