import { createRequire } from 'node:module'
import fc from 'fast-check'
import t from 'tap'
import { withHeadersInPlace } from '../../../src/kafka/patches/headers.ts'
import type { DecodeRecord, RecordBytes } from '../../../src/kafka/patches/headers.ts'

const require = createRequire(import.meta.url)
const original = unpatched('kafkajs/src/protocol/recordBatch/record/v0/decoder.js') as DecodeRecord
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => RecordBytes
const inPlace = withHeadersInPlace(original)

/** A module as KafkaJS has it: a test that shares this process may have patched the one in the cache. */
function unpatched(path: string): unknown {
  const name = require.resolve(path)
  const cached = require.cache[name]
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the module cache is a dictionary by path.
  delete require.cache[name]
  const found: unknown = require(path)
  if (cached !== undefined) require.cache[name] = cached
  return found
}

type Header = readonly [name: string, value: string | null]

/** Kafka's varint of a length: zigzag, seven bits to a byte. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value < 0 ? -2 * value - 1 : 2 * value
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80)
  return Buffer.from([...bytes, left])
}
const sized = (text: string): Buffer[] => [varint(Buffer.byteLength(text)), Buffer.from(text)]

/** A record's bytes behind its length: attributes, deltas, key, value, headers. */
function record(headers: readonly Header[], count = headers.length): RecordBytes {
  const written = headers.flatMap(([name, value]) => [
    ...sized(name),
    ...(value === null ? [varint(-1)] : sized(value)),
  ])
  return new Decoder(Buffer.concat([Buffer.alloc(3), ...sized('k'), ...sized('v'), varint(count), ...written]))
}
const context = { firstOffset: '7', firstTimestamp: '0' }

void t.test('headers are what KafkaJS makes of them', async (t) => {
  const name = fc.oneof(fc.constantFrom('a', 'b', '1'), fc.string({ maxLength: 4 })).filter((text) => !(text in {}))
  const value = fc.option(fc.string({ maxLength: 4 }))
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 12 }), (headers) => {
      const [here, there] = [inPlace(record(headers), context), original(record(headers), context)]
      t.same(Object.entries(here.headers), Object.entries(there.headers))
      const { headersInOrder = headers.length === 1 ? undefined : [], ...rest } = here
      t.same({ ...rest, headers: {} }, { ...there, headers: {} })
      const texts = headersInOrder?.map(({ name, value }) => [name, value?.toString() ?? null])
      if (texts !== undefined) t.same(texts, headers, 'and beside it in the order of the record')
    }),
  )
})

void t.test('a name that objects inherit is a name like any other', async (t) => {
  const names = ['__proto__', 'toString', 'constructor', '__proto__']
  const { headers } = inPlace(record(names.map((name) => [name, 'v'])), context)
  const v = Buffer.from('v')
  t.same(Object.entries(headers), [
    ['__proto__', [v, v]],
    ['toString', v],
    ['constructor', v],
  ])
})

void t.test('a record of a hundred thousand headers is decoded, each header looked at once', async (t) => {
  const distinct = Array.from({ length: 100_000 }, (_, at): Header => [`h${at}`, 'v'])
  t.equal(Object.keys(inPlace(record(distinct), context).headers).length, 100_000)
  const same = Array.from({ length: 100_000 }, (): Header => ['h', 'v'])
  t.equal(inPlace(record(same), context).headers.h?.length, 100_000)
})

void t.test('a record that claims more headers than it has bytes is refused', async (t) => {
  t.throws(() => inPlace(record([['a', 'b']], 1_000_000_000), context), { message: /claims 1000000000 headers/ })
  t.same(Object.keys(inPlace(record([], -1), context).headers), [])
})
