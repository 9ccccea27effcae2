/**
 * A map for objects that come and go by the thousand.
 *
 * V8 gives a Map a new table every so often while entries come and go. The table that is left still points to every object
 * it held, and to the table after it: once one of them has grown old, all that follow grow old with it, and so does
 * whatever was in hand when they were left. That garbage only a full collection finds. So the Map here holds no object:
 * its values are places in a list whose entries are written over.
 */
export class SlotMap<K extends string | number, V extends object> {
  readonly #slots = new Map<K, number>()
  readonly #values: (V | undefined)[] = []
  readonly #free: number[] = []

  get size(): number {
    return this.#slots.size
  }

  has(key: K): boolean {
    return this.#slots.has(key)
  }

  get(key: K): V | undefined {
    const slot = this.#slots.get(key)
    return slot === undefined ? undefined : this.#values[slot]
  }

  set(key: K, value: V): void {
    let slot = this.#slots.get(key)
    if (slot === undefined) {
      slot = this.#free.pop() ?? this.#values.length
      this.#slots.set(key, slot)
    }
    this.#values[slot] = value
  }

  /** @returns what it held. */
  delete(key: K): V | undefined {
    const slot = this.#slots.get(key)
    if (slot === undefined) return undefined
    this.#slots.delete(key)
    const value = this.#values[slot]
    this.#values[slot] = undefined
    this.#free.push(slot)
    return value
  }

  /** What came first and is still there. */
  get first(): V | undefined {
    for (const value of this) return value
    return undefined
  }

  /** In the order in which they came. */
  *[Symbol.iterator](): Generator<V, undefined> {
    for (const slot of this.#slots.values()) {
      const value = this.#values[slot]
      if (value !== undefined) yield value
    }
  }
}
