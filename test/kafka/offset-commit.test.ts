import t from 'tap'
import { commitOffsets } from '../../src/kafka/offset-commit.ts'
import type { CommitBroker, OffsetCommit } from '../../src/kafka/offset-commit.ts'

const commit: OffsetCommit = { groupId: 'g', memberId: 'me', groupGenerationId: 5, topics: [] }

/** A broker as KafkaJS has it: its reading of an answer throws the first error in it. */
class Broker implements CommitBroker {
  readonly sent: unknown[] = []
  /** No private field: KafkaJS has none, and a broker stands in for another by its prototype. */
  readonly codes: readonly number[]

  constructor(codes: readonly number[]) {
    this.codes = codes
  }

  lookupRequest(): ReturnType<CommitBroker['lookupRequest']> {
    return (fields) => ({
      request: fields,
      response: {
        parse: async (decoded) => {
          for (const { partitions } of decoded.responses) {
            for (const { errorCode } of partitions) {
              if (errorCode !== 0) throw new Error(`code ${errorCode}`)
            }
          }
          return decoded
        },
      },
    })
  }

  async offsetCommit(request: unknown): Promise<unknown> {
    const exchange = this.lookupRequest()(request)
    this.sent.push(exchange.request)
    const partitions = this.codes.map((errorCode, partition) => ({ partition, errorCode }))
    return exchange.response.parse({ responses: [{ topic: 't', partitions }] })
  }
}

void t.test('each partition has the answer that the broker gave to it', async (t) => {
  const broker = new Broker([0, 12, 0, 22])
  t.match(
    await commitOffsets(broker, commit),
    new Map([
      ['t/0', undefined],
      ['t/1', { message: 'code 12' }],
      ['t/2', undefined],
      ['t/3', { message: 'code 22' }],
    ]),
  )
  t.same(broker.sent, [commit], 'of one request')
})

void t.test('the commits that KafkaJS sends by itself are read as ever', async (t) => {
  const broker = new Broker([0, 12])
  await commitOffsets(broker, commit)
  await t.rejects(broker.offsetCommit(commit), { message: 'code 12' })
})

void t.test('a request without an answer fails as a whole', async (t) => {
  const broker = new Broker([])
  broker.offsetCommit = () => Promise.reject(new Error('timed out'))
  await t.rejects(commitOffsets(broker, commit), { message: 'timed out' })
})
