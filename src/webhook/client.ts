/**
 * The webhook's edge: one attempt, one answer. It never retries, follows, decompresses or throws.
 *
 *   attempt ─▶ connecting ─▶ sent ─▶ status ─▶ end ──▶ the status decides
 *                  │           │        └─ body over its bound ──▶ the status decides, the rest is destroyed
 *                  │           └─ failed, or the deadline ──▶ later: nobody knows what the app did
 *                  └─ failed, or the deadline ──▶ away: nothing reached the app
 *
 * The deadline covers the whole exchange, so an app that trickles a body holds an attempt no longer than one that says
 * nothing. undici's `dispatch` is used as it is: its `request` would build a stream for a body that nobody reads. A body
 * is kept only where the delivery wants it, and goes along with the answer that the status makes.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { errors, Pool } from 'undici'
import type { Answer, Exchange } from '../core/answer.ts'
import { answerTo } from '../core/answer.ts'
import type { Attempt, Clock, Delivery, Webhook } from '../core/seams.ts'
import { Collected } from './collected.ts'
import type { Timed } from './deadlines.ts'
import { Deadlines } from './deadlines.ts'
import { signatureHeaders } from './signature.ts'

export interface WebhookOptions {
  readonly url: URL
  /** For the whole exchange, connecting included. */
  readonly timeoutMs: number
  /** Attempts that can be out at once; each has a connection of its own. */
  readonly connections: number
  /** What is read of an answer's body at most; where the body is wanted, as much again as was sent. */
  readonly maxResponseBytes?: number
  /** What each attempt is signed with; asked anew for every one, so that keys can change. None: nothing is signed. */
  readonly signingKeys?: () => readonly Uint8Array[]
  readonly clock: Clock
}

export interface WebhookClient extends Webhook {
  /** Aborts what is out and closes every connection. */
  close(): Promise<void>
}

const MAX_RESPONSE_BYTES = 65_536
/** Beside the delivery's own size, where the answer may say something about each of its events. */
const RESULTS_BYTES = 262_144
const MAX_HEADER_BYTES = 16_384
/** Beside us in the pod a connection stands in a millisecond, or the app's accept queue is full. */
const CONNECT_TIMEOUT_MS = 5000
/**
 * A socket that the app closes just as we write burns an attempt (`later`: the request may have been read). So an idle
 * one is given up sooner than common servers do (gunicorn after 2 s), or a second before the app's own keep-alive hint.
 */
const KEEP_ALIVE_MS = 1000
const KEEP_ALIVE_MAX_MS = 30_000
const KEEP_ALIVE_MARGIN_MS = 1000

export function webhookClient(options: WebhookOptions): WebhookClient {
  const { url, timeoutMs, connections, clock, maxResponseBytes } = options
  const signingKeys = options.signingKeys ?? (() => NO_KEYS)
  const pool = new Pool(url.origin, {
    connections,
    // One request per connection at a time: a slow answer holds up no neighbour.
    pipelining: 1,
    connect: { timeout: Math.min(CONNECT_TIMEOUT_MS, timeoutMs) },
    // The deadline is stricter than both, and two clocks would give two answers.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
    keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
  })
  const responseBytes = maxResponseBytes ?? MAX_RESPONSE_BYTES
  const resultsBytes = maxResponseBytes ?? RESULTS_BYTES
  const path = url.pathname + url.search
  const out = new Deadlines<OneAttempt>(clock)
  return {
    attempt(delivery: Delivery): Attempt {
      const { body, wantsBody } = delivery
      // An answer that names events takes no more room than the events did, and some for the frame.
      const bounds = { timeoutMs, bodyBytes: wantsBody ? body.length + resultsBytes : responseBytes }
      const attempt = new OneAttempt(bounds, wantsBody, clock, out)
      try {
        const headers = signed(delivery, signingKeys(), clock)
        pool.dispatch({ path, method: 'POST', headers, body }, attempt)
      } catch (error) {
        attempt.onResponseError(undefined, error)
      }
      return attempt
    },
    async close(): Promise<void> {
      for (const attempt of out.all) attempt.abort()
      await pool.destroy()
    },
  }
}

const NO_KEYS: readonly Uint8Array[] = []

function signed({ headers, id, body }: Delivery, keys: readonly Uint8Array[], clock: Clock): Delivery['headers'] {
  return keys.length === 0 ? headers : { ...headers, ...signatureHeaders(keys, { id, body, nowMs: clock.nowMs() }) }
}

interface AttemptBounds {
  readonly timeoutMs: number
  readonly bodyBytes: number
}

/** One exchange. undici calls the `on…` methods; the first thing that ends it makes the answer, the rest is silence. */
class OneAttempt implements Attempt, Timed, Dispatcher.DispatchHandler {
  readonly answer: Promise<Answer>
  readonly deadlineAtMs: number
  readonly #bounds: AttemptBounds
  readonly #clock: Clock
  readonly #out: Deadlines<OneAttempt>
  readonly #ticket: number
  #resolve: (answer: Answer) => void = () => undefined
  #ended = false
  /** Set once a connection stands and the request is being written. */
  #controller: Dispatcher.DispatchController | undefined
  #status: number | undefined
  #retryAfter: string | undefined
  #bodyBytes = 0
  #body: Collected | undefined

  constructor(bounds: AttemptBounds, wantsBody: boolean, clock: Clock, out: Deadlines<OneAttempt>) {
    this.#bounds = bounds
    this.#body = wantsBody ? new Collected() : undefined
    this.#clock = clock
    this.#out = out
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.deadlineAtMs = clock.nowMs() + bounds.timeoutMs
    this.#ticket = out.add(this)
  }

  abort(): void {
    this.#end({ kind: 'later', why: 'aborted', responded: false })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // Ended while it waited for a connection: nothing may be sent any more.
    if (this.#ended) controller.abort(ENDED)
  }

  onResponseStart(_controller: unknown, status: number, headers: IncomingHttpHeaders): void {
    // 1xx are interim (RFC 9110 section 15.2), but for 101, after which no HTTP follows.
    if (status < 200 && status !== 101) return
    this.#status = status
    // Said twice, undici hands over both: the first counts.
    const retryAfter: unknown = headers['retry-after']
    this.#retryAfter = Array.isArray(retryAfter) ? String(retryAfter[0]) : headers['retry-after']
    if (status === 101) this.#conclude(this.#response(status))
  }

  onResponseData(_controller: unknown, chunk: Uint8Array): void {
    this.#bodyBytes += chunk.length
    if (this.#bodyBytes <= this.#bounds.bodyBytes) {
      this.#body?.add(chunk)
      return
    }
    // Where it is wanted it may name events that failed: taken for the status alone, they would be lost.
    if (this.#body === undefined) this.onResponseEnd()
    else this.#fail(`an answer of more than ${this.#bounds.bodyBytes} bytes`)
  }

  onResponseEnd(): void {
    if (this.#status !== undefined) this.#conclude(this.#response(this.#status))
  }

  onResponseError(_controller: unknown, error: unknown): void {
    if (error instanceof errors.InvalidArgumentError) {
      this.#conclude({ kind: 'unsendable', why: `HTTP cannot carry this event: ${error.message}` })
      return
    }
    const status = finalInterimStatus(error)
    if (status !== undefined) this.#conclude(this.#response(status))
    else this.#fail(platformCode(error))
  }

  timeout(): void {
    const { timeoutMs } = this.#bounds
    if (this.#controller === undefined) this.#fail(`no connection within ${timeoutMs} ms`)
    else this.#fail(`no ${this.#status === undefined ? 'answer' : 'end of the answer'} within ${timeoutMs} ms`)
  }

  #fail(reason: string): void {
    const why = this.#status === undefined ? reason : `HTTP ${this.#status}, then ${reason}`
    this.#conclude({ kind: 'failure', sent: this.#controller !== undefined, why })
  }

  #response(status: number): Exchange {
    return { kind: 'response', status, retryAfter: this.#retryAfter }
  }

  #conclude(exchange: Exchange): void {
    const answer = answerTo(exchange, this.#clock.nowMs())
    const body = exchange.kind === 'response' ? this.#body?.text : undefined
    this.#end(body === undefined ? answer : { ...answer, body })
  }

  #end(answer: Answer): void {
    if (this.#ended) return
    this.#ended = true
    this.#out.delete(this.#ticket)
    this.#resolve(answer)
    // Without effect when the exchange is over; else it destroys the socket, and with it what is still to come.
    this.#controller?.abort(ENDED)
  }
}

const ENDED = new Error('the attempt has ended')

/**
 * undici ends the exchange by itself, without showing the status, on two interim answers that nobody asked for: an
 * upgrade (101) and 100. Its socket errors carry one code; the message tells them apart, and a test holds it.
 */
function finalInterimStatus(error: unknown): number | undefined {
  if (!(error instanceof errors.SocketError)) return undefined
  if (error.message === 'bad upgrade') return 101
  return error.message === 'bad response' ? 100 : undefined
}

/** The platform's code for a failure. A name with several addresses fails with one error per address inside. */
export function platformCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure'
  const { code, cause, message } = error as NodeJS.ErrnoException & { cause?: unknown }
  if (typeof code === 'string') return code
  const inner: unknown = error instanceof AggregateError ? error.errors.at(-1) : cause
  return inner instanceof Error && inner !== error ? platformCode(inner) : message
}
