/**
 * One trial: an event goes to the app, and what the app made of it comes back.
 *
 *   event ─▶ (signed) request ─▶ answer ─┬─ done ─────────────────────────────▶ tried
 *                                        ├─ accepted ─▶ report, or silence ───▶ tried
 *                                        └─ later, never, away ───────────────▶ tried
 *
 * A report wins over the answer, as it does in the bridge: who has reported completed and then answers 500 has completed.
 */
import type { Answer } from '../core/answer.ts'
import { answersOf } from '../core/batch-answer.ts'
import type { Format } from '../core/delivery.ts'
import type { Clock, Delivery } from '../core/seams.ts'
import type { WebhookClient } from '../webhook/client.ts'
import { signatureHeaders } from '../webhook/signature.ts'
import type { EventOptions, Events, TrialEvent } from './events.ts'
import type { AppEnding, Reports } from './reports.ts'
import type { Wire } from './wire.ts'

export interface TrialParts {
  readonly events: Events
  readonly reports: Reports
  readonly webhook: WebhookClient
  readonly wire: Wire
  readonly clock: Clock
  /** The format of every trial that names none. */
  readonly format: Format
  /** How long a report may take after a 202. */
  readonly timeoutMs: number
  /** Empty: nothing is signed. */
  readonly keys: readonly Uint8Array[]
}

/** How a request gets to the app. */
export type Way = (delivery: Delivery) => Promise<Answer>

export interface SendOptions {
  readonly attempt?: number
  readonly format?: Format
  readonly way?: Way
  /** In place of the right ones; empty: none. */
  readonly keys?: readonly Uint8Array[]
  readonly signedAtMs?: number
}

/** What the app made of an event. `silent`: accepted, and no report came. */
export interface Tried {
  readonly answer: Answer
  readonly ending: AppEnding | 'silent' | undefined
  readonly reports: readonly string[]
  readonly tookMs: number
}

export class Trial {
  readonly #parts: TrialParts

  constructor(parts: TrialParts) {
    this.#parts = parts
  }

  get isSigned(): boolean {
    return this.#parts.keys.length > 0
  }

  get events(): Events {
    return this.#parts.events
  }

  get wire(): Wire {
    return this.#parts.wire
  }

  get nowMs(): number {
    return this.#parts.clock.nowMs()
  }

  /** The signed request for an event. */
  request(events: readonly TrialEvent[], options: SendOptions = {}): Delivery {
    const { parts, attempt, format, keys, signedAtMs } = {
      parts: this.#parts,
      attempt: 1,
      format: this.#parts.format,
      keys: this.#parts.keys,
      signedAtMs: this.nowMs,
      ...options,
    }
    const delivery = parts.events.delivery(format, events, attempt)
    if (keys.length === 0) return delivery
    const signature = signatureHeaders(keys, { id: delivery.id, body: delivery.body, nowMs: signedAtMs })
    return { ...delivery, headers: { ...delivery.headers, ...signature } }
  }

  /** A fresh event, sent once. */
  async fresh(event: EventOptions = {}, options: SendOptions = {}): Promise<Tried> {
    return this.send(this.events.make(event), options)
  }

  async send(event: TrialEvent, options: SendOptions = {}): Promise<Tried> {
    const [tried] = await this.sendAll([event], options)
    if (tried === undefined) throw new Error('one event has one answer')
    return tried
  }

  /** Several events in one request of format `batch`; one for any other. */
  async sendAll(events: readonly TrialEvent[], options: SendOptions = {}): Promise<readonly Tried[]> {
    const { reports, webhook, timeoutMs } = this.#parts
    const way: Way = options.way ?? (async (delivery) => webhook.attempt(delivery).answer)
    for (const { id } of events) reports.begin(id, options.attempt ?? 1)
    const startedAtMs = this.nowMs
    const delivery = this.request(events, options)
    const { body, ...whole } = await way(delivery)
    const tookMs = this.nowMs - startedAtMs
    const ids = events.map(({ id }) => id)
    // Only a batch is answered event by event; of any other the body says nothing.
    const answers = delivery.wantsBody && body !== undefined ? answersOf({ ...whole, body }, ids) : ids.map(() => whole)
    return Promise.all(
      ids.map(async (id, at) => {
        const answer = answers[at] ?? whole
        const waits = answer.kind === 'accepted'
        const ending = waits ? ((await reports.ending(id, timeoutMs)) ?? 'silent') : reports.of(id).ending
        return { answer, ending, reports: reports.of(id).reports, tookMs }
      }),
    )
  }

  /** Two fresh events, one after the other on one connection. @returns `reused`: the app has left it open. */
  async onOneConnection(): Promise<{ readonly tried: readonly Tried[]; readonly reused: boolean }> {
    const pair = [this.events.make(), this.events.make()]
    const both = this.wire.onOneConnection(pair.map((event) => this.request([event])))
    const tried = pair.map(async (event, at) =>
      this.send(event, { way: async () => (await both).answers[at] ?? { kind: 'away', why: 'no answer' } }),
    )
    return { tried: await Promise.all(tried), reused: (await both).reused }
  }
}
