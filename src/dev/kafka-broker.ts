/**
 * A real Kafka for demo and tests, from what the machine has.
 *
 *   KAFKA_BROKERS set ─▶ that one or none, never stopped by us
 *   Docker answers ────▶ a container of apache/kafka
 *   Java 17, Maven ────▶ the jars in a cache, a child process
 *   else ──────────────▶ NoKafka: three lines that say what to install
 *
 * One that we start listens on loopback alone, keeps its data in a temporary directory, and outlives neither `stop`
 * nor this process. Each way that fails says so through `progress`, and the next one is tried.
 */
import { mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answers } from './kafka/answers.ts'
import { KafkaDidNotStart, KafkaNode } from './kafka/node.ts'
import { freePorts } from './kafka/ports.ts'
import type { Environment } from './kafka/run.ts'
import type { SaslUser } from './kafka/settings.ts'
import { KAFKA_VERSION } from './kafka/settings.ts'
import type { OpenWay } from './kafka/ways.ts'
import { dockerWay, javaWay } from './kafka/ways.ts'

/** How often a named Kafka is asked, two seconds each, before it counts as absent. */
const ASKS = 5

export interface FindKafkaOptions {
  /** KAFKA_BROKERS, KAFKA_SASL_BROKERS, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD, JAVA_HOME, PATH, XDG_CACHE_HOME. */
  readonly env: Environment
  /** Hears a line for people, without a full stop, whenever something takes its time. */
  readonly progress?: (line: string) => void
  /** Opens a SASL_PLAINTEXT listener with this user: SCRAM-SHA-256, SCRAM-SHA-512 and PLAIN. */
  readonly sasl?: SaslUser
  /** Further server.properties. */
  readonly settings?: Readonly<Record<string, string>>
  readonly readyTimeoutMs?: number
}

export interface KafkaBroker {
  readonly kind: 'kafka'
  /** `host:port`, PLAINTEXT. */
  readonly brokers: readonly string[]
  /** `host:port`, SASL_PLAINTEXT, and who may enter there. */
  readonly sasl: (SaslUser & { readonly brokers: readonly string[] }) | undefined
  /** Where it comes from, for people. */
  readonly how: string
  /** For tests of faults; undefined when the Kafka is not ours to kill. */
  readonly node: Pick<KafkaNode, 'pid' | 'log' | 'kill9' | 'start'> | undefined
  /** Ends what we started and removes its data. May be called twice. */
  stop(): Promise<void>
}

export interface NoKafka {
  readonly kind: 'none'
  /** What is missing and what to do, in lines for people. */
  readonly why: string
  /** KAFKA_BROKERS is set and wrong: no reason to go on without Kafka, as its absence may be. */
  readonly isSettingWrong: boolean
}

/** The first Kafka that can be had; ready when this resolves. */
export async function findKafka(options: FindKafkaOptions): Promise<KafkaBroker | NoKafka> {
  const { env, progress = () => undefined } = options
  if ((env.KAFKA_BROKERS ?? '').trim() !== '') return namedKafka(env.KAFKA_BROKERS ?? '', env, progress)
  const reasons: string[] = []
  for (const findWay of [dockerWay, javaWay]) {
    const way = await findWay(env, progress)
    const kafka = way.ok ? await startedBy(way, options, progress) : way.why
    if (typeof kafka !== 'string') return kafka
    reasons.push(kafka)
  }
  return {
    kind: 'none',
    why: [
      'No Kafka can be had: KAFKA_BROKERS is not set, and none starts',
      'Run Docker, or apt-get install openjdk-17-jdk-headless maven',
      `Tried: ${reasons.join('; ')}`,
    ].join('\n'),
    isSettingWrong: false,
  }
}

async function namedKafka(
  setting: string,
  env: Environment,
  progress: (line: string) => void,
): Promise<KafkaBroker | NoKafka> {
  const brokers = hostPorts(setting)
  if (brokers.length === 0 || !brokers.every(isHostPort)) {
    const why = `KAFKA_BROKERS is ${JSON.stringify(setting)}: it must be host:port, such as localhost:9092.`
    return { kind: 'none', why, isSettingWrong: true }
  }
  let there = false
  for (let asks = 0; asks < ASKS && !there; asks++) there = await answers(brokers, 2000)
  if (!there) {
    const why = `No Kafka answers on ${brokers.join(', ')}: correct KAFKA_BROKERS, or unset it.`
    return { kind: 'none', why, isSettingWrong: true }
  }
  progress(`Kafka answers on ${brokers.join(', ')} (KAFKA_BROKERS)`)
  const saslBrokers = hostPorts(env.KAFKA_SASL_BROKERS)
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = env
  const hasSasl = saslBrokers.length > 0 && username !== undefined && password !== undefined
  return {
    kind: 'kafka',
    brokers,
    sasl: hasSasl ? { username, password, brokers: saslBrokers } : undefined,
    how: 'KAFKA_BROKERS',
    node: undefined,
    stop: async () => undefined,
  }
}

/** The Kafka, or why there is none. */
async function startedBy(
  way: OpenWay,
  options: FindKafkaOptions,
  progress: (line: string) => void,
): Promise<KafkaBroker | string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'xzepr-bridge-kafka-')))
  const [controller = 0, plain = 0, sasl = 0] = await freePorts(3)
  const node = new KafkaNode({
    layout: {
      dir,
      bindHost: way.bindHost,
      ports: { controller, plain, sasl },
      sasl: options.sasl,
      settings: options.settings ?? {},
    },
    launch: way.launch(dir, options.sasl === undefined ? [plain] : [plain, sasl]),
    env: options.env,
    readyTimeoutMs: options.readyTimeoutMs ?? 120_000,
  })
  progress(`Kafka ${KAFKA_VERSION} starts (${way.how})`)
  try {
    await node.start()
  } catch (error) {
    await node.stop()
    if (!(error instanceof KafkaDidNotStart)) throw error
    progress(`${way.how}: ${error.message}`)
    return `${way.how}: ${error.brief}`
  }
  progress(`Kafka answers on 127.0.0.1:${plain}`)
  return {
    kind: 'kafka',
    brokers: [`127.0.0.1:${plain}`],
    sasl: options.sasl && { ...options.sasl, brokers: [`127.0.0.1:${sasl}`] },
    how: way.how,
    node,
    stop: () => node.stop(),
  }
}

/** KafkaJS splits at the first colon, so an IPv6 address cannot be given. */
function isHostPort(broker: string): boolean {
  const port = Number(/^[A-Za-z0-9._-]+:(\d{1,5})$/.exec(broker)?.[1] ?? 0)
  return port >= 1 && port <= 65_535
}

function hostPorts(list: string | undefined): string[] {
  return (list ?? '')
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '')
}
