/**
 * How XZepr publishes: after it has saved, and best effort.
 *
 * A publish that fails is forgotten, one that takes too long is no longer waited for (it may still arrive: neither a 200
 * nor a timeout proves anything about Kafka), and a value too long for a broker never leaves. The caller hears 200 in
 * every case.
 */
import { utf8Bytes } from '../core/json.ts'
import type { Clock } from '../core/seams.ts'

/** What XZepr hands to Kafka: no headers. */
export interface XzeprRecord {
  readonly topic: string
  /** The event's id. */
  readonly key: string
  readonly value: string
}

export type Publish = (record: XzeprRecord) => Promise<void>

/** A broker's limit of a megabyte, minus the envelope of a record. */
export const MAX_PUBLISHED_BYTES = 999_500

export class Publisher {
  /** Events saved of which Kafka never heard, as far as is known. */
  lost = 0
  readonly #clock: Clock
  readonly #publish: Publish
  readonly #timeoutMs: number

  constructor(clock: Clock, publish: Publish, timeoutMs: number) {
    this.#clock = clock
    this.#publish = publish
    this.#timeoutMs = timeoutMs
  }

  /**
   * Resolves when Kafka has the record, has refused it, or was waited for long enough. Never throws.
   * @param lost true for a record that shall not arrive.
   */
  async publish(record: XzeprRecord, lost = false): Promise<void> {
    if (lost || utf8Bytes(record.value) > MAX_PUBLISHED_BYTES) {
      this.lost += 1
      return
    }
    const sent = this.#sent(record)
    await new Promise<void>((resolve) => {
      const patience = this.#clock.wake(this.#clock.nowMs() + this.#timeoutMs, resolve)
      void sent.then(() => {
        patience.cancel()
        resolve()
      })
    })
  }

  async #sent(record: XzeprRecord): Promise<void> {
    try {
      await this.#publish(record)
    } catch {
      // Whatever the reason, the real server writes a line to its log and goes on.
      this.lost += 1
    }
  }
}
