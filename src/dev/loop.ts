/**
 * `xzepr-bridge dev`: the whole road on this machine, for whoever writes an app.
 *
 *   emit ─ REST ─▶ XZepr (stand-in) ─▶ in-memory log, or Kafka ─▶ bridge ─ webhook ─▶ app (a child)
 *                       ▲                                           │ ▲                 │
 *                       └────────────── lifecycle events ───────────┘ └── work API ◀────┘
 *
 * The bridge is the one of production, in this process. Everything that was started stands in `#endings` and ends in
 * reverse, whichever way it ends; an app that ends by itself ends all, with its exit code.
 */
import { constants } from 'node:os'
import { createApp } from '../app.ts'
import { brokerList } from '../config/sound.ts'
import { renderProblems } from '../config/findings.ts'
import type { DevOptions } from '../cli/dev-words.ts'
import type { Config } from '../config.ts'
import { readConfig } from '../config.ts'
import { BridgeError } from '../core/errors.ts'
import type { Clock } from '../core/seams.ts'
import { kafkaOptions } from '../edges.ts'
import { emitReceiver } from '../emit/receiver.ts'
import { kafkaClient } from '../kafka/client.ts'
import { XzeprClient } from '../xzepr/client.ts'
import { fixedToken } from '../xzepr/credentials.ts'
import type { Child, ChildExit } from './children.ts'
import { Children } from './children.ts'
import { unlessAborted } from './demo-wait.ts'
import { typeOf } from './demo-view.ts'
import type { EventLog, LogNames } from './event-log.ts'
import { kafkaEventLog, memoryEventLog, namesIn } from './event-log.ts'
import { findKafka } from './kafka-broker.ts'
import type { Environment } from './kafka/run.ts'
import { introLines } from './loop-intro.ts'
import { LoopScreen } from './loop-screen.ts'
import type { SetUp } from './loop-setup.ts'
import { appVariables, bridgeVariables, ownNames, setUp } from './loop-setup.ts'
import { LoopStory } from './loop-story.ts'
import { leaveWhereabouts } from './whereabouts.ts'
import { XzeprStandIn } from './xzepr-stand-in.ts'

export interface LoopParts {
  readonly options: DevOptions
  readonly env: Environment
  readonly version: string
  readonly program: string
  readonly pid: number
  /** When the process began. */
  readonly startedAtMs: number
  readonly clock: Clock
  readonly readFile: (path: string) => string
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly coloured: boolean
  /** Hands over what is to be called at each signal to end. */
  readonly onSignal: (end: () => void) => void
}

const EX_UNAVAILABLE = 69
const EX_CONFIG = 78
/** The shell's word for a command that is not there. */
const NOT_FOUND = 127
const INTERRUPTED = 130
const BRIDGE_SUB = '01J0000000000000000BR1DGE0'
const EMIT_SUB = '01J0000000000000000000EM1T'
/** Longer than anybody leaves a loop running. */
const TOKEN_LIFETIME_MS = 365 * 86_400_000
const APP_GRACE_MS = 5000
/** XZepr's events that the stand-in remembers; nobody reads them here. */
const REMEMBERED_EVENTS = 1000

/** @returns the exit code, once all has ended. */
export async function dev(parts: LoopParts): Promise<number> {
  const interrupt = new AbortController()
  parts.onSignal(() => {
    // The second time nobody wants to wait: the exit kills what is left.
    if (interrupt.signal.aborted) process.exit(INTERRUPTED)
    interrupt.abort()
  })
  const loop = new Loop(parts, interrupt.signal)
  try {
    return await loop.run()
  } catch (error) {
    if (interrupt.signal.aborted) return INTERRUPTED
    if (error instanceof BridgeError) parts.err(`${error.code}: ${error.message}\n${error.hint}\n`)
    else parts.err(`${error instanceof Error ? error.message : String(error)}\n`)
    return EX_UNAVAILABLE
  } finally {
    await loop.end()
  }
}

interface Base {
  readonly names: LogNames
  /** Undefined: the in-memory log. */
  readonly brokers: readonly string[] | undefined
}

class Loop {
  readonly #parts: LoopParts
  readonly #interrupted: AbortSignal
  readonly #screen: LoopScreen
  readonly #story = new LoopStory()
  readonly #children: Children
  readonly #endings: (() => Promise<void>)[] = []
  #log: EventLog | undefined
  /** Until emit's receiver is made: its announcement would be the first event that an app ever sees. */
  #publishes = false
  #hasAppEnded = false

  constructor(parts: LoopParts, interrupted: AbortSignal) {
    this.#parts = parts
    this.#interrupted = interrupted
    this.#children = new Children(parts.clock)
    this.#screen = new LoopScreen({
      write: parts.out,
      coloured: parts.coloured,
      nowMs: () => parts.clock.nowMs(),
    })
  }

  async run(): Promise<number> {
    const { options, env, err } = this.#parts
    const { kafka, command } = options
    const plan = await setUp({ env, kafka, startsApp: command.length > 0 })
    const base = kafka
      ? await this.#findKafka(plan)
      : { names: ownNames(env, plan.service), brokers: undefined }
    const xzepr = this.#standIn(base.names.topic)
    const xzeprUrl = `http://127.0.0.1:${plan.ports.xzepr}`
    const xzeprToken = xzepr.token({ sub: BRIDGE_SUB, lifetimeMs: TOKEN_LIFETIME_MS })
    const variables = bridgeVariables(env, plan, { xzeprUrl, xzeprToken, log: base.names, brokers: base.brokers })
    const reading = readConfig(variables, this.#parts.readFile)
    if (reading.kind === 'errors') {
      err(renderProblems(reading.errors))
      return EX_CONFIG
    }
    const log = await this.#openLog(base, reading.config)
    await xzepr.start({ port: plan.ports.xzepr })
    this.#endings.push(() => xzepr.stop())
    const token = xzepr.token({ sub: EMIT_SUB, lifetimeMs: TOKEN_LIFETIME_MS })
    const receiverId = await this.#emitReceiver(xzeprUrl, token)
    this.#publishes = true
    const { workApiPort, opsPort } = await this.#startBridge(reading.config, log)
    const { workApi } = reading.config
    const workApiUrl = local(workApi.host, workApiPort)
    const child = this.#startApp(plan, workApiUrl)
    const isFound = this.#leaveWhereabouts({ service: plan.service, xzeprUrl, token, receiverId, workApiUrl, workApiToken: workApi.token })
    this.#introduce(plan, { xzeprUrl, workApiUrl, opsUrl: local(reading.config.ops.host, opsPort), isFound, log })
    for (const why of [...plan.passedOver, ...reading.warnings]) this.#screen.say(why)
    return this.#untilEnd(child)
  }

  /** Ends all that was started, the youngest first. */
  async end(): Promise<void> {
    for (const end of this.#endings.splice(0).reverse()) {
      await end().catch((error: unknown) => {
        this.#screen.say(`While ending: ${String(error)}`)
      })
    }
  }

  async #findKafka({ service }: SetUp): Promise<Base> {
    const { env } = this.#parts
    const groupId = `xzepr-bridge-dev-${service}`
    const named = brokerList(env.XZEPR_KAFKA_BROKERS ?? '')
    let brokers = named
    let isOurs = false
    if (named.length === 0) {
      const progress = (line: string): void => {
        this.#screen.say(line)
      }
      const found = await unlessAborted(findKafka({ env, progress }), this.#interrupted)
      if (found.kind === 'none') throw new Error(found.why)
      this.#endings.push(() => found.stop())
      brokers = found.brokers
      isOurs = found.node !== undefined
    }
    const topic = env.XZEPR_KAFKA_TOPIC?.trim() ?? ''
    const names =
      topic === ''
        ? namesIn(isOurs, 'xzepr.loop', groupId)
        : { topic, groupId: env.XZEPR_KAFKA_GROUP_ID?.trim() || groupId, transient: false }
    return { names, brokers }
  }

  #standIn(topic: string): XzeprStandIn {
    return new XzeprStandIn({
      clock: this.#parts.clock,
      topic,
      rateLimits: 'off',
      maxEvents: REMEMBERED_EVENTS,
      publish: async (record) => {
        if (!this.#publishes || this.#log === undefined) return
        this.#story.named(record.key, typeOf(record.value))
        const place = await this.#log.append(record)
        this.#story.placed(record.key, { topic, ...place })
      },
    })
  }

  async #openLog({ names, brokers }: Base, config: Config): Promise<EventLog> {
    const { clock } = this.#parts
    if (brokers === undefined) {
      this.#log = memoryEventLog(clock, names.groupId, names.topic)
      return this.#log
    }
    const say = ({ level, message }: { level: string; message: string }): void => {
      if (level === 'error') this.#screen.say(`Kafka: ${message}`)
    }
    const { kafka } = kafkaClient(kafkaOptions(config), say)
    const log = await unlessAborted(kafkaEventLog({ ...names, kafka, brokers }), this.#interrupted)
    this.#endings.push(() => log.stop())
    this.#log = log
    return log
  }

  /** So that `emit` can send at once. */
  async #emitReceiver(xzeprUrl: string, token: string): Promise<string> {
    const { clock } = this.#parts
    const url = new URL(xzeprUrl)
    const client = new XzeprClient({ url, timeoutMs: 10_000, credentials: fixedToken(token), clock, connections: 1 })
    const receiving = await emitReceiver(client, clock).finally(() => client.close())
    if (receiving.kind === 'receiver') return receiving.id
    throw new Error(`The XZepr stand-in made no receiver: ${receiving.answer.why}`)
  }

  async #startBridge(config: Config, log: EventLog): Promise<{ workApiPort: number; opsPort: number }> {
    const { clock, version } = this.#parts
    const { groupId, topic, memory } = log
    const app = createApp({
      config,
      version,
      clock,
      log: (entry) => {
        const row = this.#story.row(entry)
        if (row !== undefined) this.#screen.row(row)
      },
      ...(memory && { source: memory.source({ groupId, topics: [topic], startFrom: config.kafka.startFrom }) }),
    })
    this.#endings.push(async () => {
      const stopped = app.stop()
      // Nobody is there any more who could report: asked again, it waits no longer.
      if (this.#hasAppEnded) void app.stop()
      await stopped
    })
    return app.start()
  }

  #startApp(plan: SetUp, workApiUrl: string): Child | undefined {
    const [program, ...args] = this.#parts.options.command
    if (program === undefined) return undefined
    const child = this.#children.start({
      name: 'The app',
      program,
      args,
      env: appVariables(this.#parts.env, plan, workApiUrl),
      line: (line) => {
        this.#screen.app(line)
      },
    })
    // Under the bridge in the list: it lets works in hand report before their app is ended.
    this.#endings.splice(-1, 0, async () => {
      await this.#children.stopAll(APP_GRACE_MS)
    })
    return child
  }

  #leaveWhereabouts(where: Omit<Parameters<typeof leaveWhereabouts>[1], 'pid' | 'startedAtMs'>): boolean {
    const { env, pid, startedAtMs } = this.#parts
    try {
      const take = leaveWhereabouts(env, { pid, startedAtMs, ...where })
      // Also when a second Ctrl-C ends this process at once.
      process.once('exit', take)
      return true
    } catch (error) {
      this.#screen.say(`emit cannot find this loop: ${error instanceof Error ? error.message : String(error)}`)
      return false
    }
  }

  #introduce(
    plan: SetUp,
    urls: { xzeprUrl: string; workApiUrl: string; opsUrl: string; isFound: boolean; log: EventLog },
  ): void {
    const { log, ...rest } = urls
    const { version, program, options, clock, startedAtMs } = this.#parts
    const { service, webhookUrl } = plan
    const where = log.brokers === undefined ? 'the in-memory log' : `${log.topic} on ${log.brokers.join(', ')}`
    const readyMs = clock.nowMs() - startedAtMs
    const intro = { ...rest, version, program, service, webhookUrl, command: options.command, log: where, readyMs }
    const emphasis = {
      bold: (text: string) => this.#screen.bold(text),
      dim: (text: string) => this.#screen.dim(text),
    }
    this.#screen.plain(introLines(intro, emphasis))
  }

  /** @returns the exit code. */
  async #untilEnd(child: Child | undefined): Promise<number> {
    const interrupted = new Promise<'interrupted'>((resolve) => {
      const give = (): void => {
        resolve('interrupted')
      }
      this.#interrupted.addEventListener('abort', give, { once: true })
      if (this.#interrupted.aborted) give()
    })
    const first = await Promise.race([interrupted, ...(child === undefined ? [] : [child.exited])])
    if (first === 'interrupted') {
      this.#screen.say('Ending: works in hand may report, then the app ends. Ctrl-C again ends it at once.')
      return 0
    }
    this.#hasAppEnded = true
    this.#screen.say(`The app has ended (${first.how}), and so does all else.`)
    return exitCodeOf(first)
  }
}

function exitCodeOf({ code, signal }: ChildExit): number {
  if (code !== null) return code
  return signal === null ? NOT_FOUND : 128 + constants.signals[signal]
}

/** Who listens on all interfaces is reached on loopback. */
function local(host: string | undefined, port: number): string {
  const reached = host === undefined || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}
