/** What is decided about dead letters between the hub and Kafka; on a real broker: dead-letter.test.ts. */
import t from 'tap'
import type { DeadLetter } from '../../src/core/dead-letter.ts'
import type { JournalEntry } from '../../src/core/journal.ts'
import { KafkaDeadLetters } from '../../src/kafka/dead-letter.ts'
import type { NewRecord } from '../../src/kafka/produce.ts'
import type { Appended, Producer } from '../../src/kafka/producer.ts'
import { recordOf } from '../support/books.ts'
import { VirtualClock, settled } from '../support/clock.ts'

const letterOf = (offset: bigint, valueBytes = 10): DeadLetter => ({
  record: recordOf({
    offset,
    key: Buffer.from('k'),
    value: new Uint8Array(valueBytes),
    headers: [{ name: 'h', value: null }],
  }),
  reason: 'rejected',
  error: 'The app answered HTTP 422.',
  attempts: 1,
  answer: 'HTTP 422',
})
const kafkaError = (type: string, message = type): Error =>
  Object.assign(new Error(message), { name: 'KafkaJSProtocolError', type })
const refuseAll =
  (error: Error) =>
  (records: readonly NewRecord[]): Appended[] =>
    records.map(() => ({ kind: 'refused', error }))
const writeAll = (records: readonly NewRecord[]): Appended[] =>
  records.map((_, at) => ({ kind: 'written', partition: 1, offset: BigInt(at) }))

type Behaviour = (records: readonly NewRecord[]) => readonly Appended[] | Promise<readonly Appended[]>

/** Dead letters whose Kafka does as the test says, at a clock that stands still. */
class Desk {
  readonly clock = new VirtualClock()
  readonly journal: JournalEntry[] = []
  readonly requests: (readonly NewRecord[])[] = []
  readonly written: number[] = []
  behave: Behaviour = writeAll
  opened = 0
  closed = 0
  readonly letters = new KafkaDeadLetters({
    kafka: { clientId: 'x', brokers: ['a:1'], securityProtocol: 'PLAINTEXT' },
    topic: 'dead',
    group: 'g',
    clock: this.clock,
    journal: (entry) => this.journal.push(entry),
    openProducer: (): Producer => {
      this.opened += 1
      return {
        append: async (records) => {
          this.requests.push(records)
          return this.behave(records)
        },
        close: async () => void (this.closed += 1),
      }
    },
  })

  write(...letters: DeadLetter[]): void {
    for (const letter of letters)
      void this.letters.write(letter).then(() => this.written.push(Number(letter.record.offset)))
  }

  entries(name: JournalEntry['name']): JournalEntry[] {
    return this.journal.filter((entry) => entry.name === name)
  }
}

const textOf = (record: NewRecord | undefined, name: string): string =>
  Buffer.from(record?.headers.find((header) => header.name === `dead-letter-${name}`)?.value ?? []).toString()

void t.test('nothing is opened before the first letter, and letters of one moment go in one request', async (t) => {
  const desk = new Desk()
  t.equal(desk.opened, 0)
  desk.write(letterOf(1n), letterOf(2n))
  await desk.clock.advance(0)
  t.same([desk.opened, desk.requests.map((records) => records.length), desk.written], [1, [2], [1, 2]])
  t.match(desk.entries('record.dead-lettered'), [
    { offset: 1n, reason: 'rejected', attempts: 1, letterTopic: 'dead', letterPartition: 1, letterOffset: 0n },
    { offset: 2n, letterOffset: 1n },
  ])
})

void t.test('letters that come while a request is out go in the next', async (t) => {
  const desk = new Desk()
  let answer = (): void => undefined
  desk.behave = (records) =>
    new Promise(
      (resolve) =>
        (answer = () => {
          resolve(writeAll(records))
        }),
    )
  desk.write(letterOf(1n))
  await desk.clock.advance(0)
  desk.write(letterOf(2n), letterOf(3n))
  await desk.clock.advance(1000)
  t.equal(desk.requests.length, 1)
  desk.behave = writeAll
  answer()
  await desk.clock.advance(0)
  t.same(
    [desk.requests.map((records) => records.length), desk.written],
    [
      [1, 2],
      [1, 2, 3],
    ],
  )
})

void t.test('a letter is stamped with the time at which it is written', async (t) => {
  const desk = new Desk()
  desk.write({ ...letterOf(1n), record: recordOf({ timestampMs: 5 }) })
  await desk.clock.advance(0)
  t.equal(desk.requests[0]?.[0]?.timestampMs, desk.clock.nowMs(), 'or retention would take it at once')
  t.equal(textOf(desk.requests[0]?.[0], 'timestamp'), '5')
})

void t.test(
  'while Kafka is away every letter waits, it is said once, and all are written when it is back',
  async (t) => {
    const desk = new Desk()
    desk.behave = () =>
      Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { name: 'KafkaJSConnectionError' }))
    desk.write(letterOf(1n))
    await desk.clock.advance(60_000)
    desk.write(letterOf(2n))
    await desk.clock.advance(60_000)
    t.ok(desk.requests.length > 15 && desk.requests.length < 200, 'with pauses that grow up to a cap')
    t.equal(desk.closed, desk.opened, 'a connection that failed is never used again')
    t.same(desk.written, [])
    t.match(desk.entries('kafka.problem'), [
      { code: 'XZB_KAFKA_CONNECT', why: 'writing dead letters to dead: connect ECONNREFUSED' },
    ])
    t.equal(desk.entries('kafka.problem').length, 1)
    t.match(desk.letters.problem, /cannot be reached.*writing dead letters to dead/)
    desk.behave = writeAll
    await desk.clock.advance(5000)
    t.same([desk.written, desk.letters.problem], [[1, 2], undefined])
  },
)

void t.test('a topic that is missing, closed to us or short of replicas has one code and its own reason', async (t) => {
  for (const type of [
    'UNKNOWN_TOPIC_OR_PARTITION',
    'TOPIC_AUTHORIZATION_FAILED',
    'NOT_ENOUGH_REPLICAS',
    'KAFKA_STORAGE_ERROR',
  ]) {
    const desk = new Desk()
    desk.behave = refuseAll(kafkaError(type))
    desk.write(letterOf(1n), letterOf(2n))
    await desk.clock.advance(30_000)
    t.match(desk.entries('kafka.problem'), [
      { code: 'XZB_KAFKA_DEAD_LETTER', why: `writing dead letters to dead: ${type}`, hint: /BRIDGE_DEAD_LETTER_TOPIC/ },
    ])
    desk.behave = writeAll
    await desk.clock.advance(5000)
    t.same([desk.written, desk.letters.problem], [[1, 2], undefined], type)
  }
})

/** Takes no record above so many bytes, and no request that has one. */
const limited =
  (maxBytes: number): Behaviour =>
  (records) => {
    const bytes = records.map(
      ({ key, value, headers }) => (key?.length ?? 0) + (value?.length ?? 0) + 100 * headers.length,
    )
    return bytes.some((each) => each > maxBytes)
      ? refuseAll(kafkaError('MESSAGE_TOO_LARGE'))(records)
      : writeAll(records)
  }

void t.test('a letter that is too large is written without its value, says so, and holds up no other', async (t) => {
  const desk = new Desk()
  desk.behave = limited(1500)
  desk.write(letterOf(1n), letterOf(2n, 5000), letterOf(3n))
  await desk.clock.advance(0)
  t.same(desk.written, [1, 3, 2])
  const [cut] = desk.requests.at(-1) ?? []
  t.same([cut?.key, cut?.value, textOf(cut, 'left-out')], [Buffer.from('k'), null, 'value'])
  t.match(
    textOf(cut, 'error'),
    /^The value of 5000 bytes is too large .* stands at xzepr\.dev\.events\/0\/2\. The app answered HTTP 422\.$/,
  )
  t.ok(
    cut?.headers.some(({ name }) => name === 'h'),
    'the original headers are there',
  )
  t.match(desk.entries('dead-letter.cut'), [{ offset: 2n, leftOut: 'value' }])
  t.same([desk.entries('kafka.problem'), desk.letters.problem], [[], undefined])
})

void t.test('where that is too large too, only what says where the original stands is written', async (t) => {
  const desk = new Desk()
  desk.behave = limited(1200)
  desk.write({
    ...letterOf(2n, 5000),
    record: recordOf({ offset: 2n, key: new Uint8Array(2000), value: new Uint8Array(5000) }),
  })
  await desk.clock.advance(0)
  t.same(desk.written, [2])
  const [cut] = desk.requests.at(-1) ?? []
  t.same([cut?.key, cut?.value, textOf(cut, 'left-out'), textOf(cut, 'offset')], [null, null, 'all', '2'])
})

void t.test('a letter that Kafka objects to is tried for ever by itself, and the others are written', async (t) => {
  const desk = new Desk()
  desk.behave = (records) =>
    records.some(({ key }) => key === null) ? refuseAll(kafkaError('INVALID_RECORD'))(records) : writeAll(records)
  desk.write(letterOf(1n), { ...letterOf(2n), record: recordOf({ offset: 2n }) }, letterOf(3n))
  await desk.clock.advance(0)
  t.same(desk.written, [1, 3])
  t.match(desk.letters.problem, /does not take dead letters.*for xzepr\.dev\.events\/0\/2/)
  desk.write(letterOf(4n))
  await desk.clock.advance(30_000)
  t.same(desk.written, [1, 3, 4])
  t.ok(desk.letters.problem, 'one is still held')
  t.equal(desk.entries('kafka.problem').length, 1)
  desk.behave = writeAll
  await desk.clock.advance(5000)
  t.same([desk.written, desk.letters.problem], [[1, 3, 4, 2], undefined])
})

void t.test('one partition without a leader holds up no other', async (t) => {
  const desk = new Desk()
  desk.behave = (records) =>
    records.map((record, at) =>
      textOf(record, 'offset') === '2'
        ? { kind: 'refused', error: kafkaError('LEADER_NOT_AVAILABLE') }
        : { kind: 'written', partition: 0, offset: BigInt(at) },
    )
  desk.write(letterOf(1n), letterOf(2n), letterOf(3n))
  await desk.clock.advance(0)
  t.same(desk.written, [1, 3])
  desk.behave = () => []
  await desk.clock.advance(5000)
  t.same(desk.written, [1, 3], 'an answer that does not speak of it is none')
  t.ok(desk.requests.length < 20)
  desk.behave = writeAll
  await desk.clock.advance(5000)
  t.same(desk.written, [1, 3, 2])
  t.ok(desk.opened > 1, 'asked anew who leads it')
})

void t.test(
  'after stop nothing is written and nothing resolves, within a bound, however often it is said',
  async (t) => {
    const desk = new Desk()
    desk.behave = () => new Promise(() => undefined)
    desk.write(letterOf(1n))
    await desk.clock.advance(0)
    const stopped = Promise.all([desk.letters.stop(), desk.letters.stop()])
    desk.write(letterOf(2n))
    await desk.clock.advance(10_000)
    await stopped
    t.same([desk.written, desk.requests.length, desk.closed, desk.clock.pending], [[], 1, 1, 0])
    const unused = new Desk()
    await unused.letters.stop()
    t.equal(unused.opened, 0)
    await settled()
  },
)

void t.test('a goodbye that never ends does not hold up the stop', async (t) => {
  const clock = new VirtualClock()
  const letters = new KafkaDeadLetters({
    kafka: { clientId: 'x', brokers: ['a:1'], securityProtocol: 'PLAINTEXT' },
    topic: 'dead',
    group: 'g',
    clock,
    journal: () => undefined,
    openProducer: () => ({ append: async (records) => writeAll(records), close: () => new Promise(() => undefined) }),
  })
  void letters.write(letterOf(1n))
  await clock.advance(0)
  let stopped = false
  void letters.stop().then(() => (stopped = true))
  await clock.advance(1999)
  t.notOk(stopped)
  await clock.advance(1)
  t.ok(stopped)
})
