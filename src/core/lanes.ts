/**
 * Lanes: what must stay in order, and what must never be out twice at once.
 *
 * A work stands in several lanes at the same time: one for the order setting (its key, its partition, or none) and one
 * for its id. It may go only when it is the first of each. Works join all their lanes in one step and in the order of
 * arrival, so the oldest work in hand is always first everywhere: lanes cannot lock each other.
 *
 *   key lane  A ── a1 a2            a1 may go; a2 waits for a1
 *   key lane  B ── b1               b1 waits for a1: both carry the id X
 *   id lane   X ── a1 b1
 */
import type { Place } from './queue.ts'
import { Queue } from './queue.ts'

export class Lanes<T extends object> {
  readonly #lanes = new Map<string, Queue<T>>()
  readonly #places = new Map<T, Map<string, Place<T>>>()

  /** How many lanes hold somebody. */
  get size(): number {
    return this.#lanes.size
  }

  join(member: T, names: readonly string[]): void {
    const places = new Map<string, Place<T>>()
    for (const name of names) {
      if (places.has(name)) continue
      let lane = this.#lanes.get(name)
      if (lane === undefined) this.#lanes.set(name, (lane = new Queue<T>()))
      places.set(name, lane.join(member))
    }
    this.#places.set(member, places)
  }

  /** Somebody who is before it in a lane; undefined when it is the first of every lane it stands in, and may go. */
  before(member: T): T | undefined {
    for (const name of this.#places.get(member)?.keys() ?? []) {
      const first = this.#lanes.get(name)?.first
      if (first !== member) return first
    }
    return undefined
  }

  /**
   * Leaves one lane.
   * @returns whoever is first there now, when that is somebody new: it may be free to go.
   */
  leave(member: T, name: string): T | undefined {
    const places = this.#places.get(member)
    const place = places?.get(name)
    const lane = this.#lanes.get(name)
    if (places === undefined || place === undefined || lane === undefined) return undefined
    const wasFirst = lane.first === member
    lane.leave(place)
    places.delete(name)
    if (places.size === 0) this.#places.delete(member)
    if (lane.size === 0) this.#lanes.delete(name)
    return wasFirst ? lane.first : undefined
  }

  /** Leaves every lane it still stands in. @returns those who are first somewhere now. */
  leaveAll(member: T): T[] {
    const next: T[] = []
    for (const name of [...(this.#places.get(member)?.keys() ?? [])]) {
      const first = this.leave(member, name)
      if (first !== undefined) next.push(first)
    }
    return next
  }
}
