/**
 * Dead letters sent again by a process of its own, from a real Kafka to an app.
 *
 * The letters are written by the bridge's own edge. What happened is read from the app's deliveries and from what the
 * process prints.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from '../../src/cli.ts'
import { systemClock } from '../../src/clock.ts'
import { readConfig } from '../../src/config.ts'
import type { DeadLetter } from '../../src/core/dead-letter.ts'
import type { KafkaRecord } from '../../src/core/record.ts'
import { KafkaDeadLetters } from '../../src/kafka/dead-letter.ts'
import { replay } from '../../src/replay.ts'
import { TestApp } from '../support/app.ts'
import { recordOf } from '../support/books.ts'
import { kafkaForTests } from '../support/kafka.ts'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(BRIDGE|XZEPR|OTEL)_/.test(name)))
const kafka = await kafkaForTests(t)
const SERVICE = 'deployer'
const GROUP = `xzepr-consumer-${SERVICE}`

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const eventOf = (id: string): Buffer =>
  Buffer.from(
    `{ "id":"${id}","type":"deployment.success","source":"s","specversion":"1.0.1","n":18446744073709551615 }\n`,
  )

function letterOf(offset: number, change: Partial<DeadLetter> = {}, record: Partial<KafkaRecord> = {}): DeadLetter {
  const id = `event-${offset}`
  return {
    record: recordOf({
      partition: 1,
      offset: BigInt(offset),
      timestampMs: 1_700_000_000_000 + offset,
      key: Buffer.from(id),
      value: eventOf(id),
      ...record,
    }),
    reason: 'rejected',
    error: 'The app answered HTTP 422.',
    attempts: 1,
    answer: 'HTTP 422',
    ...change,
  }
}

/** Writes letters one after the other, so that their times are in that order. @returns their topic. */
async function topicOf(letters: readonly DeadLetter[], group = GROUP, topic?: string): Promise<string> {
  const made = topic ?? (await kafka.createTopic(3))
  const edge = new KafkaDeadLetters({
    kafka: { clientId: 'test', brokers: kafka.brokers, securityProtocol: 'PLAINTEXT' },
    topic: made,
    group,
    clock: systemClock,
    journal: () => undefined,
  })
  for (const letter of letters) {
    const startMs = Date.now()
    await edge.write(letter)
    while (Date.now() === startMs) await new Promise((resolve) => setImmediate(resolve))
  }
  await edge.stop()
  return made
}

const envOf = (topic: string, app: TestApp, env: Record<string, string> = {}): Record<string, string> => ({
  BRIDGE_SERVICE: SERVICE,
  BRIDGE_WEBHOOK_URL: app.url,
  BRIDGE_RETRY_INITIAL_MS: '10',
  BRIDGE_RETRY_MAX_MS: '50',
  BRIDGE_DEAD_LETTER_TOPIC: topic,
  XZEPR_KAFKA_BROKERS: kafka.brokers.join(','),
  XZEPR_API_TOKEN: 'x',
  ...env,
})

/** As a process of its own. */
function start(topic: string, app: TestApp, args: readonly string[], env?: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN, 'replay', ...args], { env: { ...bare, ...envOf(topic, app, env) } })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const ended = once(child, 'close').then(([code]): Ended => ({ code: code as number | null, out, err }))
  return { child, ended }
}
const spawned = (...given: Parameters<typeof start>): Promise<Ended> => start(...given).ended

/** The same within this process: what needs no signal and no exit code of the platform's. */
async function replayed(
  topic: string,
  app: TestApp,
  args: readonly string[],
  onErr?: (text: string) => void,
): Promise<Ended> {
  const command = parse(['replay', ...args], { version: '', terminal: { isTTY: false } })
  const reading = readConfig(envOf(topic, app), () => '')
  if (command.kind !== 'replay' || reading.kind !== 'config') throw new Error('the test asks for something wrong')
  let [out, err] = ['', '']
  const code = await replay({
    config: reading.config,
    options: command.options,
    clock: systemClock,
    out: async (text) => void (out += text),
    err: (text) => {
      err += text
      onErr?.(text)
    },
    isTTY: false,
    onSignal: () => undefined,
  })
  return { code, out, err }
}

async function appFor(
  t: { teardown(fn: () => unknown): unknown },
  behave: TestApp['behave'] = () => 200,
): Promise<TestApp> {
  const app = new TestApp(behave)
  await app.up()
  t.teardown(() => app.down())
  return app
}
const idsAt = (app: TestApp): string[] => app.deliveries.map(({ workId }) => workId)

void t.test('letters are listed, and sent as the bridge would send them, oldest first', async (t) => {
  const letters = [
    letterOf(1),
    letterOf(2, { reason: 'attempts-spent', error: 'HTTP 503 ten times', attempts: 10 }),
    letterOf(
      3,
      {},
      {
        headers: [
          { name: 'traceparent', value: Buffer.from('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01') },
        ],
      },
    ),
  ]
  const topic = await topicOf(letters)
  await topicOf([letterOf(8)], 'xzepr-consumer-another', topic)
  await topicOf([letterOf(9, { reason: 'report-refused' })], GROUP, topic)
  const app = await appFor(t)

  const listed = await spawned(topic, app, ['--dry-run'])
  t.match(listed, { code: 0, err: new RegExp(`^3 letters would be sent, 2 in ${topic} not asked for\\.\n$`) })
  t.match(listed.out.split('\n'), [
    /^\d{4}-\d\d-\d\dT[\d:.]+Z {2}rejected {8}xzepr\.dev\.events\/1\/1 {2}event-1 +The app answered HTTP 422\.$/,
    /^\S+ {2}attempts-spent {2}xzepr\.dev\.events\/1\/2 {2}event-2 +HTTP 503 ten times$/,
    /event-3/,
    /^$/,
  ])
  t.same(app.deliveries, [], 'a dry run sends nothing')

  const sent = await spawned(topic, app, ['--all'])
  t.match(sent, { code: 0, out: '', err: /^3 letters sent, 2 in \S+ not asked for\.\nThe letters stay in / })
  t.same(idsAt(app), ['event-1', 'event-2', 'event-3'])
  for (const [at, { body, headers }] of app.deliveries.entries()) {
    const original = letters[at]?.record
    t.equal(body, Buffer.from(original?.value ?? []).toString(), 'byte for byte')
    t.match(headers, {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'idempotency-key': `${GROUP}/xzepr.dev.events/1/${at + 1}`,
      'work-attempt': '1',
      'work-attempts-max': '5',
      'kafka-topic': 'xzepr.dev.events',
      'kafka-partition': '1',
      'kafka-offset': String(at + 1),
      'kafka-timestamp': String(original?.timestampMs),
      'kafka-key': `event-${at + 1}`,
    })
  }
  t.equal(app.deliveries[2]?.headers.traceparent, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')
  const groups = await (await kafka.admin()).listGroups()
  t.notOk(
    groups.groups.some(({ groupId }) => groupId.includes('xzepr-consumer-deployer')),
    'no group was joined',
  )

  await t.test('by id, by place, by reason, by time, by limit', async (t) => {
    const chosen = async (...args: string[]): Promise<string[]> => {
      app.deliveries.length = 0
      await replayed(topic, app, args)
      return idsAt(app)
    }
    t.same(await chosen('--id', 'event-2'), ['event-2'])
    t.same(await chosen('--id', 'xzepr.dev.events/1/3', '--id', 'event-1'), ['event-1', 'event-3'])
    t.same(await chosen('--reason', 'attempts-spent', '--reason', 'report-refused'), ['event-2', 'event-9'])
    const [, second = '', third = ''] = listed.out.split('\n').map((line) => line.slice(0, 24))
    t.same(await chosen('--since', second), ['event-2', 'event-3'])
    t.same(await chosen('--since', second, '--until', third), ['event-2'])
    t.same(await chosen('--since', '1h', '--limit', '2'), ['event-1', 'event-2'])
    t.same(await chosen('--all', '--group', 'xzepr-consumer-another'), ['event-8'])
  })
})

void t.test('what fails is named and costs the others nothing', async (t) => {
  const topic = await topicOf([
    letterOf(1),
    letterOf(2),
    letterOf(3, { reason: 'poison' }, { value: Buffer.from('no JSON') }),
    letterOf(4),
    letterOf(5),
  ])
  await kafka.produce(topic, [{ key: null, value: 'no letter' }])
  const app = await appFor(t, ({ workId, attempt }) =>
    workId === 'event-1' ? 422 : workId === 'event-2' ? 503 : workId === 'event-4' ? (attempt < 3 ? 503 : 202) : 200,
  )
  const { code, err } = await replayed(topic, app, ['--all'])
  t.equal(code, 1)
  t.match(err, /^failed {2}.* xzepr\.dev\.events\/1\/1 .*event-1 .*now: HTTP 422; before: The app answered HTTP 422$/m)
  t.match(err, /^failed .*event-2 .*now: HTTP 503, attempt 5 of 5; before: /m)
  t.match(err, /^failed .*events\/1\/3 .*now: it still cannot be read: its value is not JSON.*; before: /m)
  t.match(err, new RegExp(`^no letter {2}${topic}/\\d/\\d: it has none of the headers`, 'm'))
  t.match(err, /^2 letters sent, 1 of them accepted \(the app reports later\), 3 failed, 1 could not be read\.$/m)
  t.same(
    app.deliveries.filter(({ workId }) => workId === 'event-2').map(({ attempt }) => attempt),
    [1, 2, 3, 4, 5],
  )
  t.same(idsAt(app).at(-1), 'event-5')
})

/** Sends the first signal; resolves when the process has said what it does about it. */
async function ending(child: ReturnType<typeof start>['child']): Promise<void> {
  const said = new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('Ending after the letter that is out')) resolve()
    })
  })
  child.kill('SIGINT')
  await said
}

void t.test('Ctrl-C ends it after the letter that is out, and it says where to go on', async (t) => {
  const topic = await topicOf([letterOf(1), letterOf(2), letterOf(3)])
  let release = (): void => undefined
  const app = await appFor(t, ({ workId }) =>
    workId === 'event-2'
      ? new Promise(
          (resolve) =>
            (release = () => {
              resolve(200)
            }),
        )
      : 200,
  )
  const { child, ended } = start(topic, app, ['--since', '1h'])
  await app.until(() => idsAt(app).includes('event-2'))
  await ending(child)
  release()
  const { code, err } = await ended
  t.equal(code, 1)
  t.match(err, /\n2 letters sent\.\nEnded as asked\. Go on with the same flags and --since (\S+);/)
  const since = /--since (\S+);/.exec(err)?.[1] ?? ''
  app.behave = () => 200
  app.deliveries.length = 0
  t.match(await replayed(topic, app, ['--since', since]), { code: 0 })
  t.equal(idsAt(app).at(-1), 'event-3')
  t.notOk(idsAt(app).includes('event-1'))
})

void t.test('a second Ctrl-C does not wait', async (t) => {
  const topic = await topicOf([letterOf(1)])
  const app = await appFor(t, () => new Promise<number>(() => undefined))
  const { child, ended } = start(topic, app, ['--all'])
  await app.until(() => idsAt(app).length > 0)
  await ending(child)
  child.kill('SIGTERM')
  const { code, err } = await ended
  t.match({ code, err }, { code: 1, err: /\n0 letters sent\.\nEnded as asked, with a letter out\. Go on/ })
})

void t.test('an app that is away is waited for, and gets all when it is there', async (t) => {
  const topic = await topicOf([letterOf(1), letterOf(2)])
  const app = await appFor(t)
  await app.down()
  let told = (): void => undefined
  const away = new Promise<void>((resolve) => (told = resolve))
  const ended = replayed(topic, app, ['--all'], (text) => {
    if (text.startsWith('The app is away (ECONNREFUSED): asking again')) told()
  })
  await away
  await app.up()
  t.match(await ended, { code: 0 })
  t.same(
    app.deliveries.map(({ workId, attempt }) => [workId, attempt]),
    [
      ['event-1', 1],
      ['event-2', 1],
    ],
  )
})

void t.test('a letter that had to leave its value out is sent from where the original stands', async (t) => {
  const source = await kafka.createTopic(1)
  const [place] = await kafka.produce(source, [{ key: 'k', value: eventOf('large'), timestampMs: 1_700_000_000_500 }])
  const topic = kafka.name('dead')
  await (
    await kafka.admin()
  ).createTopics({
    topics: [{ topic, numPartitions: 1, configEntries: [{ name: 'max.message.bytes', value: '2000' }] }],
    waitForLeaders: true,
  })
  const key = Buffer.from('k')
  const value = Buffer.alloc(4000, 'x')
  await topicOf(
    [
      letterOf(
        0,
        {},
        { topic: source, partition: 0, offset: place?.offset ?? -1n, timestampMs: 1_700_000_000_500, key, value },
      ),
      letterOf(0, {}, { topic: source, partition: 0, offset: 7n, timestampMs: 1, key, value }),
    ],
    GROUP,
    topic,
  )
  const app = await appFor(t)
  const { code, err } = await replayed(topic, app, ['--all'])
  t.same([code, idsAt(app)], [1, ['large']])
  t.equal(app.deliveries[0]?.body, eventOf('large').toString())
  t.match(err, /\/0\/7 .*now: its value was too large for the letter, and the original is gone; before: /m)
})

void t.test(
  'without a topic, without Kafka, with times that cross: each has its exit code and says what to do',
  async (t) => {
    const app = await appFor(t)
    t.match(await spawned('', app, ['--all']), {
      code: 78,
      err: /BRIDGE_DEAD_LETTER_TOPIC must be set, or --from-topic/,
    })
    t.match(await spawned('x', app, ['--since', '1h', '--until', '2h']), {
      code: 64,
      err: /--since must be before --until/,
    })
    t.match(await spawned('x', app, []), { code: 64, err: /^Say which letters/ })
    const absent = kafka.name('absent')
    t.match(await spawned(absent, app, ['--all']), {
      code: 69,
      err: /^XZB_KAFKA_TOPIC_UNKNOWN: looking for .*\nThe topic of dead letters must be there.*\n0 letters sent\.\nKafka cannot be read\.\n$/,
    })
    t.match(await spawned('x', app, ['--all'], { XZEPR_KAFKA_BROKERS: '127.0.0.1:1' }), {
      code: 69,
      err: /^XZB_KAFKA_CONNECT: .*ECONNREFUSED/,
    })
    t.match(await spawned('x', app, ['--all'], { BRIDGE_ORDER: 'kye' }), { code: 78, err: /BRIDGE_ORDER/ })
  },
)
