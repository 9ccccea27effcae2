/**
 * The stage: one Kafka, one app, one XZepr, and whatever is measured in front of them.
 *
 *   producer ─▶ Kafka ─▶ bridge or a reference ─▶ app
 *                          └── (reports) ─▶ XZepr's stand-in
 *
 * Everything on it is the same for all that are measured, and nothing on it works while nothing is measured.
 */
import { Kafka, logLevel } from 'kafkajs'
import { systemClock } from '../dist/clock.js'
import type { KafkaBroker } from '../dist/dev/kafka-broker.js'
import { findKafka } from '../dist/dev/kafka-broker.js'
import { freePorts } from '../dist/dev/kafka/ports.js'
import { XzeprStandIn } from '../dist/dev/xzepr-stand-in.js'
import { patchKafkaJs } from '../dist/kafka/patches.js'
import { eventId, eventValue } from './event.ts'
import { App, here, Program } from './programs.ts'

export const IN_FLIGHT = 64
export const BATCH_MAX = 100
/** What makes the bridge deliver in batches. */
export const BATCHES = { BRIDGE_WEBHOOK_FORMAT: 'batch', BRIDGE_BATCH_MAX: String(BATCH_MAX) }
/** How many events a request of the backlog's producer holds, over all partitions. */
const PRODUCED_AT_ONCE = 100
/** A ULID, as XZepr's users have. */
const USER = '01M847EM8NHNJ6Z68G7PRA7Z92'

export type Progress = (line: string) => void

export class Stage {
  readonly app: App
  readonly #broker: KafkaBroker
  readonly #xzepr: XzeprStandIn
  readonly #kafka: Kafka
  #names = 0

  private constructor(broker: KafkaBroker, xzepr: XzeprStandIn, app: App) {
    this.#broker = broker
    this.#xzepr = xzepr
    this.app = app
    this.#kafka = new Kafka({ clientId: 'bench', brokers: [...broker.brokers], logLevel: logLevel.NOTHING })
  }

  /** @throws Error with what to do, where no Kafka can be had. */
  static async set(progress: Progress): Promise<Stage> {
    patchKafkaJs()
    const broker = await findKafka({ env: process.env, progress })
    if (broker.kind === 'none') throw new Error(broker.why)
    const xzepr = new XzeprStandIn({ clock: systemClock, publish: async () => undefined, rateLimits: 'off' })
    await xzepr.start()
    const app = new App()
    await app.up()
    return new Stage(broker, xzepr, app)
  }

  async strike(): Promise<void> {
    await this.app.program.stop()
    await this.#xzepr.stop()
    await this.#broker.stop()
  }

  /** The broker's process group, when it is one of this machine that we know. */
  get brokerGroup(): number | undefined {
    return this.#broker.node?.pid
  }

  get brokerIs(): string {
    return this.#broker.how
  }

  name(what: string): string {
    this.#names += 1
    return `bench-${what}-${process.pid}-${this.#names}`
  }

  /** A new topic with so many events, the first of them marked. */
  async topic(partitions: number, events: number): Promise<string> {
    const topic = this.name('topic')
    const admin = this.#kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true })
    await admin.disconnect()
    await this.produce(topic, events, true)
    return topic
  }

  async produce(topic: string, events: number, firstIsMarked: boolean): Promise<void> {
    if (events === 0) return
    const producer = this.#kafka.producer({ allowAutoTopicCreation: false })
    await producer.connect()
    for (let from = 0; from < events; from += PRODUCED_AT_ONCE) {
      const numbers = Array.from({ length: Math.min(PRODUCED_AT_ONCE, events - from) }, (_, at) => from + at)
      const messages = numbers.map((number) => ({
        key: eventId(number),
        value: eventValue(number, firstIsMarked && number === 0),
      }))
      await producer.send({ topic, acks: -1, messages })
    }
    await producer.disconnect()
  }

  /** A trickle of events by a producer of its own. */
  trickle(topic: string, events: number, perSecond: number): Program {
    return new Program('the producer', here('clients/producer.js'), {
      BROKERS: this.#broker.brokers.join(','),
      TOPIC: topic,
      EVENTS: String(events),
      PER_SECOND: String(perSecond),
    })
  }

  /** A loop that reads no Kafka. */
  loop(script: 'undici-request' | 'undici-dispatch', path: string, events: number): Program {
    return new Program(script, here(`clients/${script}.js`), {
      URL: this.app.url(path),
      EVENTS: String(events),
      IN_FLIGHT: String(IN_FLIGHT),
    })
  }

  kafkajs(how: 'batch' | 'message', path: string, topic: string): Program {
    return new Program(`KafkaJS (${how})`, here('clients/kafkajs.js'), {
      BROKERS: this.#broker.brokers.join(','),
      TOPIC: topic,
      GROUP: this.name('group'),
      URL: this.app.url(path),
      IN_FLIGHT: String(IN_FLIGHT),
      HOW: how,
    })
  }

  /** The bridge as it is run in production: the built process, its log at `info`. */
  async bridge(
    path: string,
    topic: string,
    env: NodeJS.ProcessEnv = {},
    flags: readonly string[] = [],
  ): Promise<Program> {
    const [workPort, opsPort] = await freePorts(2)
    const whole = {
      NODE_ENV: 'production',
      BRIDGE_SERVICE: this.name('service'),
      BRIDGE_WEBHOOK_URL: this.app.url(path),
      BRIDGE_MAX_IN_FLIGHT: String(IN_FLIGHT),
      BRIDGE_WORK_API_PORT: String(workPort),
      BRIDGE_OPS_HOST: '127.0.0.1',
      BRIDGE_OPS_PORT: String(opsPort),
      XZEPR_KAFKA_BROKERS: this.#broker.brokers.join(','),
      XZEPR_KAFKA_TOPIC: topic,
      XZEPR_API_URL: this.#xzepr.url,
      XZEPR_API_TOKEN: this.#xzepr.token({ sub: USER, lifetimeMs: 3_600_000 }),
      ...env,
    }
    return new Program('the bridge', here('../dist/main.js'), whole, false, flags)
  }
}
