/** Dead letters and the reader of them on a real broker of their own: it is killed here, and would make topics if asked. */
import { createRequire } from 'node:module'
import type * as kafkajs from 'kafkajs'
import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { DeadLetter } from '../../src/core/dead-letter.ts'
import { readLetter } from '../../src/core/dead-letter.ts'
import type { JournalEntry } from '../../src/core/journal.ts'
import type { KafkaRecord } from '../../src/core/record.ts'
import { findKafka } from '../../src/dev/kafka-broker.ts'
import type { KafkaOptions } from '../../src/kafka/client.ts'
import { KafkaDeadLetters } from '../../src/kafka/dead-letter.ts'
import { TopicReader } from '../../src/kafka/topic-reader.ts'
import { recordOf } from '../support/books.ts'
import { TestKafka } from '../support/kafka.ts'
import { encodings } from '../../src/webhook/encodings.ts'

const broker = await findKafka({
  env: { ...process.env, KAFKA_BROKERS: '' },
  settings: { 'auto.create.topics.enable': 'true' },
})
if (broker.kind === 'none') throw new Error(broker.why)
const kafka = new TestKafka(broker)
t.teardown(() => kafka.stop())
const options: KafkaOptions = {
  clientId: 'x',
  brokers: kafka.brokers,
  securityProtocol: 'PLAINTEXT',
  requestTimeoutMs: 4000,
}
const PATIENCE_MS = 30_000

interface Test {
  teardown(fn: () => unknown): unknown
}

class Letters {
  readonly journal: JournalEntry[] = []
  readonly written: bigint[] = []
  readonly edge: KafkaDeadLetters

  constructor(t: Test, topic: string) {
    const journal = (entry: JournalEntry): void => void this.journal.push(entry)
    this.edge = new KafkaDeadLetters({
      kafka: options,
      topic,
      group: 'g',
      clock: systemClock,
      journal,
      retryMaxMs: 500,
    })
    t.teardown(() => this.edge.stop())
  }

  async write(...letters: DeadLetter[]): Promise<void> {
    await Promise.all(
      letters.map(async (letter) => {
        await this.edge.write(letter)
        this.written.push(letter.record.offset)
      }),
    )
  }

  /** Resolves when it has been said what is wrong. */
  async problem(): Promise<JournalEntry | undefined> {
    return until('a problem is told', () => this.journal.find(({ name }) => name === 'kafka.problem'))
  }
}

async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  for (const untilMs = Date.now() + PATIENCE_MS; ;) {
    const found = look()
    if (found !== undefined) return found
    if (Date.now() > untilMs) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function letterOf(change: Partial<KafkaRecord>): DeadLetter {
  return {
    record: recordOf({ key: Buffer.from('k'), value: Buffer.from('v'), ...change }),
    reason: 'rejected',
    error: 'No.',
    attempts: 1,
    answer: 'HTTP 422',
  }
}

async function read(t: Test, topic: string, sinceMs?: number, maxBytes?: number): Promise<KafkaRecord[]> {
  const reader = new TopicReader({ kafka: options, clock: systemClock, ...(maxBytes !== undefined && { maxBytes }) })
  t.teardown(() => reader.close())
  const records: KafkaRecord[] = []
  for await (const record of reader.records(topic, await reader.spans(topic, sinceMs))) records.push(record)
  return records
}

async function topicWith(settings: Record<string, string>, partitions = 1): Promise<string> {
  const topic = kafka.name('dead')
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  await (
    await kafka.admin()
  ).createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }], waitForLeaders: true })
  return topic
}

const require = createRequire(import.meta.url)
/** A CommonJS module whose enum an ES module cannot import by its name. */
const { ConfigResourceTypes } = require('kafkajs') as typeof kafkajs

async function set(topic: string, name: string, value: string): Promise<void> {
  await (
    await kafka.admin()
  ).alterConfigs({
    validateOnly: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name, value }] }],
  })
}

void t.test('a letter has the bytes and headers of its record, and reading it gives the record back', async (t) => {
  const topic = await kafka.createTopic(3)
  const header = (name: string, value: Buffer | null) => ({ name, value })
  const records: KafkaRecord[] = [
    recordOf({ offset: 1n }),
    recordOf({ offset: 2n, key: Buffer.alloc(0), value: Buffer.alloc(0) }),
    recordOf({
      offset: 2n ** 63n - 1n,
      partition: 2 ** 31 - 1,
      timestampMs: 4_102_444_800_123,
      key: Buffer.from([0xff, 0, 0xfe]),
      value: Buffer.from(Array.from({ length: 256 }, (_, at) => at)),
    }),
    recordOf({
      offset: 4n,
      key: Buffer.from('key'),
      value: Buffer.from('é'),
      headers: [
        header('b', Buffer.from('1')),
        header('a', null),
        header('b', Buffer.from([0xff, 0])),
        header('7', Buffer.alloc(0)),
        header('__proto__', Buffer.from('x')),
        header('', Buffer.from('no name')),
        header('é', Buffer.from('y'.repeat(300))),
        header('a', Buffer.from('2')),
      ],
    }),
    recordOf({
      offset: 5n,
      headers: Array.from({ length: 2000 }, (_, at) => header(`h${at % 7}`, Buffer.from(String(at)))),
    }),
  ]
  const letters = new Letters(t, topic)
  const startMs = Date.now()
  await letters.write(...records.map((record) => ({ ...letterOf({}), record })))
  const found = await read(t, topic)
  t.equal(found.length, records.length)
  const readings = found.map((record) => readLetter(record, encodings.decodeUtf8))
  const back = readings.map((reading) => (reading.kind === 'letter' ? reading.letter.record : undefined))
  const byOffset = (a?: KafkaRecord, b?: KafkaRecord): number => Number((a?.offset ?? 0n) - (b?.offset ?? 0n))
  t.same(back.sort(byOffset), [...records].sort(byOffset))
  for (const { timestampMs } of found) t.ok(timestampMs >= startMs - 1000 && timestampMs <= Date.now() + 1000)
  t.match(letters.journal.filter(({ name }) => name === 'record.dead-lettered').length, records.length)
  const place = letters.journal.find((entry) => entry.name === 'record.dead-lettered' && entry.offset === 4n)
  const there = found.find(
    (record) => byOffset(back[3], record) && record.key?.length === 3 && record.value?.length === 2,
  )
  t.match(place, { letterTopic: topic, letterPartition: there?.partition, letterOffset: there?.offset })
  t.equal((await kafka.readAll(topic)).length, records.length, 'and another reader takes them too')
})

void t.test('letters of a key go where Kafka’s default partitioner puts it', async (t) => {
  const topic = await kafka.createTopic(5)
  const keys = Array.from({ length: 20 }, (_, at) => `key-${at}`)
  const placed = await kafka.produce(
    topic,
    keys.map((key) => ({ key, value: 'x' })),
  )
  const letters = new Letters(t, topic)
  await letters.write(...keys.map((key, at) => letterOf({ offset: BigInt(at), key: Buffer.from(key) })))
  const where = new Map(
    letters.journal.flatMap((entry) =>
      entry.name === 'record.dead-lettered' ? [[Number(entry.offset), entry.letterPartition]] : [],
    ),
  )
  t.same(
    keys.map((_, at) => where.get(at)),
    placed.map(({ partition }) => partition),
  )
  t.ok(new Set(where.values()).size > 1)
})

void t.test('a topic that is missing is not made, and once it is there the letters are written', async (t) => {
  const topic = kafka.name('dead')
  const letters = new Letters(t, topic)
  const written = letters.write(letterOf({ offset: 1n }), letterOf({ offset: 2n }))
  t.match(await letters.problem(), {
    code: 'XZB_KAFKA_DEAD_LETTER',
    why: new RegExp(`writing dead letters to ${topic}: .*does not host`),
  })
  t.notOk((await (await kafka.admin()).listTopics()).includes(topic), 'although this broker would make it')
  await kafka.createTopic(2, topic)
  await written
  t.same((await read(t, topic)).length, 2)
})

void t.test('a letter above the topic’s limit goes without its value, and its neighbours whole', async (t) => {
  const topic = await topicWith({ 'max.message.bytes': '3000' })
  const letters = new Letters(t, topic)
  await letters.write(
    letterOf({ offset: 1n }),
    letterOf({ offset: 2n, value: Buffer.alloc(5000, 'x') }),
    letterOf({ offset: 3n }),
    letterOf({ offset: 4n, key: Buffer.alloc(5000, 'x') }),
  )
  const found = (await read(t, topic)).map((record) => readLetter(record, encodings.decodeUtf8))
  const leftOut = new Map(
    found.flatMap((reading) =>
      reading.kind === 'letter' ? [[Number(reading.letter.record.offset), reading.leftOut] as const] : [],
    ),
  )
  t.same(
    [1, 2, 3, 4].map((offset) => leftOut.get(offset)),
    [undefined, 'value', undefined, 'all'],
  )
  t.equal(letters.journal.filter(({ name }) => name === 'dead-letter.cut').length, 2)
  t.same(
    letters.journal.filter(({ name }) => name === 'kafka.problem'),
    [],
  )
})

void t.test('a compacted topic takes no letter without a key: it waits, the others are written', async (t) => {
  const topic = await topicWith({ 'cleanup.policy': 'compact' })
  const letters = new Letters(t, topic)
  const written = letters.write(letterOf({ offset: 1n }), letterOf({ offset: 2n, key: null }), letterOf({ offset: 3n }))
  t.match(await letters.problem(), { code: 'XZB_KAFKA_DEAD_LETTER', why: /for xzepr\.dev\.events\/0\/2/ })
  await until('the others are written', () => (letters.written.length === 2 ? true : undefined))
  t.same(letters.written, [1n, 3n])
  await set(topic, 'cleanup.policy', 'delete')
  await written
})

void t.test('a reader comes to the end as it was at the start, from the time that was asked for', async (t) => {
  const topic = await kafka.createTopic(3)
  const at = (ms: number) => ({ key: null, value: String(ms), timestampMs: 1_700_000_000_000 + ms })
  await kafka.produce(
    topic,
    [5, 1, 3, 9, 7].map((ms, index) => ({ ...at(ms), partition: index % 2 })),
  )
  // Three in a row, so that an answer holds less than there is.
  await kafka.produce(
    topic,
    [2, 4, 6].map((ms) => ({ ...at(ms), value: String(ms).padEnd(4000), partition: 2 })),
  )
  const values = (records: readonly KafkaRecord[]): string[] =>
    records.map(({ value }) =>
      Buffer.from(value ?? [])
        .toString()
        .trim(),
    )
  t.same(
    values(await read(t, topic, undefined, 100)),
    ['1', '2', '4', '5', '3', '6', '7', '9'],
    'by time, a partition in its order',
  )
  t.same(values(await read(t, topic, 1_700_000_000_006)), ['6', '7', '9'])
  t.same(await read(t, topic, 1_700_000_000_010), [], 'none is that young')

  const reader = new TopicReader({ kafka: options, clock: systemClock })
  t.teardown(() => reader.close())
  const spans = await reader.spans(topic, undefined)
  await kafka.produce(topic, [at(100)])
  let count = 0
  for await (const record of reader.records(topic, spans)) count += record.offset >= 0n ? 1 : 0
  t.equal(count, 8)
  t.match(await reader.record({ topic, partition: 2, offset: 1n }), { offset: 1n, timestampMs: 1_700_000_000_004 })
  t.equal(await reader.record({ topic, partition: 2, offset: 99n }), undefined)
  t.equal(await reader.record({ topic, partition: 9, offset: 0n }), undefined)
  const groups = await (await kafka.admin()).listGroups()
  t.notOk(
    groups.groups.some(({ groupId }) => groupId.includes(topic)),
    'no group was made',
  )
})

void t.test('a reader ends also where a transaction was taken back, or is still open', async (t) => {
  const topic = await kafka.createTopic(1)
  const producer = kafka.client.producer({
    transactionalId: kafka.name('tx'),
    maxInFlightRequests: 1,
    idempotent: true,
  })
  await producer.connect()
  t.teardown(() => producer.disconnect())
  const send = async (value: string) => {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value }] })
    return transaction
  }
  await (await send('kept')).commit()
  await (await send('taken back')).abort()
  const open = await send('open')
  t.same(
    (await read(t, topic)).map(({ value }) => Buffer.from(value ?? []).toString()),
    ['kept'],
  )
  await open.abort()
})

void t.test('a topic that is not there is an error that says so', async (t) => {
  const reader = new TopicReader({ kafka: options, clock: systemClock })
  t.teardown(() => reader.close())
  const topic = kafka.name('absent')
  await t.rejects(reader.spans(topic, undefined), {
    code: 'XZB_KAFKA_TOPIC_UNKNOWN',
    message: new RegExp(`looking for ${topic}`),
  })
})

void t.test('a broker that dies and comes back gets every letter, also those of the outage', async (t) => {
  const topic = await kafka.createTopic(1)
  const letters = new Letters(t, topic)
  await letters.write(letterOf({ offset: 1n }))
  await broker.node?.kill9()
  const during = letters.write(letterOf({ offset: 2n }), letterOf({ offset: 3n }))
  t.match(await letters.problem(), { code: 'XZB_KAFKA_CONNECT' })
  await broker.node?.start()
  await during
  await letters.write(letterOf({ offset: 4n }))
  const found = new Set(
    (await read(t, topic)).map((record) =>
      Number(
        encodings.decodeUtf8(
          record.headers.find(({ name }) => name === 'dead-letter-offset')?.value ?? new Uint8Array(),
        ),
      ),
    ),
  )
  t.same([...found].sort(), [1, 2, 3, 4], 'perhaps more than once, and none is missing')
})
