/**
 * Shutdown: from the first signal to the last commit.
 *
 *   running ──signal──▶ draining ──all ended, or the grace is over──▶ flushing ──▶ stopped
 *                          └── second signal: the grace is over now ──┘
 *
 * Draining takes nothing new; works in hand may still answer and report. Then calls that are out are aborted, reports
 * get a short while to reach XZepr, what is settled is committed, and the group is left. What is left unsettled is
 * named in the log and comes again elsewhere.
 */
import type { Bridge } from './bridge.ts'
import type { Journal } from './core/journal.ts'
import type { Clock, Reporter, Source } from './core/seams.ts'
import { coordinatesOf } from './core/work.ts'

/** After the grace: how long reports that are on their way may take. Kubernetes leaves five seconds between the two. */
const FLUSH_MS = 2000
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

  async run(graceMs: number): Promise<void> {
    const { bridge, source, reporter, journal } = this.#parts
    const { registry } = bridge.inHand
    journal({ name: 'bridge.draining', inHand: bridge.calls.size + bridge.inHand.running })
    const owed = (): boolean => reporter.backlog.events > 0
    await this.#until(() => bridge.calls.size === 0 && bridge.inHand.running === 0 && !owed(), graceMs)
    bridge.calls.abortAll()
    await this.#until(() => !owed(), FLUSH_MS)
    await bridge.committer.now()
    let unsettled = 0
    for (const work of registry) {
      if (work.settled) continue
      unsettled += 1
      if (unsettled > NAMED_MAX || work.attempts === 0) continue
      journal({ name: 'work.left-unsettled', ...coordinatesOf(work), state: work.state.name, attempt: work.attempts })
    }
    await source.stop()
    const { events: owedReports } = reporter.backlog
    await reporter.stop()
    bridge.close()
    journal({ name: 'bridge.stopped', unsettled, owed: owedReports })
  }

  /** Waits, looking at every step of the road, for a condition, the end of the time, or `hurry`. */
  async #until(condition: () => boolean, withinMs: number): Promise<void> {
    const { bridge, clock } = this.#parts
    await new Promise<void>((resolve) => {
      const wake = clock.wake(clock.nowMs() + withinMs, resolve)
      const done = (): void => {
        wake.cancel()
        resolve()
      }
      this.#endGrace = done
      bridge.takeNothingNew(() => {
        if (condition()) done()
      })
    })
  }
}
