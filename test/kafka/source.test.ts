import { once } from 'node:events'
import { createRequire } from 'node:module'
import * as net from 'node:net'
import type { AddressInfo } from 'node:net'
import kafkajs from 'kafkajs'
import t from 'tap'
import type { Test } from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { JournalEntry } from '../../src/core/journal.ts'
import type { KafkaOptions } from '../../src/kafka/client.ts'
import type { KafkaSourceOptions } from '../../src/kafka/settings.ts'
import { KafkaSource } from '../../src/kafka/source.ts'
import { kafkaForTests } from '../support/kafka.ts'
import { VirtualClock } from '../support/clock.ts'
import { Watch, sourceLaws } from '../support/source-laws.ts'
import { lz4Stored, snappyStored, xerial, zstdStored } from './stored.ts'

const { CompressionCodecs, CompressionTypes } = kafkajs
const kafka = await kafkaForTests(t)
const plain: KafkaOptions = { clientId: 'bridge', brokers: kafka.brokers, securityProtocol: 'PLAINTEXT' }

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
}

/** What a source wrote into its journal, and a way to wait for more. */
class Notes {
  readonly entries: JournalEntry[] = []
  readonly #looks = new Set<() => void>()

  readonly journal = (entry: JournalEntry): void => {
    this.entries.push(entry)
    for (const look of this.#looks) look()
  }

  count(name: JournalEntry['name'], code?: string): number {
    return this.entries.filter((entry) => entry.name === name && (code === undefined || codeOf(entry) === code)).length
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    if (holds()) return
    await new Promise<void>((resolve, reject) => {
      const deadline = setTimeout(() => {
        reject(new Error(`not in time: ${what}; journal: ${this.entries.map(({ name }) => name).join(', ')}`))
      }, 40_000)
      const look = (): void => {
        if (!holds()) return
        clearTimeout(deadline)
        this.#looks.delete(look)
        resolve()
      }
      this.#looks.add(look)
    })
  }
}
const codeOf = (entry: JournalEntry): string => (entry.name === 'kafka.problem' ? entry.code : '')

const quick = {
  clock: systemClock,
  journal: () => undefined,
  heartbeatIntervalMs: 200,
  sessionTimeoutMs: 6000,
  maxWaitMs: 100,
  retryMaxMs: 300,
} as const

/** A started source of one topic, stopped with the test. */
async function reader(
  t: Test,
  topic: string,
  more: Partial<KafkaSourceOptions> = {},
): Promise<{ source: KafkaSource; watch: Watch; notes: Notes; groupId: string }> {
  const notes = new Notes()
  const groupId = more.groupId ?? kafka.name('group')
  const options = { ...quick, kafka: plain, topics: [topic], startFrom: 'earliest', ...more } as const
  const source = new KafkaSource({ ...options, groupId, journal: notes.journal })
  const watch = new Watch()
  t.teardown(() => source.stop())
  await source.start(watch)
  return { source, watch, notes, groupId }
}
const records = (count: number): { value: string }[] => Array.from({ length: count }, (_, at) => ({ value: `v${at}` }))
const offsets = (watch: Watch): number[] => watch.records.map(({ offset }) => Number(offset))

sourceLaws(t, {
  makeTopic: (partitions, topic) => kafka.createTopic(partitions, topic),
  append: (topic, appended) => kafka.produce(topic, appended),
  committed: (groupId, topic) => kafka.committed(groupId, topic),
  name: (what) => kafka.name(what),
  source: (options) => new KafkaSource({ ...quick, ...options, kafka: plain }),
})

void t.test('a topic that is not there yet is a problem in one line, gone once it is there', async (t) => {
  const topic = kafka.name('absent')
  const { source, watch, notes } = await reader(t, topic)
  await notes.until('the problem', () => notes.count('kafka.problem') > 0)
  t.match(source.health(), { joined: false, partitions: 0, problem: /does not exist yet.*absent/ })
  t.match(notes.entries[0], { name: 'kafka.problem', code: 'XZB_KAFKA_TOPIC_UNKNOWN', hint: /XZEPR_KAFKA_TOPIC/ })
  await kafka.createTopic(1, topic)
  await kafka.produce(topic, records(1))
  await watch.until('the record', () => watch.records.length === 1)
  t.match(source.health(), { joined: true, partitions: 1, problem: undefined })
  t.equal(notes.count('kafka.problem'), 1, 'however often it was tried')
})

void t.test('a Kafka that cannot be reached is a problem, and neither start nor stop waits for it', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const { source, notes } = await reader(t, 'any', { kafka: { ...plain, brokers: [`127.0.0.1:${port}`] } })
  await notes.until('the problem', () => notes.count('kafka.problem', 'XZB_KAFKA_CONNECT') === 1)
  t.match(source.health(), { joined: false, problem: new RegExp(`ECONNREFUSED 127.0.0.1:${port}`) })
  t.match(await source.commit([{ topic: 'any', partition: 0, offset: 1n, metadata: '' }]), [{ kind: 'refused' }])
  source.pause([{ topic: 'any', partition: 0 }])
  source.resume([{ topic: 'any', partition: 0 }])
  await source.stop()
})

void t.test('a source that is told to stop first opens no session, and whoever stops it again waits too', async (t) => {
  const clock = new VirtualClock()
  const options = { ...quick, clock, kafka: plain, groupId: 'g', topics: ['t'], startFrom: 'earliest' } as const
  const early = new KafkaSource(options)
  await early.stop()
  await early.start(new Watch())
  t.equal(clock.pending, 0, 'nothing is looked at again')

  const ends: string[] = []
  const source = new KafkaSource(options)
  await source.start(new Watch())
  const first = source.stop().then(() => ends.push('first'))
  await source.stop().then(() => ends.push('second'))
  await first
  t.same(ends, ['first', 'second'])
  t.equal(clock.pending, 0)
})

void t.test('a Kafka that accepts and never answers is a problem too', async (t) => {
  const peers = new Set<net.Socket>()
  const server = net.createServer((peer) => peers.add(peer)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const peer of peers) peer.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const silent = { ...plain, brokers: [`127.0.0.1:${port}`], requestTimeoutMs: 200, connectionTimeoutMs: 200 }
  const { source, notes } = await reader(t, 'any', { kafka: silent, stopMs: 300 })
  await notes.until('the problem', () => notes.count('kafka.problem', 'XZB_KAFKA_CONNECT') === 1)
  t.match(source.health().problem, /timed out/)
  await source.stop()
})

void t.test('a wrong password is a problem of its own, and mended by the right one without a restart', async (t) => {
  const { sasl } = kafka.broker
  if (sasl === undefined) throw new Error('the broker of the tests has no SASL listener')
  const topic = await kafka.createTopic()
  await kafka.produce(topic, records(1))
  const options = {
    clientId: 'bridge',
    brokers: sasl.brokers,
    securityProtocol: 'SASL_PLAINTEXT' as const,
    saslMechanism: 'SCRAM-SHA-512' as const,
    username: sasl.username,
    password: 'not the password',
  }
  const { watch, source, notes } = await reader(t, topic, { kafka: options })
  await notes.until('the problem', () => notes.count('kafka.problem', 'XZB_KAFKA_AUTH') === 1)
  t.match(source.health().problem, /refused the credentials/)
  t.notMatch(JSON.stringify(notes.entries), /not the password/)
  options.password = sasl.password
  await watch.until('the record', () => watch.records.length === 1)
  t.equal(source.health().problem, undefined)
})

void t.test('transaction markers and aborted records leave no lag behind', async (t) => {
  const topic = await kafka.createTopic()
  const { source, watch, groupId } = await reader(t, topic)
  await watch.until('the partition', () => watch.owned.size === 1)
  const transactions = kafka.client.producer({
    transactionalId: kafka.name('tx'),
    idempotent: true,
    maxInFlightRequests: 1,
  })
  t.teardown(() => transactions.disconnect())
  await transactions.connect()
  // 0 1 (commit) 3 4 aborted (abort): the log ends at 6. What is aborted comes alone, in a batch that is empty to us.
  for (const [end, next] of [
    ['commit', 3n],
    ['abort', 6n],
  ] as const) {
    const transaction = await transactions.transaction()
    await transaction.send({ topic, messages: records(2) })
    await transaction[end]()
    await watch.until(`the ${end}`, () => watch.at(topic, 0).next === next)
  }
  t.same(offsets(watch), [0, 1])
  const end = [{ topic, partition: 0, offset: watch.at(topic, 0).next, metadata: '' }]
  t.same(await source.commit(end), [{ kind: 'committed' }])
  t.equal((await kafka.committed(groupId, topic)).get(0)?.offset, 6n)
  await kafka.produce(topic, records(1))
  await watch.until('the next', () => watch.records.length === 3)
  t.same(offsets(watch), [0, 1, 6])
  t.same(watch.violations, [])
})

void t.test('records that retention took before they were read are passed over, and written down', async (t) => {
  const topic = await kafka.createTopic()
  await kafka.produceMany(topic, records(10))
  const first = await reader(t, topic)
  await first.watch.until('all', () => first.watch.records.length === 10)
  t.same(await first.source.commit([{ topic, partition: 0, offset: 2n, metadata: '' }]), [{ kind: 'committed' }])
  await first.source.stop()
  const admin = await kafka.admin()
  // KafkaJS deletes only where it knows the leader already.
  await admin.fetchTopicOffsets(topic)
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '7' }] })
  const { watch, notes } = await reader(t, topic, { groupId: first.groupId })
  await watch.until('what is left', () => watch.records.length === 3)
  t.same(offsets(watch), [7, 8, 9])
  t.match(
    notes.entries.filter(({ name }) => name === 'kafka.records-missing'),
    [{ topic, partition: 0, offset: 7n, expected: 2n }],
  )
  t.same(watch.violations, [])
})

void t.test('a topic that is deleted and made again is read anew from its first record', async (t) => {
  const topic = await kafka.createTopic()
  await kafka.produceMany(topic, records(5))
  const { watch } = await reader(t, topic)
  await watch.until('the old log', () => watch.records.length === 5)
  const admin = await kafka.admin()
  await admin.deleteTopics({ topics: [topic] })
  // The broker forgets the name some time after it has answered.
  for (;;) {
    const { topics } = { topics: await admin.listTopics() }
    if (!topics.includes(topic)) break
  }
  await kafka.createTopic(1, topic)
  await kafka.produceMany(topic, [{ value: 'new' }])
  await watch.until('the new log', () => watch.records.length >= 6)
  t.equal(Buffer.from(watch.records[5]?.value ?? []).toString(), 'new')
  t.equal(watch.records[5]?.offset, 0n)
  t.same(watch.violations, [])
})

void t.test('partitions that are added later are found, and read from their first record', async (t) => {
  const topic = await kafka.createTopic(1)
  const { watch } = await reader(t, topic, { startFrom: 'latest', metadataMaxAgeMs: 200 })
  await watch.until('the first', () => watch.owned.size === 1)
  await (await kafka.admin()).createPartitions({ topicPartitions: [{ topic, count: 2 }] })
  await kafka.produce(topic, [{ value: 'there before we are', partition: 1 }])
  await watch.until('the record', () => watch.records.length === 1)
  t.match(watch.records[0], { partition: 1, offset: 0n })
})

void t.test('batches of every codec that the broker takes are read', async (t) => {
  const topic = await kafka.createTopic()
  const { watch } = await reader(t, topic)
  await watch.until('the partition', () => watch.owned.size === 1)
  const producer = await kafka.producer()
  const writers = new Map([
    [CompressionTypes.Snappy, (bytes: Buffer) => xerial(snappyStored(bytes))],
    [CompressionTypes.LZ4, lz4Stored],
    [CompressionTypes.ZSTD, (bytes: Buffer) => zstdStored(bytes)],
  ] as const)
  await producer.send({ topic, compression: CompressionTypes.GZIP, messages: [{ value: 'a'.repeat(10_000) }] })
  for (const [compression, write] of writers) {
    const codec = CompressionCodecs[compression]() as Codec
    CompressionCodecs[compression] = () => ({
      ...codec,
      compress: async ({ buffer }: { buffer: Buffer }) => write(buffer),
    })
    await producer.send({ topic, compression, messages: [{ value: 'a'.repeat(10_000) }] })
  }
  await watch.until('all', () => watch.records.length === 4)
  t.same(
    watch.records.map(({ value }) => value?.length),
    [10_000, 10_000, 10_000, 10_000],
  )
})

void t.test('a consumer whose fetches are not answered in time is given up, and another takes its place', async (t) => {
  const topic = await kafka.createTopic()
  await kafka.produce(topic, records(1))
  // An empty log's fetch is answered after maxWaitMs: with a shorter patience every wait looks like a stall.
  const { watch, notes } = await reader(t, topic, { maxWaitMs: 1200, stallMs: 400 })
  await notes.until('the stall', () => notes.count('kafka.problem', 'XZB_KAFKA_STALLED') === 1)
  await watch.until('it was lost', () => watch.told.includes(`revoked ${topic}/0`))
  await watch.until('it came back', () => watch.told.filter((told) => told.startsWith('assigned')).length === 2)
  t.same(watch.violations, [])
})

void t.test(
  'a partition that is resumed is read at once, also where the others have nothing new for long',
  async (t) => {
    const topic = await kafka.createTopic(2)
    const [p0, p1] = [0, 1].map((partition) => ({ topic, partition }))
    if (p0 === undefined || p1 === undefined) throw new Error('two partitions')
    // Longer than this test is patient: a fetch that waited for the other partition alone would end it.
    const { source, watch } = await reader(t, topic, { maxWaitMs: 50_000, sessionTimeoutMs: 60_000, stopMs: 100 })
    await watch.until('both', () => watch.owned.size === 2)
    await kafka.produce(topic, [{ value: 'a', partition: 0 }])
    await watch.until('the first', () => watch.records.length === 1)
    source.pause([p0])
    await kafka.produce(topic, [{ value: 'b', partition: 0 }])
    await kafka.produce(topic, [{ value: 'c', partition: 1 }])
    await watch.until('the neighbour', () => watch.records.length === 2)
    t.equal(watch.records.at(-1)?.partition, 1, 'from here on only the neighbour is asked for')
    source.resume([p0])
    await watch.until('the rest', () => watch.records.length === 3)
    source.pause([p0, p1])
    await kafka.produce(topic, [{ value: 'd', partition: 1 }])
    source.resume([p1])
    await watch.until('the last', () => watch.records.length === 4)
    t.same(
      watch.records.map(({ partition, offset }) => [partition, offset]),
      [
        [0, 0n],
        [1, 0n],
        [0, 1n],
        [1, 1n],
      ],
    )
  },
)

void t.test('a road that throws costs the session, and the records come again', async (t) => {
  const topic = await kafka.createTopic()
  await kafka.produce(topic, records(2))
  const notes = new Notes()
  const source = new KafkaSource({
    ...quick,
    kafka: plain,
    groupId: kafka.name('group'),
    topics: [topic],
    startFrom: 'earliest',
    journal: notes.journal,
  })
  t.teardown(() => source.stop())
  class Clumsy extends Watch {
    override received(batch: Parameters<Watch['received']>[0]): void {
      if (notes.count('kafka.problem') === 0) throw new TypeError('a bug of the road')
      super.received(batch)
    }
  }
  const watch = new Clumsy()
  await source.start(watch)
  await watch.until('the records', () => watch.records.length === 2)
  t.match(
    notes.entries.find(({ name }) => name === 'kafka.problem'),
    {
      code: 'XZB_KAFKA_CONSUMER_STOPPED',
      why: /a bug of the road/,
    },
  )
  t.same(offsets(watch), [0, 1])
})

void t.test('a consumer that KafkaJS gives up for good is replaced, and reads on from what is committed', async (t) => {
  const topic = await kafka.createTopic()
  const { source, watch, notes } = await reader(t, topic)
  await kafka.produce(topic, records(3))
  await watch.until('the first', () => watch.records.length === 3)
  t.same(await source.commit([{ topic, partition: 0, offset: 2n, metadata: 'kept' }]), [{ kind: 'committed' }])

  const gzip = CompressionCodecs[CompressionTypes.GZIP]
  const codec = gzip() as Codec
  const decompress = (): never => {
    CompressionCodecs[CompressionTypes.GZIP] = gzip
    throw Object.assign(new Error('Array buffer allocation failed'), { name: 'KafkaJSNotImplemented' })
  }
  CompressionCodecs[CompressionTypes.GZIP] = () => ({ ...codec, decompress })
  await (await kafka.producer()).send({ topic, compression: CompressionTypes.GZIP, messages: [{ value: 'v3' }] })
  await watch.until('the rest', () => watch.records.length === 5)
  t.same(offsets(watch), [0, 1, 2, 2, 3])
  t.match(watch.at(topic, 0), { committed: 2n, metadata: 'kept' })
  t.match(
    notes.entries.filter(({ name }) => name === 'kafka.problem'),
    [{ code: 'XZB_KAFKA_CONSUMER_STOPPED', why: /allocation failed/ }],
  )
  t.same(watch.violations, [])
})

void t.test('a batch that inflates past its bound costs its own offsets, and nothing else', async (t) => {
  const topic = await kafka.createTopic(2)
  const producer = await kafka.producer()
  const bomb = Array.from({ length: 70 }, () => ({ partition: 0, value: 'z'.repeat(1_000_000) }))
  await producer.send({ topic, compression: CompressionTypes.GZIP, messages: bomb })
  await kafka.produceMany(topic, [
    { value: 'behind it', partition: 0 },
    { value: 'beside it', partition: 1 },
  ])
  const { source, watch, notes, groupId } = await reader(t, topic)
  await watch.until('the rest', () => watch.records.length === 3)
  const values = watch.records.map(({ partition, offset, value }) => `${partition}/${offset} ${String(value)}`)
  t.same(values.sort(), [`0/69 ${String(Buffer.from([0xff]))}`, '0/70 behind it', '1/0 beside it'])
  t.match(
    notes.entries.filter(({ name }) => name === 'kafka.problem'),
    [{ code: 'XZB_KAFKA_DECOMPRESS', why: /\/0: offsets 0 to 69 are passed over: a gzip batch of \d+ bytes/ }],
  )
  t.equal(notes.count('kafka.joined'), 1)
  t.same(await source.commit([{ topic, partition: 0, offset: 71n, metadata: '' }]), [{ kind: 'committed' }])
  t.equal((await kafka.committed(groupId, topic)).get(0)?.offset, 71n)
  t.same(watch.violations, [])
})

void t.test('after a membership that has ended, what comes back is read anew from what is committed', async (t) => {
  const topic = await kafka.createTopic()
  await kafka.produceMany(topic, records(3))
  interface Broker {
    joinGroup: (this: Broker, request: { groupId: string }) => Promise<{ memberId: string }>
    leaveGroup(member: { groupId: string; memberId: string }): Promise<unknown>
  }
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/broker/index.js') as { prototype: Broker }
  const { joinGroup } = prototype
  let expel: (() => Promise<unknown>) | undefined
  t.teardown(() => (prototype.joinGroup = joinGroup))
  prototype.joinGroup = async function (this: Broker, request) {
    const answer = await joinGroup.call(this, request)
    expel = () => this.leaveGroup({ groupId: request.groupId, memberId: answer.memberId })
    return answer
  }
  const { source, watch } = await reader(t, topic)
  await watch.until('all', () => watch.records.length === 3)
  t.same(await source.commit([{ topic, partition: 0, offset: 1n, metadata: 'kept' }]), [{ kind: 'committed' }])
  // As the coordinator does with a member that it has not heard of for a session's length.
  await expel?.()
  await watch.until('them again', () => watch.records.length === 5)
  t.same(offsets(watch), [0, 1, 2, 1, 2])
  t.same(
    watch.told.filter((told) => !told.startsWith('drain')).map((told) => told.split(' ')[0]),
    ['assigned', 'revoked', 'assigned'],
  )
  t.same(watch.violations, [])
})

void t.test('a rejoin waits for the drain no longer than its bound', async (t) => {
  const topic = await kafka.createTopic(2)
  const a = await reader(t, topic, { drainMs: 700 })
  await a.watch.until('both', () => a.watch.owned.size === 2)
  a.watch.onDrain = () => new Promise(() => undefined)
  const b = await reader(t, topic, { groupId: a.groupId })
  await b.watch.until('its share', () => b.watch.owned.size === 1)
  t.ok(a.watch.told.includes('drain'))
  t.equal(a.notes.count('kafka.problem'), 0)
})
