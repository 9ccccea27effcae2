import type { KafkaMessage } from 'kafkajs'
import t from 'tap'
import { recordOf } from '../../src/kafka/records.ts'

const message = {
  offset: '9007199254740993',
  timestamp: '1700000000000',
  attributes: 0,
  key: Buffer.from('k'),
  value: Buffer.from('value'),
  headers: { one: Buffer.from('1'), many: [Buffer.from('2'), Buffer.from('3')], text: 'text', none: undefined },
} as const

void t.test('a record has the bytes, headers and offset of its message', async (t) => {
  const record = recordOf(
    { topic: 't', partition: 3 },
    { ...message, headers: { ...message.headers, many: [...message.headers.many] } },
  )
  t.match(record, { topic: 't', partition: 3, offset: 9007199254740993n, timestampMs: 1_700_000_000_000 })
  t.same([record.key, record.value], [Buffer.from('k'), Buffer.from('value')])
  t.same(
    record.headers.map(({ name, value }) => [name, value && Buffer.from(value).toString()]),
    [
      ['one', '1'],
      ['many', '2'],
      ['many', '3'],
      ['text', 'text'],
      ['none', null],
    ],
  )
})

void t.test('headers come in the order of the record, where it is known', async (t) => {
  const [a, b] = [Buffer.from('a'), Buffer.from('b')]
  const headersInOrder = [
    { name: 'b', value: a },
    { name: '1', value: null },
    { name: 'b', value: b },
  ]
  const inOrder = { ...message, headers: { 1: null, b: [a, b] }, headersInOrder } as unknown as KafkaMessage
  t.same(recordOf({ topic: 't', partition: 0 }, inOrder).headers, headersInOrder)
})

void t.test(
  'a record pins its own bytes, or what small ones share, and nothing of the response it came in',
  async (t) => {
    // What is left of the piece that Node began with goes first.
    for (let bytes = 0; bytes < 65_536; bytes += 4000) Buffer.allocUnsafe(4000)
    const response = Buffer.alloc(1_000_000, 'x')
    const record = recordOf(
      { topic: 't', partition: 0 },
      { ...message, key: null, value: response.subarray(10, 20), headers: {} },
    )
    t.ok((record.value?.buffer.byteLength ?? 0) <= 8192)
    response.fill('y')
    t.same(record.value, Buffer.from('x'.repeat(10)))
    const large = recordOf({ topic: 't', partition: 0 }, { ...message, key: null, value: response, headers: {} })
    t.equal(large.value?.buffer.byteLength, response.length, 'a large one shares with nobody')
  },
)

void t.test('a record of nothing is a record', async (t) => {
  const { headers, ...bare } = { ...message, key: null, value: null }
  t.ok(headers)
  t.match(recordOf({ topic: 't', partition: 0 }, bare as unknown as KafkaMessage), {
    key: null,
    value: null,
    headers: [],
  })
})
