/**
 * Those who rest until an instant of their own: soonest first, whatever the order they came in.
 *
 * A list sorted by instant, soonest last: who is due is taken from the end, and a new one is placed by halving.
 */
export class Rests<T> {
  readonly #resting: { readonly dueAtMs: number; readonly member: T }[] = []

  /** When the soonest is due; undefined when none rests. */
  get soonestAtMs(): number | undefined {
    return this.#resting.at(-1)?.dueAtMs
  }

  add(member: T, dueAtMs: number): void {
    let low = 0
    let high = this.#resting.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#resting[middle]?.dueAtMs ?? 0) > dueAtMs) low = middle + 1
      else high = middle
    }
    this.#resting.splice(low, 0, { dueAtMs, member })
  }

  /** Those due by now, soonest first; they rest no more. */
  *due(nowMs: number): Generator<T> {
    for (let rest = this.#resting.at(-1); rest !== undefined && rest.dueAtMs <= nowMs; rest = this.#resting.at(-1)) {
      this.#resting.pop()
      yield rest.member
    }
  }
}
