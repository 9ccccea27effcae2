#!/usr/bin/env node
/**
 * The process: environment in, signals, exit code out. The only file that names `process`.
 *
 *   0  stopped as asked     1  failed     64  wrong command line     78  wrong configuration
 *
 * The first SIGTERM or SIGINT drains; a second one ends the grace.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import process from 'node:process'
import { createApp } from './app.ts'
import { parse } from './cli.ts'
import { systemClock } from './clock.ts'
import { readConfig } from './config.ts'
import { renderProblems } from './config/findings.ts'
import { BridgeError } from './core/errors.ts'
import { createLog } from './log.ts'

const EX_CONFIG = 78

async function main(): Promise<number> {
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
  const reading = readConfig(process.env, (path) => readFileSync(path, 'utf8'))
  if (reading.kind === 'errors') {
    for (const why of reading.warnings) process.stderr.write(`Warning: ${why}\n`)
    process.stderr.write(renderProblems(reading.errors, process.stderr.columns))
    return EX_CONFIG
  }
  const { config, warnings } = reading
  const log = createLog({ level: config.logLevel, service: config.service })
  for (const why of warnings) log({ name: 'config.warning', why })
  const app = createApp({ config, version, clock: systemClock, log })
  const stopped = new Promise<void>((resolve, reject) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => {
        app.stop().then(resolve, reject)
      })
  })
  await app.start()
  await stopped
  // All is done: whatever a library still holds open must not keep the pod from ending.
  process.exit(0)
}

main().then(
  (exitCode) => {
    process.exitCode = exitCode
  },
  (error: unknown) => {
    const text =
      error instanceof BridgeError ? `${error.code}: ${error.message}\n${error.hint}\n` : `${String(error)}\n`
    process.stderr.write(text)
    process.exit(1)
  },
)
