/**
 * A real Kafka for demo and tests, from what the machine has.
 *
 *   KAFKA_BROKERS set ─▶ that one, never stopped by us
 *   Docker answers ────▶ a container of apache/kafka
 *   Java 17, Maven ────▶ the jars in a cache, a child process
 *   else ──────────────▶ NoKafka: one sentence that says what to install
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
  /** Hears a sentence for people whenever something takes its time. */
  readonly progress?: (sentence: string) => void
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
  /** What is missing and what to do, in a sentence. */
  readonly why: string
}

/** The first Kafka that can be had; ready when this resolves. */
export async function findKafka(options: FindKafkaOptions): Promise<KafkaBroker | NoKafka> {
  const { env, progress = () => undefined } = options
  const named = hostPorts(env.KAFKA_BROKERS)
  if (named.length > 0) return namedKafka(named, env)
  const reasons: string[] = []
  for (const findWay of [dockerWay, javaWay]) {
    const way = await findWay(env, progress)
    const kafka = way.ok ? await startedBy(way, options, progress) : way.why
    if (typeof kafka !== 'string') return kafka
    reasons.push(kafka)
  }
  return {
    kind: 'none',
    why:
      'No Kafka can be had: set KAFKA_BROKERS, or start Docker, or install a JDK 17 or later and Maven ' +
      `(Debian: apt-get install openjdk-17-jdk-headless maven). Tried: ${reasons.join('; ')}.`,
  }
}

async function namedKafka(brokers: readonly string[], env: Environment): Promise<KafkaBroker | NoKafka> {
  let there = false
  for (let asks = 0; asks < ASKS && !there; asks++) there = await answers(brokers, 2000)
  if (!there) {
    const why = `KAFKA_BROKERS names ${brokers.join(', ')}, but no Kafka answers there: correct it, or unset it.`
    return { kind: 'none', why }
  }
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
  progress: (sentence: string) => void,
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
  progress(`Kafka ${KAFKA_VERSION} starts (${way.how}).`)
  try {
    await node.start()
  } catch (error) {
    await node.stop()
    if (!(error instanceof KafkaDidNotStart)) throw error
    progress(`${way.how}: ${error.message}`)
    return `${way.how}: ${error.brief}`
  }
  progress(`Kafka answers on 127.0.0.1:${plain}.`)
  return {
    kind: 'kafka',
    brokers: [`127.0.0.1:${plain}`],
    sasl: options.sasl && { ...options.sasl, brokers: [`127.0.0.1:${sasl}`] },
    how: way.how,
    node,
    stop: () => node.stop(),
  }
}

function hostPorts(list: string | undefined): string[] {
  return (list ?? '')
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '')
}
