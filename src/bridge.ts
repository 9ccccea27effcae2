/**
 * THE ROAD: one record from Kafka to the app to XZepr to commit.
 *
 *  Kafka
 *    │ record
 *    ▼
 *  received ─▶ decode ─▶ filter ─▶ lane ─▶ gate ─▶ attempt ─┬─ done ───────────────────────▶ completed ──┐
 *  (ledger)      │         │        ▲                       ├─ accepted ─▶ running ─ report ▶ completed ─┤
 *                │         │        │                       │                 │  └── report ▶ failed ────┤
 *                │         │     resting ◀── later ─────────┴──── lease out ──┘                          ├▶ settled ▶ commit
 *                │         │        └── attempts spent ──────── never ────────────────────▶ failed ──────┤ (ledger)   Kafka
 *                │         └─ refused ───────────────────────────────────────────────────▶ passed over ──┤
 *                └─ cannot be read ──────────────────────────────────────────────────────▶ poison ───────┘
 *
 *                every change of a work ─▶ lifecycle event ─▶ reporter ─▶ XZepr
 *
 * The core decides and says what must be done as effects; one switch here carries them out, and `settle` is the one
 * place where a record ends. A work of a revoked partition is dropped; what comes late for it settles an orphan.
 */
import { Calls } from './calls.ts'
import { Committer } from './committer.ts'
import type { Answer } from './core/answer.ts'
import { eventFacts } from './core/delivery.ts'
import type { Step } from './core/effects.ts'
import type { Filter } from './core/filter.ts'
import type { Bounds } from './core/in-hand.ts'
import { InHand } from './core/in-hand.ts'
import type { Ending, Journal } from './core/journal.ts'
import type { JsonMembers } from './core/json.ts'
import type { Entry, Ledger } from './core/ledger.ts'
import type { Identity } from './core/lifecycle.ts'
import { lifecycleEvent } from './core/lifecycle.ts'
import type { Order } from './core/line.ts'
import { orderLane } from './core/line.ts'
import type { DecodeUtf8, Message } from './core/message.ts'
import { readMessage } from './core/message.ts'
import type { KafkaRecord, TopicPartition } from './core/record.ts'
import type { Report } from './core/report.ts'
import type { Reported } from './core/reported.ts'
import { reported } from './core/reported.ts'
import type { Batch, Clock, Moment, Reporter, Source, SourceEvents, Webhook } from './core/seams.ts'
import type { Work, WorkPolicy, WorkReport } from './core/work.ts'
import { answered, begin, coordinatesOf, newWork, told, wakeUp } from './core/work.ts'
import { Partitions } from './partitions.ts'
import { Wakes } from './wakes.ts'

export interface BridgeParts {
  readonly source: Source
  readonly webhook: Webhook
  readonly reporter: Reporter
  readonly clock: Clock
  readonly journal: Journal
  readonly filter: Filter
  readonly decodeUtf8: DecodeUtf8
}

export interface BridgeOptions {
  readonly identity: Identity
  readonly order: Order
  readonly policy: WorkPolicy
  readonly bounds: Bounds
}

export class Bridge implements SourceEvents {
  readonly inHand: InHand
  readonly partitions: Partitions
  readonly calls: Calls
  readonly committer: Committer
  readonly #parts: BridgeParts
  readonly #options: BridgeOptions
  readonly #wakes: Wakes<Work | Calls>
  /** The last commit is made: what is reported from here on could not count any more. */
  sealed = false
  /** Looks after every step whether to ask for the app's health; undefined when it is not asked. */
  appHealth: { look(): void; close(): void } | undefined
  /** Why a person has paused the deliveries; undefined while nobody has. */
  pausedWhy: string | undefined
  #serial = 0
  #onMove: (() => void) | undefined

  constructor(parts: BridgeParts, options: BridgeOptions) {
    const { webhook, clock, journal, source } = parts
    const { bounds, identity, policy } = options
    this.#parts = parts
    this.#options = options
    this.inHand = new InHand(bounds)
    this.partitions = new Partitions(source, this.inHand.buffers, journal)
    this.committer = new Committer(source, clock, journal, this.partitions)
    this.#wakes = new Wakes(clock)
    const { group } = identity
    const { attemptsMax } = policy
    this.calls = new Calls({ webhook, clock, journal, group, attemptsMax }, this.#answered.bind(this))
  }

  // ── Kafka: a partition comes, records come, a partition goes ────────────────────────────────────────────────────

  assigned(partition: TopicPartition, committed: bigint | undefined): void {
    this.partitions.assign(partition, committed)
  }

  received(batch: Batch): void {
    const ledger = this.partitions.find(batch)
    if (ledger === undefined) return
    // A partition that only receives does not move: what is received must also be sent.
    if (ledger.pending === 0) ledger.movedAtMs = this.#parts.clock.nowMs()
    for (const record of batch.records) {
      const entry = ledger.receive(record.offset)
      if (entry !== undefined) this.#decode(record, ledger, entry)
    }
    ledger.reach(batch.nextOffset, batch.highWatermark)
    this.committer.soon()
    this.#go()
  }

  /** All that went at once is dropped before anything is sent: nothing of it comes forward in passing. */
  revoked(partitions: readonly TopicPartition[]): void {
    const ledgers = partitions
      .map((partition) => this.partitions.revoke(partition))
      .filter((each) => each !== undefined)
    for (const work of this.inHand.drop(ledgers)) {
      this.#wakes.cancel(work)
      this.calls.abort(work)
    }
    this.#go()
  }

  /** The group is about to rejoin: what is settled is committed while the partitions are still ours. */
  async drain(): Promise<void> {
    await this.committer.now()
  }

  rejoined(): void {
    this.#go()
  }

  // ── received ▶ decode ▶ filter ▶ lane ───────────────────────────────────────────────────────────────────────────

  #decode(record: KafkaRecord, ledger: Ledger, entry: Entry): void {
    const { topic, partition, offset } = record
    this.#parts.journal({ name: 'record.received', topic, partition, offset })
    const reading = readMessage(record, this.#parts.decodeUtf8)
    if (reading.kind === 'message') this.#filter(record, reading.message, ledger, entry)
    else if (reading.kind === 'tombstone') this.#leaveOut(ledger, entry, 'passed-over', 'it is a tombstone')
    else this.#leaveOut(ledger, entry, 'poison', reading.why)
  }

  #filter(record: KafkaRecord, message: Message, ledger: Ledger, entry: Entry): void {
    const refusal = this.#parts.filter(message, this.#parts.reporter.receiverId)
    if (refusal === undefined) this.#lane(record, message, ledger, entry)
    else this.#leaveOut(ledger, entry, 'passed-over', refusal)
  }

  #leaveOut(ledger: Ledger, entry: Entry, ending: 'poison' | 'passed-over', why: string): void {
    this.#parts.journal({ name: `record.${ending}`, ...ledger.place(entry), why })
    this.#settle(ledger, entry, ending)
  }

  #lane(record: KafkaRecord, message: Message, ledger: Ledger, entry: Entry): void {
    const { clock } = this.#parts
    const event = eventFacts(record, message, () => clock.chance())
    const lane = orderLane(this.#options.order, record)
    this.#serial += 1
    const work = { serial: this.#serial, event, record, ledger, entry, orderLane: lane, receivedAtMs: clock.nowMs() }
    this.inHand.take(newWork(work))
  }

  // ── gate ▶ attempt ▶ answer ─────────────────────────────────────────────────────────────────────────────────────

  /** Sends what may go; called after everything that may have made room. */
  #go(): void {
    const { gate } = this.calls
    for (
      let work = this.inHand.line.next;
      work !== undefined && this.heldBack === undefined;
      work = this.inHand.line.next
    ) {
      if (!gate.admits(this.#parts.clock.nowMs())) {
        if (gate.retryAtMs !== undefined) this.#wakes.set(this.calls, gate.retryAtMs, this.#go.bind(this))
        break
      }
      this.#carryOut(begin(work, gate.closedAtMs !== undefined, this.#options.policy, this.#moment()))
    }
    this.partitions.keepBounds()
    this.appHealth?.look()
    this.#onMove?.()
  }

  /** Why nothing may be sent just now although the app is there, or undefined. */
  get heldBack(): string | undefined {
    if (this.draining) return 'The bridge is draining.'
    if (this.pausedWhy !== undefined) return this.pausedWhy
    const { events: reports, bytes: reportBytes } = this.#parts.reporter.backlog
    return this.inHand.full({ inFlight: this.calls.size, reports, reportBytes })
  }

  #answered(work: Work, answer: Answer): void {
    this.step(answered(work, answer, this.#options.policy, this.#moment()))
  }

  // ── report, rest over, lease out, told ──────────────────────────────────────────────────────────────────────────

  /** The app reports about a work in hand. */
  report(work: Work, report: Report): Reported {
    const outcome = reported(work, report, this.#options.policy, this.#moment())
    if (outcome.kind === 'conflict') return outcome
    this.#parts.journal({ name: 'work.reported', ...coordinatesOf(work), report: report.kind })
    this.calls.heard(work)
    this.step(outcome.steps)
    return outcome
  }

  #tell(work: Work, report: WorkReport, details: JsonMembers): void {
    const { name, version, event, serial } = work
    const lifecycle = lifecycleEvent(this.#options.identity, { ...event, name, version }, report, details)
    report.told = this.#parts.reporter.tell(String(serial), lifecycle)
    void report.told.then((outcome) => {
      this.step(told(work, report, outcome))
    })
  }

  // ── what the core decided ───────────────────────────────────────────────────────────────────────────────────────

  /** Carries out what was decided, then sends what may go: with no steps at all when something else has made room. */
  step(steps: readonly Step[] = []): void {
    this.#carryOut(steps)
    this.#go()
  }

  #carryOut(steps: readonly Step[]): void {
    const nowMs = this.#parts.clock.nowMs()
    for (const step of steps) {
      if (step.kind !== 'note') step.work.ledger.movedAtMs = nowMs
      switch (step.kind) {
        case 'send':
          this.inHand.line.step(step.work)
          this.calls.send(step.work)
          break
        case 'tell':
          this.#tell(step.work, step.report, step.details)
          break
        case 'wake':
          this.#wake(step.work, step.atMs)
          break
        case 'settle':
          this.#settle(step.work.ledger, step.work.entry, step.ending)
          break
        case 'note':
          this.#parts.journal(step.entry)
          break
        default:
          this.inHand.book(step)
      }
    }
  }

  /** The one place where a record ends. */
  #settle(ledger: Ledger, entry: Entry, ending: Ending): void {
    if (!ledger.settle(entry)) return
    this.#parts.journal({ name: 'record.settled', ...ledger.place(entry), ending })
    this.committer.soon()
  }

  #wake(work: Work, atMs: number | undefined): void {
    if (atMs === undefined) this.#wakes.cancel(work)
    else
      this.#wakes.set(work, atMs, () => {
        this.step(wakeUp(work, this.#options.policy, this.#moment()))
      })
  }

  // ── the end of the day ──────────────────────────────────────────────────────────────────────────────────────────

  get draining(): boolean {
    return this.#onMove !== undefined
  }

  /** Takes and sends nothing new; works in hand may still report. @param onMove is called at every step from here on. */
  takeNothingNew(onMove: () => void): void {
    this.#onMove = onMove
    this.appHealth?.close()
    this.partitions.close()
    onMove()
  }

  /** Nothing wakes up any more: rests and leases end with the process. */
  close(): void {
    this.#wakes.cancelAll()
    this.committer.close()
  }

  #moment(): Moment {
    return { nowMs: this.#parts.clock.nowMs(), chance: this.#parts.clock.chance() }
  }
}
