/**
 * The tables behind the XZepr stand-in: receivers in full, events only as they are made.
 *
 * A receiver's name and type are taken once, by whoever came first, but the real server looks before it writes: of several
 * creates at once two or three pass the look. `race` lets a test have that at will, one after the other.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../core/seams.ts'
import type { XzeprEvent, XzeprReceiver } from './xzepr-message.ts'
import type { NewEvent, NewReceiver } from './xzepr-rules.ts'
import { ulids } from './xzepr-ulid.ts'

export interface ReceiverPage {
  readonly receivers: readonly XzeprReceiver[]
  readonly total: number
}

export class Tables {
  readonly #clock: Clock
  /** By id, oldest first. */
  readonly #receivers = new Map<string, XzeprReceiver>()
  /** How many creates of one name and type pass as if at once. */
  #copies = 1
  readonly nextId: () => string

  constructor(clock: Clock) {
    this.#clock = clock
    this.nextId = ulids(clock)
  }

  /** From here on the first `copies` creates of a name and type succeed, each with its own id. 1 is no race. */
  race(copies: number): void {
    this.#copies = copies
  }

  /** @returns undefined when name and type are taken, by anyone. */
  addReceiver(fresh: NewReceiver, ownerId: string): XzeprReceiver | undefined {
    const same = [...this.#receivers.values()].filter(({ name, type }) => name === fresh.name && type === fresh.type)
    if (same.length >= this.#copies) return undefined
    const fingerprint = createHash('sha256')
      .update(fresh.name + fresh.type + fresh.version + fresh.schema)
      .digest('hex')
    const receiver = { ...fresh, id: this.nextId(), fingerprint, ownerId, createdAt: this.#now() }
    this.#receivers.set(receiver.id, receiver)
    return receiver
  }

  receiver(id: string): XzeprReceiver | undefined {
    return this.#receivers.get(id.toUpperCase())
  }

  /** Every receiver, oldest first. */
  get receivers(): readonly XzeprReceiver[] {
    return [...this.#receivers.values()]
  }

  deleteReceiver(id: string): boolean {
    return this.#receivers.delete(id.toUpperCase())
  }

  /** Newest first. @param ownerId undefined for everybody's. */
  page(ownerId: string | undefined, limit: number, offset: number): ReceiverPage {
    const all = this.receivers.filter((receiver) => ownerId === undefined || receiver.ownerId === ownerId).reverse()
    return { receivers: all.slice(offset, offset + limit), total: all.length }
  }

  makeEvent(fresh: NewEvent, ownerId: string): XzeprEvent {
    return { ...fresh, id: this.nextId(), ownerId, createdAt: this.#now() }
  }

  /** RFC 3339 with nine digits; the clock gives three, chance the rest. */
  #now(): string {
    const belowMs = Math.floor(this.#clock.chance() * 1_000_000)
    return new Date(this.#clock.nowMs()).toISOString().replace('Z', `${String(belowMs).padStart(6, '0')}Z`)
  }
}
