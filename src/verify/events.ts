/**
 * The events that an app is tried with, made as XZepr makes them and delivered as the bridge delivers them.
 *
 * Nothing here is a likeness: the message is written by the code that writes the stand-in's, read by the bridge's own reader
 * and turned into a request by the bridge's own delivery.
 */
import type { Format } from '../core/delivery.ts'
import { deliveryOf, eventFacts } from '../core/delivery.ts'
import type { JsonText } from '../core/json.ts'
import { readMessage } from '../core/message.ts'
import type { KafkaRecord } from '../core/record.ts'
import type { Clock, Delivery } from '../core/seams.ts'
import { messageValue } from '../dev/xzepr-message.ts'
import { ulids } from '../dev/xzepr-ulid.ts'
import { encodings } from '../webhook/encodings.ts'

export const ATTEMPTS_MAX = 10
const GROUP = 'xzepr-consumer-verify-app'
const TOPIC = 'xzepr.dev.events'
const RECEIVER_ID = '01J000000000000000VER1FY00'
const OWNER_ID = '01J0000000000000000000VSER'

export interface EventOptions {
  readonly id?: string
  readonly name?: string
  /** The payload: JSON text of an object. */
  readonly payload?: JsonText
  readonly description?: string
}

/** An event as it stands on Kafka. */
export interface TrialEvent {
  readonly id: string
  readonly record: KafkaRecord
}

export class Events {
  readonly #clock: Clock
  readonly #name: string
  readonly #payload: JsonText
  readonly #nextId: () => string
  #offset = 0n

  /** @param payload what each event carries unless it says otherwise. */
  constructor(clock: Clock, name: string, payload: JsonText) {
    this.#clock = clock
    this.#name = name
    this.#payload = payload
    this.#nextId = ulids(clock)
  }

  /** The payload with one member more, so that it takes so many bytes. */
  padded(bytes: number): JsonText {
    const open = this.#payload.trim().slice(0, -1).trimEnd()
    const comma = open === '{' ? '' : ','
    return `${open}${comma}"padding":"${'x'.repeat(bytes)}"}`
  }

  make(options: EventOptions = {}): TrialEvent {
    const nowMs = this.#clock.nowMs()
    const id = options.id ?? this.#nextId()
    const value = messageValue({
      id,
      name: options.name ?? this.#name,
      version: '1.0.0',
      release: '2026.11',
      platformId: 'x86_64-linux',
      package: 'verify-app',
      description: options.description ?? 'Sent by xzepr-bridge verify-app',
      payload: options.payload ?? this.#payload,
      success: true,
      receiverId: RECEIVER_ID,
      ownerId: OWNER_ID,
      createdAt: new Date(nowMs).toISOString().replace('Z', '000000Z'),
    })
    const offset = this.#offset++
    const record = { topic: TOPIC, partition: 0, offset, timestampMs: nowMs, headers: [] }
    return { id, record: { ...record, key: Buffer.from(id), value: Buffer.from(value) } }
  }

  /** The request for some events. @param attempt from 1. */
  delivery(format: Format, events: readonly TrialEvent[], attempt: number): Delivery {
    const parcels = events.map(({ record }) => {
      const reading = readMessage(record, encodings.decodeUtf8)
      if (reading.kind !== 'message') throw new Error('an event of our own making cannot be read')
      return { record, attempt, event: eventFacts(record, reading.message, () => this.#clock.chance()) }
    })
    return deliveryOf({ format, group: GROUP, attemptsMax: ATTEMPTS_MAX, encodings }, parcels)
  }
}
