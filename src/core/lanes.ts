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

import { SlotMap } from './slot-map.ts'

/** A member's place in one lane. */
interface Standing<T> {
  readonly name: string
  readonly member: T
  before: Standing<T> | undefined
  after: Standing<T> | undefined
}

/** Whoever stands in lanes has a number of its own. */
export class Lanes<T extends { readonly serial: number }> {
  /** The last of each lane: nearly always the only one, so a lane is no more than its member's standing. */
  readonly #last = new SlotMap<string, Standing<T>>()
  readonly #standings = new SlotMap<number, Standing<T>[]>()

  /** How many lanes hold somebody. */
  get size(): number {
    return this.#last.size
  }

  join(member: T, names: readonly string[]): void {
    const standings: Standing<T>[] = []
    for (const name of names) {
      const before = this.#last.get(name)
      if (before?.member === member) continue
      const standing: Standing<T> = { name, member, before, after: undefined }
      if (before !== undefined) before.after = standing
      this.#last.set(name, standing)
      standings.push(standing)
    }
    this.#standings.set(member.serial, standings)
  }

  /** Somebody who is before it in a lane; undefined when it is the first of every lane it stands in, and may go. */
  before(member: T): T | undefined {
    const standings = this.#standings.get(member.serial)
    if (standings === undefined) return undefined
    for (const { before } of standings) if (before !== undefined) return before.member
    return undefined
  }

  /**
   * Leaves one lane.
   * @returns whoever is first there now, when that is somebody new: it may be free to go.
   */
  leave(member: T, name: string): T | undefined {
    const standings = this.#standings.get(member.serial)
    const at = standings?.findIndex((standing) => standing.name === name) ?? -1
    if (standings === undefined || at === -1) return undefined
    const [standing] = standings.splice(at, 1)
    if (standings.length === 0) this.#standings.delete(member.serial)
    return standing && this.#leave(standing)
  }

  /** Leaves every lane it still stands in. @returns those who are first somewhere now. */
  leaveAll(member: T): readonly T[] {
    const standings = this.#standings.delete(member.serial)
    if (standings === undefined) return NOBODY
    let next: T[] | undefined
    for (const standing of standings) {
      const first = this.#leave(standing)
      if (first !== undefined) (next ??= []).push(first)
    }
    return next ?? NOBODY
  }

  #leave({ name, before, after }: Standing<T>): T | undefined {
    if (after !== undefined) after.before = before
    else if (before !== undefined) this.#last.set(name, before)
    else this.#last.delete(name)
    if (before === undefined) return after?.member
    before.after = after
    return undefined
  }
}

const NOBODY: readonly never[] = []
