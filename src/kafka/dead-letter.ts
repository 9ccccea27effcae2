/**
 * Dead letters to their topic: where a record goes that came to nothing, before its offset moves.
 *
 * ```
 *   write ─▶ outbox ─▶ one request at a time, all in-sync replicas ─▶ written ─▶ resolves
 *               ▲                     │
 *               └── rests, alone, lighter ◀── refused; no answer: a new connection
 * ```
 *
 * The laws: a letter is tried for ever and never given up; it may stand twice, and is never missing; whatever is wrong
 * is said once, in one sentence for the operator, and mends by itself. What waits is bounded by the caller: the hub counts the
 * records as held bytes until their letters are written, and pauses their partitions. The topic is never made from here:
 * how long letters are kept and who may read them is the operator's to say.
 */
import type { DeadLetter } from '../core/dead-letter.ts'
import { letterHeaders } from '../core/dead-letter.ts'
import type { ERRORS } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import type { Parcel, Refusal } from '../core/outbox.ts'
import { Outbox } from '../core/outbox.ts'
import { coordinates } from '../core/record.ts'
import type { Clock, DeadLetters, Wake } from '../core/seams.ts'
import type { KafkaOptions } from './client.ts'
import { ProblemBook, problemOf } from './problem.ts'
import type { Problem } from './problem.ts'
import type { NewRecord } from './produce.ts'
import type { Appended, Producer } from './producer.ts'
import { TopicProducer } from './producer.ts'
import { Waits } from './wait.ts'

export interface KafkaDeadLettersOptions {
  /** A client of its own, beside the source's. */
  readonly kafka: KafkaOptions
  readonly topic: string
  /** The consumer group: whose letters they are. */
  readonly group: string
  readonly clock: Clock
  readonly journal: Journal
  /** The longest pause between two tries. */
  readonly retryMaxMs?: number
  /** How long saying goodbye may take. */
  readonly stopMs?: number
  /** In place of Kafka, for tests of what is decided here. */
  readonly openProducer?: () => Producer
}

const RETRY_INITIAL_MS = 250
/** How long one request may take before another goes on a new connection. */
const APPEND_MS = 30_000

export class KafkaDeadLetters implements DeadLetters {
  readonly #options: KafkaDeadLettersOptions
  readonly #outbox: Outbox
  readonly #problems = new ProblemBook()
  readonly #written = new Map<Parcel, () => void>()
  #producer: Producer | undefined
  #wake: Wake | undefined
  readonly #waits: Waits
  #busy = false
  #stopping: Promise<void> | undefined

  constructor(options: KafkaDeadLettersOptions) {
    this.#options = options
    this.#waits = new Waits(options.clock)
    this.#outbox = new Outbox({ retryInitialMs: RETRY_INITIAL_MS, retryMaxMs: options.retryMaxMs ?? 5000 })
  }

  get problem(): string | undefined {
    return this.#problems.sentence
  }

  write(letter: DeadLetter): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopping !== undefined) return
      this.#written.set(this.#outbox.put(letter), resolve)
      // Not at once: what dies in the same breath goes in one request.
      if (!this.#busy) this.#sendAt(this.#options.clock.nowMs())
    })
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#close()
    return this.#stopping
  }

  async #close(): Promise<void> {
    const { clock, stopMs = 2000 } = this.#options
    this.#wake?.cancel()
    this.#written.clear()
    this.#waits.end()
    await new Waits(clock).within(stopMs, this.#producer?.close() ?? Promise.resolve())
  }

  #sendAt(atMs: number | undefined): void {
    this.#wake?.cancel()
    if (atMs === undefined || this.#stopping !== undefined) return
    this.#wake = this.#options.clock.wake(atMs, () => void this.#send())
  }

  async #send(): Promise<void> {
    const { clock, kafka, topic, openProducer = () => new TopicProducer(kafka, topic) } = this.#options
    const parcels = this.#outbox.next(clock.nowMs())
    if (parcels.length > 0 && !this.#busy) {
      this.#busy = true
      try {
        this.#producer ??= openProducer()
        const written = this.#producer.append(parcels.map((parcel) => this.#recordOf(parcel)))
        // KafkaJS may leave it pending for ever; a letter that is there by then stands twice.
        const answer = await this.#waits.within(APPEND_MS, written)
        if (answer === undefined) throw new Error(`no answer within ${APPEND_MS} ms`)
        this.#answered(parcels, answer)
      } catch (error) {
        this.#unreached(error)
      }
      this.#busy = false
    }
    this.#sendAt(this.#outbox.nextAtMs)
  }

  #recordOf({ letter, leftOut }: Parcel): NewRecord {
    const { key, value } = letter.record
    const atMs = this.#options.clock.nowMs()
    const error = leftOut === undefined ? letter.error : `${lightened(letter, leftOut)} ${letter.error}`
    return {
      // When it was written, not when its record was: a topic's retention must begin to count now.
      timestampMs: atMs,
      key: leftOut === 'all' ? null : key,
      value: leftOut === undefined ? value : null,
      headers: letterHeaders({ ...letter, error }, { group: this.#options.group, atMs, leftOut }),
    }
  }

  #answered(parcels: readonly Parcel[], answers: readonly Appended[]): void {
    if (this.#stopping !== undefined) return
    const { clock } = this.#options
    const failed = answers.find((answer) => answer.kind === 'refused' && refusalOf(answer.error) === 'not-now')
    if (failed?.kind === 'refused' && answers.every((answer) => answer.kind === 'refused')) {
      this.#unreached(failed.error)
      return
    }
    for (const [at, parcel] of parcels.entries()) {
      const answer = answers[at]
      if (answer?.kind === 'written') this.#arrived(parcel, answer)
      else this.#refused(parcel, answer?.error ?? new Error('no answer for this letter'))
    }
    if (answers.some(({ kind }) => kind === 'written') && !this.#outbox.refusing) this.#problems.mended(clock.nowMs())
    // Another leader, or a connection that has gone silent: asked anew, the cluster says how it stands.
    if (failed !== undefined) this.#dropProducer()
  }

  #arrived(parcel: Parcel, { partition, offset }: { readonly partition: number; readonly offset: bigint }): void {
    const { letter, leftOut } = parcel
    const { topic, partition: fromPartition, offset: fromOffset } = letter.record
    const place = { topic, partition: fromPartition, offset: fromOffset }
    this.#outbox.written(parcel)
    this.#options.journal({
      name: 'record.dead-lettered',
      ...place,
      reason: letter.reason,
      attempts: letter.attempts,
      why: letter.error,
      letterTopic: this.#options.topic,
      letterPartition: partition,
      letterOffset: offset,
    })
    if (leftOut !== undefined) {
      this.#options.journal({ name: 'dead-letter.cut', ...place, leftOut, why: lightened(letter, leftOut) })
    }
    this.#written.get(parcel)?.()
    this.#written.delete(parcel)
  }

  #refused(parcel: Parcel, error: Error): void {
    const { clock } = this.#options
    const refusal = refusalOf(error)
    const wasAlone = parcel.alone
    const lighter = this.#outbox.refused(parcel, refusal, clock.nowMs(), clock.chance())
    // Refused in company it may be another's fault, and what is made lighter is about to be mended.
    if (refusal === 'not-now' || (wasAlone && lighter === undefined)) this.#note(error, parcel)
  }

  #unreached(error: unknown): void {
    if (this.#stopping !== undefined) return
    const { clock } = this.#options
    this.#note(error)
    this.#outbox.unreached(clock.nowMs(), clock.chance())
    this.#dropProducer()
  }

  #dropProducer(): void {
    void this.#producer?.close()
    this.#producer = undefined
  }

  #note(error: unknown, parcel?: Parcel): void {
    const { topic, clock, journal } = this.#options
    const about = parcel?.alone === true ? ` for ${coordinates(parcel.letter.record)}` : ''
    const problem = letterProblem(problemOf(error, `writing dead letters${about} to ${topic}`))
    const news = this.#problems.appeared(problem, clock.nowMs())
    if (news !== undefined) journal(news)
  }
}

/** Kafka's names for what is wrong with the size of a record or a batch, and with what they hold. */
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])
const UNFIT = new Set(['INVALID_RECORD', 'CORRUPT_MESSAGE', 'INVALID_TIMESTAMP'])

function refusalOf(error: Error): Refusal {
  const { type } = error as Error & { readonly type?: unknown }
  if (typeof type !== 'string') return 'not-now'
  return TOO_LARGE.has(type) ? 'too-large' : UNFIT.has(type) ? 'unfit' : 'not-now'
}

/** What is wrong on the way to Kafka has its own code and hint; the rest is about the topic. */
const OF_THE_WAY: ReadonlySet<string> = new Set([
  'XZB_KAFKA_CONNECT',
  'XZB_KAFKA_AUTH',
  'XZB_KAFKA_TLS',
  'XZB_KAFKA_PATCH_MISMATCH',
] satisfies (keyof typeof ERRORS)[])

function letterProblem({ code, why }: Problem): Problem {
  return OF_THE_WAY.has(code) ? { code, why } : { code: 'XZB_KAFKA_DEAD_LETTER', why }
}

/** What a letter had to leave out, for whoever reads it. */
function lightened({ record }: DeadLetter, leftOut: 'value' | 'all'): string {
  const bytes = record.value?.length ?? 0
  const what =
    leftOut === 'value' ? `The value of ${bytes} bytes is` : `The value of ${bytes} bytes, key and headers are`
  return `${what} too large for the topic of dead letters; the original stands at ${coordinates(record)}.`
}
