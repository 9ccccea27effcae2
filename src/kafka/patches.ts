/**
 * Five mended spots of KafkaJS, without which the road stalls or burns.
 *
 * KafkaJS has had no release since 2.2.4, so what must be mended is mended here, in memory and before the first fetch.
 * The law: a patch is laid only over the very function it was written for. The version and a fragment of each
 * function's source are looked at first; anything else is XZB_KAFKA_PATCH_MISMATCH and the bridge does not start,
 * because a patch on code it does not know is worse than the bug.
 */
import { createRequire } from 'node:module'
import { BridgeError } from '../core/errors.ts'
import { decodesEveryBatch } from './patches/batches.ts'
import type { Decode, Decoder, Parts } from './patches/batches.ts'
import { withHeadersInPlace } from './patches/headers.ts'
import type { DecodeRecord } from './patches/headers.ts'
import { withQuickResume } from './patches/waits.ts'
import type { GroupMethods } from './patches/waits.ts'

const VERSION = '2.2.4'
const DECODE_MESSAGES = 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js'
const DECODE_BATCH = 'kafkajs/src/protocol/recordBatch/v0/decoder.js'
const DECODE_RECORD = 'kafkajs/src/protocol/recordBatch/record/v0/decoder.js'
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
  const group = load('kafkajs/src/consumer/consumerGroup.js') as { readonly prototype: GroupMethods }
  const decode = load(DECODE_MESSAGES) as Decode
  const decodeBatch = load(DECODE_BATCH) as Parts['decodeBatch']
  const decodeRecord = load(DECODE_RECORD) as DecodeRecord
  expectSource('Connection.connect', connection.prototype.connect, 'this.socket = createSocket({')
  expectSource(
    'RequestQueue.scheduleCheckPendingRequests',
    queue.prototype.scheduleCheckPendingRequests,
    'let scheduleAt = this.throttledUntil - Date.now()',
  )
  expectSource('ConsumerGroup.fetch', group.prototype.fetch, 'await sleep(this.maxWaitTime)')
  expectSource('ConsumerGroup.pause', group.prototype.pause, 'this.subscriptionState.pause(topicPartitions)')
  expectSource('ConsumerGroup.resume', group.prototype.resume, 'this.subscriptionState.resume(topicPartitions)')
  expectSource('decodeMessages', decode, 'records.push(...recordBatch.records)')
  expectSource('recordBatch.decoder', decodeBatch, 'const decoder = fetchDecoder.slice(length)')
  expectSource('record.decoder', decodeRecord, 'decoder.readVarIntArray(HeaderDecoder).reduce(')

  forgetHalfAResponse(connection)
  sleepWhenNothingWaits(queue)
  Object.assign(group.prototype, withQuickResume(group.prototype))
  decodeHeadersInPlace(decodeRecord)
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

/** The decoder of batches holds the old decoder of records, and is loaded anew. See patches/headers.ts. */
function decodeHeadersInPlace(decode: DecodeRecord): void {
  replace(DECODE_RECORD, withHeadersInPlace(decode), /[\\/]recordBatch[\\/]v0[\\/]decoder\.js$/)
}

/** A response decoder that was loaded before holds the old function: it is loaded anew. See patches/batches.ts. */
function decodeEveryBatch(decode: Decode): void {
  const DecoderClass = require('kafkajs/src/protocol/decoder.js') as new (buffer: Buffer) => Decoder
  const { MAGIC_BYTE } = require('kafkajs/src/protocol/recordBatch/v0/index.js') as { MAGIC_BYTE: number }
  const patch = decodesEveryBatch({
    magic: MAGIC_BYTE,
    decoderOf: (bytes) => new DecoderClass(bytes),
    decodeBatch: require(DECODE_BATCH) as Parts['decodeBatch'],
    decodeOld: decode,
  })
  replace(DECODE_MESSAGES, patch, /[\\/]requests[\\/]fetch[\\/]v\d+[\\/]response\.js$/)
}

/** Puts a function in a module's place. Who holds the old one is forgotten, and loaded anew at its next use. */
function replace(path: string, patch: unknown, holders: RegExp): void {
  const cached = require.cache[require.resolve(path)]
  if (cached === undefined) throw mismatch(`${path} is not in the module cache`)
  cached.exports = patch
  for (const loaded of Object.keys(require.cache)) {
    if (/[\\/]kafkajs[\\/]src[\\/]protocol[\\/]/.test(loaded) && holders.test(loaded)) {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the module cache is a dictionary by path.
      delete require.cache[loaded]
    }
  }
}

function expectSource(name: string, written: (...args: never[]) => unknown, fragment: string): void {
  if (typeof written !== 'function' || !written.toString().includes(fragment)) {
    throw mismatch(`${name} is not the function that its patch was written for`)
  }
}

function mismatch(detail: string): BridgeError {
  return new BridgeError('XZB_KAFKA_PATCH_MISMATCH', detail)
}
