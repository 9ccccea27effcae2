/**
 * Calls: the requests to the app that are out, and the gate they pass.
 *
 * gate ─▶ attempt ─▶ answer. A work is in one call at the most; a batch carries several works in one call, and each takes
 * its own part of the answer. A work that is taken back leaves the book at once, so what its call says afterwards counts
 * nowhere; a call whose works are all taken back is aborted.
 */
import type { Answer } from './core/answer.ts'
import { answersOf } from './core/batch-answer.ts'
import type { Parcel } from './core/delivery.ts'
import type { Pass } from './core/gate.ts'
import { Gate } from './core/gate.ts'
import type { Journal } from './core/journal.ts'
import type { Attempt, Clock, Delivery, Webhook } from './core/seams.ts'
import { SlotMap } from './core/slot-map.ts'
import type { Work } from './core/work.ts'
import { coordinatesOf } from './core/work.ts'

interface Call {
  readonly works: readonly Work[]
  readonly attempt: Attempt
  readonly startedAtMs: number
  readonly pass: Pass
  /** How many of its works have not been taken back. */
  kept: number
}

export interface CallsOptions {
  readonly webhook: Webhook
  readonly clock: Clock
  readonly journal: Journal
  /** Writes a delivery, in the format that the app is set to. */
  readonly deliver: (parcels: readonly Parcel[]) => Delivery
  /** Is told the answer for each work, once its call is no longer out. */
  readonly answered: (work: Work, answer: Answer) => void
  /** Is told that a call is over, after its answers. */
  readonly over: () => void
}

export class Calls {
  readonly gate = new Gate()
  readonly #options: CallsOptions
  /** By the works' serials. */
  readonly #out = new SlotMap<number, Call>()
  #size = 0

  constructor(options: CallsOptions) {
    this.#options = options
  }

  /** How many requests are out. */
  get size(): number {
    return this.#size
  }

  /** How many works are out in them. */
  get works(): number {
    return this.#out.size
  }

  /** When the oldest that is out was sent. */
  get oldestAtMs(): number | undefined {
    return this.#out.first?.startedAtMs
  }

  /** Sends works that have begun their attempt, in one request. */
  send(works: readonly Work[]): void {
    const { clock, journal } = this.#options
    const attempt = this.#attempt(works)
    const call: Call = { works, attempt, startedAtMs: clock.nowMs(), pass: this.gate.pass(), kept: works.length }
    this.#size += 1
    for (const work of works) {
      this.#out.set(work.serial, call)
      const { entry, event } = work
      journal({
        name: 'attempt.started',
        ...coordinatesOf(work),
        attempt: entry.attempts,
        eventType: event.type,
      })
    }
    void attempt.answer.then((answer) => {
      if (call.kept > 0) this.#close(call, answer)
    })
  }

  /** What cannot be written is rejected for good: thrown from here it would stop the whole partition, again and again. */
  #attempt(works: readonly Work[]): Attempt {
    const { webhook, deliver } = this.#options
    try {
      return webhook.attempt(deliver(works.map(parcelOf)))
    } catch (error) {
      const why = `it cannot be written as an HTTP request: ${String(error)}`
      return { answer: Promise.resolve({ kind: 'never', why, responded: false }), abort: () => undefined }
    }
  }

  /** Takes a work back. */
  abort(work: Work): void {
    const call = this.#out.delete(work.serial)
    if (call === undefined) return
    call.kept -= 1
    if (call.kept > 0) return
    this.#size -= 1
    this.gate.callOff(call.pass)
    call.attempt.abort()
  }

  /** The app reports about a work: if that is the probe, the app is there. */
  heard(work: Work): void {
    const call = this.#out.get(work.serial)
    if (call === undefined) return
    const nowMs = this.#options.clock.nowMs()
    this.#note(this.gate.closedAtMs, this.gate.heard(call.pass, nowMs), '')
  }

  abortAll(): void {
    for (const { works } of [...this.#out]) for (const work of works) this.abort(work)
  }

  #close(call: Call, answer: Answer): void {
    const { clock, over } = this.#options
    const { works, startedAtMs, pass } = call
    const nowMs = clock.nowMs()
    // Nearly always one event and no word about it but the status. What was taken back was in the delivery all the same.
    const isPlain = works.length === 1 && answer.body === undefined
    const answers = isPlain ? undefined : answersOf(answer, works.map(idOf))
    const kept: [Work, Answer][] = []
    works.forEach((work, at) => {
      if (this.#out.get(work.serial) === call) kept.push([work, answers?.[at] ?? answer])
    })
    this.#size -= 1
    call.kept = 0
    for (const [work, own] of kept) this.#answered(work, own, nowMs - startedAtMs)
    this.#note(this.gate.closedAtMs, this.gate.learn(answer, pass, nowMs, clock.chance()), answer.why)
    for (const [work, own] of kept) this.#options.answered(work, own)
    over()
  }

  #answered(work: Work, { kind, why }: Answer, tookMs: number): void {
    this.#out.delete(work.serial)
    const attempt = work.entry.attempts
    this.#options.journal({ name: 'attempt.answered', ...coordinatesOf(work), attempt, answer: kind, why, tookMs })
  }

  /** @param closedAtMs since when it had been closed. */
  #note(closedAtMs: number | undefined, change: 'closed' | 'opened' | undefined, why: string): void {
    const { clock, journal } = this.#options
    const nowMs = clock.nowMs()
    if (change === 'closed') journal({ name: 'gate.closed', why })
    if (change === 'opened') journal({ name: 'gate.opened', closedMs: nowMs - (closedAtMs ?? nowMs) })
  }
}

function parcelOf({ record, event, entry }: Work): Parcel {
  if (record === undefined) throw new Error(`an ended work cannot be sent: ${event.id}`)
  return { record, event, attempt: entry.attempts }
}

function idOf({ event }: Work): string {
  return event.id
}
