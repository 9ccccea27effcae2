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
import { Arrivals } from './arrivals.ts'
import { Calls } from './calls.ts'
import { Committer } from './committer.ts'
import type { Answer } from './core/answer.ts'
import type { BatchPolicy } from './core/batching.ts'
import type { Parcel } from './core/delivery.ts'
import type { Step } from './core/effects.ts'
import { buried, told } from './core/ending.ts'
import type { Filter } from './core/filter.ts'
import type { Bounds } from './core/in-hand.ts'
import { InHand } from './core/in-hand.ts'
import type { Ending, Journal } from './core/journal.ts'
import type { Ledger } from './core/ledger.ts'
import type { Entry } from './core/unsettled.ts'
import type { Identity } from './core/lifecycle.ts'
import type { Order } from './core/line.ts'
import type { DecodeUtf8 } from './core/message.ts'
import type { TopicPartition } from './core/record.ts'
import type { Report } from './core/report.ts'
import type { Reported } from './core/reported.ts'
import { reported } from './core/reported.ts'
import type {
  Batch,
  Clock,
  DeadLetters,
  Delivery,
  Moment,
  Reporter,
  Source,
  SourceEvents,
  Webhook,
} from './core/seams.ts'
import type { Work, WorkPolicy } from './core/work.ts'
import { answered, begin, coordinatesOf, taken, wakeUp } from './core/work.ts'
import { Debts } from './debts.ts'
import { Departures } from './departures.ts'
import { Partitions } from './partitions.ts'
import { Rejoin } from './rejoin.ts'
import { Wakes } from './wakes.ts'

export interface BridgeParts {
  readonly source: Source
  readonly webhook: Webhook
  readonly reporter: Reporter
  /** Undefined where there is no topic for them. */
  readonly deadLetters: DeadLetters | undefined
  readonly clock: Clock
  readonly journal: Journal
  readonly filter: Filter
  readonly decodeUtf8: DecodeUtf8
  readonly deliver: (parcels: readonly Parcel[]) => Delivery
}

export interface BridgeOptions {
  readonly identity: Identity
  readonly order: Order
  readonly policy: WorkPolicy
  readonly bounds: Bounds
  readonly batch: BatchPolicy
}

export class Bridge implements SourceEvents {
  readonly inHand: InHand
  readonly partitions: Partitions
  readonly calls: Calls
  readonly committer: Committer
  readonly rejoin: Rejoin
  readonly debts: Debts
  readonly #parts: BridgeParts
  readonly #options: BridgeOptions
  readonly #arrivals: Arrivals
  readonly #departures: Departures
  readonly #wakes: Wakes<Work>
  readonly #watchers = new Set<() => void>()
  /** The last commit is made: what is reported from here on could not count any more. */
  sealed = false
  /** Looks after every step whether to ask for the app's health; undefined when it is not asked. */
  appHealth: { look(): void; close(): void } | undefined
  /** Why a person has paused the deliveries; undefined while nobody has. */
  pausedWhy: string | undefined
  #draining = false

  constructor(parts: BridgeParts, options: BridgeOptions) {
    const { webhook, clock, journal, source, deliver } = parts
    this.#parts = parts
    this.#options = options
    this.inHand = new InHand(options.bounds, options.batch.maxEvents)
    this.partitions = new Partitions(source, this.inHand.buffers, journal)
    this.committer = new Committer(source, clock, journal, this.partitions)
    this.rejoin = new Rejoin(this, clock)
    this.#wakes = new Wakes(clock)
    const go = (): void => {
      this.step()
    }
    this.debts = new Debts({ ...parts, identity: options.identity, changed: go })
    const { debts, inHand } = this
    this.#arrivals = new Arrivals({
      ...parts,
      ...options,
      debts,
      settle: this.#settle.bind(this),
      take: (work) => {
        inHand.take(work)
        if (work.entry.attempts > 0) this.#carryOut(taken(work, options.policy, this.#moment()))
      },
      hold: inHand.buffers.count.bind(inHand.buffers),
    })
    const onAnswer = (work: Work, answer: Answer): void => {
      this.#carryOut(answered(work, answer, options.policy, this.#moment()))
    }
    this.calls = new Calls({ webhook, clock, journal, deliver, answered: onAnswer, over: go })
    this.#departures = new Departures({
      inHand,
      calls: this.calls,
      clock,
      batch: options.batch,
      heldBack: () => this.heldBack,
      begin: (work, probe) => {
        this.#carryOut(begin(work, probe, options.policy, this.#moment()))
      },
    })
    // A turn measures anew whether what was held back for its offset map has room now.
    this.committer.afterTurn = go
  }

  // ── Kafka: a partition comes, records come, a partition goes ────────────────────────────────────────────────────

  assigned(partition: TopicPartition, committed: bigint | undefined, metadata = ''): void {
    this.partitions.assign(partition, committed, metadata)
  }

  received(batch: Batch): void {
    const ledger = this.partitions.find(batch)
    if (ledger === undefined) return
    // A partition that only receives does not move: what is received must also be sent.
    if (this.inHand.line.sizeOf(ledger) === 0) ledger.movedAtMs = this.#parts.clock.nowMs()
    ledger.see(batch.highWatermark)
    for (const record of batch.records) {
      const entry = ledger.receive(record.offset)
      if (entry !== undefined) this.#arrivals.take(record, ledger, entry)
    }
    ledger.reach(batch.nextOffset)
    this.committer.soon()
    this.step()
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
    this.step()
  }

  drain(): Promise<void> {
    return this.rejoin.drain()
  }

  rejoined(): void {
    this.rejoin.over()
  }

  // ── gate ▶ attempt ▶ answer ─────────────────────────────────────────────────────────────────────────────────────

  /** Why nothing may be sent just now although the app is there, or undefined. */
  get heldBack(): string | undefined {
    if (this.#draining) return 'The bridge is draining.'
    if (this.rejoin.holdsBack) return 'The group is sharing out its partitions anew.'
    if (this.pausedWhy !== undefined) return this.pausedWhy
    const { events: reports, bytes: reportBytes } = this.debts.reports
    return this.inHand.full({ inFlight: this.calls.size, out: this.calls.works, reports, reportBytes })
  }

  // ── report, rest over, lease out ──────────────────────────────────────────────────────────────────────────────

  /** The app reports about a work in hand. */
  report(work: Work, report: Report): Reported {
    const outcome = reported(work, report, this.#options.policy, this.#moment())
    if (outcome.kind === 'conflict') return outcome
    this.#parts.journal({ name: 'work.reported', ...coordinatesOf(work), report: report.kind })
    this.calls.heard(work)
    this.step(outcome.steps)
    return outcome
  }

  // ── what the core decided ───────────────────────────────────────────────────────────────────────────────────────

  /** Carries out what was decided, then sends what may go: with no steps at all when something else has made room. */
  step(steps: readonly Step[] = []): void {
    this.#carryOut(steps)
    this.#departures.go()
    this.partitions.keepBounds()
    this.appHealth?.look()
    for (const watcher of this.#watchers) watcher()
  }

  #carryOut(steps: readonly Step[]): void {
    const nowMs = this.#parts.clock.nowMs()
    for (const step of steps) {
      if (step.kind !== 'note') step.work.ledger.movedAtMs = nowMs
      switch (step.kind) {
        case 'send':
          this.#departures.leave(step.work)
          // Its attempt is to survive a crash too.
          this.committer.soon()
          break
        case 'tell':
          this.debts.tell(step.work, step.report, step.details, (outcome) => {
            this.#carryOut(told(step.work, step.report, outcome, this.#options.policy))
          })
          break
        case 'wake':
          if (step.atMs === undefined) this.#wakes.cancel(step.work)
          else
            this.#wakes.set(step.work, step.atMs, () => {
              this.step(wakeUp(step.work, this.#options.policy, this.#moment()))
            })
          break
        case 'settle':
          this.#settle(step.work.ledger, step.work.entry, step.ending)
          break
        case 'bury':
          this.debts.write(step.letter, () => {
            this.#carryOut(buried(step.work))
          })
          break
        case 'line-up':
          // It may be back from an app that was not there: the attempt that a commit may hold already was none.
          this.committer.soon()
          this.inHand.book(step)
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
  #settle(ledger: Ledger, entry: Entry, ending: Ending, again = false): void {
    if (!ledger.settle(entry, again)) return
    this.#parts.journal({ name: 'record.settled', ...ledger.place(entry), ending })
    this.committer.soon(this.rejoin.commitWithinMs)
  }

  // ── the end of the day ──────────────────────────────────────────────────────────────────────────────────────────

  get draining(): boolean {
    return this.#draining
  }

  /** Takes and sends nothing new from here on; works in hand may still report. */
  takeNothingNew(): void {
    this.#draining = true
    this.appHealth?.close()
    this.partitions.close()
    this.step()
  }

  /** @param watcher is called at every step of the road. @returns ends it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
    }
  }

  /** Nothing wakes up any more: rests and leases end with the process. */
  close(): void {
    this.#wakes.cancelAll()
    this.#departures.close()
    this.rejoin.close()
    this.committer.close()
  }

  #moment(): Moment {
    return { nowMs: this.#parts.clock.nowMs(), chance: this.#parts.clock.chance() }
  }
}
