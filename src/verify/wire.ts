/**
 * The manners of a network that a plain client cannot have: a request that breaks off, one whose bytes come slowly, two on
 * one connection.
 *
 * The bridge itself sends none of these at will; its kill, a full node and a proxy do.
 */
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { Agent, request as httpRequest } from 'node:http'
import { Agent as TlsAgent, request as httpsRequest } from 'node:https'
import type { Answer } from '../core/answer.ts'
import { answerTo } from '../core/answer.ts'
import type { Clock, Delivery } from '../core/seams.ts'

export interface WireOptions {
  readonly url: URL
  readonly timeoutMs: number
  readonly clock: Clock
}

/** What is read of a body at most. */
const BODY_MAX_BYTES = 2 * 1_048_576
const SLOW_PIECES = 6
/** Long enough for each piece to be read by itself. */
const SLOW_PIECE_EVERY_MS = 25
/** Of the time for the whole exchange, the app has the other half. */
const SLOW_SHARE = 0.5

export class Wire {
  readonly #options: WireOptions

  constructor(options: WireOptions) {
    this.#options = options
  }

  /** Sends half of the body, then resets the connection. Resolves when that is done; `why` where it could not be. */
  async breakOff({ headers, body }: Delivery): Promise<string | undefined> {
    const { clock, timeoutMs } = this.#options
    return new Promise((resolve) => {
      const sent = this.#request(headers, body.length, new Agent())
      const end = (why?: string): void => {
        bound.cancel()
        resolve(why)
      }
      // Nobody takes the connection, or the TLS in it: the bytes never leave.
      const bound = clock.wake(clock.nowMs() + timeoutMs, () => {
        end(`nothing could be sent within ${timeoutMs} ms`)
        sent.destroy()
      })
      sent.once('error', (error: NodeJS.ErrnoException) => {
        end(error.code === 'ECONNREFUSED' ? error.code : undefined)
      })
      sent.once('close', () => {
        end()
      })
      // The callback comes when the bytes have left: without them the app would see a connection and no request.
      sent.write(body.subarray(0, body.length >> 1), () => {
        sent.socket?.resetAndDestroy()
      })
    })
  }

  /** The same request as ever, its body in pieces with rests between. */
  async slowly({ headers, body }: Delivery): Promise<Answer> {
    const { clock, timeoutMs } = this.#options
    const restMs = Math.min(SLOW_PIECE_EVERY_MS, (SLOW_SHARE * timeoutMs) / SLOW_PIECES)
    return this.#answer(headers, body.length, undefined, async (sent) => {
      const piece = Math.ceil(body.length / SLOW_PIECES)
      for (let at = 0; at < body.length && !sent.destroyed; at += piece) {
        sent.write(body.subarray(at, at + piece))
        await new Promise<void>((resolve) => clock.wake(clock.nowMs() + restMs, resolve))
      }
      sent.end()
    })
  }

  /** One after the other on one connection, if the app leaves it open. @returns the answers, and whether it did. */
  async onOneConnection(deliveries: readonly Delivery[]): Promise<{ answers: readonly Answer[]; reused: boolean }> {
    const agent = new (this.#options.url.protocol === 'https:' ? TlsAgent : Agent)({ keepAlive: true, maxSockets: 1 })
    const answers: Answer[] = []
    let reused = false
    for (const { headers, body } of deliveries) {
      const answer = await this.#answer(headers, body.length, agent, async (sent) => {
        sent.end(body)
        sent.once('response', () => {
          reused ||= sent.reusedSocket
        })
      })
      answers.push(answer)
    }
    agent.destroy()
    return { answers, reused }
  }

  #request(headers: Delivery['headers'], bodyBytes: number, agent: Agent | undefined): ClientRequest {
    const { url } = this.#options
    const options: RequestOptions = { method: 'POST', headers: { ...headers, 'content-length': bodyBytes } }
    if (url.protocol === 'https:') return httpsRequest(url, agent instanceof TlsAgent ? { ...options, agent } : options)
    return httpRequest(url, agent === undefined ? { ...options, agent: false } : { ...options, agent })
  }

  async #answer(
    headers: Delivery['headers'],
    bodyBytes: number,
    agent: Agent | undefined,
    write: (sent: ClientRequest) => Promise<void>,
  ): Promise<Answer> {
    const { clock, timeoutMs } = this.#options
    const sent = this.#request(headers, bodyBytes, agent)
    return new Promise((resolve) => {
      let connected = false
      const end = (answer: Answer): void => {
        bound.cancel()
        resolve(answer)
      }
      const fail = (why: string): void => {
        end(answerTo({ kind: 'failure', sent: connected, why }, clock.nowMs()))
      }
      const bound = clock.wake(clock.nowMs() + timeoutMs, () => {
        fail(`no answer within ${timeoutMs} ms`)
        sent.destroy()
      })
      sent.once('socket', (socket) => {
        if (!socket.connecting) connected = true
        socket.once('connect', () => {
          connected = true
        })
      })
      sent.on('error', (error: NodeJS.ErrnoException) => {
        fail(error.code ?? error.message)
      })
      sent.once('response', (response) => {
        void bodyOf(response).then((body) => {
          const retryAfter = response.headers['retry-after']
          const status = response.statusCode ?? 0
          if (body === undefined) fail(`HTTP ${status}, then the answer broke off`)
          else end({ ...answerTo({ kind: 'response', status, retryAfter }, clock.nowMs()), body })
        })
      })
      void write(sent)
    })
  }
}

/** Undefined where it has no end. */
async function bodyOf(response: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > BODY_MAX_BYTES) return undefined
      chunks.push(chunk)
    }
  } catch {
    // Cut off: the answer has no end.
    return undefined
  }
  return Buffer.concat(chunks).toString()
}
