import t from 'tap'
import { ANSWER_BUDGET_BYTES, decodesEveryBatch } from '../../../src/kafka/patches/batches.ts'
import type { Decode, Decoded, Decoder, Parts } from '../../../src/kafka/patches/batches.ts'

const MB = 1024 * 1024

/** What a batch of the test holds behind its head, in the batch's own bytes: how it is to be decoded. */
interface Plan {
  readonly inflatesTo?: number
  readonly fails?: string
}

class Bytes implements Decoder {
  readonly bytes: Buffer
  #at = 0
  constructor(bytes: Buffer) {
    this.bytes = bytes
  }
  readInt32(): number {
    return this.bytes.readInt32BE((this.#at += 4) - 4)
  }
  canReadBytes(count: number): boolean {
    return this.#at + count <= this.bytes.length
  }
  readBytes(count: number): Buffer {
    return this.bytes.subarray(this.#at, (this.#at += count))
  }
}

/** A batch of offsets `first` to `last`. */
function batch(first: number, last: number, plan: Plan = {}, attributes = 0): Buffer {
  const body = Buffer.from(JSON.stringify(plan))
  const head = Buffer.alloc(61)
  head.writeBigInt64BE(BigInt(first), 0)
  head.writeInt32BE(49 + body.length, 8)
  head.writeInt8(2, 16)
  head.writeInt16BE(attributes, 21)
  head.writeInt32BE(last - first, 23)
  head.writeBigInt64BE(1234n, 35)
  head.writeBigInt64BE(77n, 43)
  return Buffer.concat([head, body])
}

const decodeBatch: Parts['decodeBatch'] = async (decoder) => {
  const bytes = decoder instanceof Bytes ? decoder.bytes : Buffer.alloc(0)
  const plan = JSON.parse(bytes.toString('utf8', 61)) as Plan
  if (plan.fails !== undefined) throw new Error(plan.fails)
  const offset = String(bytes.readBigInt64BE(0) + BigInt(bytes.readInt32BE(23)))
  const value = Buffer.from(new ArrayBuffer(plan.inflatesTo ?? 1), 0, 1)
  return { records: [{ offset, isControlRecord: false, key: null, value, headers: { a: value, b: [value, value] } }] }
}

const parts: Parts = { magic: 2, decoderOf: (bytes) => new Bytes(bytes), decodeBatch, decodeOld: async () => [] }

/** An answer of partitions, each with its batches. */
function answer(...partitions: readonly (readonly Buffer[])[]): Decoder {
  const written = partitions.flatMap((batches) => {
    const bytes = Buffer.concat(batches)
    const size = Buffer.alloc(4)
    size.writeInt32BE(bytes.length)
    return [size, bytes]
  })
  return new Bytes(Buffer.concat(written))
}
const offsets = (decoded: readonly Decoded[]): number[] => decoded.map(({ offset }) => Number(offset))
const decoder = (): Decode => decodesEveryBatch(parts)

void t.test('a batch that cannot be read is poison for its own offsets, and for nothing else', async (t) => {
  const decode = decoder()
  const from = answer([batch(0, 0), batch(1, 4, { fails: 'no gzip' }), batch(5, 5)], [batch(9, 9)])
  const decoded = await decode(from)
  t.same(offsets(decoded), [0, 4, 5])
  t.match(decoded[1], {
    isControlRecord: false,
    timestamp: '1234',
    value: Buffer.from([0xff]),
    headers: { undecodable: Buffer.from('no gzip') },
    undecodable: { from: 1n, last: 4n, why: 'no gzip' },
    batchContext: { inTransaction: false },
  })
  t.same(offsets(await decode(from)), [9], 'the other partition')
})

void t.test('a batch that cannot be read stays part of its transaction, which may be aborted', async (t) => {
  const [decoded] = await decoder()(answer([batch(1, 4, { fails: 'no gzip' }, 0x10)]))
  t.match(decoded, { batchContext: { inTransaction: true, producerId: '77' } })
})

void t.test('a want of memory is no fault of the batch, and passes nothing over', async (t) => {
  const hungry = batch(0, 0, { fails: 'a gzip batch of 9 bytes: Array buffer allocation failed' })
  await t.rejects(decoder()(answer([hungry])), { message: /allocation failed/ })
})

void t.test('a head that cannot be true ends the session: nothing behind it can be found', async (t) => {
  for (const [at, value] of [
    [8, 10],
    [8, -1],
    [23, -1],
  ] as const) {
    const damaged = batch(3, 4)
    damaged.writeInt32BE(value, at)
    await t.rejects(decoder()(answer([damaged])), {
      code: 'XZB_KAFKA_CONSUMER_STOPPED',
      message: /offset 3 is damaged/,
    })
  }
})

void t.test('batches of another format behind ours are left for the next fetch', async (t) => {
  const old = batch(1, 1)
  old.writeInt8(1, 16)
  t.same(offsets(await decoder()(answer([batch(0, 0), old, batch(2, 2)]))), [0])
})

void t.test('what an answer inflates to is bounded, and each partition gets its turn', async (t) => {
  const decode = decoder()
  const half = { inflatesTo: ANSWER_BUDGET_BYTES / 2 }
  const many = (): Buffer[] => [0, 1, 2, 3].map((at) => batch(at, at, half))
  const from = answer(many(), many())
  t.same(offsets(await decode(from)), [0, 1], 'two halves, and the rest with the next fetch')
  t.same(offsets(await decode(from)), [0], 'the first of a partition goes all the same')
  t.same(offsets(await decode(answer(many()))), [0, 1], 'another answer has a budget of its own')

  const bomb = (): Buffer[] => [batch(0, 0, { inflatesTo: 63 * MB }), batch(1, 1)]
  const bombs = answer(bomb(), bomb(), bomb())
  t.same(offsets(await decode(bombs)), [0])
  t.same(offsets(await decode(bombs)), [0])
  t.same(offsets(await decode(bombs)), [], 'it comes with a later fetch')
  t.same(offsets(await decode(answer(bomb()))), [0], 'and is never alone too much')
})
