/**
 * The reporter: brings lifecycle events to XZepr, in order per work, until XZepr has them.
 *
 *   start ─▶ looking for the receiver ─▶ telling ──▶ stopped
 *                  ▲                        │
 *                  └── XZepr does not know the receiver, or says it is another's
 *
 * It acts and decides nothing: core/telling.ts says what may go and what an answer means, core/pace.ts how fast. While
 * the receiver is unknown nothing goes, and what is told is held: nothing waits for XZepr to come up.
 *
 * Law: a promise of `tell` resolves once, with `stored` or `given-up`; what is still held at `stop` never resolves.
 */
import type { OwnReport } from '../core/filter.ts'
import type { LifecycleEvent } from '../core/lifecycle.ts'
import { lifecycleBody } from '../core/lifecycle.ts'
import { ERRORS } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import { utf8Bytes } from '../core/json.ts'
import type { Told } from '../core/report.ts'
import type { Backlog, Clock, Moment, Reporter, Wake } from '../core/seams.ts'
import type { Owed } from '../core/telling.ts'
import { Telling } from '../core/telling.ts'
import type { Problem, XzeprAnswer } from '../core/xzepr-answer.ts'
import { xzeprAnswer } from '../core/xzepr-answer.ts'
import type { NewReceiver } from './client.ts'
import { XzeprClient } from './client.ts'
import type { Credentials } from './credentials.ts'
import { Heard } from './heard.ts'
import { Receiver } from './receiver.ts'

export interface ReporterOptions {
  /** XZEPR_API_URL; a path in it is kept. */
  readonly url: URL
  /** For one whole exchange; XZepr answers some POSTs after 15 s. */
  readonly timeoutMs: number
  readonly credentials: Credentials
  readonly receiver: NewReceiver
  readonly clock: Clock
  readonly journal: Journal
  /** Certificates in PEM, trusted in place of the platform's own. */
  readonly caPem?: string | undefined
  /** Requests of `tell` that are out at once. */
  readonly concurrency?: number
  /** Requests of `forward` that are out at once; over it the answer is `away`. */
  readonly forwardsMax?: number
  readonly retryInitialMs?: number
  readonly retryMaxMs?: number
  /** Tries that may count against one report. */
  readonly triesMax?: number
  /** How long `stop` waits for what is out. */
  readonly stopWithinMs?: number
}

interface Held {
  readonly event: LifecycleEvent
  readonly tell: (told: Told) => void
}

interface Sent {
  readonly answer: XzeprAnswer
  readonly bytes: number
}

/** What holding an event costs beside the app's details: the objects around it, rounded up. */
const HELD_OVERHEAD_BYTES = 1024
/** When to come again if nothing better is known. */
const SOON_MS = 1000

export class XzeprReporter implements Reporter {
  readonly #options: ReporterOptions
  readonly #client: XzeprClient
  readonly #book: Telling<Held>
  readonly #receiver: Receiver
  readonly #heard = new Heard()
  readonly #forwardsMax: number
  #forwards = 0
  #notedId: string | undefined
  #notedProblem: string | undefined
  #wake: Wake | undefined
  #stopped = false
  #idle: (() => void) | undefined

  constructor(options: ReporterOptions) {
    const { concurrency = 8, retryInitialMs = 500, retryMaxMs = 60_000, triesMax = 20, forwardsMax = 32 } = options
    const { receiver: wanted, clock } = options
    const retry = { initialMs: retryInitialMs, maxMs: retryMaxMs }
    this.#options = options
    this.#forwardsMax = forwardsMax
    this.#book = new Telling({ ...retry, concurrency, triesMax })
    // One more for the look for the receiver, so that it never waits behind reports.
    this.#client = new XzeprClient({ ...options, connections: concurrency + forwardsMax + 1 })
    const changed = (created: boolean): void => {
      this.#receiverChanged(created)
    }
    this.#receiver = new Receiver({ ...retry, client: this.#client, wanted, clock, changed })
  }

  /** Begins to look for the receiver; nothing is sent before. Returns at once. */
  start(): void {
    void this.#receiver.look()
  }

  get receiverId(): string | undefined {
    return this.#receiver.id
  }

  get backlog(): Backlog {
    return this.#book.backlog
  }

  /** What keeps reports from XZepr just now, in a sentence for the operator; undefined when nothing does. */
  get problem(): string | undefined {
    const problem = this.#currentProblem
    return problem === undefined ? undefined : `${problem.code}: ${problem.why}`
  }

  heard(report: OwnReport): void {
    this.#heard.add(report)
  }

  tell(thread: string, event: LifecycleEvent): Promise<Told> {
    const eventId = this.#heard.eventIdOf(event.deliveryId)
    if (eventId !== undefined) return Promise.resolve(this.#noteTold(event, { kind: 'stored', eventId }))
    return new Promise((resolve) => {
      this.#book.owe(thread, { event, tell: resolve }, heldBytes(event))
      this.#pump()
    })
  }

  async forward(event: LifecycleEvent): Promise<Told> {
    const before = this.#heard.eventIdOf(event.deliveryId)
    if (before !== undefined) return { kind: 'stored', eventId: before }
    const { pace } = this.#book
    const { ready: receiverId, looks } = this.#receiver
    const waitMs = pace.notBeforeMs - this.#options.clock.nowMs()
    if (this.#stopped) return away('the bridge is stopping', SOON_MS)
    if (receiverId === undefined) return away(this.problem ?? 'the receiver is not known yet', SOON_MS)
    if (waitMs > 0) return away(this.problem ?? 'XZepr’s rate limit is reached', waitMs)
    // While XZepr is down or the bucket is low, forwards go one at a time like the rest.
    const widthMax = pace.open ? this.#forwardsMax : 1
    if (this.#forwards >= widthMax) return away('as many reports are being forwarded as may be', SOON_MS)
    const { wave } = pace
    this.#forwards += 1
    const { answer } = await this.#send(event, receiverId)
    this.#forwards -= 1
    pace.heard(`forward ${event.deliveryId}`, answer, wave, this.#moment())
    const receiverLost = answer.kind === 'no-receiver' || (answer.kind === 'barred' && answer.receiverInDoubt)
    this.#goOn(receiverLost && looks === this.#receiver.looks)
    if (answer.kind === 'stored') {
      // Its record may come in any moment, and the same report with it.
      this.#heard.add({ deliveryId: event.deliveryId, eventId: answer.id })
      return this.#noteTold(event, { kind: 'stored', eventId: answer.id })
    }
    if (answer.kind === 'refused') return this.#noteTold(event, { kind: 'given-up', why: answer.why })
    return away(answer.why, Math.max(SOON_MS, pace.notBeforeMs - this.#options.clock.nowMs()))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#wake?.cancel()
    this.#receiver.stop()
    const { clock, stopWithinMs = 2000 } = this.#options
    if (this.#book.out + this.#forwards > 0) {
      await new Promise<void>((resolve) => {
        const bound = clock.wake(clock.nowMs() + stopWithinMs, resolve)
        this.#idle = () => {
          bound.cancel()
          resolve()
        }
      })
    }
    await this.#client.close()
  }

  /** Sends all that may go now, and sees to it that it is called again when more may. */
  #pump(): void {
    this.#wake?.cancel()
    this.#wake = undefined
    const { ready: receiverId } = this.#receiver
    if (this.#stopped || receiverId === undefined) return
    const { clock } = this.#options
    for (let owed = this.#book.next(clock.nowMs()); owed !== undefined; owed = this.#book.next(clock.nowMs())) {
      void this.#sendOwed(owed, receiverId)
    }
    const { wakeAtMs } = this.#book
    if (wakeAtMs === undefined) return
    this.#wake = clock.wake(wakeAtMs, () => {
      this.#pump()
    })
  }

  async #sendOwed(owed: Owed<Held>, receiverId: string): Promise<void> {
    const { event, tell } = owed.what
    const { looks } = this.#receiver
    const { answer, bytes } = await this.#sendUnheard(event, receiverId)
    const outcome = this.#book.answered(owed, answer, looks !== this.#receiver.looks, this.#moment())
    this.#goOn(outcome.kind !== 'stored' && outcome.lookAgain)
    if (outcome.kind === 'stored') tell(this.#noteTold(event, outcome))
    else if (outcome.kind === 'given-up') {
      tell(this.#noteTold(event, { kind: 'given-up', why: `${outcome.why} (a body of ${bytes} bytes)` }))
    }
  }

  /** After every answer: what was learned is noted, what may go now goes. */
  #goOn(lookAgain: boolean): void {
    if (lookAgain && !this.#stopped) void this.#receiver.look()
    this.#noteProblem()
    if (this.#book.out + this.#forwards === 0) this.#idle?.()
    this.#pump()
  }

  /** What came round on the topic is stored, whatever the answer says, and is not sent again. */
  async #sendUnheard(event: LifecycleEvent, receiverId: string): Promise<Sent> {
    const before = this.#heard.eventIdOf(event.deliveryId)
    if (before !== undefined) return { answer: { kind: 'stored', id: before, rate: {} }, bytes: 0 }
    const sent = await this.#send(event, receiverId)
    const id = sent.answer.kind === 'stored' ? undefined : this.#heard.eventIdOf(event.deliveryId)
    return id === undefined ? sent : { ...sent, answer: { kind: 'stored', id, rate: {} } }
  }

  async #send(event: LifecycleEvent, receiverId: string): Promise<Sent> {
    const body = lifecycleBody(event, receiverId)
    const exchange = await this.#client.createEvent(body)
    return { answer: xzeprAnswer(exchange, this.#options.clock.nowMs()), bytes: utf8Bytes(body) }
  }

  #receiverChanged(created: boolean): void {
    const { receiver, journal } = this.#options
    const { ready: receiverId } = this.#receiver
    if (receiverId !== undefined && receiverId !== this.#notedId) {
      journal({ name: 'xzepr.receiver', receiverId, receiver: receiver.name, created })
      this.#notedId = receiverId
    }
    this.#goOn(false)
  }

  #noteTold<T extends Told & { kind: 'stored' | 'given-up' }>(event: LifecycleEvent, told: T): T {
    const { workId, status } = event
    const { journal } = this.#options
    if (told.kind === 'stored') journal({ name: 'report.stored', workId, status, eventId: told.eventId })
    else journal({ name: 'report.given-up', workId, status, why: told.why })
    return told
  }

  get #currentProblem(): Problem | undefined {
    return this.#receiver.problem ?? this.#book.pace.problem
  }

  /** Once per change of problem, not per retry. */
  #noteProblem(): void {
    const problem = this.#currentProblem
    // What stop aborts is no problem of XZepr's.
    if (this.#stopped) return
    if (problem?.code === this.#notedProblem) return
    const before = this.#notedProblem
    this.#notedProblem = problem?.code
    if (problem === undefined) {
      if (before !== undefined) this.#options.journal({ name: 'xzepr.recovered', code: before })
      return
    }
    const { code, why } = problem
    this.#options.journal({ name: 'xzepr.problem', code, why, hint: ERRORS[code].hint })
  }

  #moment(): Moment {
    const { clock } = this.#options
    return { nowMs: clock.nowMs(), chance: clock.chance() }
  }
}

function away(why: string, retryAfterMs: number): Told {
  return { kind: 'away', why, retryAfterMs }
}

/** An estimate of what holding an event costs, in bytes, that looks at the size of its members only. */
function heldBytes(event: LifecycleEvent): number {
  let bytes = HELD_OVERHEAD_BYTES
  for (const [name, value] of event.details) bytes += name.length + value.length
  return bytes
}
