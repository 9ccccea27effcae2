#!/usr/bin/env node
/**
 * The process: environment in, signals, exit code out. The only file that names `process`.
 *
 *   0  stopped as asked     1  failed     64  wrong command line     78  wrong configuration
 *
 * The first SIGTERM or SIGINT drains; a second one ends the grace.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { createRequire } from 'node:module'
import process from 'node:process'
import { setFlagsFromString } from 'node:v8'

// While modules are read V8 would double the space for new objects up to twice 16 MB, and an idle process would keep it:
// a quarter of its memory. It may grow once the bridge runs, for then it saves more than it takes.
setFlagsFromString('--semi-space-growth-factor=1')

// First of all: as process 1 of a container a signal without a handler is ignored, and loading the rest takes a while.
let onSignal = (): void => process.exit(0)
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    onSignal()
  })
}

const EX_CONFIG = 78

async function main(): Promise<number> {
  const { parse } = await import('./cli.ts')
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string }
  const { isTTY, columns } = process.stdout
  const noColor = (process.env.NO_COLOR ?? '') !== ''
  const command = parse(process.argv.slice(2), { version, terminal: { isTTY, columns, noColor } })
  switch (command.kind) {
    case 'print':
      process.stdout.write(command.text)
      return command.exitCode
    case 'usage':
      process.stderr.write(command.text)
      return command.exitCode
    case 'run':
      return run(version)
  }
}

async function run(version: string): Promise<number> {
  const { readConfig } = await import('./config.ts')
  const reading = readConfig(process.env, readText)
  if (reading.kind === 'errors') {
    for (const why of reading.warnings) process.stderr.write(`Warning: ${why}\n`)
    const { renderProblems } = await import('./config/findings.ts')
    process.stderr.write(renderProblems(reading.errors, process.stderr.columns))
    return EX_CONFIG
  }
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

/** A secret or a PEM file is small; a path that names a device or a log must not hold up the start. */
const FILE_MAX_BYTES = 1024 * 1024

function readText(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(FILE_MAX_BYTES + 1)
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null)
    }
    if (length > FILE_MAX_BYTES) throw new Error(`larger than ${FILE_MAX_BYTES} bytes`)
    return bytes.toString('utf8', 0, length)
  } finally {
    closeSync(file)
  }
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
