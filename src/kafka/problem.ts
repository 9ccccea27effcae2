/**
 * What is wrong with Kafka just now, in a sentence for the operator.
 *
 * KafkaJS wraps an error in errors; the one at the bottom says what happened. The law: each distinct problem is written
 * down once when it appears, not at every retry, and again only after it has been gone for a while.
 */
import { BridgeError, ERRORS } from '../core/errors.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { JournalEntry } from '../core/journal.ts'

export interface Problem {
  readonly code: ErrorCode
  /** What happened, with the place it happened at. */
  readonly why: string
}

/** Kafka's names for what an ACL forbids. */
const FORBIDDEN = /^(?:TOPIC|GROUP|CLUSTER|TRANSACTIONAL_ID)_AUTHORIZATION_FAILED$/
/** What Node's TLS says when either side does not accept the other's certificate or protocol. */
const TLS = /certificate|\balert\b|\bssl\b|\btls\b|altnames|wrong version number/i

/** The problem that an error of KafkaJS or of the sockets below it stands for. */
export function problemOf(thrown: unknown, during: string): Problem {
  const errors = chain(thrown)
  const ours = errors.find((error) => error instanceof BridgeError)
  if (ours !== undefined) return { code: ours.code, why: ours.message }
  const type = errors.map((error) => (error as { type?: unknown }).type).find((named) => typeof named === 'string')
  const root = errors.at(-1)
  const message = root === undefined ? String(thrown) : root.message.trim()
  const why = `${during}: ${message === '' ? (root?.name ?? 'no reason given') : message}`
  if (errors.some(({ name }) => name.startsWith('KafkaJSSASL'))) return { code: 'XZB_KAFKA_AUTH', why }
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return { code: 'XZB_KAFKA_TOPIC_UNKNOWN', why }
  if (type !== undefined && FORBIDDEN.test(type)) return { code: 'XZB_KAFKA_FORBIDDEN', why }
  if (TLS.test(message)) return { code: 'XZB_KAFKA_TLS', why }
  if (errors.some(({ name }) => CONNECTION.has(name)) || isSystemError(root)) return { code: 'XZB_KAFKA_CONNECT', why }
  return { code: 'XZB_KAFKA_CONSUMER_STOPPED', why }
}

const CONNECTION = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSNoBrokerAvailableError',
])

function isSystemError(error: Error | undefined): boolean {
  return typeof (error as { syscall?: unknown } | undefined)?.syscall === 'string'
}

/** An error, then what caused it, down to the bottom. */
function chain(thrown: unknown): readonly Error[] {
  const errors: Error[] = []
  for (let at = thrown; at instanceof Error && !errors.includes(at); at = at.cause) errors.push(at)
  return errors
}

/** How long nothing must have been wrong before a problem that was noted is news again. */
const FORGET_AFTER_MS = 60_000
/** Brokers that take turns in failing are some distinct problems; more than these is a story without end. */
const MAX_NOTED = 32

/** Keeps what is wrong, and says when it is news. */
export class ProblemBook {
  #now: Problem | undefined
  readonly #noted = new Set<string>()
  #mendedAtMs: number | undefined

  /** A sentence for the operator; undefined when nothing is wrong. */
  get sentence(): string | undefined {
    if (this.#now === undefined) return undefined
    return `${ERRORS[this.#now.code].what} (${this.#now.why})`
  }

  /** Something is wrong. @returns the journal's entry when it is news. */
  appeared(problem: Problem, nowMs: number): JournalEntry | undefined {
    if (this.#mendedAtMs !== undefined && nowMs - this.#mendedAtMs >= FORGET_AFTER_MS) this.#noted.clear()
    this.#mendedAtMs = undefined
    this.#now = problem
    const name = `${problem.code} ${problem.why}`
    if (this.#noted.has(name) || this.#noted.size >= MAX_NOTED) return undefined
    this.#noted.add(name)
    return { name: 'kafka.problem', ...problem, hint: ERRORS[problem.code].hint }
  }

  /** Kafka works. */
  mended(nowMs: number): void {
    if (this.#now === undefined) return
    this.#now = undefined
    this.#mendedAtMs = nowMs
  }
}
