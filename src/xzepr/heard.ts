/**
 * Reports of ours that were heard on the topic: XZepr publishes what it stores, so whatever comes round is stored.
 *
 * XZepr's create is not idempotent and its events cannot be read back. So this is all that tells, after an answer that was
 * lost or a crash before the commit, that a report need not be told again. The memory is bounded; beyond it, and for what
 * came round to another pod, a report may be told twice, with the same delivery id.
 */
import type { OwnReport } from '../core/filter.ts'

/** Some megabytes at the most. */
const HEARD_MAX = 10_000

export class Heard {
  readonly #eventIds = new Map<string, string>()

  add({ deliveryId, eventId }: OwnReport): void {
    // Told twice, the first counts: it is what others have seen.
    if (this.#eventIds.has(deliveryId)) return
    this.#eventIds.set(deliveryId, eventId)
    for (const oldest of this.#eventIds.keys()) {
      if (this.#eventIds.size <= HEARD_MAX) break
      this.#eventIds.delete(oldest)
    }
  }

  /** XZepr's id of the event, if it was heard. */
  eventIdOf(deliveryId: string): string | undefined {
    return this.#eventIds.get(deliveryId)
  }
}
