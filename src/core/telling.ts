/**
 * The book of reports owed to XZepr: which may go now, and what an answer means for it.
 *
 *                   ┌── front ◀── limited once, receiver missed once ───┐
 *                   ▼                                                   │
 *      owe ──▶ ready ──▶ out ──┬── stored ─────▶ over; the next of its thread is ready
 *                   ▲          ├── nothing accepted since: an outage ─▶ behind (failing, away: after a rest)
 *                   │          └── its own doing ─▶ rests, a suspect; at the last try given up, over
 *                   └── behind, suspects: after those that never failed, but every fourth turn
 *
 * Laws: reports of one thread go in the order they were owed, one out at a time; a report leaves the book only stored
 * or given up; it is given up for what XZepr says about it, never for an outage. A try counts when XZepr refuses it, or
 * fails on it after accepting others since it failed before: then it rests alone, and holds up no other thread.
 */
import type { PaceSettings } from './pace.ts'
import { Pace } from './pace.ts'
import type { Place } from './queue.ts'
import { Queue } from './queue.ts'
import { Rests } from './rests.ts'
import { backoffMs } from './retry.ts'
import type { Backlog, Moment } from './seams.ts'
import type { XzeprAnswer } from './xzepr-answer.ts'

export interface TellingSettings extends PaceSettings {
  /** Tries that may count against one report. */
  readonly triesMax: number
}

/** A report in the book. `what` is the caller's: the book never looks inside. */
export interface Owed<What> {
  readonly what: What
  readonly bytes: number
  readonly line: Line<What>
  /** How often it came back: lengthens its rests. */
  failures: number
  /** Tries that count against it. */
  tries: number
  /** How many reports XZepr had accepted when this one last failed. */
  acceptedSeen: number
  /** XZepr did not know the receiver before; the next time it is this report's own doing. */
  missedReceiver: boolean
  /** XZepr refused it, or accepted others between its last two failures: they say nothing about XZepr. */
  suspect: boolean
  /** Went out as a suspect, beside those that the pace lets go. */
  beside: boolean
  wave: number
}

/** The reports of one thread, oldest first. */
interface Line<What> {
  readonly thread: string
  readonly owed: Owed<What>[]
  place: Place<Line<What>> | undefined
}

/** What must be done after an answer. `lookAgain`: the receiver must be found or made again before anything goes. */
export type Outcome =
  | { readonly kind: 'stored'; readonly eventId: string }
  | { readonly kind: 'given-up'; readonly why: string; readonly lookAgain: boolean }
  | { readonly kind: 'held'; readonly lookAgain: boolean }

type Unstored = Exclude<XzeprAnswer, { readonly kind: 'stored' }>

const HELD: Outcome = { kind: 'held', lookAgain: false }
const HELD_LOOK_AGAIN: Outcome = { kind: 'held', lookAgain: true }

export class Telling<What> {
  readonly pace: Pace
  readonly #settings: TellingSettings
  readonly #lines = new Map<string, Line<What>>()
  /** Back through no fault of their own: before all others, once. */
  readonly #front = new Queue<Line<What>>()
  readonly #ready = new Queue<Line<What>>()
  /** Failed in an outage. */
  readonly #behind = new Queue<Line<What>>()
  readonly #suspects = new Queue<Line<What>>()
  readonly #resting = new Rests<Line<What>>()
  #out = 0
  #beside = 0
  #turn = 0
  #events = 0
  #bytes = 0

  constructor(settings: TellingSettings) {
    this.#settings = settings
    this.pace = new Pace(settings)
  }

  get backlog(): Backlog {
    return { events: this.#events, bytes: this.#bytes }
  }

  get out(): number {
    return this.#out
  }

  /** Takes a report in, at a constant cost. */
  owe(thread: string, what: What, bytes: number): void {
    let line = this.#lines.get(thread)
    if (line === undefined) {
      line = { thread, owed: [], place: undefined }
      this.#lines.set(thread, line)
    }
    line.owed.push({
      what,
      bytes,
      line,
      failures: 0,
      tries: 0,
      acceptedSeen: 0,
      missedReceiver: false,
      suspect: false,
      beside: false,
      wave: 0,
    })
    this.#events += 1
    this.#bytes += bytes
    if (line.owed.length === 1) line.place = this.#ready.join(line)
  }

  /** The next report that may go now; it is out until `answered`. */
  next(nowMs: number): Owed<What> | undefined {
    this.#wakeRested(nowMs)
    if (nowMs < this.pace.notBeforeMs) return undefined
    const queue = this.#queue()
    const line = queue === this.#ready && this.pace.newestNext ? queue.last : queue?.first
    const owed = line?.owed[0]
    if (queue === undefined || line?.place === undefined || owed === undefined) return undefined
    queue.leave(line.place)
    line.place = undefined
    owed.wave = this.pace.wave
    owed.beside = queue === this.#suspects && !this.pace.probing
    this.#turn += 1
    this.#out += 1
    if (owed.beside) this.#beside += 1
    return owed
  }

  /** When `next` may give more although no answer comes; undefined when only an answer or a new report can. */
  get wakeAtMs(): number | undefined {
    if (this.#queue() !== undefined) return this.pace.notBeforeMs
    const dueAtMs = this.#resting.soonestAtMs
    if (dueAtMs === undefined || !(this.#roomForAny || this.#roomForSuspect)) return undefined
    return Math.max(dueAtMs, this.pace.notBeforeMs)
  }

  get #roomForAny(): boolean {
    return this.#out < this.#settings.concurrency && (this.pace.open || this.#out - this.#beside < 1)
  }

  /** Suspects that XZepr leaves hanging must not fill the width; in an outage one is the only probe. */
  get #roomForSuspect(): boolean {
    if (this.pace.probing) return this.#out === 0
    return this.#out < this.#settings.concurrency && this.#beside < Math.max(1, this.pace.width >> 2)
  }

  /** Whose turn it is. While all goes well those that failed have theirs too, or a long queue would starve them. */
  #queue(): Queue<Line<What>> | undefined {
    const { probing, newestNext } = this.pace
    const turn = probing ? 0 : this.#turn % 4
    const suspect = this.#suspects.size > 0 && this.#roomForSuspect
    if (suspect && turn === 3) return this.#suspects
    if (this.#roomForAny) {
      if (this.#front.size > 0 && !(newestNext && this.#ready.size > 0)) return this.#front
      if (this.#behind.size > 0 && turn === 1) return this.#behind
      if (this.#ready.size > 0) return this.#ready
      if (this.#behind.size > 0) return this.#behind
    }
    return suspect ? this.#suspects : undefined
  }

  /** @param stale the receiver was looked up again since the request went out. */
  answered(owed: Owed<What>, answer: XzeprAnswer, stale: boolean, moment: Moment): Outcome {
    const { pace } = this
    this.#out -= 1
    if (owed.beside) this.#beside -= 1
    const own = this.#isOwnDoing(owed, answer)
    pace.heard(owed.line.thread, answer, owed.wave, moment, own)
    if (answer.kind === 'stored') {
      this.#over(owed)
      return { kind: 'stored', eventId: answer.id }
    }
    owed.acceptedSeen = pace.accepted
    owed.failures += 1
    owed.suspect = own
    switch (answer.kind) {
      case 'refused':
        return this.#tried(owed, answer, moment, false)
      case 'no-receiver':
        if (!stale && owed.missedReceiver) return this.#tried(owed, answer, moment, !own)
        owed.missedReceiver ||= !stale
        owed.line.place = this.#front.join(owed.line)
        return stale ? HELD : HELD_LOOK_AGAIN
      case 'limited':
        // In a bucket known to be low it may well be the bucket, whatever passed meanwhile.
        if (own) return pace.open ? this.#tried(owed, answer, moment, false) : this.#rest(owed, answer, moment)
        if (owed.failures > 1) return this.#rest(owed, answer, moment)
        owed.line.place = this.#front.join(owed.line)
        return HELD
      case 'barred':
      case 'busy':
        if (own) return this.#tried(owed, answer, moment, false)
        owed.line.place = this.#behind.join(owed.line)
        return answer.kind === 'barred' && answer.receiverInDoubt && !stale ? HELD_LOOK_AGAIN : HELD
      case 'failing':
      case 'away':
        return own ? this.#tried(owed, answer, moment, false) : this.#rest(owed, answer, moment)
    }
  }

  /** Did XZepr accept others since this one failed before? An empty bucket still lets those pass that were out. */
  #isOwnDoing(owed: Owed<What>, answer: XzeprAnswer): boolean {
    const others = this.pace.accepted - owed.acceptedSeen
    return owed.failures > 0 && others >= (answer.kind === 'limited' ? this.#settings.concurrency : 1)
  }

  #tried(owed: Owed<What>, answer: Unstored, moment: Moment, lookAgain: boolean): Outcome {
    owed.tries += 1
    owed.suspect = true
    if (owed.tries < this.#settings.triesMax) {
      this.#rest(owed, answer, moment)
      return lookAgain ? HELD_LOOK_AGAIN : HELD
    }
    this.pace.forget(owed.line.thread)
    this.#over(owed)
    return { kind: 'given-up', why: `given up after ${owed.tries} tries: ${answer.why}`, lookAgain }
  }

  #rest(owed: Owed<What>, answer: Unstored, { nowMs, chance }: Moment): Outcome {
    const { initialMs, maxMs } = this.#settings
    const askedMs = 'retryAfterMs' in answer ? Math.min(answer.retryAfterMs ?? 0, maxMs) : 0
    const dueAtMs = nowMs + Math.max(askedMs, backoffMs({ attempt: owed.failures, initialMs, maxMs, chance }))
    this.#resting.add(owed.line, dueAtMs)
    return HELD
  }

  #wakeRested(nowMs: number): void {
    for (const line of this.#resting.due(nowMs)) {
      line.place = (line.owed[0]?.suspect === true ? this.#suspects : this.#behind).join(line)
    }
  }

  #over({ line, bytes }: Owed<What>): void {
    this.#events -= 1
    this.#bytes -= bytes
    line.owed.shift()
    if (line.owed.length === 0) this.#lines.delete(line.thread)
    else line.place = this.#ready.join(line)
  }
}
