/**
 * The book of reports owed to XZepr: which may go now, and what an answer means for it.
 *
 *                    ┌────────── front ◀── limited: the bucket is empty (pace.ts) ─────────────┐
 *                    ▼                                                                        │
 *      owe ──▶ ready ──▶ out ──┬── stored ─▶ over; the next of its thread is ready            │
 *                ▲             ├── refused, or a fault while others are accepted ─▶ resting;  │
 *                │             │      at the last try given up, over                          │
 *              again           └── limited ───────────────────────────────────────────────────┘
 *                └── resting ◀── a fault with nothing accepted: an outage, no try is burned
 *
 * Laws: reports of one thread go in the order they were owed, one out at a time; a report leaves the book only stored
 * or given up; it is given up for what XZepr says about it, never for an outage. A try counts against a report when
 * XZepr refuses it, or fails on it while others were accepted since; with nothing accepted it is an outage.
 */
import type { PaceSettings } from './pace.ts'
import { Pace } from './pace.ts'
import type { Place } from './queue.ts'
import { Queue } from './queue.ts'
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
  /** Failures in a row: lengthens its rests. */
  failures: number
  /** Tries that count against it. */
  tries: number
  /** How many reports XZepr had accepted when this one last went out or failed. */
  acceptedSeen: number
  /** XZepr did not know the receiver before; the next time it is this report's own doing. */
  missedReceiver: boolean
  /** XZepr accepted others between two failures of this one: its failures say nothing about XZepr. */
  suspect: boolean
  wave: number
}

/** The reports of one thread, oldest first. */
interface Line<What> {
  readonly thread: string
  readonly owed: Owed<What>[]
  place: Place<Line<What>> | undefined
}

interface Rest<What> {
  readonly dueAtMs: number
  readonly line: Line<What>
}

/** What must be done after an answer. `lookAgain`: the receiver must be found or made again before anything goes. */
export type Outcome =
  | { readonly kind: 'stored'; readonly eventId: string }
  | { readonly kind: 'given-up'; readonly why: string; readonly lookAgain: boolean }
  | { readonly kind: 'held'; readonly lookAgain: boolean }

/** Answers that may be about XZepr as a whole or about one report. */
const FAULTS: ReadonlySet<XzeprAnswer['kind']> = new Set(['barred', 'busy', 'failing', 'away'])

const HELD: Outcome = { kind: 'held', lookAgain: false }
const HELD_LOOK_AGAIN: Outcome = { kind: 'held', lookAgain: true }

export class Telling<What> {
  readonly pace: Pace
  readonly #settings: TellingSettings
  readonly #lines = new Map<string, Line<What>>()
  /** Sent back through no fault of their own: before all others. A second order of urgency would stand beside it. */
  readonly #front = new Queue<Line<What>>()
  readonly #ready = new Queue<Line<What>>()
  /** Failed before, and rested since. */
  readonly #again = new Queue<Line<What>>()
  /** Soonest last. */
  readonly #resting: Rest<What>[] = []
  #out = 0
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
    const { length } = line.owed
    line.owed.push({
      what,
      bytes,
      line,
      failures: 0,
      tries: 0,
      acceptedSeen: this.pace.accepted,
      missedReceiver: false,
      suspect: false,
      wave: 0,
    })
    this.#events += 1
    this.#bytes += bytes
    if (length === 0) line.place = this.#ready.join(line)
  }

  /** The next report that may go now; it is out until `answered`. */
  next(nowMs: number): Owed<What> | undefined {
    this.#wakeRested(nowMs)
    if (this.#out >= this.pace.width || nowMs < this.pace.notBeforeMs) return undefined
    const { queue, line } = this.#whoseTurn()
    const owed = line?.owed[0]
    if (line?.place === undefined || owed === undefined) return undefined
    queue.leave(line.place)
    line.place = undefined
    if (owed.failures === 0) owed.acceptedSeen = this.pace.accepted
    owed.wave = this.pace.wave
    this.#out += 1
    return owed
  }

  /**
   * What XZepr sent back through no fault of its own goes first. While one report at a time tries whether XZepr is
   * there, the newest of those that never failed does: were it the one that XZepr will never take, nobody would get by.
   */
  #whoseTurn(): { queue: Queue<Line<What>>; line: Line<What> | undefined } {
    if (this.#front.size > 0) return { queue: this.#front, line: this.#front.first }
    const fresh = this.pace.open ? this.#ready.first : this.#ready.last
    if (fresh !== undefined && (!this.pace.open || this.#again.size === 0)) return { queue: this.#ready, line: fresh }
    if (this.#again.size > 0) return { queue: this.#again, line: this.#again.first }
    return { queue: this.#ready, line: fresh }
  }

  /** When `next` may give more although no answer comes; undefined when only an answer or a new report can. */
  get wakeAtMs(): number | undefined {
    const dueAtMs = this.#resting.at(-1)?.dueAtMs
    if (this.#out >= this.pace.width) return undefined
    if (this.#front.size + this.#ready.size + this.#again.size > 0) return this.pace.notBeforeMs
    return dueAtMs === undefined ? undefined : Math.max(dueAtMs, this.pace.notBeforeMs)
  }

  /** @param stale the receiver was looked up again since the request went out. */
  answered(owed: Owed<What>, answer: XzeprAnswer, stale: boolean, moment: Moment): Outcome {
    this.#out -= 1
    // XZepr accepts others, so what it does with this one is about this one: it counts as a try, and it rests alone.
    const isOwnFault = FAULTS.has(answer.kind) && this.#othersAccepted(owed)
    this.pace.heard(owed.line.thread, answer, owed.wave, moment, owed.suspect)
    switch (answer.kind) {
      case 'stored':
        this.#over(owed)
        return { kind: 'stored', eventId: answer.id }
      case 'refused':
        return this.#tried(owed, answer.why, moment, false)
      case 'no-receiver':
        if (!stale && owed.missedReceiver) return this.#tried(owed, answer.why, moment, true)
        owed.missedReceiver ||= !stale
        this.#toFront(owed)
        return stale ? HELD : HELD_LOOK_AGAIN
      case 'limited':
        this.#toFront(owed)
        return HELD
      case 'barred':
      case 'busy': {
        const lookAgain = answer.kind === 'barred' && answer.receiverInDoubt && !stale
        if (isOwnFault) return this.#tried(owed, answer.why, moment, lookAgain)
        // The common pace takes no notice of a suspect, so it has to rest by itself.
        return owed.suspect ? this.#rest(owed, moment) : this.#back(owed, lookAgain)
      }
      case 'failing':
      case 'away':
        return isOwnFault ? this.#tried(owed, answer.why, moment, false) : this.#rest(owed, moment)
    }
  }

  #tried(owed: Owed<What>, why: string, moment: Moment, lookAgain: boolean): Outcome {
    owed.tries += 1
    if (owed.tries < this.#settings.triesMax) {
      this.#rest(owed, moment)
      return lookAgain ? HELD_LOOK_AGAIN : HELD
    }
    this.pace.forget(owed.line.thread)
    this.#over(owed)
    return { kind: 'given-up', why: `given up after ${owed.tries} tries: ${why}`, lookAgain }
  }

  /** Did XZepr accept others since this one last went out or failed? */
  #othersAccepted(owed: Owed<What>): boolean {
    const others = this.pace.accepted > owed.acceptedSeen
    owed.acceptedSeen = this.pace.accepted
    owed.suspect ||= others
    return others
  }

  #rest(owed: Owed<What>, { nowMs, chance }: Moment): Outcome {
    owed.failures += 1
    const { initialMs, maxMs } = this.#settings
    const dueAtMs = nowMs + backoffMs({ attempt: owed.failures, initialMs, maxMs, chance })
    let low = 0
    let high = this.#resting.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#resting[middle]?.dueAtMs ?? 0) > dueAtMs) low = middle + 1
      else high = middle
    }
    this.#resting.splice(low, 0, { dueAtMs, line: owed.line })
    return HELD
  }

  #wakeRested(nowMs: number): void {
    for (let rest = this.#resting.at(-1); rest !== undefined && rest.dueAtMs <= nowMs; rest = this.#resting.at(-1)) {
      this.#resting.pop()
      rest.line.place = this.#again.join(rest.line)
    }
  }

  /** XZepr as a whole is not there for us; behind the others, so that the next try is another's. */
  #back(owed: Owed<What>, lookAgain: boolean): Outcome {
    owed.failures += 1
    owed.line.place = this.#again.join(owed.line)
    return lookAgain ? HELD_LOOK_AGAIN : HELD
  }

  #toFront({ line }: Owed<What>): void {
    line.place = this.#front.join(line)
  }

  #over({ line, bytes }: Owed<What>): void {
    this.#events -= 1
    this.#bytes -= bytes
    line.owed.shift()
    if (line.owed.length === 0) this.#lines.delete(line.thread)
    else line.place = this.#ready.join(line)
  }
}
