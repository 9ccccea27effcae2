/**
 * Shutdown: from the first signal to the last commit.
 *
 *   running ──signal──▶ draining ──all ended, or the grace is over──▶ flushing ──▶ committing ──▶ stopped
 *                          └── second signal: the grace is over now ──┘
 *
 * Draining takes nothing new; works in hand may still answer and report. Then calls that are out are aborted, reports
 * get a short while to reach XZepr, what is settled is committed, and the group is left. What is left unsettled is
 * named in the log and comes again elsewhere. Everything after the grace shares one deadline: Kubernetes leaves five
 * seconds between the grace's default and its own end, and no neighbour may use them up.
 */
import type { Bridge } from './bridge.ts'
import type { Journal } from './core/journal.ts'
import type { Clock, Reporter, Source } from './core/seams.ts'
import { coordinatesOf } from './core/work.ts'

/** After the grace, in turn: until reports are given up, until the commit is, and until the neighbours are left. */
const FLUSH_MS = 1500
const COMMIT_MS = 3000
const LEAVE_MS = 4000
/** How many unsettled works are named one by one. */
const NAMED_MAX = 100

export interface ShutdownParts {
  readonly bridge: Bridge
  readonly source: Source
  readonly reporter: Reporter
  readonly clock: Clock
  readonly journal: Journal
}

export class Shutdown {
  readonly #parts: ShutdownParts
  #endGrace: (() => void) | undefined

  constructor(parts: ShutdownParts) {
    this.#parts = parts
  }

  /** Ends the grace now. */
  hurry(): void {
    this.#endGrace?.()
  }

  /** Resolves a few seconds after the grace at the latest, whatever the neighbours do. */
  async run(graceMs: number): Promise<void> {
    const { bridge, source, reporter, clock, journal } = this.#parts
    journal({ name: 'bridge.draining', inHand: bridge.calls.size + bridge.inHand.running })
    const owed = (): boolean => bridge.debts.size > 0
    const idle = (): boolean => bridge.calls.size === 0 && bridge.inHand.running === 0 && !owed()
    await this.#until(idle, clock.nowMs() + graceMs)
    const overAtMs = clock.nowMs()
    bridge.calls.abortAll()
    await this.#until(() => !owed(), overAtMs + FLUSH_MS)
    bridge.sealed = true
    const unsettled = this.#nameUnsettled()
    await this.#within(bridge.committer.now(), overAtMs + COMMIT_MS)
    const { events: owedReports } = reporter.backlog
    await this.#within(Promise.all([source.stop(), reporter.stop()]), overAtMs + LEAVE_MS)
    bridge.close()
    journal({ name: 'bridge.stopped', unsettled, owed: owedReports })
  }

  /** @returns how many works are left unsettled; those that the app has seen are named. */
  #nameUnsettled(): number {
    const { bridge, journal } = this.#parts
    let unsettled = 0
    let named = 0
    for (const work of bridge.inHand.registry) {
      if (work.settled) continue
      unsettled += 1
      if (work.entry.attempts === 0 || named === NAMED_MAX) continue
      named += 1
      journal({
        name: 'work.left-unsettled',
        ...coordinatesOf(work),
        state: work.state.name,
        attempt: work.entry.attempts,
      })
    }
    return unsettled
  }

  /** Waits, looking at every step of the road, for a condition, an instant, or `hurry`. */
  async #until(condition: () => boolean, atMs: number): Promise<void> {
    const { bridge } = this.#parts
    let unwatch = (): void => undefined
    await this.#within(
      new Promise<void>((resolve) => {
        this.#endGrace = resolve
        unwatch = bridge.watch(() => {
          if (condition()) resolve()
        })
        bridge.takeNothingNew()
      }),
      atMs,
    )
    unwatch()
  }

  /** Waits for a promise, until an instant at the latest. */
  async #within(promise: Promise<unknown>, atMs: number): Promise<void> {
    let over = (): void => undefined
    const wake = this.#parts.clock.wake(atMs, () => {
      over()
    })
    await Promise.race([promise, new Promise<void>((resolve) => (over = resolve))])
    wake.cancel()
  }
}
