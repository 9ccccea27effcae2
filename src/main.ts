#!/usr/bin/env node
/**
 * The process: environment in, signals, exit code out. The only file that names `process`.
 *
 *   0  done, or stopped as asked        1  failed, or not all could be done        64  wrong command line
 *   69  nobody to drain or to ask, or no Kafka to replay from                      78  wrong configuration
 *   the help of each command names others that are its own
 *
 * The first SIGTERM or SIGINT drains; a second one ends the grace.
 */
import { createRequire } from 'node:module'
import { basename, relative } from 'node:path'
import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import type { Command } from './cli.ts'
import type { DevOptions } from './cli/dev-words.ts'
import type { EmitOptions } from './cli/emit-words.ts'
import { EX_CONFIG, EX_IOERR, EX_PIPE, INTERRUPTED } from './cli/exits.ts'
import type { Healthcheck } from './cli/healthcheck.ts'
import { readText } from './cli/read-text.ts'
import type { ReplayOptions } from './cli/replay-words.ts'
import type { VerifyOptions } from './cli/verify-words.ts'
import type { ConfigReading } from './config.ts'

// While modules are read V8 would double the space for new objects up to twice 16 MB, and an idle process would keep it:
// a quarter of its memory. It may grow once the bridge runs, for then it saves more than it takes.
setFlagsFromString('--semi-space-growth-factor=1')

const [word = 'run'] = process.argv.slice(2)
// First of all: as process 1 of a container a signal without a handler is ignored, and loading the rest takes a while.
// Whoever was asked for something else than to run has not done it: 0 would say that all is drained, sent or alive.
let onSignal = (): void => process.exit(word === 'run' || word === 'dev' ? 0 : INTERRUPTED)
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    onSignal()
  })
}

async function main(): Promise<number> {
  const { parse } = await import('./cli.ts')
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string }
  const { isTTY, columns } = process.stdout
  const noColor = (process.env.NO_COLOR ?? '') !== ''
  const command = parse(process.argv.slice(2), { version, terminal: { isTTY, columns, noColor } })
  switch (command.kind) {
    case 'print':
      whileRead()
      process.stdout.write(command.text)
      return command.exitCode
    case 'usage':
      process.stderr.write(command.text)
      return command.exitCode
    case 'run':
      return run(version)
    case 'drain':
      return drain(command)
    case 'healthcheck':
      return healthcheck()
    case 'replay':
      return replayLetters(command.options)
    case 'dev':
      return develop(command.options, version)
    case 'emit':
      return emitEvents(command.options)
    case 'verify':
      return verify(command.options)
  }
}

async function drain({ reason, timeoutMs }: Extract<Command, { kind: 'drain' }>): Promise<number> {
  const { drainBridge } = await import('./cli/drain.ts')
  return besideBridge((beside) => drainBridge({ ...beside, reason, timeoutMs }))
}

async function healthcheck(): Promise<number> {
  const { checkHealth } = await import('./cli/healthcheck.ts')
  return besideBridge(checkHealth)
}

/** Carries out what speaks to the bridge that runs here. */
async function besideBridge(command: (beside: Healthcheck) => Promise<number>): Promise<number> {
  const [{ readOpsAddress }, { systemClock }] = await Promise.all([
    import('./config/ops-address.ts'),
    import('./clock.ts'),
  ])
  const address = readOpsAddress(process.env, readText)
  if (!('host' in address)) {
    const { renderProblems } = await import('./config/findings.ts')
    process.stderr.write(renderProblems(address, process.stderr.columns))
    return EX_CONFIG
  }
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  const complain = (line: string): void => void process.stderr.write(`${line}\n`)
  const exitCode = await command({ address, clock: systemClock, say, complain })
  // An exchange that came to nothing in time must not hold the process.
  process.exit(exitCode)
}

/** Undefined when it has errors: they are told. */
async function configured(): Promise<Extract<ConfigReading, { kind: 'config' }> | undefined> {
  const { readConfig } = await import('./config.ts')
  const reading = readConfig(process.env, readText)
  if (reading.kind === 'config') return reading
  for (const why of reading.warnings) process.stderr.write(`Warning: ${why}\n`)
  const { renderProblems } = await import('./config/findings.ts')
  process.stderr.write(renderProblems(reading.errors, process.stderr.columns))
  return undefined
}

async function run(version: string): Promise<number> {
  const reading = await configured()
  if (reading === undefined) return EX_CONFIG
  const [{ createApp }, { createLog }, { systemClock }] = await Promise.all([
    import('./app.ts'),
    import('./log.ts'),
    import('./clock.ts'),
  ])
  const { config, warnings } = reading
  const log = createLog({ level: config.logLevel, service: config.service })
  for (const why of warnings) log({ name: 'config.warning', why })
  const app = createApp({ config, version, clock: systemClock, log })
  const stopped = new Promise<void>((resolve, reject) => {
    onSignal = () => {
      app.stop().then(resolve, reject)
    }
  })
  await app.start()
  setFlagsFromString('--semi-space-growth-factor=2')
  await stopped
  // All is done: whatever a library still holds open must not keep the pod from ending.
  process.exit(0)
}

async function replayLetters(options: ReplayOptions): Promise<number> {
  const reading = await configured()
  if (reading === undefined) return EX_CONFIG
  const [{ replay }, { systemClock }] = await Promise.all([import('./replay.ts'), import('./clock.ts')])
  // Whoever reads the list may have seen enough of it (`| head`).
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : EX_IOERR))
  return replay({
    config: reading.config,
    options,
    clock: systemClock,
    out: (text) =>
      new Promise((resolve) => {
        process.stdout.write(text, () => {
          resolve()
        })
      }),
    err: (text) => {
      process.stderr.write(text)
    },
    isTTY: process.stderr.isTTY,
    onSignal: (end) => {
      onSignal = end
    },
  })
}

/** Goes on as long as somebody reads what is said. */
function whileRead(): void {
  // Nobody reads on, so nobody is told.
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? EX_PIPE : EX_IOERR))
  // What is said beside the result may go unheard.
  process.stderr.on('error', () => undefined)
}

/** What every command says to people, and hears from them. */
function conversation(): {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly coloured: boolean
  readonly isTTY: boolean
  readonly onSignal: (end: () => void) => void
} {
  whileRead()
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    coloured: process.stdout.isTTY && (process.env.NO_COLOR ?? '') === '',
    isTTY: process.stderr.isTTY,
    onSignal: (end) => {
      let asked = false
      onSignal = () => {
        // The second time nobody wants to wait: the exit kills what is left.
        if (asked) process.exit(INTERRUPTED)
        asked = true
        end()
      }
    },
  }
}

/** A terminal that closes, and Ctrl-\: what was started here must not stay. */
function leaveNothing(): void {
  for (const signal of ['SIGHUP', 'SIGQUIT'] as const) {
    process.on(signal, () => {
      onSignal()
    })
  }
}

async function develop(options: DevOptions, version: string): Promise<number> {
  // Somebody waits for it, and it does not run for weeks: room for new objects saves a tenth of the start.
  setFlagsFromString('--semi-space-growth-factor=2')
  leaveNothing()
  const [{ dev }, { systemClock }] = await Promise.all([import('./dev/loop.ts'), import('./clock.ts')])
  const exitCode = await dev({
    ...conversation(),
    options,
    version,
    env: process.env,
    program: calledAs(),
    pid: process.pid,
    startedAtMs: performance.timeOrigin,
    clock: systemClock,
    readFile: readText,
  })
  // All is ended: whatever a library still holds open must not keep the terminal.
  process.exit(exitCode)
}

async function emitEvents(options: EmitOptions): Promise<number> {
  const [{ emit }, { systemClock }] = await Promise.all([import('./emit.ts'), import('./clock.ts')])
  const exitCode = await emit({
    ...conversation(),
    options,
    env: process.env,
    stdin: process.stdin,
    clock: systemClock,
    readFile: readText,
  })
  process.exit(exitCode)
}

async function verify(options: VerifyOptions): Promise<number> {
  leaveNothing()
  const [{ verifyApp }, { systemClock }] = await Promise.all([import('./verify.ts'), import('./clock.ts')])
  const exitCode = await verifyApp({
    ...conversation(),
    options,
    env: process.env,
    clock: systemClock,
    readFile: readText,
  })
  process.exit(exitCode)
}

/** What a person has to type to call this program again from here. */
function calledAs(): string {
  const path = process.argv[1] ?? ''
  return basename(path) === 'main.js' ? `node ${relative('', path)}` : 'xzepr-bridge'
}

main().then(
  (exitCode) => {
    process.exitCode = exitCode
  },
  (error: unknown) => {
    const { code, message, hint } = error as { code?: string; message: string; hint?: string }
    process.stderr.write(hint === undefined ? `${String(error)}\n` : `${code}: ${message}\n${hint}\n`)
    process.exit(1)
  },
)
