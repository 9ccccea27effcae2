/**
 * Follows works to their endings, by asking the bridge's work API.
 *
 *   sent ─▶ unseen (404: not in hand yet, or never asked for) ─▶ in hand ─▶ settled
 *
 * XZepr itself cannot be asked (its GET of an event fails), and the bridge remembers works for a while after they have
 * settled, so none is missed between two looks.
 */
import { request } from 'undici'
import type { Clock } from '../core/seams.ts'

/** A work as an onlooker wants it. */
export interface Seen {
  readonly state: string
  readonly settled: boolean
  readonly attempt: number
}

export type Look =
  | { readonly kind: 'seen'; readonly seen: Seen }
  | { readonly kind: 'unseen' }
  /** No bridge, or none that answers such a question. */
  | { readonly kind: 'away'; readonly why: string }

export interface Followed {
  readonly id: string
  readonly name: string
  readonly sentAtMs: number
  seen: Seen | undefined
}

export interface FollowOptions {
  readonly look: (id: string) => Promise<Look>
  readonly clock: Clock
  readonly timeoutMs: number
  /** A work has settled. */
  readonly settled: (followed: Followed, seen: Seen, tookMs: number) => void
  readonly signal: AbortSignal
}

const LOOK_EVERY_MS = 50
/** A bridge that is started again is back sooner. */
const AWAY_MAX_MS = 5000
/** So many at once, the oldest first; the next round goes on behind them, whether or not they ever settle. */
const ROUND_MAX = 200

export class Follow {
  readonly #options: FollowOptions
  readonly #pending = new Map<string, Followed>()
  /** How many of those that are pending were looked at since the first was. */
  #turn = 0
  #lastSentAtMs: number | undefined
  /** Why the last look came to nothing, and since when; undefined when it came to something. */
  #away: { readonly why: string; readonly sinceMs: number } | undefined
  #running: Promise<void> | undefined

  constructor(options: FollowOptions) {
    this.#options = options
  }

  /** What has not settled. */
  get pending(): readonly Followed[] {
    return [...this.#pending.values()]
  }

  get away(): string | undefined {
    return this.#away?.why
  }

  add(id: string, name: string): void {
    this.#pending.set(id, { id, name, sentAtMs: this.#options.clock.nowMs(), seen: undefined })
    this.#running ??= this.#run()
  }

  /** Nothing more is added. Resolves when all have settled, the time is up, or nobody wants to wait. */
  async end(): Promise<void> {
    this.#lastSentAtMs = this.#options.clock.nowMs()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, timeoutMs, signal } = this.#options
    for (;;) {
      await this.#round()
      const lastSentAtMs = this.#lastSentAtMs
      const nowMs = clock.nowMs()
      if (signal.aborted) return
      if (lastSentAtMs !== undefined) {
        const isOver = nowMs >= lastSentAtMs + timeoutMs
        const isAway = this.#away !== undefined && nowMs >= this.#away.sinceMs + AWAY_MAX_MS
        if (this.#pending.size === 0 || isOver || isAway) return
      }
      await new Promise<void>((resolve) => clock.wake(nowMs + LOOK_EVERY_MS, resolve))
    }
  }

  async #round(): Promise<void> {
    const { look, clock, settled, signal } = this.#options
    if (this.#turn >= this.#pending.size) this.#turn = 0
    for (const followed of this.pending.slice(this.#turn, this.#turn + ROUND_MAX)) {
      if (signal.aborted) return
      const looked = await look(followed.id)
      // One that is away answers no other question either.
      if (looked.kind === 'away') {
        this.#away = { why: looked.why, sinceMs: this.#away?.sinceMs ?? clock.nowMs() }
        return
      }
      this.#away = undefined
      if (looked.kind === 'seen') followed.seen = looked.seen
      if (looked.kind === 'unseen' || !looked.seen.settled) {
        this.#turn += 1
        continue
      }
      this.#pending.delete(followed.id)
      settled(followed, looked.seen, clock.nowMs() - followed.sentAtMs)
    }
  }
}

const ANSWER_TIMEOUT_MS = 5000
/** A work with its reports takes a few thousand. */
const ANSWER_MAX_BYTES = 1_048_576

export interface LookOptions {
  readonly url: string
  readonly token: string | undefined
  readonly clock: Clock
  /** Nobody wants the answer any more. */
  readonly signal: AbortSignal
}

/** Asks a bridge's work API. Whatever answers there, a look ends in time and in bounded memory. */
export function lookAt({ url, token, clock, signal }: LookOptions): (id: string) => Promise<Look> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return async (id) => {
    const abort = new AbortController()
    const give = (): void => {
      abort.abort(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`))
    }
    const bound = clock.wake(clock.nowMs() + ANSWER_TIMEOUT_MS, give)
    signal.addEventListener('abort', give, { once: true })
    try {
      const path = `${url}/work/${encodeURIComponent(id)}`
      const { statusCode, body } = await request(path, { headers, signal: abort.signal })
      const chunks: Buffer[] = []
      let bytes = 0
      for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > ANSWER_MAX_BYTES) return { kind: 'away', why: 'what answers there is no bridge' }
        chunks.push(chunk)
      }
      const text = Buffer.concat(chunks).toString()
      if (statusCode === 404) return { kind: 'unseen' }
      if (statusCode !== 200) return { kind: 'away', why: `HTTP ${statusCode}` }
      const { state, settled, attempt } = JSON.parse(text) as Partial<Record<string, unknown>>
      if (typeof state !== 'string') return { kind: 'away', why: 'what answers there is no bridge' }
      return { kind: 'seen', seen: { state, settled: settled === true, attempt: Number(attempt) } }
    } catch (error) {
      if (error instanceof SyntaxError) return { kind: 'away', why: 'what answers there is no bridge' }
      const { code, message } = error as NodeJS.ErrnoException
      return { kind: 'away', why: code ?? message }
    } finally {
      bound.cancel()
      signal.removeEventListener('abort', give)
    }
  }
}
