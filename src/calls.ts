/**
 * Calls: the requests to the app that are out, and the gate they pass.
 *
 * gate ─▶ attempt ─▶ answer. One call per work at the most. A call that is taken back leaves the book at once, so what
 * it says afterwards counts nowhere.
 */
import type { Answer } from './core/answer.ts'
import { attemptHeaders, deliveryHeaders } from './core/delivery.ts'
import type { Pass } from './core/gate.ts'
import { Gate } from './core/gate.ts'
import type { Journal } from './core/journal.ts'
import type { Attempt, Clock, Webhook } from './core/seams.ts'
import type { Work } from './core/work.ts'
import { coordinatesOf } from './core/work.ts'

interface Call {
  readonly attempt: Attempt
  readonly startedAtMs: number
  readonly pass: Pass
}

/** A record without a value (CloudEvents binary mode without data) goes out with an empty body. */
const NO_BODY = new Uint8Array(0)

export interface CallsOptions {
  readonly webhook: Webhook
  readonly clock: Clock
  readonly journal: Journal
  readonly group: string
  /** 0 = no end. */
  readonly attemptsMax: number
}

export class Calls {
  readonly gate = new Gate()
  readonly #options: CallsOptions
  readonly #answered: (work: Work, answer: Answer) => void
  readonly #out = new Map<Work, Call>()

  /** @param answered is told each answer, once its call is no longer out. */
  constructor(options: CallsOptions, answered: (work: Work, answer: Answer) => void) {
    this.#options = options
    this.#answered = answered
  }

  /** How many are out. */
  get size(): number {
    return this.#out.size
  }

  /** When the oldest that is out was sent. */
  get oldestAtMs(): number | undefined {
    return this.#out.values().next().value?.startedAtMs
  }

  /** Sends a work that has begun its attempt. */
  send(work: Work): void {
    const { webhook, clock, journal, group, attemptsMax } = this.#options
    const { record, event, attempts } = work
    if (record === undefined) throw new Error(`an ended work cannot be sent: ${event.id}`)
    const headers = { ...deliveryHeaders(group, record, event), ...attemptHeaders(attempts, attemptsMax) }
    const attempt = webhook.attempt({
      headers,
      body: record.value ?? NO_BODY,
      id: headers['idempotency-key'] ?? '',
      wantsBody: false,
    })
    const call = { attempt, startedAtMs: clock.nowMs(), pass: this.gate.pass() }
    this.#out.set(work, call)
    journal({ name: 'attempt.started', ...coordinatesOf(work), attempt: attempts, eventType: event.type })
    void attempt.answer.then((answer) => {
      if (this.#out.get(work) === call) this.#close(work, call, answer)
    })
  }

  /** Takes a call back. */
  abort(work: Work): void {
    const call = this.#out.get(work)
    if (call === undefined) return
    this.#out.delete(work)
    this.gate.callOff(call.pass)
    call.attempt.abort()
  }

  /** The app reports about a work: if that is the probe, the app is there. */
  heard(work: Work): void {
    const call = this.#out.get(work)
    if (call === undefined) return
    const nowMs = this.#options.clock.nowMs()
    this.#note(this.gate.closedAtMs, this.gate.heard(call.pass, nowMs), '')
  }

  abortAll(): void {
    for (const work of [...this.#out.keys()]) this.abort(work)
  }

  #close(work: Work, { startedAtMs, pass }: Call, answer: Answer): void {
    const { clock, journal } = this.#options
    this.#out.delete(work)
    const nowMs = clock.nowMs()
    const tookMs = nowMs - startedAtMs
    const { kind, why } = answer
    journal({ name: 'attempt.answered', ...coordinatesOf(work), attempt: work.attempts, answer: kind, why, tookMs })
    this.#note(this.gate.closedAtMs, this.gate.learn(answer, pass, nowMs, clock.chance()), why)
    this.#answered(work, answer)
  }

  /** @param closedAtMs since when it had been closed. */
  #note(closedAtMs: number | undefined, change: 'closed' | 'opened' | undefined, why: string): void {
    const { clock, journal } = this.#options
    const nowMs = clock.nowMs()
    if (change === 'closed') journal({ name: 'gate.closed', why })
    if (change === 'opened') journal({ name: 'gate.opened', closedMs: nowMs - (closedAtMs ?? nowMs) })
  }
}
