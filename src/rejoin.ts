/**
 * Rejoin: what the road does while the group shares out its partitions anew.
 *
 *   drain ─▶ nothing new is sent ─▶ calls come back, debts are paid, or the bound ─▶ commit ─▶ (the source rejoins) ─▶ over
 *
 * Nobody knows before which partitions will stay. So what is finished is committed while they are all ours, and what
 * finishes between that commit and the end of the rejoin is committed at once: Kafka takes it until the last member has
 * joined. The whole group waits for the slowest member, so the bound is short; a call that takes longer goes on, and is
 * aborted only if its partition goes.
 */
import type { Clock, Wake } from './core/seams.ts'

/** What is asked of the road. */
export interface Drainable {
  /** Requests that are out. */
  readonly calls: { readonly size: number }
  /** Reports and dead letters that are not written yet. */
  readonly debts: { readonly size: number }
  readonly committer: { now(): Promise<void> }
  watch(watcher: () => void): () => void
  step(): void
}

/** How long the group waits for calls that are out. */
const DRAIN_MS = 2000
/** How long it waits then for reports and dead letters on their way; a queue at XZepr is no reason to stop a group. */
const PAY_MS = 250
/** A rejoin that takes longer than this is Kafka's trouble: deliveries go on. */
const HOLD_BACK_MS = 10_000

export class Rejoin {
  readonly #road: Drainable
  readonly #clock: Clock
  /** Set while nothing new is sent; its time is the end of that. */
  #holding: Wake | undefined
  #underWay = false
  #closed = false

  constructor(road: Drainable, clock: Clock) {
    this.#road = road
    this.#clock = clock
  }

  /** Is nothing new sent just now? */
  get holdsBack(): boolean {
    return this.#holding !== undefined
  }

  /** How soon a settlement is committed; undefined where it may wait for company. */
  get commitWithinMs(): number | undefined {
    return this.#underWay ? 0 : undefined
  }

  /** Resolves when what could be finished is committed. */
  async drain(): Promise<void> {
    if (this.#closed) return
    const nowMs = this.#clock.nowMs()
    this.#underWay = true
    this.#holding?.cancel()
    this.#holding = this.#clock.wake(nowMs + HOLD_BACK_MS, () => {
      this.#holding = undefined
      this.#road.step()
    })
    const { calls, debts } = this.#road
    await this.#until(() => calls.size === 0, nowMs + DRAIN_MS)
    await this.#until(() => debts.size === 0, Math.min(this.#clock.nowMs() + PAY_MS, nowMs + DRAIN_MS))
    await this.#road.committer.now()
  }

  /** The partitions are shared out. */
  over(): void {
    this.#underWay = false
    this.#holding?.cancel()
    this.#holding = undefined
    this.#road.step()
  }

  /** Nothing waits any more. */
  close(): void {
    this.#closed = true
    this.#holding?.cancel()
    this.#holding = undefined
  }

  async #until(isSo: () => boolean, atMs: number): Promise<void> {
    if (isSo() || this.#clock.nowMs() >= atMs) return
    await new Promise<void>((resolve) => {
      const end = (): void => {
        wake.cancel()
        unwatch()
        resolve()
      }
      const wake = this.#clock.wake(atMs, end)
      const unwatch = this.#road.watch(() => {
        if (isSo()) end()
      })
    })
  }
}
