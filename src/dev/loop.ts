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
import { EX_CONFIG, EX_UNAVAILABLE, INTERRUPTED, NOT_FOUND } from '../cli/exits.ts'
import { renderProblems } from '../config/findings.ts'
import type { DevOptions } from '../cli/dev-words.ts'
import type { Config, ConfigReading } from '../config.ts'
import { readConfig } from '../config.ts'
import { BridgeError } from '../core/errors.ts'
import type { Clock } from '../core/seams.ts'
import type { Child, ChildExit } from './children.ts'
import { Children } from './children.ts'
import { typeOf } from './demo-view.ts'
import type { EventLog } from './event-log.ts'
import type { Environment } from './kafka/run.ts'
import { introLines } from './loop-intro.ts'
import { kafkaPlace, memoryPlace, openLog } from './loop-log.ts'
import { LoopScreen } from './loop-screen.ts'
import type { Neighbours, SetUp } from './loop-setup.ts'
import { appVariables, bridgeVariables, setUp } from './loop-setup.ts'
import { LoopStory } from './loop-story.ts'
import { startXzepr } from './loop-xzepr.ts'
import { calledAt, leaveWhereabouts } from './whereabouts.ts'
import type { Publish } from './xzepr-publisher.ts'

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
  /** Hands over what is to be called at the signal to end. */
  readonly onSignal: (end: () => void) => void
}

const APP_GRACE_MS = 5000

/** @returns the exit code, once all has ended. */
export async function dev(parts: LoopParts): Promise<number> {
  const interrupt = new AbortController()
  parts.onSignal(() => {
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

class Loop {
  readonly #parts: LoopParts
  readonly #interrupted: AbortSignal
  readonly #screen: LoopScreen
  readonly #story = new LoopStory()
  readonly #children: Children
  readonly #endings: (() => Promise<void>)[] = []
  #hasAppEnded = false

  readonly #say = (line: string): void => {
    this.#screen.say(line)
  }

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
    const { options, env, clock } = this.#parts
    const { kafka, command } = options
    const plan = await setUp({ env, kafka, startsApp: command.length > 0 })
    if (this.#configured(plan, this.#guess(plan)) === undefined) return EX_CONFIG
    const around = { env, clock, signal: this.#interrupted, say: this.#say }
    const place = kafka ? await kafkaPlace(plan.service, around) : memoryPlace(env, plan.service)
    this.#endings.push(() => place.stop())
    const xzepr = await startXzepr(clock, place.names.topic)
    this.#endings.push(() => xzepr.stop())
    const { url: xzeprUrl, bridgeToken: xzeprToken } = xzepr
    const neighbours = { xzeprUrl, xzeprToken, log: place.names, brokers: place.brokers }
    const reading = this.#configured(plan, neighbours)
    if (reading === undefined) return EX_CONFIG
    const log = await openLog(place, reading.config, around)
    this.#endings.push(() => log.stop())
    xzepr.open(this.#publishTo(log))
    const { workApiPort, opsPort } = await this.#startBridge(reading.config, log)
    const { workApi } = reading.config
    const workApiUrl = calledAt(workApi.host, workApiPort)
    const child = this.#startApp(plan, workApiUrl)
    const isFound = this.#leaveWhereabouts({
      service: plan.service,
      xzeprUrl,
      token: xzepr.emitToken,
      receiverId: xzepr.receiverId,
      workApiUrl,
      workApiToken: workApi.token,
    })
    this.#introduce(plan, { xzeprUrl, workApiUrl, opsUrl: calledAt(reading.config.ops.host, opsPort), isFound, log })
    for (const why of [...plan.passedOver, ...reading.warnings]) this.#say(why)
    return this.#untilEnd(child)
  }

  /** Undefined when it has errors: they are told. */
  #configured(plan: SetUp, neighbours: Neighbours): Extract<ConfigReading, { kind: 'config' }> | undefined {
    const { env, err, readFile } = this.#parts
    const reading = readConfig(bridgeVariables(env, plan, neighbours), readFile)
    if (reading.kind === 'config') return reading
    err(renderProblems(reading.errors))
    return undefined
  }

  /** Where neighbours are not yet: what is wrong with the rest is wrong anywhere, and a Kafka takes seconds to start. */
  #guess(plan: SetUp): Neighbours {
    const { env, options } = this.#parts
    const log = memoryPlace(env, plan.service).names
    const brokers = options.kafka ? ['localhost:9092'] : undefined
    return { xzeprUrl: 'http://localhost:8042', xzeprToken: 'a-token', log, brokers }
  }

  /** Ends all that was started, the youngest first. */
  async end(): Promise<void> {
    for (const end of this.#endings.splice(0).reverse()) {
      await end().catch((error: unknown) => {
        this.#say(`While ending: ${String(error)}`)
      })
    }
  }

  /** What XZepr publishes goes to the log, and its names to the story. */
  #publishTo(log: EventLog): Publish {
    return async (record) => {
      this.#story.named(record.key, typeOf(record.value))
      const place = await log.append(record)
      this.#story.placed(record.key, { topic: log.topic, ...place })
    }
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
      this.#endings.push(async () => {
        process.removeListener('exit', take)
        take()
      })
      return true
    } catch (error) {
      this.#say(`emit cannot find this loop: ${error instanceof Error ? error.message : String(error)}`)
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
      this.#say('Ending: works in hand may report, then the app ends. Ctrl-C again ends it at once.')
      return 0
    }
    this.#hasAppEnded = true
    this.#say(`The app has ended (${first.how}), and so does all else.`)
    return exitCodeOf(first)
  }
}

function exitCodeOf({ code, signal }: ChildExit): number {
  if (code !== null) return code
  return signal === null ? NOT_FOUND : 128 + constants.signals[signal]
}
