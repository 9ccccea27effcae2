import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import t from 'tap'
import { patchKafkaJs } from '../../src/kafka/patches.ts'

const require = createRequire(import.meta.url)

interface Decoded {
  readonly offset: string
  readonly isControlRecord: boolean
}
type Decode = (decoder: unknown) => Promise<readonly Decoded[]>
interface Encoder {
  readonly buffer: Buffer
}
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (buffer: Buffer) => unknown
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0/index.js') as {
  RecordBatch: (batch: object) => Promise<Encoder>
}
const writeRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (record: object) => Encoder

/** As a fetch response holds them: a length, then the batches. */
function response(...batches: readonly Buffer[]): unknown {
  const bytes = Buffer.concat(batches)
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  return new Decoder(Buffer.concat([length, bytes]))
}

/** A batch of these offsets, which spans up to `last`: what compaction leaves keeps the batch's own span. */
async function batch(offsets: readonly number[], last: number, written?: readonly Encoder[]): Promise<Buffer> {
  const first = offsets[0] ?? 0
  const records = offsets.map((offset) =>
    writeRecord({ offsetDelta: offset - first, timestampDelta: 0, key: null, value: Buffer.from('v'), headers: {} }),
  )
  const { buffer } = await RecordBatch({
    partitionLeaderEpoch: 0,
    compression: 0,
    timestampType: 0,
    transactional: false,
    firstOffset: BigInt(first),
    firstTimestamp: 0,
    maxTimestamp: 0,
    producerId: -1,
    producerEpoch: -1,
    firstSequence: -1,
    lastOffsetDelta: last - first,
    records: written ?? records,
  })
  buffer.writeBigInt64BE(BigInt(first))
  return Buffer.from(buffer)
}

const decode: Decode = (decoder) =>
  (require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js') as Decode)(decoder)
const offsets = (decoded: readonly Decoded[]): string[] =>
  decoded.map(({ offset, isControlRecord }) => (isControlRecord ? `(${offset})` : offset))

// Before the patch is laid: a decoder that is loaded already must not keep the old function.
const responsePath = 'kafkajs/src/protocol/requests/fetch/v4/response.js'
const loadedBefore: unknown = require(responsePath)
patchKafkaJs()

void t.test('patches are laid once', async (t) => {
  const before = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js') as Decode
  patchKafkaJs()
  t.equal(require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js'), before)
})

void t.test('a response decoder that was loaded before the patch is loaded anew', async (t) => {
  t.not(require(responsePath), loadedBefore)
})

void t.test('another KafkaJS than the one the patches are for is refused', async (t) => {
  const refused = { code: 'XZB_KAFKA_PATCH_MISMATCH' }
  const other = (change: (path: string) => unknown) => (path: string) => change(path) ?? (require(path) as unknown)
  t.throws(() => {
    patchKafkaJs(other((path) => (path.endsWith('package.json') ? { version: '2.2.5' } : undefined)))
  }, refused)
  for (const changed of [
    'connection.js',
    'requestQueue/index.js',
    'consumerGroup.js',
    'decodeMessages.js',
    'recordBatch/v0/decoder.js',
    'record/v0/decoder.js',
  ]) {
    const strange = Object.assign(() => 'another', {
      prototype: {
        connect: () => 'another',
        scheduleCheckPendingRequests: () => 'another',
        ...{ fetch: () => 'another', pause: () => 'another', resume: () => 'another' },
      },
    })
    t.throws(() => {
      patchKafkaJs(other((path) => (path.endsWith(changed) ? strange : undefined)))
    }, refused)
  }
})

/** A module as it was before any patch. */
function pristine(path: string): unknown {
  const id = require.resolve(path)
  const kept = require.cache[id]
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the module cache is a dictionary by path.
  delete require.cache[id]
  const fresh: unknown = require(path)
  require.cache[id] = kept
  return fresh
}

void t.test('each function that a patch goes over is looked at', async (t) => {
  const whole = {
    'connection.js': ['connect'],
    'requestQueue/index.js': ['scheduleCheckPendingRequests'],
    'consumerGroup.js': ['fetch', 'pause', 'resume'],
  }
  for (const [file, names] of Object.entries(whole)) {
    for (const name of names) {
      const load = (path: string): unknown => {
        const loaded = pristine(path) as { readonly prototype: object }
        if (!path.endsWith(file)) return loaded
        return { prototype: Object.create(loaded.prototype, { [name]: { value: () => 'another' } }) as object }
      }
      t.throws(
        () => {
          patchKafkaJs(load)
        },
        new RegExp(`\\.${name} is not the function`),
      )
    }
  }
})

void t.test('a connection that is made again remembers nothing of a response that broke off', async (t) => {
  const Connection = require('kafkajs/src/network/connection.js') as new (options: object) => {
    connect(): Promise<unknown>
    chunks: Buffer[]
    bytesBuffered: number
    bytesNeeded: number
    disconnect(): Promise<unknown>
  }
  const logger = { namespace: () => logger, debug: () => undefined, error: () => undefined, warn: () => undefined }
  const connection = new Connection({
    host: 'h',
    port: 1,
    logger,
    connectionTimeout: 1000,
    requestTimeout: 1000,
    enforceRequestTimeout: false,
    socketFactory: ({ onConnect }: { onConnect: () => void }) => {
      setImmediate(onConnect)
      return Object.assign(new EventEmitter(), { end: () => undefined, unref: () => undefined })
    },
  })
  Object.assign(connection, { chunks: [Buffer.from('half')], bytesBuffered: 4, bytesNeeded: 9000 })
  await connection.connect()
  t.match(connection, { chunks: [], bytesBuffered: 0, bytesNeeded: 4 })
  connection.chunks.push(Buffer.from('a response under way'))
  await connection.connect()
  t.equal(connection.chunks.length, 1, 'a connection that stands is left alone')
  await connection.disconnect()
})

void t.test('a request queue looks again only while a request waits', async (t) => {
  const RequestQueue = require('kafkajs/src/network/requestQueue/index.js') as new (options: object) => {
    pending: unknown[]
    throttleCheckTimeoutId: NodeJS.Timeout | null
    scheduleCheckPendingRequests(): void
  }
  const queue = new RequestQueue({ logger: undefined })
  queue.scheduleCheckPendingRequests()
  t.equal(queue.throttleCheckTimeoutId, null)
  queue.pending.push({})
  queue.scheduleCheckPendingRequests()
  t.ok(queue.throttleCheckTimeoutId)
  clearTimeout(queue.throttleCheckTimeoutId ?? undefined)
})

void t.test('a batch of any number of records is decoded', async (t) => {
  const many = Array.from({ length: 200_000 }, (_, at) => at)
  const decoded = await decode(response(await batch(many, 199_999)))
  t.equal(decoded.length, 200_000)
  t.equal(decoded.at(-1)?.offset, '199999')
})

void t.test('what compaction took from a batch becomes a marker, so that the position moves past it', async (t) => {
  const emptied = await batch([], 3)
  const cut = await batch([4, 6], 8)
  const whole = await batch([9, 10], 10)
  t.same(offsets(await decode(response(emptied, cut, whole))), ['(3)', '4', '6', '(8)', '9', '10'])
})

void t.test('a batch that the broker cut off at its bound comes again whole', async (t) => {
  const [first, second] = [await batch([0, 1], 1), await batch([2, 3], 3)]
  t.same(offsets(await decode(response(first, second.subarray(0, second.length - 1)))), ['0', '1'])
  t.same(await decode(response(first.subarray(0, 10))), [])
  t.same(await decode(response()), [])
})

void t.test('a batch whose records are damaged gives one stand-in, at its last offset', async (t) => {
  const damaged = await batch([0, 1], 1)
  damaged.writeInt32BE(1000, 57)
  const decoded = await decode(response(damaged, await batch([2], 2)))
  t.same(offsets(decoded), ['1', '2'])
  t.match(decoded[0], { undecodable: { from: 0n, last: 1n } })
})

void t.test('headers are decoded in place within batches too', async (t) => {
  const headers = Object.fromEntries(Array.from({ length: 30_000 }, (_, at) => [`h${at}`, 'v']))
  const record = writeRecord({ offsetDelta: 0, timestampDelta: 0, key: null, value: Buffer.from('v'), headers })
  const [decoded] = await decode(response(await batch([0], 0, [record])))
  t.equal(Object.getPrototypeOf((decoded as { headers?: object }).headers ?? {}), null)
})

void t.test('messages of before format 2 are still read', async (t) => {
  const MessageSet = require('kafkajs/src/protocol/messageSet/index.js') as (set: object) => Encoder
  const { buffer } = MessageSet({ messageVersion: 1, entries: [{ key: 'k', value: 'v', timestamp: 0 }] })
  t.match(await decode(response(Buffer.from(buffer))), [{ value: Buffer.from('v') }])
})
