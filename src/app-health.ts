/**
 * The app's health: asked at the clock's pace and handed to the gate, which decides.
 *
 *   look ─▶ (the gate says when) ─▶ ask ─▶ answer ─▶ gate ─▶ closed, or a delivery may go ─▶ onChange
 *
 * One ask at a time. The gate's wishes change with every answer to a delivery, so the road says `look` after each; that
 * costs a comparison unless the wish has changed.
 */
import type { Gate, HealthAnswer } from './core/gate.ts'
import type { Journal } from './core/journal.ts'
import type { Clock, Wake } from './core/seams.ts'

export interface AppHealthParts {
  readonly gate: Gate
  readonly clock: Clock
  readonly journal: Journal
  /** Asks once; never rejects. */
  ask(): Promise<HealthAnswer>
  /** The gate has closed, or lets a delivery through that it would not have. */
  onChange(): void
}

export class AppHealth {
  readonly #parts: AppHealthParts
  #wake: Wake | undefined
  #wakeAtMs: number | undefined
  #closed = false

  /** From here on the gate minds the app's health. */
  constructor(parts: AppHealthParts) {
    this.#parts = parts
    parts.gate.askHealth(parts.clock.nowMs())
  }

  /** Asks when the gate wishes, from now on. Called once to begin, then after whatever may have changed the gate. */
  look(): void {
    const { askAtMs } = this.#parts.gate
    if (askAtMs === this.#wakeAtMs || this.#closed) return
    this.#wake?.cancel()
    this.#wakeAtMs = askAtMs
    this.#wake =
      askAtMs === undefined
        ? undefined
        : this.#parts.clock.wake(askAtMs, () => {
            void this.#ask()
          })
  }

  /** Asks no more. */
  close(): void {
    this.#closed = true
    this.#wake?.cancel()
  }

  async #ask(): Promise<void> {
    const { gate, clock, journal } = this.#parts
    this.#wake = undefined
    this.#wakeAtMs = undefined
    const dueMs = gate.askAtMs
    if (dueMs === undefined || dueMs > clock.nowMs()) {
      this.look()
      return
    }
    const era = gate.asks()
    const { well, why } = await this.#parts.ask()
    if (this.#closed) return
    const nowMs = clock.nowMs()
    const admitted = gate.admits(nowMs)
    const change = gate.learnHealth(well, era, nowMs, clock.chance())
    if (change === 'closed') journal({ name: 'gate.closed', why: `its health is ill: ${why}` })
    if (gate.admits(nowMs) !== admitted) this.#parts.onChange()
    this.look()
  }
}
