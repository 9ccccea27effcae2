/**
 * Dead letters on a real Kafka: the record as it came, written before its offset moves, whatever is killed in between.
 */
import t from 'tap'
import type { DeadLetter } from '../../src/core/dead-letter.ts'
import { readLetter } from '../../src/core/dead-letter.ts'
import type { NewRecord } from '../../src/dev/memory-log.ts'
import type { Behaviour } from '../support/app.ts'
import { TestApp } from '../support/app.ts'
import { eventRecord, produceEvents } from '../support/events.ts'
import { killForGood, settledBy } from '../support/group.ts'
import { kafkaForTests } from '../support/kafka.ts'
import { encodings } from '../../src/webhook/encodings.ts'
import { makeWorld } from '../support/world.ts'

const kafka = await kafkaForTests(t)

interface Test {
  teardown(fn: () => unknown): unknown
}

async function appThat(t: Test, behave: Behaviour): Promise<TestApp> {
  const app = new TestApp(behave)
  await app.up()
  t.teardown(() => app.down())
  return app
}

const envOf = (letterTopic: string): Record<string, string> => ({
  BRIDGE_DEAD_LETTER_TOPIC: letterTopic,
  BRIDGE_MAX_ATTEMPTS: '2',
  BRIDGE_RETRY_INITIAL_MS: '1',
  BRIDGE_LEASE_SECONDS: '1',
})

/** The letters that are there, by the offset of their original. */
async function lettersIn(topic: string): Promise<Map<bigint, DeadLetter>> {
  const letters = new Map<bigint, DeadLetter>()
  for (const record of await kafka.readAll(topic)) {
    const reading = readLetter(record, encodings.decodeUtf8)
    if (reading.kind !== 'letter') throw new Error(`a stranger among the letters: ${reading.why}`)
    letters.set(reading.letter.record.offset, reading.letter)
  }
  return letters
}

void t.test('each way to come to nothing becomes a letter with the bytes and headers of the record', async (t) => {
  const world = await makeWorld(t, 1, kafka)
  const letterTopic = await kafka.createTopic()
  const answers: Readonly<Record<string, number>> = { refused: 422, busy: 503, silent: 202 }
  const app = await appThat(t, ({ workId }) => answers[workId] ?? 200)
  await world.startBridge(app, envOf(letterTopic))
  const headers = [
    { name: 'traceparent', value: Buffer.from('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01') },
    { name: 'blob', value: Buffer.from([0, 0xff, 0x80]) },
    { name: 'twice', value: Buffer.from('1') },
    { name: 'twice', value: Buffer.from('2') },
  ]
  const spaced = Buffer.from(
    '{ "id" : "refused", "type":"t", "source":"s", "specversion":"1.0", "n": 12345678901234567890 }',
  )
  const records: readonly NewRecord[] = [
    { key: Buffer.from([0xfe, 0]), value: spaced, headers },
    { key: null, value: Buffer.from([0xff, 0xfe, 0, 0x80]), headers },
    { ...eventRecord({ id: 'busy' }), headers },
    { ...eventRecord({ id: 'silent' }), headers },
    eventRecord({ id: 'fine' }),
  ]
  const places = await kafka.produce(world.topic, records)
  await world.until('all is committed', () => world.allCommitted())
  const letters = await lettersIn(letterTopic)
  const told = {
    refused: ['rejected', 1, 'HTTP 422'],
    busy: ['attempts-spent', 2, 'HTTP 503'],
    silent: ['lease-expired', 2, 'HTTP 202'],
  }
  const expected = [told.refused, ['poison', 0, undefined], told.busy, told.silent]
  for (const [at, [reason, attempts, answer]] of expected.entries()) {
    const letter = letters.get(places[at]?.offset ?? -1n)
    t.match(letter, { reason, attempts }, `the letter of record ${at}`)
    t.equal(letter?.answer, answer)
    t.strictSame(
      Buffer.from(letter?.record.value ?? []),
      records[at]?.value,
      'its value is the original’s, byte for byte',
    )
    t.strictSame(letter?.record.key && Buffer.from(letter.record.key), records[at]?.key)
    const kept = letter?.record.headers.map(({ name, value }) => ({ name, value: Buffer.from(value ?? []) }))
    t.strictSame(kept, headers)
  }
  t.equal(letters.size, expected.length, 'and no other')
  t.strictSame(world.told('failed').sort(), ['busy', 'refused', 'silent'])
})

void t.test(
  'while its topic is missing no offset moves past a record that owes a letter, and neighbours go on',
  async (t) => {
    const world = await makeWorld(t, 1, kafka)
    const letterTopic = kafka.name('letters')
    const app = await appThat(t, ({ workId }) => (workId === 'event-5' ? 422 : 200))
    const bridge = await world.startBridge(app, envOf(letterTopic))
    await produceEvents(kafka, world.topic, 100, (n) => ({ id: `event-${n}` }))
    await bridge.until('it says what is wrong', () => bridge.lines.some(({ code }) => code === 'XZB_KAFKA_DEAD_LETTER'))
    await world.until('all others are settled', async () => {
      const settled = await settledBy(kafka, world.group, world.topic)
      return (
        app.deliveries.length === 100 &&
        app.deliveries.every((each) => each.workId === 'event-5' || settled.has(each.headers))
      )
    })
    const refused = app.deliveries.find(({ workId }) => workId === 'event-5')
    const stands = BigInt(refused?.headers['kafka-offset'] ?? -1)
    t.equal((await settledBy(kafka, world.group, world.topic)).of(0).offset, stands, 'the offset stands at the record')
    t.equal(bridge.count('record.dead-lettered'), 0)

    await kafka.createTopic(1, letterTopic)
    await world.until('all is committed', () => world.allCommitted())
    t.strictSame([...(await lettersIn(letterTopic)).keys()], [stands], 'its letter is there')
    t.equal(app.deliveries.length, 100, 'nothing was sent twice')
  },
)

void t.test(
  'killed between the answer and the letter, the record comes again and its letter is there in the end',
  async (t) => {
    const world = await makeWorld(t, 1, kafka)
    const letterTopic = kafka.name('letters')
    const app = await appThat(t, ({ workId }) => (workId === 'fine' ? 200 : 422))
    const first = await world.startBridge(app, envOf(letterTopic))
    const poison = { key: Buffer.from('poison'), value: Buffer.from('no JSON') }
    const places = await kafka.produce(world.topic, [
      eventRecord({ id: 'refused' }),
      poison,
      eventRecord({ id: 'fine' }),
    ])
    await world.until('the refused one is told as failed', () => world.told('failed').includes('refused'))
    await first.until('its letter is owed', () => first.lines.some(({ code }) => code === 'XZB_KAFKA_DEAD_LETTER'))
    await world.until('its attempt is in Kafka', async () => {
      const settled = (await settledBy(kafka, world.group, world.topic)).of(0)
      return settled.attemptsOf(places[0]?.offset ?? 0n) === 1 && settled.has(places[2]?.offset ?? 0n)
    })
    await killForGood(world, first)
    t.equal(first.count('record.dead-lettered'), 0)

    await kafka.createTopic(1, letterTopic)
    await world.startBridge(app, envOf(letterTopic))
    await world.until('all is committed', () => world.allCommitted())
    t.strictSame(
      app.deliveries.filter(({ workId }) => workId !== 'fine').map(({ workId, attempt }) => [workId, attempt]),
      [
        ['refused', 1],
        ['refused', 2],
      ],
    )
    t.equal(app.deliveries.filter(({ workId }) => workId === 'fine').length, 1)
    const letters = await lettersIn(letterTopic)
    t.strictSame(
      [0, 1].map((at) => letters.get(places[at]?.offset ?? -1n)?.reason),
      ['rejected', 'poison'],
    )
    t.equal(letters.size, 2)
  },
)
