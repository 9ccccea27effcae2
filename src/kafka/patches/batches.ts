/**
 * The batches of one partition in an answer to a fetch, each decoded by itself.
 *
 * ```
 *   whole, readable ──▶ its records, and a marker where the batch spans more than they do
 *   unreadable ───────▶ one stand-in at its last offset: poison for its own offsets, and for nothing else
 *   cut off, another format, or past the budget ──▶ left for the next fetch
 * ```
 *
 * A batch of more than some 125,000 records is spread over the stack by KafkaJS (`push(...records)`) and ends in a
 * RangeError that it never retries. A batch that compaction has emptied, in full or at its end, gives it no record
 * that would move the position: the same fetch again, for ever. And one batch that cannot be read fails the whole
 * answer, with every partition in it. The laws: the position moves past each batch that is here whole; a batch's
 * offsets are known from its head before its records are touched, so its failure is its own; what an answer inflates
 * to is bounded, whatever was packed into it.
 */
import { BridgeError } from '../../core/errors.ts'

/** The offsets of a batch that could not be read. */
export interface Undecodable {
  readonly from: bigint
  readonly last: bigint
  readonly why: string
}

/** A decoded record; a marker stands for offsets that hold nothing for us. */
export interface Decoded {
  readonly offset: string
  readonly isControlRecord: boolean
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly headers?: object
  /** Only on the stand-in of a batch. */
  readonly undecodable?: Undecodable
}
interface RecordBatch {
  readonly records: Decoded[]
}
export interface Decoder {
  readInt32(): number
  canReadBytes(count: number): boolean
  readBytes(count: number): Buffer
}
export type Decode = (decoder: Decoder) => Promise<Decoded[]>

/** What KafkaJS decodes with. */
export interface Parts {
  readonly magic: number
  readonly decoderOf: (bytes: Buffer) => Decoder
  readonly decodeBatch: (decoder: Decoder) => Promise<RecordBatch>
  /** Reads message sets older than format 2. */
  readonly decodeOld: Decode
}

/** Past this, an answer gives no second batch of a partition. */
export const ANSWER_BUDGET_BYTES = 16 * 1024 * 1024
/** Past this, it gives no batch at all. A first batch goes up to here, so that no partition starves behind another. */
const ANSWER_MOST_BYTES = 4 * ANSWER_BUDGET_BYTES
/** What a decoded record costs beside its bytes, and each of its headers: measured on Node 20 and rounded up. */
const RECORD_COST_BYTES = 512
const HEADER_COST_BYTES = 128

/** Where a batch's head keeps what (KIP-98); offset, length and magic stand there in every format. */
const LENGTH_AT = 8
const BODY_AT = 12
const MAGIC_AT = 16
const ATTRIBUTES_AT = 21
const LAST_DELTA_AT = 23
const MAX_TIMESTAMP_AT = 35
const PRODUCER_AT = 43
const HEAD_BYTES = 61
const TRANSACTIONAL = 0x10

/** @returns the decoder of a partition's batches; its answers are told apart by the decoder they are read with. */
export function decodesEveryBatch({ magic, decoderOf, decodeBatch, decodeOld }: Parts): Decode {
  const spentBytes = new WeakMap<Decoder, number>()

  return async (answer) => {
    const size = answer.readInt32()
    if (size <= 0 || !answer.canReadBytes(size)) return []
    const bytes = answer.readBytes(size)
    if (bytes.length <= MAGIC_AT) return []
    if (bytes.readInt8(MAGIC_AT) !== magic) return decodeOld(decoderOf(sized(bytes)))
    const records: Decoded[] = []
    let spent = spentBytes.get(answer) ?? 0
    for (let at = 0; at + HEAD_BYTES <= bytes.length;) {
      if (spent >= (at === 0 ? ANSWER_MOST_BYTES : ANSWER_BUDGET_BYTES)) break
      // A log that was written before format 2 came holds both.
      if (bytes.readInt8(at + MAGIC_AT) !== magic) break
      const { end, first, last } = spanOf(bytes, at)
      // The broker cuts its answer at maxBytes: the last batch may be half there and comes again whole.
      if (end > bytes.length) break
      const batch = bytes.subarray(at, end)
      const decoded = await decodeBatch(decoderOf(batch)).then(
        (whole) => whole.records,
        (error: unknown) => [standIn(batch, { from: first, last, why: whyOf(error) })],
      )
      spent += costOf(decoded, bytes)
      for (const record of decoded) records.push(record)
      if (decoded.at(-1)?.offset !== String(last)) records.push(marker(last))
      at = end
    }
    spentBytes.set(answer, spent)
    return records
  }
}

/** Where the batch ends, and its offsets. Where they cannot be true nothing behind them can be found. */
function spanOf(bytes: Buffer, at: number): { readonly end: number; readonly first: bigint; readonly last: bigint } {
  const first = bytes.readBigInt64BE(at)
  const length = bytes.readInt32BE(at + LENGTH_AT)
  const delta = bytes.readInt32BE(at + LAST_DELTA_AT)
  if (length < HEAD_BYTES - BODY_AT || delta < 0) {
    throw new BridgeError(
      'XZB_KAFKA_CONSUMER_STOPPED',
      `the head of a batch at offset ${first} is damaged: ${length} bytes, ${delta + 1} offsets`,
    )
  }
  return { end: at + BODY_AT + length, first, last: first + BigInt(delta) }
}

/** Why a batch cannot be read. What is wrong with this process and not with the batch is thrown on. */
function whyOf(error: unknown): string {
  const why = error instanceof Error ? error.message : String(error)
  if (/allocat|(?:out of|insufficient|not enough) memory/i.test(why)) throw error
  return why
}

/** What decoded records hold on to. They are windows into what their batch was inflated to, and keep all of it. */
function costOf(records: readonly Decoded[], answer: Buffer): number {
  let own = 0
  let pinned = 0
  for (const { key, value, headers } of records) {
    own += RECORD_COST_BYTES
    for (const bytes of [key, value]) {
      // What lies in the answer itself is held to maxBytes.
      if (bytes && bytes.buffer !== answer.buffer) pinned = Math.max(pinned, bytes.buffer.byteLength)
    }
    for (const name in headers) {
      const values = (headers as Record<string, unknown>)[name]
      own += HEADER_COST_BYTES * (Array.isArray(values) ? values.length : 1)
    }
  }
  return own + pinned
}

/** One record for a batch, of no text that could be read: the road takes it for poison, at the batch's last offset. */
function standIn(batch: Buffer, undecodable: Undecodable): Decoded {
  return {
    ...blank(undecodable.last),
    isControlRecord: false,
    value: Buffer.from([0xff]),
    headers: { undecodable: Buffer.from(undecodable.why) },
    undecodable,
    ...{
      timestamp: String(batch.readBigInt64BE(MAX_TIMESTAMP_AT)),
      // A batch of a transaction that was aborted is nothing to us, readable or not.
      batchContext: {
        inTransaction: (batch.readInt16BE(ATTRIBUTES_AT) & TRANSACTIONAL) !== 0,
        producerId: String(batch.readBigInt64BE(PRODUCER_AT)),
      },
    },
  }
}

/** KafkaJS steps over it as it does over a transaction's (KIP-98: control records are never handed to the reader). */
function marker(offset: bigint): Decoded {
  return blank(offset)
}

function blank(offset: bigint): Decoded {
  const batchContext = { inTransaction: false, producerId: '-1' }
  return { offset: String(offset), isControlRecord: true, key: null, value: null, headers: {}, ...{ batchContext } }
}

/** KafkaJS's own decoder reads the size itself. */
function sized(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}
