/**
 * `xzepr-bridge emit`: events through XZepr's own API, and how their works end. A process of its own, composed here.
 *
 *   words, or a file ─▶ draft ─▶ POST /api/v1/events ─▶ (with --wait) followed in the bridge's work API ─▶ settled
 *
 * The laws: an event is sent once, for XZepr's create is not idempotent, unless XZepr itself says that it was not taken
 * (429, 503); each event that was sent is a line on standard output; the exit code says how it went.
 */
import type { Readable } from 'node:stream'
import type { EmitOptions } from './cli/emit-words.ts'
import { EX_NOPERM, EX_TEMPFAIL, EX_UNAVAILABLE, INTERRUPTED } from './cli/exits.ts'
import { harmless } from './cli/replay-text.ts'
import type { Environment } from './config/environment.ts'
import type { FileReader } from './config/files.ts'
import { TOKEN_MS } from './core/pace.ts'
import { paceMs } from './core/replay.ts'
import type { Clock } from './core/seams.ts'
import type { XzeprAnswer } from './core/xzepr-answer.ts'
import { xzeprAnswer } from './core/xzepr-answer.ts'
import { findWhereabouts } from './dev/whereabouts.ts'
import type { Early } from './emit/drafts.ts'
import { draftsOf, early } from './emit/drafts.ts'
import type { Draft } from './emit/event.ts'
import { eventBody } from './emit/event.ts'
import { Follow, lookAt } from './emit/follow.ts'
import { emitReceiver } from './emit/receiver.ts'
import type { Target } from './emit/target.ts'
import { targetOf } from './emit/target.ts'
import { XzeprClient } from './xzepr/client.ts'

export interface EmitParts {
  readonly options: EmitOptions
  readonly env: Environment
  readonly stdin: Readable
  readonly clock: Clock
  readonly readFile: FileReader
  /** Standard output: a line for each event. */
  readonly out: (text: string) => void
  /** Standard error, for people. */
  readonly err: (text: string) => void
  readonly onSignal: (end: () => void) => void
}

/** How long XZepr may say that it is busy before nobody waits any more. */
const BUSY_MAX_MS = 120_000

/** @returns the exit code. */
export async function emit(parts: EmitParts): Promise<number> {
  const { env, readFile, clock, err, onSignal } = parts
  const targeting = targetOf(env, readFile, clock, () => findWhereabouts(env))
  if (targeting.kind === 'none') {
    err(targeting.why)
    return targeting.exitCode
  }
  const { target } = targeting
  const { xzeprUrl, timeoutMs, credentials, caPem } = target
  const interrupt = new AbortController()
  onSignal(() => {
    interrupt.abort()
  })
  const client = new XzeprClient({ url: new URL(xzeprUrl), timeoutMs, credentials, caPem, clock, connections: 1 })
  err(`To ${xzeprUrl} (${target.how})\n`)
  try {
    return await new Emission(parts, target, client, interrupt.signal).run()
  } finally {
    await client.close()
  }
}

class Emission {
  readonly #parts: EmitParts
  readonly #target: Target
  readonly #client: XzeprClient
  readonly #signal: AbortSignal
  readonly #follow: Follow
  readonly #counts = { sent: 0, refused: 0, completed: 0, failed: 0, 'passed-over': 0 }
  #receiverId: string | undefined
  #startAtMs = 0
  #nameColumns = 0
  #hasSaidBusy = false

  constructor(parts: EmitParts, target: Target, client: XzeprClient, signal: AbortSignal) {
    this.#parts = parts
    this.#target = target
    this.#client = client
    this.#signal = signal
    this.#receiverId = target.receiverId
    const { clock, options } = parts
    this.#follow = new Follow({
      look: lookAt({ ...target.workApi, clock, signal }),
      clock,
      timeoutMs: options.timeoutMs,
      signal,
      settled: ({ id, name }, { state, attempt }, tookMs) => {
        const ending = state === 'failed' || state === 'passed-over' ? state : 'completed'
        this.#counts[ending] += 1
        this.#line(id, name, `${state} at attempt ${attempt}, ${tookMs} ms`)
      },
    })
  }

  async run(): Promise<number> {
    const { options } = this.#parts
    const ended = await this.#sendAll()
    if (options.wait && this.#counts.sent > 0) await this.#follow.end()
    const waiting = options.wait ? this.#notSettled() : undefined
    const { refused, failed, 'passed-over': passedOver } = this.#counts
    this.#sum(ended)
    if (this.#signal.aborted) return INTERRUPTED
    if (ended !== undefined) return ended.exitCode
    return refused + failed + passedOver > 0 ? 1 : (waiting ?? 0)
  }

  /** One event that went well needs no sum. */
  #sum(ended: Early | undefined): void {
    const { sent, refused, completed, failed, 'passed-over': passedOver } = this.#counts
    const parts = [
      `${sent} sent`,
      ...(refused > 0 ? [`${refused} refused`] : []),
      ...(this.#parts.options.wait ? [`${completed} completed`, `${failed} failed`] : []),
      ...(passedOver > 0 ? [`${passedOver} passed over`] : []),
    ]
    if (sent + refused !== 1 || ended !== undefined) this.#say(parts.join(', '))
    if (ended !== undefined) this.#say(ended.why)
  }

  /** @returns why it ended early. */
  async #sendAll(): Promise<Early | undefined> {
    const { options, stdin } = this.#parts
    const { count } = options
    const asked = early(INTERRUPTED, 'Ended as asked.')
    for await (const next of draftsOf(options, stdin, this.#signal)) {
      if (next.kind === 'early') return next
      for (let nth = 0; nth < count; nth++) {
        await this.#pauseUntil(this.#startAtMs)
        if (this.#signal.aborted) return asked
        this.#startAtMs = paceMs(this.#parts.clock.nowMs(), options.ratePerSecond)
        const ended = await this.#send(next.draft)
        if (ended !== undefined) return ended
      }
    }
    return this.#signal.aborted ? asked : undefined
  }

  /** @returns why nothing more can be sent. */
  async #send(draft: Draft): Promise<Early | undefined> {
    if (this.#receiverId === undefined && !draft.fields.has('event_receiver_id')) {
      const receiving = await emitReceiver(this.#client, this.#parts.clock)
      if (receiving.kind === 'refused')
        return this.#early(receiving.answer, 'the receiver') ?? noReceiver(receiving.answer.why)
      this.#receiverId = receiving.id
    }
    const answer = await this.#answer(eventBody(draft, this.#receiverId ?? ''))
    if (answer.kind === 'stored') {
      this.#counts.sent += 1
      if (this.#parts.options.wait) this.#follow.add(answer.id, draft.name)
      else this.#line(answer.id, draft.name, 'sent')
      return undefined
    }
    const ended = this.#early(answer, 'this event')
    if (ended !== undefined) return ended
    this.#counts.refused += 1
    this.#say(`XZepr refused ${harmless(draft.name)}: ${answer.why}`)
    return undefined
  }

  /** Waits where XZepr says that it has not taken the event and may later. */
  async #answer(body: string): Promise<XzeprAnswer> {
    const { clock } = this.#parts
    const untilMs = clock.nowMs() + BUSY_MAX_MS
    for (;;) {
      const answer = xzeprAnswer(await this.#client.createEvent(body), clock.nowMs())
      if (answer.kind !== 'limited' && answer.kind !== 'busy') return answer
      const againAtMs = clock.nowMs() + Math.max(TOKEN_MS, answer.retryAfterMs ?? 0)
      if (againAtMs > untilMs || this.#signal.aborted) return answer
      if (!this.#hasSaidBusy) this.#say(`XZepr has enough for now (${answer.why}): waiting as it is told to.`)
      this.#hasSaidBusy = true
      await this.#pauseUntil(againAtMs)
    }
  }

  /** What stands for XZepr as a whole, and not for one event. @param what was asked for. */
  #early(answer: XzeprAnswer, what: string): Early | undefined {
    const { xzeprUrl } = this.#target
    switch (answer.kind) {
      case 'away':
        return early(EX_UNAVAILABLE, `No XZepr answers at ${xzeprUrl}: ${sentence(answer.why)}${doubt(answer.why)}`)
      case 'failing':
        return early(
          EX_UNAVAILABLE,
          `XZepr at ${xzeprUrl} failed at ${what}: ${sentence(answer.why)} It has an outage, or cannot do this one: try it alone.`,
        )
      case 'busy':
      case 'limited':
        return early(EX_UNAVAILABLE, `XZepr at ${xzeprUrl} does not take events just now: ${sentence(answer.why)}`)
      case 'barred':
        return early(EX_NOPERM, `XZepr does not let this user send events: ${sentence(answer.why)}`)
      case 'refused':
      case 'no-receiver':
      case 'stored':
        return undefined
    }
  }

  /** Says what has not settled. @returns the exit code for it. */
  #notSettled(): number | undefined {
    const { pending, away } = this.#follow
    for (const { id, name, seen } of pending) this.#line(id, name, seen === undefined ? 'never in hand' : seen.state)
    if (pending.length === 0 || this.#signal.aborted) return undefined
    const { url } = this.#target.workApi
    if (away !== undefined) {
      this.#say(`No bridge answers at ${url} (${away}): --wait needs the one on this machine (BRIDGE_WORK_API_PORT).`)
      return EX_UNAVAILABLE
    }
    this.#say(`Not settled within ${this.#parts.options.timeoutMs / 1000} s.`)
    if (pending.some(({ seen }) => seen === undefined)) {
      this.#say(`The bridge at ${url} never had it in hand: do BRIDGE_EVENT_TYPES and BRIDGE_FILTER ask for it?`)
    }
    return EX_TEMPFAIL
  }

  async #pauseUntil(atMs: number): Promise<void> {
    const { clock } = this.#parts
    if (this.#signal.aborted || atMs <= clock.nowMs()) return
    await new Promise<void>((resolve) => {
      const end = (): void => {
        wake.cancel()
        this.#signal.removeEventListener('abort', end)
        resolve()
      }
      const wake = clock.wake(atMs, end)
      this.#signal.addEventListener('abort', end, { once: true })
    })
  }

  #line(id: string, name: string, text: string): void {
    const shown = harmless(name, 64)
    this.#nameColumns = Math.max(this.#nameColumns, shown.length)
    this.#parts.out(`${harmless(id, 64)}  ${shown.padEnd(this.#nameColumns)}  ${text}\n`)
  }

  #say(text: string): void {
    this.#parts.err(`${text}\n`)
  }
}

function noReceiver(why: string): Early {
  return early(1, `XZepr has no receiver for these events and makes none: ${why}. Name one with --set.`)
}

function sentence(why: string): string {
  return /[.?!]$/.test(why) ? why : `${why}.`
}

/** Once a request is on its way nobody knows what became of it. */
function doubt(why: string): string {
  return why === 'ECONNREFUSED' ? '' : ' Whether it has the last event is not known: it is not sent twice.'
}
