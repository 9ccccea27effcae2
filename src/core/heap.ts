/**
 * A heap: the least of many, at a cost that grows with the logarithm of their number.
 *
 * Who leaves from the middle is only marked by its owner, and passed over when it comes to the top.
 */
export class Heap<T> {
  readonly #members: T[] = []
  readonly #rank: (member: T) => number

  constructor(rank: (member: T) => number) {
    this.#rank = rank
  }

  push(member: T): void {
    const members = this.#members
    const rank = this.#rank(member)
    let at = members.length
    while (at > 0) {
      const above = (at - 1) >>> 1
      const parent = members[above]
      if (parent === undefined || this.#rank(parent) <= rank) break
      members[at] = parent
      at = above
    }
    members[at] = member
  }

  /** The least of those that are still there; the others at the top are dropped. */
  first(isThere: (member: T) => boolean): T | undefined {
    for (let [top] = this.#members; top !== undefined; [top] = this.#members) {
      if (isThere(top)) return top
      this.#pop()
    }
    return undefined
  }

  #pop(): void {
    const members = this.#members
    const last = members.pop()
    if (last === undefined || members.length === 0) return
    const rank = this.#rank(last)
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      let child = members[below]
      if (child === undefined) break
      const right = members[below + 1]
      if (right !== undefined && this.#rank(right) < this.#rank(child)) {
        child = right
        below += 1
      }
      if (this.#rank(child) >= rank) break
      members[at] = child
      at = below
    }
    members[at] = last
  }
}
