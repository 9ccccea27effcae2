/**
 * `xzepr-bridge replay`: dead letters through the webhook again. A process of its own, composed here as app.ts composes
 * the bridge; which letters are meant and what an answer means is decided in core/replay.ts.
 *
 * ```
 *   topic of dead letters ─▶ weighed ─▶ (original fetched where the letter is not whole) ─▶ webhook ─▶ the next
 * ```
 *
 * The laws: one letter is out at a time, so that it is clear what was sent when it ends; nothing is committed or written to
 * Kafka; it ends, by itself or when it is asked to, and then says what it has come to and where to go on.
 */
import { EX_CONFIG, EX_UNAVAILABLE, EX_USAGE } from './cli/exits.ts'
import { LetterLines, harmless, progressText, summaryText } from './cli/replay-text.ts'
import type { ReplayOptions } from './cli/replay-words.ts'
import { atMsOf } from './cli/when.ts'
import type { Config } from './config.ts'
import { answersOf } from './core/batch-answer.ts'
import type { DeliveryFacts } from './core/delivery.ts'
import { deliveryOf, eventFacts } from './core/delivery.ts'
import { BridgeError } from './core/errors.ts'
import type { ErrorCode } from './core/errors.ts'
import type { Message } from './core/message.ts'
import { readMessage } from './core/message.ts'
import type { KafkaRecord } from './core/record.ts'
import { coordinates } from './core/record.ts'
import type { Letter, Outcome, Selection, Tally, Weighed } from './core/replay.ts'
import { NOTHING_YET, REPLAY_ATTEMPTS_MAX, outcomeOf, paceMs, weigh } from './core/replay.ts'
import type { Attempt, Clock, Webhook } from './core/seams.ts'
import { deliveryFacts, kafkaOptions, webhookOf } from './edges.ts'
import { TopicReader } from './kafka/topic-reader.ts'
import { encodings } from './webhook/encodings.ts'

export interface ReplayParts {
  readonly config: Config
  readonly options: ReplayOptions
  readonly clock: Clock
  /** Standard output; resolves when it is written. */
  readonly out: (text: string) => Promise<void>
  /** Standard error, for people. */
  readonly err: (text: string) => void
  /** Standard error is a terminal: a line may move along. */
  readonly isTTY: boolean
  /** Hands over what is to be called at each signal to end. */
  readonly onSignal: (end: () => void) => void
}

/** How often the line that moves is drawn. */
const DRAW_EVERY_MS = 100

/** @returns the exit code. */
export async function replay(parts: ReplayParts): Promise<number> {
  const { config, options, clock, err } = parts
  const topic = options.fromTopic ?? config.kafka.deadLetterTopic
  if (topic === undefined) {
    err('BRIDGE_DEAD_LETTER_TOPIC must be set, or --from-topic: where the dead letters are.\n')
    return EX_CONFIG
  }
  const nowMs = clock.nowMs()
  const sinceMs = options.since && atMsOf(options.since, nowMs)
  const untilMs = options.until && atMsOf(options.until, nowMs)
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs) {
    err('--since must be before --until: between them there is no letter.\n')
    return EX_USAGE
  }
  const reader = new TopicReader({ kafka: kafkaOptions(config), clock })
  const webhook = webhookOf(config, clock, 1)
  const { ids, reasons } = options
  const selection = { group: options.group ?? config.kafka.groupId, untilMs, ids, reasons }
  try {
    return await new Replay(parts, topic, selection, reader, webhook).run(sinceMs)
  } finally {
    await Promise.all([reader.close(), webhook.close()])
  }
}

type Wanted = Extract<Weighed, { readonly kind: 'wanted' }>

interface Early {
  readonly why: string
  /** Where to go on; undefined where it did not begin. */
  readonly sinceMs: number | undefined
  readonly exitCode: 0 | 1 | typeof EX_UNAVAILABLE
}

const TOPIC_HINT = 'The topic of dead letters must be there, and the user needs the ACLs Describe and Read on it.'
/** The table speaks of the topic of events. */
const HINTS: ReadonlyMap<ErrorCode, string> = new Map([
  ['XZB_KAFKA_TOPIC_UNKNOWN', TOPIC_HINT],
  ['XZB_KAFKA_FORBIDDEN', TOPIC_HINT],
])

class Replay {
  readonly #parts: ReplayParts
  readonly #topic: string
  readonly #selection: Selection
  readonly #reader: TopicReader
  readonly #webhook: Webhook
  readonly #lines = new LetterLines()
  #tally: Tally = NOTHING_YET
  /** When the letter at hand was written. */
  #atMs: number | undefined
  #signals = 0
  #attempt: Attempt | undefined
  /** Ends the pause that is being made. */
  #rouse: (() => void) | undefined
  #startAtMs = 0
  #drawnAtMs = 0

  constructor(parts: ReplayParts, topic: string, selection: Selection, reader: TopicReader, webhook: Webhook) {
    this.#parts = parts
    this.#topic = topic
    this.#selection = selection
    this.#reader = reader
    this.#webhook = webhook
  }

  async run(sinceMs: number | undefined): Promise<number> {
    this.#parts.onSignal(() => {
      this.#signals += 1
      this.#rouse?.()
      void this.#reader.close()
      if (this.#attempt === undefined) return
      if (this.#signals > 1) this.#attempt.abort()
      else this.#say('Ending after the letter that is out; another signal ends it at once.')
    })
    this.#atMs = sinceMs
    const early = await this.#read(sinceMs).catch((error: unknown) => this.#unread(error))
    const { failed, unreadable } = this.#tally
    const { dryRun } = this.#parts.options
    this.#say(summaryText({ tally: this.#tally, topic: this.#topic, dryRun, early }).trimEnd())
    return early !== undefined && early.exitCode > 0 ? early.exitCode : failed + unreadable > 0 ? 1 : 0
  }

  /** Letter after letter. @returns why it ended before the last. */
  async #read(sinceMs: number | undefined): Promise<Early | undefined> {
    const { limit = Infinity, dryRun } = this.#parts.options
    const spans = await this.#reader.spans(this.#topic, sinceMs)
    const all = spans.reduce((sum, { from, end }) => sum + (end - from), 0n)
    let read = 0n
    for await (const record of this.#reader.records(this.#topic, spans)) {
      this.#atMs = record.timestampMs
      if (this.#signals > 0) return this.#early('Ended as asked.', 1)
      if (this.#tally.sent + this.#tally.failed >= limit) return this.#early('The limit is reached.', 0)
      const weighed = weigh(record, this.#selection, encodings.decodeUtf8)
      if (weighed.kind !== 'wanted') this.#passOver(record, weighed)
      else if (dryRun) await this.#list(weighed)
      else {
        const outcome = await this.#send(weighed)
        if (outcome.kind === 'end') return this.#early(outcome.why, 1)
      }
      this.#draw(++read, all)
    }
    return undefined
  }

  #early(why: string, exitCode: Early['exitCode']): Early {
    return { why, sinceMs: this.#atMs, exitCode }
  }

  /** Kafka gave no answer, or was not asked any more. */
  #unread(error: unknown): Early {
    if (!(error instanceof BridgeError)) throw error
    if (this.#signals > 0) return this.#early('Ended as asked.', 1)
    this.#say(`${error.code}: ${error.message}\n${HINTS.get(error.code) ?? error.hint}`)
    return this.#early('Kafka cannot be read.', EX_UNAVAILABLE)
  }

  async #list({ letter, message }: Wanted): Promise<void> {
    this.#count(message === undefined && letter.leftOut === undefined ? 'failed' : 'sent')
    await this.#parts.out(`${this.#lines.line(letter, message?.id)}\n`)
  }

  async #send(weighed: Wanted): Promise<Outcome> {
    const { letter } = weighed
    const original = letter.leftOut === undefined ? letter.letter.record : await this.#original(letter)
    const reading = original && readMessage(original, encodings.decodeUtf8)
    const outcome: Outcome =
      original === undefined
        ? { kind: 'failed', why: 'its value was too large for the letter, and the original is gone' }
        : reading?.kind === 'message'
          ? await this.#deliver(original, reading.message)
          : { kind: 'failed', why: weighed.why }
    if (outcome.kind === 'sent') this.#count('sent', ...(outcome.accepted ? (['accepted'] as const) : []))
    if (outcome.kind === 'failed') {
      this.#count('failed')
      this.#say(this.#lines.failed(letter, weighed.message?.id, outcome.why))
    }
    return outcome
  }

  /** The record itself, where its letter could not hold it; undefined when it is gone, or another stands there now. */
  async #original({ letter: { record }, leftOut }: Letter): Promise<KafkaRecord | undefined> {
    const found = await this.#reader.record(record)
    const same = (a: Uint8Array | null, b: Uint8Array | null): boolean => Buffer.compare(a ?? NONE, b ?? NONE) === 0
    if (found?.timestampMs !== record.timestampMs) return undefined
    return leftOut === 'all' || same(found.key, record.key) ? found : undefined
  }

  async #deliver(record: KafkaRecord, message: Message): Promise<Outcome> {
    const { clock, config, options } = this.#parts
    const { retryInitialMs, retryMaxMs } = config.delivery
    const event = eventFacts(record, message, () => clock.chance())
    const facts: DeliveryFacts = {
      ...deliveryFacts(config),
      group: this.#selection.group,
      attemptsMax: REPLAY_ATTEMPTS_MAX,
    }
    await this.#pauseUntil(this.#startAtMs)
    this.#startAtMs = paceMs(clock.nowMs(), options.ratePerSecond)
    let sending = { attempt: 1, awaySinceMs: undefined as number | undefined, retryInitialMs, retryMaxMs }
    for (;;) {
      if (this.#signals > 0) return { kind: 'end', why: 'Ended as asked.' }
      // As the bridge itself delivers it; a batch holds one event.
      this.#attempt = this.#webhook.attempt(deliveryOf(facts, [{ record, event, attempt: sending.attempt }]))
      const said = await this.#attempt.answer
      this.#attempt = undefined
      const [answer = said] = said.body === undefined ? [] : answersOf(said, [event.id])
      // Cut off by the second signal: nobody knows what the app did.
      if (this.#signals > 1) return { kind: 'end', why: 'Ended as asked, with a letter out.' }
      const outcome = outcomeOf(answer, sending, { nowMs: clock.nowMs(), chance: clock.chance() })
      if (outcome.kind === 'end') return { kind: 'end', why: `The app is away (${harmless(outcome.why)}).` }
      if (outcome.kind !== 'again') return outcome
      if (outcome.awaySinceMs !== undefined && sending.awaySinceMs === undefined) {
        this.#say(`The app is away (${harmless(outcome.why)}): asking again. It should listen at BRIDGE_WEBHOOK_URL.`)
      }
      sending = { ...sending, attempt: outcome.attempt, awaySinceMs: outcome.awaySinceMs }
      await this.#pauseUntil(clock.nowMs() + outcome.inMs)
    }
  }

  #passOver(record: KafkaRecord, weighed: Exclude<Weighed, Wanted>): void {
    this.#count(weighed.kind === 'unreadable' ? 'unreadable' : 'notMeant')
    if (weighed.kind === 'unreadable') this.#say(`no letter  ${coordinates(record)}: ${harmless(weighed.why)}`)
  }

  #count(...names: readonly (keyof Tally)[]): void {
    for (const name of names) this.#tally = { ...this.#tally, [name]: this.#tally[name] + 1 }
  }

  async #pauseUntil(atMs: number): Promise<void> {
    const { clock } = this.#parts
    if (this.#signals > 0 || atMs <= clock.nowMs()) return
    await new Promise<void>((resolve) => {
      const wake = clock.wake(atMs, resolve)
      this.#rouse = () => {
        wake.cancel()
        resolve()
      }
    })
    this.#rouse = undefined
  }

  #draw(read: bigint, all: bigint): void {
    const { isTTY, clock, err } = this.#parts
    if (!isTTY || clock.nowMs() < this.#drawnAtMs + DRAW_EVERY_MS) return
    this.#drawnAtMs = clock.nowMs()
    err(`${CLEAR_LINE}${progressText(this.#tally, read, all)}`)
  }

  #say(text: string): void {
    this.#parts.err(`${this.#parts.isTTY ? CLEAR_LINE : ''}${text}\n`)
  }
}

const NONE = new Uint8Array()
const CLEAR_LINE = '\r\u001b[2K'
