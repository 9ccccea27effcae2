/**
 * Three mended spots of KafkaJS, without which the road stalls or burns.
 *
 * KafkaJS has had no release since 2.2.4, so what must be mended is mended here, in memory and before the first fetch.
 * The law: a patch is laid only over the very function it was written for. The version and a fragment of each
 * function's source are looked at first; anything else is XZB_KAFKA_PATCH_MISMATCH and the bridge does not start,
 * because a patch on code it does not know is worse than the bug.
 */
import { createRequire } from 'node:module'
import { BridgeError } from '../core/errors.ts'

const VERSION = '2.2.4'
const DECODE_MESSAGES = 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js'
const require = createRequire(import.meta.url)

interface Connection {
  chunks: Buffer[]
  bytesBuffered: number
  bytesNeeded: number
  authHandlers: unknown
  isConnected(): boolean
}
interface RequestQueue {
  readonly pending: readonly unknown[]
}
type Method<This> = (this: This) => unknown
interface ClassOf<Name extends string, This> {
  readonly prototype: Record<Name, Method<This>>
}

/** A decoded record; a marker stands for offsets that hold nothing for us. */
interface Decoded {
  readonly offset: string
  readonly isControlRecord: boolean
}
interface RecordBatch {
  readonly firstOffset: string
  readonly lastOffsetDelta: number
  readonly records: Decoded[]
}
interface Decoder {
  readInt32(): number
  canReadBytes(count: number): boolean
  readBytes(count: number): Buffer
}
type Decode = (decoder: Decoder) => Promise<Decoded[]>

let patched = false

/**
 * Lays the patches, once per process. Throws BridgeError when KafkaJS is not the one they were written for.
 * @param load gives a module of KafkaJS; another than the installed one is looked at, and refused if it differs.
 */
export function patchKafkaJs(load: (path: string) => unknown = require): void {
  if (patched && load === require) return
  const { version } = load('kafkajs/package.json') as { version: string }
  if (version !== VERSION) throw mismatch(`KafkaJS is ${version}, the patches are for ${VERSION}`)

  const connection = load('kafkajs/src/network/connection.js') as ClassOf<'connect', Connection>
  const queue = load('kafkajs/src/network/requestQueue/index.js') as ClassOf<
    'scheduleCheckPendingRequests',
    RequestQueue
  >
  const decode = load(DECODE_MESSAGES) as Decode
  expectSource('Connection.connect', connection.prototype.connect, 'this.socket = createSocket({')
  expectSource(
    'RequestQueue.scheduleCheckPendingRequests',
    queue.prototype.scheduleCheckPendingRequests,
    'let scheduleAt = this.throttledUntil - Date.now()',
  )
  expectSource('decodeMessages', decode, 'records.push(...recordBatch.records)')

  forgetHalfAResponse(connection)
  sleepWhenNothingWaits(queue)
  decodeEveryBatch(decode)
  patched = true
}

/**
 * A connection that is reset in the middle of a response keeps the half it has, and reads the next connection's bytes
 * behind it: from then on no response matches its request, every fetch times out, and the partition is silent for ever
 * while heartbeats look healthy. A new connection starts with an empty buffer.
 */
function forgetHalfAResponse(connection: ClassOf<'connect', Connection>): void {
  const { connect } = connection.prototype
  connection.prototype.connect = function (this: Connection) {
    if (!this.isConnected()) {
      this.chunks = []
      this.bytesBuffered = 0
      this.bytesNeeded = 4
      this.authHandlers = null
    }
    return connect.call(this)
  }
}

/**
 * The queue of each connection looks for waiting requests every millisecond, with a negative timeout, also when none
 * waits: 7 % of a core in an idle bridge. With nothing waiting there is nothing to look for: `push` asks again.
 */
function sleepWhenNothingWaits(queue: ClassOf<'scheduleCheckPendingRequests', RequestQueue>): void {
  const { scheduleCheckPendingRequests } = queue.prototype
  queue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this)
  }
}

/**
 * A batch of more than some 125,000 records is spread over the stack (`push(...records)`) and ends in a RangeError that
 * KafkaJS never retries: poison for the whole consumer. And a batch that compaction has emptied, in full or at its
 * end, gives no record that would move the position past it: the same fetch again, for ever. Here records are
 * appended one by one, and offsets that a batch spans without a record become a marker, which KafkaJS steps over as it
 * does over a transaction's (KIP-98: control records are never handed to the reader).
 */
function decodeEveryBatch(decode: Decode): void {
  const DecoderClass = require('kafkajs/src/protocol/decoder.js') as new (buffer: Buffer) => Decoder
  const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (d: Decoder) => Promise<RecordBatch>
  const { MAGIC_BYTE } = require('kafkajs/src/protocol/recordBatch/v0/index.js') as { MAGIC_BYTE: number }
  /** The same place in every message format: offset, length, leader epoch or checksum, magic. */
  const magicAt = 16
  /** What stands before the records in a batch, without offset and length. */
  const batchOverheadBytes = 49

  const decodeAll: Decode = async (decoder) => {
    const start = decoder.readInt32()
    if (start <= 0 || !decoder.canReadBytes(start)) return []
    const bytes = decoder.readBytes(start)
    if (bytes.length <= magicAt) return []
    if (bytes.readInt8(magicAt) !== MAGIC_BYTE) return decode(new DecoderClass(sized(bytes)))
    const batches = new DecoderClass(bytes)
    const records: Decoded[] = []
    while (batches.canReadBytes(batchOverheadBytes)) {
      try {
        const batch = await decodeBatch(batches)
        for (const record of batch.records) records.push(record)
        const last = BigInt(batch.firstOffset) + BigInt(batch.lastOffsetDelta)
        if (batch.records.at(-1)?.offset !== String(last)) records.push(marker(last))
      } catch (error) {
        // The broker cuts its answer at maxBytes: the last batch may be half there and comes again whole.
        if (error instanceof Error && error.name === 'KafkaJSPartialMessageError') break
        throw error
      }
    }
    return records
  }

  const cached = require.cache[require.resolve(DECODE_MESSAGES)]
  if (cached === undefined) throw mismatch('decodeMessages is not in the module cache')
  cached.exports = decodeAll
  // A response decoder that was loaded before holds the old function: it is loaded anew at its next use.
  for (const path of Object.keys(require.cache)) {
    if (/kafkajs[\\/]src[\\/]protocol[\\/]requests[\\/]fetch[\\/]v\d+[\\/]response\.js$/.test(path)) {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the module cache is a dictionary by path.
      delete require.cache[path]
    }
  }
}

/** Message sets older than format 2 go to KafkaJS's own decoder, which reads the size itself. */
function sized(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}

function marker(offset: bigint): Decoded {
  const batchContext = { inTransaction: false, producerId: '-1' }
  return { offset: String(offset), isControlRecord: true, ...{ key: null, value: null, headers: {}, batchContext } }
}

function expectSource(name: string, written: (...args: never[]) => unknown, fragment: string): void {
  if (typeof written !== 'function' || !written.toString().includes(fragment)) {
    throw mismatch(`${name} is not the function that its patch was written for`)
  }
}

function mismatch(detail: string): BridgeError {
  return new BridgeError('XZB_KAFKA_PATCH_MISMATCH', detail)
}
