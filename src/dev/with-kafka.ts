/**
 * `node with-kafka.js <command> [arguments…]`: runs a command beside a real Kafka, and ends with the command's exit code.
 *
 * First a Kafka is looked for, then the command runs. It finds KAFKA_BROKERS, and KAFKA_SASL_BROKERS, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, in its
 * environment. Where no Kafka can be had it does not run, and the exit code is 69: nothing that needs Kafka is ever
 * skipped in silence. Other exit codes of its own are 64, no command given, and 127, the command is not there.
 * Ctrl-C reaches the command through the terminal; Kafka ends after it.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { constants } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FindKafkaOptions, KafkaBroker, NoKafka } from './kafka-broker.ts'
import { findKafka } from './kafka-broker.ts'
import type { Environment } from './kafka/run.ts'

/** EX_UNAVAILABLE and EX_USAGE of sysexits.h; 127 is the shell's word for a command that is not there. */
const NO_KAFKA = 69
const USAGE = 64
const NOT_FOUND = 127

export interface WithKafkaOptions {
  readonly env: Environment
  /** Hears a sentence for people. */
  readonly say: (sentence: string) => void
  readonly find?: (options: FindKafkaOptions) => Promise<KafkaBroker | NoKafka>
}

/** @returns the exit code: the command's own, 128 and the signal's number, or why it did not run. */
export async function withKafka(command: readonly string[], options: WithKafkaOptions): Promise<number> {
  const { env, say, find = findKafka } = options
  const [program, ...args] = command
  if (program === undefined) {
    say('Say which command to run beside Kafka: with-kafka <command> [arguments…]')
    return USAGE
  }
  const sasl = { username: 'alice', password: randomBytes(12).toString('hex') }
  say(`A Kafka for the tests is looked for; then ${program} runs`)
  const kafka = await find({ env, sasl, progress: say })
  if (kafka.kind === 'none') {
    say(kafka.why)
    return NO_KAFKA
  }
  try {
    return await runCommand(program, args, { ...env, ...variables(kafka) }, say)
  } finally {
    await kafka.stop()
  }
}

function variables({ brokers, sasl }: KafkaBroker): Environment {
  if (sasl === undefined) return { KAFKA_BROKERS: brokers.join(',') }
  return {
    KAFKA_BROKERS: brokers.join(','),
    KAFKA_SASL_BROKERS: sasl.brokers.join(','),
    KAFKA_SASL_USERNAME: sasl.username,
    KAFKA_SASL_PASSWORD: sasl.password,
  }
}

async function runCommand(
  program: string,
  args: readonly string[],
  env: Environment,
  say: (sentence: string) => void,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: 'inherit' })
    // A terminal sends Ctrl-C to the command too; it decides when it is done. What comes to us alone is passed on.
    const pass = (signal: NodeJS.Signals): void => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    }
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
    for (const signal of signals) process.on(signal, pass)
    const end = (code: number): void => {
      for (const signal of signals) process.off(signal, pass)
      resolve(code)
    }
    child.once('error', (error) => {
      say(`${program} cannot be run: ${error.message}`)
      end(NOT_FOUND)
    })
    child.once('exit', (code, signal) => {
      end(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}

if (resolve(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  process.exitCode = await withKafka(process.argv.slice(2), {
    env: process.env,
    say: (sentence) => {
      process.stderr.write(`${sentence}\n`)
    },
  })
}
