/**
 * In hand: every work between its lane and its ending, and what the bridge holds for it.
 *
 * The books of the road in one place, so that each step of a work is booked everywhere at once: registry (which work
 * does an id name), line (who may go), buffers (whose bytes wait), and how many works the app holds with how many bytes.
 */
import { Buffers } from './buffers.ts'
import type { Booking } from './effects.ts'
import type { Ledger } from './ledger.ts'
import { Line } from './line.ts'
import { onItsOwn } from './record.ts'
import { Registry } from './registry.ts'
import type { Work } from './work.ts'

/** Enough stock of one partition: so many events for each that may be out at once. */
const READY_PER_PLACE = 8
/** And no fewer: a small app that answers fast must not wait for Kafka either. */
const READY_MIN = 512

export interface Bounds {
  /** Requests to the app that are out at once. */
  readonly maxInFlight: number
  /** Works that the app has accepted and not ended. */
  readonly maxRunning: number
  /** Bytes of records that wait; as many again may be held by running works. */
  readonly maxBufferedBytes: number
  /** Reports that XZepr does not have yet; beyond it deliveries wait. */
  readonly maxReports: number
}

/** What is out at the edges just now. */
export interface Load {
  readonly inFlight: number
  /** Works in them: a batch carries several. */
  readonly out: number
  readonly reports: number
  readonly reportBytes: number
}

export class InHand {
  readonly registry = new Registry()
  readonly buffers: Buffers
  readonly line = new Line((ledger, size) => {
    this.buffers.stock(ledger, size)
  })
  readonly #bounds: Bounds
  /** By serial. */
  readonly #running = new Set<number>()
  #runningBytes = 0

  /** @param eventsPerCall how many events one request carries at the most. */
  constructor(bounds: Bounds, eventsPerCall: number) {
    this.#bounds = bounds
    this.buffers = new Buffers(
      bounds.maxBufferedBytes,
      Math.max(READY_MIN, READY_PER_PLACE * bounds.maxInFlight * eventsPerCall),
    )
  }

  /** How many works the app has accepted and not ended. */
  get running(): number {
    return this.#running.size
  }

  /**
   * Why no further delivery may go out, in a sentence, or undefined when there is room. Each one that is out may be
   * accepted, so it counts as running beforehand.
   */
  full({ inFlight, out, reports, reportBytes }: Load): string | undefined {
    const { maxInFlight, maxBufferedBytes, maxReports } = this.#bounds
    if (inFlight >= maxInFlight) return `${inFlight} requests to the app are out (BRIDGE_MAX_IN_FLIGHT).`
    const running = this.#running.size
    if (this.roomToRun(out) <= 0) return `The app holds ${running} works (BRIDGE_MAX_RUNNING).`
    if (this.#runningBytes >= maxBufferedBytes) {
      return `The app holds works of ${this.#runningBytes} bytes (BRIDGE_MAX_BUFFERED_BYTES).`
    }
    if (reports >= maxReports || reportBytes >= maxBufferedBytes) {
      return `${reports} reports of ${reportBytes} bytes wait for XZepr.`
    }
    return undefined
  }

  /** How many more works the app may accept, when all that are out are accepted. */
  roomToRun(out: number): number {
    return this.#bounds.maxRunning - this.#running.size - out
  }

  /** A new work: it waits. */
  take(work: Work): void {
    this.registry.add(work)
    this.buffers.count(work.ledger, work.heldBytes)
    this.line.join(work)
  }

  /** Books what a transition of a work asks for. */
  book({ kind, work }: Booking): void {
    switch (kind) {
      case 'line-up':
        this.line.lineUp(work)
        break
      case 'run':
        this.#run(work)
        this.line.step(work)
        break
      case 'rest':
        this.#settleIn(work)
        if (this.#stopRunning(work)) this.buffers.count(work.ledger, work.heldBytes)
        this.line.step(work)
        break
      case 'end':
        if (this.#stopRunning(work)) this.buffers.count(work.ledger, work.heldBytes)
        this.line.step(work)
        break
      case 'release':
        this.buffers.count(work.ledger, -work.heldBytes)
        break
      case 'let-pass':
        this.line.letPass(work)
        break
      case 'forget':
        this.line.leave(work)
        this.registry.remove(work, true)
        break
      default:
        kind satisfies never
    }
  }

  /** Partitions are revoked: their works are not ours any more. @returns those that were in hand. */
  drop(ledgers: readonly Ledger[]): Work[] {
    const works = this.registry.of(new Set(ledgers))
    for (const ledger of ledgers) this.buffers.revoke(ledger)
    for (const work of works) {
      this.#stopRunning(work)
      this.registry.remove(work, false)
    }
    this.line.leaveTogether(works)
    return works
  }

  /** Its bytes are held by the app's promise now, not by the wait for a delivery. */
  #run(work: Work): void {
    if (this.#running.has(work.serial)) return
    this.#settleIn(work)
    this.#running.add(work.serial)
    this.#runningBytes += work.heldBytes
    this.buffers.count(work.ledger, -work.heldBytes)
  }

  /** It stays for a while: its bytes hold up no neighbour's. Once is enough. */
  #settleIn(work: Work): void {
    if (work.record === undefined || work.isOnItsOwn) return
    work.isOnItsOwn = true
    work.record = onItsOwn(work.record)
  }

  #stopRunning(work: Work): boolean {
    if (!this.#running.delete(work.serial)) return false
    this.#runningBytes -= work.heldBytes
    return true
  }
}
