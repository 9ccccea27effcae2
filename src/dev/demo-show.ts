/**
 * The show: what the demo starts, in order, and what it does with it.
 *
 *   log ─▶ XZepr ─▶ app ─▶ bridge ─▶ the user sends ─▶ witnesses agree, or time is up ─▶ table
 *
 * Everything that was started stands in `endings` and ends in reverse, whichever way the show ends.
 */
import { Kafka, logLevel } from 'kafkajs'
import type { Clock } from '../core/seams.ts'
import { startApp } from './app-process.ts'
import { missingToolchain } from './app-programs.ts'
import { Children } from './children.ts'
import type { RunningBridge } from './demo-bridge.ts'
import { startBridge } from './demo-bridge.ts'
import { invitation } from './demo-invitation.ts'
import type { DemoOptions } from './demo-options.ts'
import type { Screen } from './demo-screen.ts'
import { demoEvent, XzeprUserSession } from './demo-user.ts'
import type { Actor } from './demo-view.ts'
import { bridgeStep, OFFSETS_NOTE, stepLine, table, typeOf, verdict } from './demo-view.ts'
import { inTime, unlessAborted } from './demo-wait.ts'
import { Witness } from './demo-witness.ts'
import type { EventLog } from './event-log.ts'
import { kafkaEventLog, memoryEventLog, namesIn } from './event-log.ts'
import { findKafka } from './kafka-broker.ts'
import { freePorts } from './kafka/ports.ts'
import type { Environment } from './kafka/run.ts'
import { XzeprStandIn } from './xzepr-stand-in.ts'

const GROUP = 'xzepr-consumer-demo'
const USER = { username: 'demo', password: 'demo', sub: '01J0000000000000000000DEM0', role: 'event_manager' } as const
const BRIDGE_SUB = '01J0000000000000000BR1DGE0'
const READY_MS = 60_000
const PER_EVENT_MS = 200
const LOOK_AGAIN_MS = 100
const DAY_MS = 86_400_000
/** XZepr lets a user make 100 requests a minute: with more events than this the demo would only wait for that. */
const UNLIMITED_BEYOND = 30

export interface Surroundings {
  readonly screen: Screen
  readonly clock: Clock
  readonly env: Environment
  /** Aborted when the person wants an end. */
  readonly signal: AbortSignal
}

export class Show {
  readonly #options: DemoOptions
  readonly #around: Surroundings
  readonly #children: Children
  readonly #witness = new Witness()
  readonly #endings: (() => Promise<void>)[] = []
  readonly #startedAtMs: number
  #isKafkaStarting = false

  constructor(options: DemoOptions, around: Surroundings) {
    this.#options = options
    this.#around = around
    this.#children = new Children(around.clock)
    this.#startedAtMs = around.clock.nowMs()
  }

  /** @returns whether every event made the whole way. Throws when something cannot start, or the person has had enough. */
  async run(): Promise<boolean> {
    const { app, keep } = this.#options
    const { env, screen } = this.#around
    const lacking = await missingToolchain(app, env)
    if (lacking !== undefined) throw new Error(lacking)
    this.#endings.push(() => this.#children.stopAll(5000))
    const log = await this.#openLog()
    const xzepr = await this.#startXzepr(log)
    const [workApiPort = 0, opsPort = 0] = await freePorts(2)
    const bridge = await this.#startAppAndBridge(log, xzepr, workApiPort, opsPort)
    const user = await this.#send(xzepr.url)
    const ok = await this.#judge(log, bridge)
    if (!keep) return ok
    const token = xzepr.token({ sub: USER.sub, lifetimeMs: DAY_MS })
    const urls = { xzepr: xzepr.url, workApi: local(workApiPort), ops: local(opsPort) }
    const kafka = log.brokers && { brokers: log.brokers, topic: log.topic }
    for (const line of invitation({ ...urls, token, receiverId: user.receiverId, kafka })) screen.line(line)
    await this.#unlessEnded(new Promise(() => undefined), bridge).catch((error: unknown) => {
      // Ctrl-C is how a demo that was kept ends.
      if (!this.#around.signal.aborted) throw error
    })
    return ok
  }

  /**
   * Ends all that was started, the youngest first. One that does not end well keeps no other from ending.
   * @returns whether nothing is left. A Kafka that was still starting ends with this process, a moment later.
   */
  async end(): Promise<boolean> {
    let clean = !this.#isKafkaStarting
    for (const end of this.#endings.splice(0).reverse()) {
      await end().catch((error: unknown) => {
        clean = false
        this.#around.screen.line(`While cleaning up: ${String(error)}`)
      })
    }
    return clean
  }

  async #openLog(): Promise<EventLog> {
    const { clock, env, screen, signal } = this.#around
    if (this.#options.memory)
      return this.#opened(memoryEventLog(clock, GROUP), 'the in-memory log stands in for Kafka, as asked')
    screen.spin('Kafka is looked for')
    const progress = (line: string): void => {
      this.#step('kafka', line)
    }
    this.#isKafkaStarting = true
    const kafka = await unlessAborted(findKafka({ env, progress }), signal)
    this.#isKafkaStarting = false
    screen.still()
    if (kafka.kind === 'none') {
      if (kafka.isSettingWrong) throw new Error(kafka.why)
      this.#step('kafka', kafka.why)
      return this.#opened(memoryEventLog(clock, GROUP), 'the in-memory log stands in for Kafka')
    }
    this.#endings.push(() => kafka.stop())
    const brokers = [...kafka.brokers]
    const client = new Kafka({ clientId: 'xzepr-demo', brokers, logLevel: logLevel.NOTHING })
    const names = namesIn(kafka.node !== undefined, 'xzepr.demo', GROUP)
    const log = await unlessAborted(kafkaEventLog({ ...names, kafka: client, brokers }), signal)
    return this.#opened(log, `topic ${log.topic} is made`)
  }

  #opened(log: EventLog, what: string): EventLog {
    this.#endings.push(() => log.stop())
    this.#step('kafka', what)
    return log
  }

  async #startXzepr(log: EventLog): Promise<XzeprStandIn> {
    const xzepr = new XzeprStandIn({
      clock: this.#around.clock,
      topic: log.topic,
      users: [USER],
      ...(this.#options.events > UNLIMITED_BEYOND && { rateLimits: 'off' }),
      publish: async (record) => {
        // XZepr tells of a new receiver too; the bridge delivers that like any other event.
        this.#witness.named(record.key, typeOf(record.value))
        this.#witness.placed(record.key, await log.append(record))
      },
      onEvent: ({ id, name, payload }) => {
        const work = this.#witness.stored(id, name, payload)
        this.#step('xzepr', work === undefined ? 'stored, goes to Kafka' : `holds ${name}`, work ?? id)
      },
    })
    await xzepr.start()
    this.#endings.push(() => xzepr.stop())
    this.#step('xzepr', `a stand-in listens on ${xzepr.url}`)
    return xzepr
  }

  async #startAppAndBridge(
    log: EventLog,
    xzepr: XzeprStandIn,
    workApiPort: number,
    opsPort: number,
  ): Promise<RunningBridge> {
    const { clock, env } = this.#around
    const { webhookUrl } = await startApp(this.#children, {
      example: this.#options.app,
      workApiUrl: local(workApiPort),
      env,
      progress: (sentence) => {
        this.#step('app', sentence)
      },
      line: (text) => {
        this.#step('app', text)
      },
    })
    let assigned: () => void = () => undefined
    const ready = new Promise<void>((resolve) => (assigned = resolve))
    const bridge = await startBridge({
      children: this.#children,
      clock,
      log,
      env,
      variables: {
        XZEPR_KAFKA_BROKERS: log.brokers?.join(',') ?? 'localhost:9092',
        XZEPR_KAFKA_TOPIC: log.topic,
        XZEPR_KAFKA_GROUP_ID: log.groupId,
        XZEPR_API_URL: xzepr.url,
        XZEPR_API_TOKEN: xzepr.token({ sub: BRIDGE_SUB, lifetimeMs: DAY_MS }),
        BRIDGE_SERVICE: 'demo',
        BRIDGE_WEBHOOK_URL: webhookUrl,
        BRIDGE_WORK_API_PORT: String(workApiPort),
        BRIDGE_OPS_HOST: '127.0.0.1',
        BRIDGE_OPS_PORT: String(opsPort),
        BRIDGE_LOG_LEVEL: 'debug',
      },
      line: (fields) => {
        if (fields.event === 'partition.assigned') assigned()
        this.#witness.said(fields)
        const step = bridgeStep(fields, this.#witness)
        if (step !== undefined) this.#step('bridge', step.what, step.about)
      },
    })
    this.#endings.push(() => bridge.stop())
    await this.#unlessEnded(ready, bridge, `The bridge was given no partition within ${READY_MS} ms.`)
    return bridge
  }

  async #send(url: string): Promise<XzeprUserSession> {
    const user = new XzeprUserSession(url, this.#around.signal)
    await user.signIn(USER)
    await user.createReceiver('demo-pipeline')
    this.#step('you', `signed in at XZepr, made receiver ${user.receiverId}`)
    for (let nth = 0; nth < this.#options.events; nth++) {
      const event = demoEvent(nth)
      this.#step('you', `POST ${event.name} to XZepr`)
      this.#witness.sent(await user.send(event), event.name, event.success ? 'completed' : 'failed')
    }
    return user
  }

  /** Waits until the witnesses agree or the time is up, and says which. */
  async #judge(log: EventLog, bridge: RunningBridge): Promise<boolean> {
    const { clock, screen } = this.#around
    const untilMs = clock.nowMs() + READY_MS + this.#options.events * PER_EVENT_MS
    const look = async (): Promise<void> => {
      this.#witness.committed(await log.committed())
    }
    await look()
    while (!this.#witness.isContent && clock.nowMs() < untilMs) {
      await this.#unlessEnded(new Promise<void>((go) => clock.wake(clock.nowMs() + LOOK_AGAIN_MS, go)), bridge)
      await look()
    }
    const { facts } = this.#witness
    const { ok, sentences } = verdict(facts, log.brokers !== undefined)
    for (const line of ['', ...table(facts), '', OFFSETS_NOTE, ...sentences]) screen.line(line)
    return ok
  }

  #step(who: Actor, what: string, id = ''): void {
    const sinceMs = this.#around.clock.nowMs() - this.#startedAtMs
    const about = this.#witness.byId(id) ?? id
    for (const line of what.split('\n')) this.#around.screen.line(stepLine(sinceMs, who, about, line))
  }

  async #unlessEnded(wanted: Promise<void>, bridge: RunningBridge, late?: string): Promise<void> {
    const ended = bridge.ended.then((why) => {
      throw new Error(why)
    })
    const first = Promise.race([wanted, ended])
    const { clock, signal } = this.#around
    await unlessAborted(late === undefined ? first : inTime(first, clock, READY_MS, late), signal)
  }
}

function local(port: number): string {
  return `http://127.0.0.1:${port}`
}
