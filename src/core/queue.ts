/**
 * A first-in-first-out queue that a member may leave from anywhere, at a constant cost.
 *
 * Lanes and the line of ready works hold tens of thousands of members that end in any order; an array or a Set pays for
 * each departure from the front with a walk over what has gone before.
 */

export interface Place<T> {
  readonly member: T
  before: Place<T> | undefined
  after: Place<T> | undefined
}

export class Queue<T> {
  #first: Place<T> | undefined
  #last: Place<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#first?.member
  }

  /** The first's ticket: `after` leads on from there. */
  get firstPlace(): Place<T> | undefined {
    return this.#first
  }

  get last(): T | undefined {
    return this.#last?.member
  }

  /** Joins at the end. The place is the ticket for `leave`. */
  join(member: T): Place<T> {
    const place: Place<T> = { member, before: this.#last, after: undefined }
    if (this.#last === undefined) this.#first = place
    else this.#last.after = place
    this.#last = place
    this.#size += 1
    return place
  }

  /** Leaves from wherever it stands. A place may leave once. */
  leave(place: Place<T>): void {
    if (place.before === undefined) this.#first = place.after
    else place.before.after = place.after
    if (place.after === undefined) this.#last = place.before
    else place.after.before = place.before
    // A place that was left must not lead on to those that come after it.
    place.before = place.after = undefined
    this.#size -= 1
  }

  *[Symbol.iterator](): Generator<T> {
    for (let place = this.#first; place !== undefined; place = place.after) yield place.member
  }
}
