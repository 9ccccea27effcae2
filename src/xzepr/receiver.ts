/**
 * Our receiver: found, or made, and looked for again when XZepr no longer knows it.
 *
 *   look ──▶ listed ──────────────────────────────────────────▶ ours: the smallest id that matches
 *     │  └─▶ absent ──▶ create ──▶ rest a moment ──▶ look again ──▶ listed ─▶ ours
 *     │                 (whatever it answered)                 └──▶ absent ─▶ refused: it is another user's
 *     └─▶ no list: the answer tells why
 *                        (every way that does not end in `ours` rests and begins anew, for ever)
 *
 * The moment's rest lets the creates of pods that race become visible to each other before any of them chooses.
 */
import { TOKEN_MS } from '../core/pace.ts'
import { ReceiverList } from '../core/receiver.ts'
import { restMs } from '../core/retry.ts'
import type { Clock, Wake } from '../core/seams.ts'
import type { Problem, XzeprAnswer, XzeprExchange } from '../core/xzepr-answer.ts'
import { problemIn, xzeprAnswer } from '../core/xzepr-answer.ts'
import type { NewReceiver, XzeprClient } from './client.ts'
import { TOO_LARGE } from './client.ts'

type Found =
  | { readonly kind: 'ours'; readonly id: string; readonly created: boolean }
  /** `leastMs`: XZepr's own word on when to come again. */
  | { readonly kind: 'not-yet'; readonly problem: Problem | undefined; readonly leastMs: number }

export interface ReceiverOptions {
  readonly client: XzeprClient
  readonly wanted: NewReceiver
  readonly clock: Clock
  readonly initialMs: number
  readonly maxMs: number
  /** Something about `ready` or `problem` has changed. `created`: by us, just now. */
  readonly changed: (created: boolean) => void
}

/** XZepr's slowest create of a row is far below this. */
const SETTLE_MS = 1000

export class Receiver {
  readonly #options: ReceiverOptions
  #id: string | undefined
  #looks = 0
  #looking = false
  #problem: Problem | undefined
  #wake: Wake | undefined
  #stopped = false

  constructor(options: ReceiverOptions) {
    this.#options = options
  }

  /** The id last known: also while it is looked for again, so that our own events are still told from others'. */
  get id(): string | undefined {
    return this.#id
  }

  /** The id to report with; undefined while it is looked for. */
  get ready(): string | undefined {
    return this.#looking ? undefined : this.#id
  }

  /** How many looks have ended well: an answer to a request from before the last one is out of date. */
  get looks(): number {
    return this.#looks
  }

  /** Why the receiver is not found; undefined when it is, or before the first try. */
  get problem(): Problem | undefined {
    return this.#problem
  }

  /** Looks until it is found; one look at a time, however many answers ask for it. */
  async look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    const { clock, initialMs, maxMs, changed } = this.#options
    for (let attempt = 1; ; attempt++) {
      const found = await this.#findOrMake()
      if (this.#stopped) return
      if (found.kind === 'ours') {
        this.#looking = false
        this.#looks += 1
        this.#id = found.id
        this.#problem = undefined
        changed(found.created)
        return
      }
      this.#problem = found.problem
      changed(false)
      const backoff = { attempt, initialMs, maxMs, chance: clock.chance() }
      // The jitter comes on top: pods that were told the same instant must not come back together.
      await this.#rest(restMs(backoff) + (found.leastMs > 0 ? restMs({ ...backoff, retryAfterMs: found.leastMs }) : 0))
    }
  }

  /** Looks no more. What is out is the client's to abort. */
  stop(): void {
    this.#stopped = true
    this.#wake?.cancel()
  }

  #rest(forMs: number): Promise<void> {
    const { clock } = this.#options
    return new Promise((resolve) => {
      if (!this.#stopped) this.#wake = clock.wake(clock.nowMs() + forMs, resolve)
    })
  }

  async #findOrMake(): Promise<Found> {
    const { client, wanted, clock } = this.#options
    const first = await this.#lookThrough()
    if (first.kind !== 'absent') return first
    const answer = xzeprAnswer(await client.createReceiver(wanted), clock.nowMs())
    const refused = answer.kind === 'refused' || (answer.kind === 'failing' && REFUSES_A_CREATE.test(answer.why))
    if (answer.kind !== 'stored' && !refused) return notYet(answer)
    await this.#rest(SETTLE_MS)
    const second = await this.#lookThrough()
    if (answer.kind !== 'stored') return second.kind === 'absent' ? taken(wanted, answer) : second
    if (second.kind === 'absent') return { kind: 'ours', id: answer.id, created: true }
    return second.kind === 'ours' ? { ...second, created: second.id === answer.id } : second
  }

  async #lookThrough(): Promise<Found | { readonly kind: 'absent' }> {
    const { client, wanted, clock } = this.#options
    const list = new ReceiverList(wanted)
    for (let page = list.page; page !== undefined; page = list.page) {
      const exchange: XzeprExchange = await client.listReceivers(page.limit, page.offset)
      if (exchange.kind === 'response' && exchange.status === 200) {
        const why = list.read(exchange.body)
        if (why !== undefined) return notYet({ kind: 'failing', why })
      } else if (exchange.kind !== 'failure' || exchange.code !== TOO_LARGE || !list.smaller()) {
        return notYet(xzeprAnswer(exchange, clock.nowMs()))
      }
    }
    return list.ours === undefined ? { kind: 'absent' } : { kind: 'ours', id: list.ours, created: false }
  }
}

/** 500 is how a new build says that the name exists, 400 how an old one does; neither can be told from other reasons. */
const REFUSES_A_CREATE = /^HTTP (?:409|500)\b/

function taken({ name, type }: NewReceiver, refusal: { readonly why: string }): Found {
  const { why } = refusal
  const invalid = why.startsWith('HTTP 422') || why.includes('validation_error')
  const said = `the receiver ${name} (BRIDGE_RECEIVER_NAME) of type ${type} is not listed and cannot be created: ${why}`
  const code = invalid ? 'XZB_XZEPR_REFUSED' : 'XZB_XZEPR_RECEIVER_TAKEN'
  return { kind: 'not-yet', problem: { code, why: said }, leastMs: 0 }
}

function notYet(answer: XzeprAnswer): Found {
  const problem = problemIn(answer)
  if (answer.kind === 'limited')
    return { kind: 'not-yet', problem, leastMs: Math.max(TOKEN_MS, answer.retryAfterMs ?? 0) }
  return { kind: 'not-yet', problem, leastMs: answer.kind === 'busy' ? (answer.retryAfterMs ?? 0) : 0 }
}
