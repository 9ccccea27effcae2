/**
 * The line: works that may go now.
 *
 * A work is in the line while it waits and is the first of all its lanes. Out, resting or running it keeps its lanes
 * but not its place in the line, so it holds up nobody outside its lanes.
 *
 * Partitions take turns, so that none waits for the backlog of another; within one, works that were sent before take
 * turns, in the order in which they became free, with fresh ones, the lowest offset first. A partition whose offset map is
 * full lets no work go that lies beyond all that were sent: what lies before adds nothing to the map, and only by its
 * ending is there room again.
 */
import { Heap } from './heap.ts'
import { Lanes } from './lanes.ts'
import type { Ledger } from './ledger.ts'
import type { Place } from './queue.ts'
import { Queue } from './queue.ts'
import type { Work } from './work.ts'

/** The works of one partition that may go. */
interface Party {
  readonly ledger: Ledger
  /** Works of one ledger arrive in the order of their offsets, so the serial ranks them. */
  readonly fresh: Heap<Work>
  /** Sent before, or from among those that were. */
  readonly again: Queue<Work>
  freshIsNext: boolean
  /** How many stand in both. */
  size: number
  turn: Place<Party> | undefined
}

/** Where a work stands in the line. It is kept at the work: a book of them is asked several times for every delivery. */
export interface Stand {
  readonly party: Party
  /** Its place among those that were sent before; undefined for a fresh one. */
  readonly place: Place<Work> | undefined
}

export class Line {
  readonly #changed: (ledger: Ledger, size: number) => void
  readonly #lanes = new Lanes<Work>()
  readonly #parties = new WeakMap<Ledger, Party>()
  readonly #turns = new Queue<Party>()
  #size = 0

  /** @param changed is told how many of a partition are in the line, whenever that changes. */
  constructor(changed: (ledger: Ledger, size: number) => void = () => undefined) {
    this.#changed = changed
  }

  /** How many of a partition are in the line. */
  sizeOf(ledger: Ledger): number {
    return this.#parties.get(ledger)?.size ?? 0
  }

  /** How many are in the line. */
  get size(): number {
    return this.#size
  }

  /** The next to go; undefined when none may. */
  get next(): Work | undefined {
    for (let turn = this.#turns.firstPlace; turn !== undefined; turn = turn.after) {
      const party = turn.member
      const { ledger, fresh, again, freshIsNext } = party
      const lowest = fresh.first(isFresh)
      const may = lowest && (lowest.entry.offset < ledger.touchedTo || ledger.hasRoom) ? lowest : undefined
      const next = freshIsNext ? (may ?? again.first) : (again.first ?? may)
      if (next !== undefined) return next
    }
    return undefined
  }

  /** A new work joins its lanes, and the line when nobody is before it. */
  join(work: Work): void {
    // The id has a lane of its own: two records with one id are never out at once, whatever the order setting.
    const { id } = work.event
    this.#lanes.join(work, work.orderLane === undefined ? [id] : [id, work.orderLane])
    this.lineUp(work)
  }

  /** Whom it waits for; undefined when it is the first of all its lanes. */
  before(work: Work): Work | undefined {
    return this.#lanes.before(work)
  }

  /** Takes a place in the line if it may go. */
  lineUp(work: Work): void {
    if (work.state.name !== 'waiting' || work.stand !== undefined || this.before(work) !== undefined) return
    const party = this.#partyOf(work.ledger)
    const place = work.entry.offset < work.ledger.touchedTo ? party.again.join(work) : undefined
    if (place === undefined) party.fresh.push(work)
    work.stand = { party, place }
    this.#size += 1
    party.size += 1
    party.turn ??= this.#turns.join(party)
    this.#changed(party.ledger, party.size)
  }

  /** Gives up its place in the line: it goes out, or has ended. The next turn is another partition's. */
  step(work: Work): void {
    const { stand } = work
    if (stand === undefined) return
    work.stand = undefined
    this.#size -= 1
    const { party, place } = stand
    if (place !== undefined) party.again.leave(place)
    party.size -= 1
    party.freshIsNext = place !== undefined
    if (party.turn !== undefined) this.#turns.leave(party.turn)
    party.turn = party.size > 0 ? this.#turns.join(party) : undefined
    this.#changed(party.ledger, party.size)
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

  /** The works of partitions that are ours no more leave at once: none of them comes into the line in passing. */
  leaveTogether(works: readonly Work[]): void {
    const leaving = new Set(works)
    const freed = new Set<Work>()
    for (const work of works) {
      this.step(work)
      // A work that is remembered holds its ledger, which would hold the party, and its heap these works with their bytes.
      this.#parties.delete(work.ledger)
      for (const next of this.#lanes.leaveAll(work)) if (!leaving.has(next)) freed.add(next)
    }
    for (const next of freed) this.lineUp(next)
  }

  #partyOf(ledger: Ledger): Party {
    let party = this.#parties.get(ledger)
    if (party === undefined) {
      party = {
        ledger,
        fresh: new Heap(({ serial }) => serial),
        again: new Queue(),
        freshIsNext: false,
        size: 0,
        turn: undefined,
      }
      this.#parties.set(ledger, party)
    }
    return party
  }
}

/** Sent before, it stands among the others; what is left of it in the heap is nothing. */
function isFresh({ stand }: Work): boolean {
  return stand !== undefined && stand.place === undefined
}

export type Order = 'key' | 'partition' | 'none'

/**
 * The lane that the order setting asks for. A record without a key has no order to keep, as in Kafka itself. It begins
 * with U+0000, which no id holds (message.ts): no id's lane is ever the same.
 */
export function orderLane(
  order: Order,
  { topic, partition, key }: { readonly topic: string; readonly partition: number; readonly key: Uint8Array | null },
): string | undefined {
  switch (order) {
    case 'none':
      return undefined
    case 'partition':
      return `\0${topic}/${partition}`
    case 'key':
      return key === null ? undefined : `\0${topic}/${partition}/${latin1(key)}`
  }
}

/** Function arguments are bounded by the stack; a longer key is written in parts. */
const PART = 4096

/** A character for each byte. */
function latin1(bytes: Uint8Array): string {
  // Spreading would make a list of numbers first, for every record.
  const write = (part: Uint8Array): string => String.fromCharCode.apply(null, part as unknown as number[])
  if (bytes.length <= PART) return write(bytes)
  let text = ''
  for (let at = 0; at < bytes.length; at += PART) text += write(bytes.subarray(at, at + PART))
  return text
}
