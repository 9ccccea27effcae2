/** On a real broker of its own, also where the suite has one: it is killed here. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { SASLOptions } from 'kafkajs'
import { Kafka, logLevel } from 'kafkajs'
import t from 'tap'
import type { KafkaBroker } from '../../src/dev/kafka-broker.ts'
import { findKafka } from '../../src/dev/kafka-broker.ts'
import { answers } from '../../src/dev/kafka/answers.ts'
import { TestKafka } from '../support/kafka.ts'

const OWN = { ...process.env, KAFKA_BROKERS: '' }
const sasl = { username: 'alice', password: 'alice-secret' }

/** The loader of this test's TypeScript keeps its own things beside it. */
async function dataIn(tmp: string): Promise<string[]> {
  return (await readdir(tmp)).filter((name) => name.startsWith('xzepr-bridge-kafka-'))
}

/** A client that asks once. */
function impatient(brokers: readonly string[], options?: SASLOptions): Kafka {
  const login = options && { sasl: options }
  return new Kafka({ brokers: [...brokers], ...login, retry: { retries: 0 }, logLevel: logLevel.NOTHING })
}

async function logIn(brokers: readonly string[], options: SASLOptions): Promise<void> {
  const admin = impatient(brokers, options).admin()
  try {
    await admin.connect()
    await admin.listTopics()
  } finally {
    await admin.disconnect()
  }
}

async function started(env: NodeJS.ProcessEnv, progress: (sentence: string) => void): Promise<KafkaBroker> {
  const broker = await findKafka({ env, sasl, progress, settings: { 'message.max.bytes': '2000' } })
  if (broker.kind === 'none') throw new Error(broker.why)
  return broker
}

void t.test('a Kafka is found, killed, started again and ended', async (t) => {
  const tmp = t.testdir()
  const sentences: string[] = []
  const broker = await started({ ...OWN, TMPDIR: tmp }, (sentence) => sentences.push(sentence))
  const kafka = new TestKafka(broker)
  t.teardown(() => kafka.stop())
  t.match(sentences.at(0), /Kafka|Docker|Maven/, 'people hear what takes its time')
  t.match(sentences.at(-1), /answers on 127\.0\.0\.1:\d+$/)

  const topic = await kafka.createTopic(2)
  const places = await kafka.produce(topic, [
    {
      partition: 1,
      key: 'a',
      value: 'one',
      headers: [{ name: 'h', value: Buffer.from('x') }],
    },
    { partition: 1, key: null, value: null, timestampMs: 5 },
    { partition: 0, value: 'three' },
  ])
  t.same(places, [
    { partition: 1, offset: 0n },
    { partition: 1, offset: 1n },
    { partition: 0, offset: 0n },
  ])

  await t.test('a topic that nobody made is missing, as on a cluster', async (t) => {
    const producer = impatient(broker.brokers).producer({ retry: { retries: 0 } })
    await producer.connect()
    t.teardown(() => producer.disconnect())
    const topic = kafka.name('absent')
    await t.rejects(producer.send({ topic, messages: [{ value: '' }] }))
    t.notOk((await (await kafka.admin()).listTopics()).includes(topic))
  })

  await t.test('further settings win', async (t) => {
    await t.rejects(kafka.produce(topic, [{ value: 'x'.repeat(3000) }]), /larger than the max message size/)
  })

  await t.test('its SASL listener takes the user by three mechanisms, and no wrong password', async (t) => {
    const [brokers, { username, password }] = [broker.sasl?.brokers ?? [], sasl]
    await logIn(brokers, { mechanism: 'scram-sha-256', username, password })
    await logIn(brokers, { mechanism: 'scram-sha-512', username, password })
    await logIn(brokers, { mechanism: 'plain', username, password })
    await t.rejects(logIn(brokers, { mechanism: 'scram-sha-256', username, password: 'wrong' }), {
      name: 'KafkaJSSASLAuthenticationError',
    })
  })

  await t.test('KAFKA_BROKERS wins, and what it names is not ours to end', async (t) => {
    const env = {
      KAFKA_BROKERS: ` ${broker.brokers.join(', ')},`,
      KAFKA_SASL_BROKERS: 'sasl:1',
      KAFKA_SASL_USERNAME: 'bob',
      KAFKA_SASL_PASSWORD: 'b',
    }
    const named = await findKafka({ env })
    t.match(named, { kind: 'kafka', brokers: broker.brokers, how: 'KAFKA_BROKERS', node: undefined })
    t.match(named, { sasl: { username: 'bob', password: 'b', brokers: ['sasl:1'] } })
    if (named.kind === 'kafka') await named.stop()
    t.ok(await answers(broker.brokers, 5000))
    t.match(await findKafka({ env: { KAFKA_BROKERS: env.KAFKA_BROKERS } }), { sasl: undefined })
  })

  await t.test('what was acknowledged survives kill -9, on the same ports', async (t) => {
    await broker.node?.kill9()
    t.notOk(await answers(broker.brokers, 1000))
    await broker.node?.start()
    await broker.node?.start()
    t.type(broker.node?.pid, 'number')
    t.match(await kafka.readAll(topic), [
      { partition: 0, offset: 0n, key: null, value: Buffer.from('three') },
      {
        partition: 1,
        offset: 0n,
        headers: [{ name: 'h', value: Buffer.from('x') }],
      },
      { partition: 1, offset: 1n, key: null, value: null, timestampMs: 5 },
    ])
    t.same(await kafka.readAll(await kafka.createTopic()), [])
  })

  await t.test('stop leaves nothing behind, and may be said twice', async (t) => {
    await kafka.stop()
    await broker.stop()
    t.equal(broker.node?.pid, undefined)
    t.notOk(await answers(broker.brokers, 1000))
    t.same(await dataIn(tmp), [])
  })
})

void t.test('a Kafka dies with the process that started it, even by kill -9', async (t) => {
  const tmp = join(t.testdir(), 'tmp')
  await mkdir(tmp)
  // The command prints where its Kafka is and waits for the end of its input, which this test holds.
  const runner = spawn(
    process.execPath,
    [...process.execArgv, resolve('src/dev/with-kafka.ts'), 'sh', '-c', 'echo "$KAFKA_BROKERS"; exec cat'],
    { env: { ...OWN, TMPDIR: tmp }, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  t.teardown(() => runner.stdin.end())
  const [line] = (await once(createInterface({ input: runner.stdout }), 'line')) as [string]
  t.match(line, /^127\.0\.0\.1:\d+$/)
  t.ok(await answers([line], 5000))
  t.equal((await dataIn(tmp)).length, 1)
  runner.kill('SIGKILL')
  await once(runner, 'exit')
  // The kernel tells the watcher of the closed pipe; the test's own timeout bounds the wait.
  while ((await answers([line], 1000)) || (await dataIn(tmp)).length > 0);
  t.pass('no Kafka and no data are left')
})
