/**
 * What the XZepr stand-in remembers for tests and demos: every stored event in order, and every request by its answer.
 *
 * It is bounded, because `xzepr-bridge dev` may run for days: beyond the bound the oldest event is forgotten, and counted.
 */
import type { XzeprEvent } from './xzepr-message.ts'
import type { Route } from './xzepr-routes.ts'

/** How a request ended: its status, or what became of its connection. `left`: the client did not wait. */
export type Outcome = number | 'reset' | 'hang' | 'left' | 'half'

const DEFAULT_MAX_EVENTS = 100_000

export class XzeprJournal {
  readonly #maxEvents: number
  readonly #outcomes = new Map<string, number>()
  #events: XzeprEvent[] = []
  #forgotten = 0

  constructor(maxEvents = DEFAULT_MAX_EVENTS) {
    this.#maxEvents = maxEvents
  }

  /** Stored events, oldest first. */
  get events(): readonly XzeprEvent[] {
    return this.#events
  }

  /** How many events were stored before the oldest in `events`. */
  get forgotten(): number {
    return this.#forgotten
  }

  /** Requests by route and answer, such as `POST /api/v1/events 200`. */
  get outcomes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#outcomes)
  }

  /** How many requests this route had; with an outcome, how many ended so. */
  count(route: Route | 'other', outcome?: Outcome): number {
    if (outcome !== undefined) return this.#outcomes.get(`${route} ${outcome}`) ?? 0
    let total = 0
    for (const [name, times] of this.#outcomes) {
      if (name.slice(0, name.lastIndexOf(' ')) === route) total += times
    }
    return total
  }

  stored(event: XzeprEvent): void {
    this.#events.push(event)
    // Twice the bound before cutting: cutting one by one would copy the array for each event.
    if (this.#events.length < 2 * this.#maxEvents) return
    this.#forgotten += this.#events.length - this.#maxEvents
    this.#events = this.#events.slice(-this.#maxEvents)
  }

  ended(route: Route | 'other', outcome: Outcome): void {
    const name = `${route} ${outcome}`
    this.#outcomes.set(name, (this.#outcomes.get(name) ?? 0) + 1)
  }
}
