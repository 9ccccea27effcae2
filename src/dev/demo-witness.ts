/**
 * What the demo knows of the events it sent, gathered from those who hold it: the topic, XZepr, the group's offsets.
 *
 * Of the bridge's own log only the app's answer is taken; that the app had the event shows in what XZepr holds of it.
 */
import type { EventFacts, Known, LogFields } from './demo-view.ts'
import { label, lifecycleOf, missing } from './demo-view.ts'
import type { Place } from './event-log.ts'

interface Sent {
  readonly id: string
  readonly name: string
  readonly ends: 'completed' | 'failed'
}

export class Witness implements Known {
  readonly #names = new Map<string, string>()
  readonly #sent = new Map<string, Sent>()
  readonly #places = new Map<string, Place>()
  readonly #idAt = new Map<string, string>()
  readonly #answers = new Map<string, string>()
  readonly #lifecycle = new Map<string, number>()
  #committed: ReadonlyMap<number, bigint> = new Map()

  /** An event that the user has sent, and how the app's work on it will end. */
  sent(id: string, name: string, ends: Sent['ends']): void {
    this.#sent.set(id, { id, name, ends })
  }

  /** An event on its way into the log: system events are seen here alone. */
  named(id: string, name: string): void {
    this.#names.set(id, name)
  }

  /** Where the log put the record with this key, which is the event's id. */
  placed(id: string, place: Place): void {
    this.#places.set(id, place)
    this.#idAt.set(`${place.partition}/${place.offset}`, id)
  }

  /** An event that XZepr has stored. @returns the work that it tells of, if it is a lifecycle event. */
  stored(id: string, name: string, payload: string): string | undefined {
    const lifecycle = lifecycleOf(payload)
    if (lifecycle === undefined) {
      this.named(id, name)
      return undefined
    }
    const key = `${lifecycle.status} ${lifecycle.workId}`
    this.#lifecycle.set(key, (this.#lifecycle.get(key) ?? 0) + 1)
    return lifecycle.workId
  }

  /** A line of the bridge's log: its word for the webhook's answer. */
  said({ event, workId, why }: LogFields): void {
    if (event === 'attempt.answered') this.#answers.set(String(workId), String(why))
  }

  committed(offsets: ReadonlyMap<number, bigint>): void {
    this.#committed = offsets
  }

  byId(id: string): string | undefined {
    const name = this.#names.get(id)
    return name === undefined ? undefined : label({ name, id })
  }

  byPlace({ partition, offset }: Place): string | undefined {
    return this.byId(this.#idAt.get(`${partition}/${offset}`) ?? '')
  }

  get facts(): EventFacts[] {
    return [...this.#sent.values()].map((sent) => {
      const place = this.#places.get(sent.id)
      const count = (status: string): number => this.#lifecycle.get(`${status} ${sent.id}`) ?? 0
      return {
        ...sent,
        place,
        answer: this.#answers.get(sent.id),
        started: count('started'),
        completed: count('completed'),
        failed: count('failed'),
        committed: place && this.#committed.get(place.partition),
      }
    })
  }

  /** Everything that was sent has made the whole way. */
  get isContent(): boolean {
    return this.facts.every((facts) => missing(facts).length === 0)
  }
}
