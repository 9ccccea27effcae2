/**
 * A clock that stands still until a test moves it.
 *
 * `advance` fires what is due in order of time, and between two of them lets promises settle, as an event loop would.
 * Chance is a fixed number unless a test gives its own sequence.
 */
import type { Clock, Wake } from '../../src/core/seams.ts'

interface Due {
  readonly atMs: number
  readonly what: () => void
}

export class VirtualClock implements Clock {
  #nowMs: number
  readonly #due = new Set<Due>()
  readonly #chances: number[]

  constructor(startMs = Date.UTC(2026, 10, 23, 12), chances: number[] = []) {
    this.#nowMs = startMs
    this.#chances = chances
  }

  nowMs(): number {
    return this.#nowMs
  }

  chance(): number {
    return this.#chances.shift() ?? 0.5
  }

  wake(atMs: number, what: () => void): Wake {
    const due: Due = { atMs, what }
    this.#due.add(due)
    return { cancel: () => void this.#due.delete(due) }
  }

  /** How many wakes are waiting. */
  get pending(): number {
    return this.#due.size
  }

  /** Moves time on and fires what becomes due. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs
    await settled()
    for (;;) {
      const next = [...this.#due].sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined || next.atMs > untilMs) break
      this.#due.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.what()
      await settled()
    }
    this.#nowMs = untilMs
  }
}

/** Lets every promise that can go on without time or I/O go on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
