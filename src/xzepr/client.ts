/**
 * XZepr's REST API: one request, one exchange. It never retries (but for a newer token after a 401), follows or throws.
 *
 * Every exchange has one deadline, from the wait for a connection to the last byte of the body; nothing of an answer is
 * held beyond its bound. XZepr saves first and publishes second, up to 15 s later, and a client that hangs up between
 * loses the message: the deadline is generous, and no request is sent twice side by side.
 */
import type { Dispatcher } from 'undici'
import { Pool } from 'undici'
import type { Clock } from '../core/seams.ts'
import type { XzeprExchange } from '../core/xzepr-answer.ts'
import type { Credentials } from './credentials.ts'

export interface XzeprClientOptions {
  /** XZepr's base address; a path in it is kept. */
  readonly url: URL
  /** For the whole exchange, connecting included. */
  readonly timeoutMs: number
  readonly credentials: Credentials
  readonly clock: Clock
  /** Requests that can be out at once. */
  readonly connections: number
  /** Certificates in PEM, trusted in place of the platform's own. */
  readonly caPem?: string | undefined
}

export interface NewReceiver {
  readonly name: string
  readonly type: string
  readonly version: string
  readonly description: string
}

/** An answer to a POST is an id or an error. */
const ANSWER_MAX_BYTES = 65_536
/** Of an error no more is read than its log line can show. */
const ERROR_MAX_BYTES = 4096
/** One receiver's schema may take XZepr's whole 1 MiB body. */
const PAGE_MAX_BYTES = 4_194_304
const CONNECT_TIMEOUT_MS = 10_000
/** A load balancer closes an idle connection after its own time; one reused just then costs a repeated event. */
const KEEP_ALIVE_MS = 4000

export class XzeprClient {
  readonly #pool: Pool
  readonly #basePath: string
  readonly #options: XzeprClientOptions
  readonly #out = new Set<AbortController>()
  #closed = false

  constructor(options: XzeprClientOptions) {
    this.#options = options
    this.#basePath = options.url.pathname.replace(/\/+$/, '')
    this.#pool = new Pool(options.url.origin, {
      connections: options.connections,
      // One request per connection at a time: XZepr may answer a POST after 15 s.
      pipelining: 1,
      connect: {
        timeout: Math.min(CONNECT_TIMEOUT_MS, options.timeoutMs),
        ...(options.caPem === undefined ? {} : { ca: options.caPem }),
      },
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
    })
  }

  /** `POST /api/v1/events`. @param body as lifecycleBody writes it. */
  createEvent(body: string): Promise<XzeprExchange> {
    return this.#exchange('POST', '/api/v1/events', ANSWER_MAX_BYTES, body)
  }

  createReceiver(receiver: NewReceiver): Promise<XzeprExchange> {
    const body = JSON.stringify({ ...receiver, schema: { type: 'object' } })
    return this.#exchange('POST', '/api/v1/receivers', ANSWER_MAX_BYTES, body)
  }

  /** One page of receivers, newest first; a `failure` TOO_LARGE asks for a smaller page. */
  listReceivers(limit: number, offset: number): Promise<XzeprExchange> {
    return this.#exchange('GET', `/api/v1/receivers?limit=${limit}&offset=${offset}`, PAGE_MAX_BYTES)
  }

  /** Aborts what is out and closes every connection. */
  async close(): Promise<void> {
    this.#closed = true
    for (const abort of this.#out) abort.abort()
    await this.#pool.destroy()
  }

  async #exchange(method: 'GET' | 'POST', path: string, maxBytes: number, body?: string): Promise<XzeprExchange> {
    const { credentials, clock, timeoutMs } = this.#options
    if (this.#closed) return { kind: 'failure', code: 'the client is closed' }
    const abort = new AbortController()
    const deadline = clock.wake(clock.nowMs() + timeoutMs, () => {
      abort.abort(LATE)
    })
    this.#out.add(abort)
    try {
      const token = await credentials.token()
      if (token.kind === 'none') return { kind: 'unsigned', why: token.why }
      const request = { method, path: this.#basePath + path, signal: abort.signal, body: body ?? null }
      const first = await this.#once(request, token.value, maxBytes)
      if (first.kind !== 'response' || first.status !== 401) return first
      const newer = await credentials.renew(token.value)
      return newer === undefined ? first : await this.#once(request, newer, maxBytes)
    } catch (error) {
      return {
        kind: 'failure',
        code: abort.signal.reason === LATE ? `no answer within ${timeoutMs} ms` : platformCode(error),
      }
    } finally {
      deadline.cancel()
      this.#out.delete(abort)
    }
  }

  async #once(
    request: Pick<Dispatcher.RequestOptions, 'method' | 'path' | 'signal' | 'body'>,
    token: string,
    maxBytes: number,
  ): Promise<XzeprExchange> {
    const answer = await this.#pool.request({
      ...request,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(request.method === 'POST' ? { 'content-type': 'application/json' } : {}),
      },
    })
    const { statusCode: status, headers } = answer
    const good = status >= 200 && status < 300
    const body = await readBounded(answer.body, good ? maxBytes : ERROR_MAX_BYTES)
    if (good && !body.whole) return { kind: 'failure', code: TOO_LARGE }
    return {
      kind: 'response',
      status,
      headers: {
        retryAfter: one(headers['retry-after']),
        rateLimit: one(headers['x-ratelimit-limit']),
        rateRemaining: one(headers['x-ratelimit-remaining']),
      },
      body: body.text,
    }
  }
}

const LATE = new Error('the deadline has passed')

/** The failure of an answer that goes past its bound. */
export const TOO_LARGE = 'the answer is too large'

/** Leaving the loop early destroys the stream, and with it the connection: nothing unread stays in memory. */
async function readBounded(body: AsyncIterable<Buffer>, maxBytes: number): Promise<{ text: string; whole: boolean }> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    chunks.push(chunk.subarray(0, maxBytes - bytes))
    bytes += chunk.length
    if (bytes > maxBytes) break
  }
  return { text: Buffer.concat(chunks).toString('utf8'), whole: bytes <= maxBytes }
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

/** The platform's code for a failure. A name with several addresses fails with one error per address inside. */
function platformCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure'
  const { code, message } = error as NodeJS.ErrnoException
  const inner: unknown = error instanceof AggregateError ? error.errors.at(-1) : error.cause
  if (typeof code !== 'string') return inner instanceof Error ? platformCode(inner) : message
  // undici's codes are general; its message tells a reset from a close, a certificate's name from its issuer.
  return code.startsWith('UND_ERR') ? `${code} ${message}` : code
}
