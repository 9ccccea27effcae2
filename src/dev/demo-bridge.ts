/**
 * The bridge of the demo: its own process as anybody would run it, or, with the in-memory log, inside this process.
 *
 * Either way it is set up by the contract's variables alone, and what it says comes as lines of its log.
 */
import { fileURLToPath } from 'node:url'
import { createApp } from '../app.ts'
import { readConfig } from '../config.ts'
import type { Clock } from '../core/seams.ts'
import { lineOf } from '../log.ts'
import type { Children } from './children.ts'
import type { LogFields } from './demo-view.ts'
import type { EventLog } from './event-log.ts'
import type { Environment } from './kafka/run.ts'

const STOP_GRACE_MS = 15_000

export interface BridgeOptions {
  readonly children: Children
  readonly clock: Clock
  readonly log: EventLog
  /** The contract's variables. */
  readonly variables: Environment
  /** The rest of the bridge's environment. */
  readonly env: Environment
  readonly line: (fields: LogFields) => void
}

export interface RunningBridge {
  /** Resolves with a sentence if it ends by itself. */
  readonly ended: Promise<string>
  stop(): Promise<void>
}

export async function startBridge(options: BridgeOptions): Promise<RunningBridge> {
  return options.log.memory === undefined ? asProcess(options) : inProcess(options, options.log.memory)
}

async function asProcess({ children, variables, env, line }: BridgeOptions): Promise<RunningBridge> {
  // The same file beside us, built or not.
  const main = import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js'
  const child = children.start({
    name: 'The bridge',
    program: process.execPath,
    args: [...process.execArgv, fileURLToPath(new URL(main, import.meta.url))],
    env: { ...ownVariablesOnly(env), ...variables },
    line: (text) => {
      line(fieldsOf(text))
    },
  })
  return {
    ended: child.exited.then(({ how }) => `The bridge has ended (${how}). Its last lines:\n${child.output}`),
    async stop() {
      await child.stop(STOP_GRACE_MS)
    },
  }
}

async function inProcess(options: BridgeOptions, memory: NonNullable<EventLog['memory']>): Promise<RunningBridge> {
  const { clock, log, variables, line } = options
  const reading = readConfig(variables, () => {
    throw new Error('the demo names no files')
  })
  if (reading.kind === 'errors') throw new Error(reading.errors.map((error) => JSON.stringify(error)).join('\n'))
  const app = createApp({
    config: reading.config,
    version: 'demo',
    clock,
    log: (entry) => {
      const { level, fields, msg } = lineOf(entry)
      line({ ...fields, level, msg })
    },
    source: memory.source({ groupId: log.groupId, topics: [log.topic], startFrom: 'earliest' }),
  })
  await app.start()
  return { ended: new Promise(() => undefined), stop: () => app.stop() }
}

/** What a person has set for a bridge of their own is not meant for this one. */
function ownVariablesOnly(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(BRIDGE|XZEPR)_/.test(name)))
}

/** A line of pino's, or of whatever else a process may print, such as a crash. */
function fieldsOf(text: string): LogFields {
  try {
    const fields: unknown = JSON.parse(text)
    if (typeof fields === 'object' && fields !== null) return fields as LogFields
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return { level: 'warn', msg: text }
}
