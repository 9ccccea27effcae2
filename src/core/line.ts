/**
 * The line: works that may go now, in the order in which they became free to go.
 *
 * A work is in the line while it waits and is the first of all its lanes. Out, resting or running it keeps its lanes
 * but not its place in the line, so it holds up nobody outside its lanes.
 */
import { Lanes } from './lanes.ts'
import type { Place } from './queue.ts'
import { Queue } from './queue.ts'
import type { Work } from './work.ts'

export class Line {
  readonly #lanes = new Lanes<Work>()
  readonly #free = new Queue<Work>()
  readonly #places = new Map<Work, Place<Work>>()

  /** How many may go. */
  get size(): number {
    return this.#free.size
  }

  /** The next to go. */
  get next(): Work | undefined {
    return this.#free.first
  }

  /** A new work joins its lanes, and the line when nobody is before it. */
  join(work: Work): void {
    const lanes = [idLane(work)]
    if (work.orderLane !== undefined) lanes.push(work.orderLane)
    this.#lanes.join(work, lanes)
    this.lineUp(work)
  }

  /** Whom it waits for; undefined when it is the first of all its lanes. */
  before(work: Work): Work | undefined {
    return this.#lanes.before(work)
  }

  /** Takes a place in the line if it may go. */
  lineUp(work: Work): void {
    if (this.#places.has(work) || work.state.name !== 'waiting' || this.before(work) !== undefined) return
    this.#places.set(work, this.#free.join(work))
  }

  /** Gives up its place in the line: it goes out, or has ended. */
  step(work: Work): void {
    const place = this.#places.get(work)
    if (place === undefined) return
    this.#free.leave(place)
    this.#places.delete(work)
  }

  /** Leaves its order lane: whoever is behind it there may go. */
  letPass(work: Work): void {
    if (work.orderLane === undefined) return
    const next = this.#lanes.leave(work, work.orderLane)
    if (next !== undefined) this.lineUp(next)
  }

  /** Leaves everything. */
  leave(work: Work): void {
    this.step(work)
    for (const next of this.#lanes.leaveAll(work)) this.lineUp(next)
  }

  /** Several leave at once: none of them comes into the line in passing. */
  leaveTogether(works: readonly Work[]): void {
    const leaving = new Set(works)
    const freed = new Set<Work>()
    for (const work of works) {
      this.step(work)
      for (const next of this.#lanes.leaveAll(work)) if (!leaving.has(next)) freed.add(next)
    }
    for (const next of freed) this.lineUp(next)
  }
}

/** The id has a lane of its own: two records with one id are never out at once, whatever the order setting. */
function idLane(work: Work): string {
  return `id ${work.event.id}`
}

export type Order = 'key' | 'partition' | 'none'

/** The lane that the order setting asks for. A record without a key has no order to keep, as in Kafka itself. */
export function orderLane(
  order: Order,
  { topic, partition, key }: { readonly topic: string; readonly partition: number; readonly key: Uint8Array | null },
): string | undefined {
  switch (order) {
    case 'none':
      return undefined
    case 'partition':
      return `partition ${topic}/${partition}`
    case 'key':
      return key === null
        ? undefined
        : `key ${topic}/${partition}/${String.fromCharCode(...key.subarray(0, KEY_PART))}${keyRest(key)}`
  }
}

/** Function arguments are bounded by the stack; a longer key is written in parts. */
const KEY_PART = 4096

function keyRest(key: Uint8Array): string {
  let text = ''
  for (let at = KEY_PART; at < key.length; at += KEY_PART)
    text += String.fromCharCode(...key.subarray(at, at + KEY_PART))
  return text
}
