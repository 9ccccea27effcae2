/**
 * Departures: who goes to the app next, alone or in a batch.
 *
 *   line ─▶ is there room ─▶ is the app there (gate) ─▶ is the delivery full, or has it waited long enough ─▶ attempt
 *
 * Whatever may have made room calls `go`. What cannot go now goes at the latest when the next probe is due, when the
 * delivery has waited long enough, or with the next answer, report or commit.
 */
import type { Calls } from './calls.ts'
import { BATCH_BYTES_MAX, Batching } from './core/batching.ts'
import type { BatchPolicy } from './core/batching.ts'
import type { InHand } from './core/in-hand.ts'
import type { Clock } from './core/seams.ts'
import type { Work } from './core/work.ts'
import { Wakes } from './wakes.ts'

export interface DeparturesOptions {
  readonly inHand: InHand
  readonly calls: Calls
  readonly clock: Clock
  readonly batch: BatchPolicy
  /** Why nothing may be sent just now, or undefined. */
  readonly heldBack: () => string | undefined
  /** Begins a work's attempt; the core then says `send`. */
  readonly begin: (work: Work, probe: boolean) => void
}

export class Departures {
  readonly #options: DeparturesOptions
  readonly #batching: Batching
  readonly #wakes: Wakes<'probe' | 'batch'>
  /** Works that have begun their attempt and are not sent yet: the delivery that is being filled. */
  #leaving: Work[] = []

  constructor(options: DeparturesOptions) {
    this.#options = options
    this.#batching = new Batching(options.batch)
    this.#wakes = new Wakes(options.clock)
  }

  /** Sends all that may go. */
  go(): void {
    const { inHand, calls, clock, heldBack } = this.#options
    const { gate } = calls
    for (let { next } = inHand.line; next !== undefined && heldBack() === undefined; { next } = inHand.line) {
      const nowMs = clock.nowMs()
      if (!gate.admits(nowMs)) {
        if (gate.retryAtMs !== undefined) this.#comeBack('probe', gate.retryAtMs)
        return
      }
      const ready = next.alone ? 1 : this.#batching.ready(inHand.line.size, nowMs)
      if (ready === 0) {
        this.#comeBack('batch', this.#batching.dueAtMs ?? nowMs)
        return
      }
      // One is enough to find out whether the app is there.
      this.#fill(gate.closedAtMs === undefined ? ready : 1)
    }
    // Whoever waited for company may have ended or gone otherwise.
    if (inHand.line.size === 0) this.#batching.gone()
  }

  /** The core has said that it goes. */
  leave(work: Work): void {
    this.#options.inHand.line.step(work)
    this.#leaving.push(work)
  }

  /** Nothing goes by itself any more. */
  close(): void {
    this.#wakes.cancelAll()
  }

  #fill(maxWorks: number): void {
    const { inHand, calls, begin } = this.#options
    const { line } = inHand
    const probe = calls.gate.closedAtMs !== undefined
    const most = Math.min(maxWorks, inHand.roomToRun(calls.works))
    let bytes = 0
    for (let work = line.next; work !== undefined && this.#leaving.length < most; work = line.next) {
      bytes += work.heldBytes
      if (this.#leaving.length > 0 && (work.alone || bytes > BATCH_BYTES_MAX)) break
      begin(work, probe)
      if (work.alone) break
    }
    const leaving = this.#leaving
    this.#leaving = []
    this.#batching.gone()
    calls.send(leaving)
  }

  #comeBack(why: 'probe' | 'batch', atMs: number): void {
    this.#wakes.set(why, atMs, () => {
      this.go()
    })
  }
}
