import t from 'tap'
import type { Broker, Exchange } from '../../src/kafka/cluster.ts'
import type { NewRecord } from '../../src/kafka/produce.ts'
import { encodeProduce, produce } from '../../src/kafka/produce.ts'

const record = (value: string, change: Partial<NewRecord> = {}): NewRecord => ({
  timestampMs: 1000,
  key: null,
  value: Buffer.from(value),
  headers: [],
  ...change,
})
const bytesOf = async (recordsOf: ReadonlyMap<number, readonly NewRecord[]>): Promise<Buffer> =>
  ((await encodeProduce({ topic: 't', recordsOf, timeoutMs: 8000 })) as unknown as { readonly buffer: Buffer }).buffer

void t.test(
  'a request asks for the acknowledgement of all in-sync replicas, within a time, and is no transaction',
  async (t) => {
    const bytes = await bytesOf(new Map([[3, [record('v')]]]))
    t.same([bytes.readInt16BE(0), bytes.readInt16BE(2), bytes.readInt32BE(4)], [-1, -1, 8000])
    const batchAt = 8 + 4 + 2 + 1 + 4 + 4 + 4
    t.same(
      [bytes.readInt32BE(batchAt - 8), bytes.readInt32BE(batchAt - 4)],
      [3, bytes.length - batchAt],
      'partition, size',
    )
    const attributes = bytes.readInt16BE(batchAt + 21)
    const [producerId, epoch, sequence] = [batchAt + 43, batchAt + 51, batchAt + 53]
    t.same(
      [attributes, bytes.readBigInt64BE(producerId), bytes.readInt16BE(epoch), bytes.readInt32BE(sequence)],
      [0, -1n, -1, -1],
      'uncompressed, and without a sequence that could be taken for another’s',
    )
  },
)

void t.test('the batch says the first and the last time of its records', async (t) => {
  const bytes = await bytesOf(new Map([[0, [1000, 900, 1200].map((timestampMs) => record('v', { timestampMs }))]]))
  const batchAt = 27
  t.same(
    [bytes.readInt32BE(batchAt + 23), bytes.readBigInt64BE(batchAt + 27), bytes.readBigInt64BE(batchAt + 35)],
    [2, 1000n, 1200n],
  )
})

void t.test('each partition has its own answer, and the broker is asked once', async (t) => {
  let sent = 0
  const answer = {
    topics: [
      {
        partitions: [
          { partition: 0, errorCode: 0, baseOffset: '9007199254740993' },
          { partition: 1, errorCode: 10, baseOffset: '-1' },
        ],
      },
    ],
  }
  const broker = {
    lookupRequest: () => (): Exchange => ({
      request: { encode: () => Promise.resolve('theirs') },
      response: { parse: () => Promise.reject(new Error('the first error hides the rest')) },
    }),
    async produce(this: Broker) {
      sent += 1
      const { request, response } = this.lookupRequest(0, {})({} as never)
      t.not(await request.encode(), 'theirs')
      return response.parse(answer as never)
    },
    fetch: () => Promise.reject(new Error('not asked')),
  } satisfies Broker
  const produced = await produce(broker, { topic: 't', recordsOf: new Map([[0, [record('v')]]]), timeoutMs: 1 })
  t.match(produced.get(0), { kind: 'written', baseOffset: 9_007_199_254_740_993n })
  t.match(produced.get(1), { kind: 'refused', error: { type: 'MESSAGE_TOO_LARGE' } })
  t.equal(sent, 1)
})
