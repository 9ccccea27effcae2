/**
 * The registry: which work does an id name?
 *
 * It holds the works in hand, oldest first, and remembers for a while those that have ended, so that a report repeated
 * after its work is settled gets the same answer instead of making a second lifecycle event. The memory is bounded;
 * beyond it, and after a restart, an id is unknown and its report is forwarded.
 */
import type { Ledger } from './ledger.ts'
import type { WorkView } from './report.ts'
import { SlotMap } from './slot-map.ts'
import type { Work } from './work.ts'
import { lighten } from './work.ts'

/** How many ended works are remembered: a few megabytes. */
export const REMEMBERED_MAX = 5000

export class Registry {
  /** By order of arrival. */
  readonly #inHand = new SlotMap<number, Work>()
  /** Nearly always one; a set, in order of arrival, where producers repeat themselves. */
  readonly #byId = new SlotMap<string, Work | Set<Work>>()
  /** Where in `#inOrder` the last work of an id stands. */
  readonly #remembered = new Map<string, number>()
  /** Those that were remembered last, the oldest at `#at`. */
  readonly #inOrder: Work[] = []
  #at = 0

  /** How many works are in hand. */
  get size(): number {
    return this.#inHand.size
  }

  add(work: Work): void {
    this.#inHand.set(work.serial, work)
    const same = this.#byId.get(work.event.id)
    if (same === undefined) this.#byId.set(work.event.id, work)
    else if (same instanceof Set) same.add(work)
    else this.#byId.set(work.event.id, new Set([same, work]))
  }

  /** Is it still in hand? A revoked or forgotten work is not. */
  has(work: Work): boolean {
    return this.#inHand.has(work.serial)
  }

  /** The work in hand that an id names: the oldest of those that carry it. */
  find(workId: string): Work | undefined {
    const same = this.#byId.get(workId)
    return same instanceof Set ? same.values().next().value : same
  }

  /** An ended work that an id named lately. */
  recall(workId: string): Work | undefined {
    const at = this.#remembered.get(workId)
    return at === undefined ? undefined : this.#inOrder[at]
  }

  /** It is in hand no more. @param remember so that its report may be repeated. */
  remove(work: Work, remember: boolean): void {
    if (this.#inHand.delete(work.serial) === undefined) return
    const { id } = work.event
    const same = this.#byId.get(id)
    if (!(same instanceof Set) || (same.delete(work) && same.size === 0)) this.#byId.delete(id)
    if (!remember) return
    lighten(work)
    // A list that is written over, for a Map that loses its first entry again and again looks past ever more gaps.
    const at = this.#at
    const oldest = this.#inOrder[at]?.event.id
    if (oldest !== undefined && this.#remembered.get(oldest) === at) this.#remembered.delete(oldest)
    this.#inOrder[at] = work
    this.#remembered.set(id, at)
    this.#at = (at + 1) % REMEMBERED_MAX
  }

  /** Works in hand, oldest first. */
  [Symbol.iterator](): Iterator<Work> {
    return this.#inHand[Symbol.iterator]()
  }

  /** The works in hand of some assignments. */
  of(ledgers: ReadonlySet<Ledger>): Work[] {
    return [...this.#inHand].filter((work) => ledgers.has(work.ledger))
  }

  /** A page of works, oldest first. @param after the serial of the last one seen. */
  page(after: number, limit: number): { readonly works: readonly Work[]; readonly more: boolean } {
    const works: Work[] = []
    for (const work of this.#inHand) {
      if (work.serial <= after) continue
      if (works.length === limit) return { works, more: true }
      works.push(work)
    }
    return { works, more: false }
  }
}

/** A work as the reader of the work API sees it. */
export function viewOf(work: Work, attemptsMax: number): WorkView {
  const { state, event, ledger, entry } = work
  return {
    id: event.id,
    state: state.name,
    settled: work.settled,
    attempt: work.entry.attempts,
    attemptsMax,
    eventType: event.type,
    topic: ledger.topic,
    partition: ledger.partition,
    offset: entry.offset,
    receivedAtMs: work.receivedAtMs,
    ...(state.name === 'running' && { leaseEndsAtMs: state.leaseEndsAtMs }),
    ...(state.name === 'resting' && { nextAttemptAtMs: state.untilMs }),
    reports: work.reports.map(({ status, atMs, outcome }) => {
      if (outcome?.kind === 'stored') return { status, atMs, told: 'stored', eventId: outcome.eventId }
      if (outcome === undefined) return { status, atMs, told: 'held' }
      return { status, atMs, told: 'given-up', why: outcome.why }
    }),
  }
}
