/**
 * The drain carried out: core/drain.ts says what comes next, here it is done.
 *
 * Draining takes nothing new; works in hand may still answer and report. Then calls that are out are aborted, reports
 * get a short while to reach XZepr, what is settled is committed, and the group is left. What is left unsettled is
 * named in the log and comes again elsewhere; what was received and never sent is let go of without a word.
 */
import type { Bridge } from './bridge.ts'
import type { DrainDeed, DrainEvent, DrainStage, DrainState } from './core/drain.ts'
import { drainStep, RUNNING } from './core/drain.ts'
import type { Journal } from './core/journal.ts'
import type { Clock, DeadLetters, Reporter, Source, Wake } from './core/seams.ts'
import { coordinatesOf } from './core/work.ts'

/** How many unsettled works are named one by one. */
const NAMED_MAX = 100

export interface DrainParts {
  readonly bridge: Bridge
  readonly source: Source
  readonly reporter: Reporter
  readonly deadLetters?: DeadLetters | undefined
  readonly clock: Clock
  readonly journal: Journal
  /** How long works in hand may go on. */
  readonly graceMs: number
}

/** What the last commit did not cover. */
export interface Left {
  /** Records that come again elsewhere, those that were never sent included. */
  readonly unsettled: number
  /** Of them, works that the app had begun and not ended. */
  readonly works: number
  /** Reports that XZepr did not have. */
  readonly reports: number
  /** Dead letters that were not written. */
  readonly letters: number
}

const NOTHING: Left = { unsettled: 0, works: 0, reports: 0, letters: 0 }

export class Drain {
  readonly #parts: DrainParts
  #state: DrainState = RUNNING
  #wake: Wake | undefined
  #graceEndsAtMs: number | undefined
  #left = NOTHING
  readonly #drained = new Milestone()
  readonly #stopped = new Milestone()

  constructor(parts: DrainParts) {
    this.#parts = parts
  }

  get stage(): DrainStage {
    return this.#state.stage
  }

  /** When works in hand must have ended; undefined before the drain. */
  get graceEndsAtMs(): number | undefined {
    return this.#graceEndsAtMs
  }

  /** What was left at the last commit; nothing before it. */
  get left(): Left {
    return this.#left
  }

  /** Begins the drain or joins it. @returns when the group is left: a few seconds after the grace at the latest. */
  async byLever(): Promise<void> {
    this.#on('lever')
    return this.#drained.reached
  }

  /** The same, and then the process is to end; the second time it ends the grace. @returns when nothing runs any more. */
  async bySignal(): Promise<void> {
    this.#on('signal')
    return this.#stopped.reached
  }

  #on(event: DrainEvent): void {
    const { clock, graceMs } = this.#parts
    const { stage } = this.#state
    const { state, deeds } = drainStep(this.#state, event, clock.nowMs(), graceMs)
    this.#state = state
    if (state.stage === stage) return
    this.#wake?.cancel()
    this.#wake =
      state.untilMs === undefined
        ? undefined
        : clock.wake(state.untilMs, () => {
            this.#on('time')
          })
    if (state.stage === 'draining') this.#graceEndsAtMs = state.untilMs
    for (const deed of deeds) this.#do(deed)
    this.#look()
  }

  /** What the stage waits for may be so: looked at with every step of the road. */
  #look(): void {
    const { bridge } = this.#parts
    const { stage } = this.#state
    const owed = bridge.debts.size > 0
    if (stage === 'draining' && bridge.calls.size === 0 && bridge.inHand.running === 0 && !owed) this.#on('ended')
    if (stage === 'flushing' && !owed) this.#on('told')
  }

  #do(deed: DrainDeed): void {
    const { bridge, source, reporter, deadLetters, journal } = this.#parts
    switch (deed) {
      case 'take-nothing-new':
        journal({ name: 'bridge.draining', inHand: bridge.calls.size + bridge.inHand.running })
        bridge.watch(this.#look.bind(this))
        bridge.takeNothingNew()
        return
      case 'abort-calls':
        bridge.calls.abortAll()
        return
      case 'seal':
        bridge.sealed = true
        this.#left = this.#nameLeft()
        return
      case 'commit':
        this.#await(bridge.committer.now(), 'committed')
        return
      case 'leave':
        this.#await(source.stop(), 'left')
        return
      case 'let-go':
        // What comes late is forwarded from here on, like any report about a work that is not in hand.
        bridge.revoked([...bridge.partitions])
        bridge.sealed = false
        journal({ name: 'bridge.drained', ...this.#left })
        this.#drained.reach()
        return
      case 'stop-telling':
        this.#drained.reach()
        this.#await(Promise.all([reporter.stop(), deadLetters?.stop()]), 'quiet')
        return
      case 'stop':
        bridge.close()
        journal({ name: 'bridge.stopped', unsettled: this.#left.unsettled, owed: bridge.debts.size })
        this.#stopped.reach()
        return
    }
  }

  #await(promise: Promise<unknown>, event: DrainEvent): void {
    promise.then(
      () => {
        this.#on(event)
      },
      (error: unknown) => {
        this.#stopped.fail(error)
        this.#drained.fail(error)
      },
    )
  }

  /** Works that the app has seen and that are not settled are named, up to a bound. */
  #nameLeft(): Left {
    const { bridge, reporter, journal } = this.#parts
    const { debts } = bridge
    let works = 0
    let named = 0
    for (const work of bridge.inHand.registry) {
      if (work.settled) continue
      const { name: state } = work.state
      if (state !== 'waiting' && state !== 'resting') works += 1
      if (work.entry.attempts === 0 || named === NAMED_MAX) continue
      named += 1
      journal({ name: 'work.left-unsettled', ...coordinatesOf(work), state, attempt: work.entry.attempts })
    }
    for (const { topic, partition, offset } of debts.letterRecords.slice(0, NAMED_MAX)) {
      journal({ name: 'letter.left-unwritten', topic, partition, offset })
    }
    const unsettled = [...bridge.partitions].reduce((sum, { pending }) => sum + pending, 0)
    return { unsettled, works, reports: reporter.backlog.events, letters: debts.letters }
  }
}

/** A point on the way that several may wait for; it is reached once, or it never can be. */
class Milestone {
  readonly reached: Promise<void>
  #resolve: () => void = () => undefined
  #reject: (error: unknown) => void = () => undefined

  constructor() {
    this.reached = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Who waits hears of a failure; where nobody does it must not end the process.
    this.reached.catch(() => undefined)
  }

  reach(): void {
    this.#resolve()
  }

  fail(error: unknown): void {
    this.#reject(error)
  }
}
