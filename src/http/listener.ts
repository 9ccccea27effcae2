/**
 * What both listeners have in common: limits, problems instead of Fastify's own errors, start and stop.
 *
 * A request climbs this ladder; what is refused on a rung costs nothing above it:
 *
 *   connection ─▶ headers in time ─▶ not stopping ─▶ room in hand ─▶ guard ─▶ path (404) ─▶ method (405) ─▶ route
 *
 * Fastify as it comes holds a slow sender's socket for ever, answers a wrong method with 404 and writes errors of its
 * own shape: each is turned round here, once.
 */
import type { AnySchema } from 'ajv'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Fastify from 'fastify'
import { BridgeError } from '../core/errors.ts'
import type { Clock } from '../core/seams.ts'
import { rawProblem, refusalOf, refusalOfConnection } from './fault.ts'
import type { Refusal } from './problems.ts'
import { PROBLEM_TYPE, problemText, sendProblem } from './problems.ts'
import { queries } from './schemas.ts'

export const LIMITS = {
  maxConnections: 1024,
  /** Requests being read, answered or waiting; pipelining can put several on one connection. */
  maxInHand: 1024,
  maxRequestsPerSocket: 10_000,
  maxBodyBytes: 1_048_576,
  maxHeaderBytes: 16_384,
  /** From the first byte to the last header, and to the end of the body. */
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 15_000,
  /** Between two requests on one connection. */
  idleTimeoutMs: 72_000,
  /** No byte in either direction; longer than any wait for XZepr. */
  silenceTimeoutMs: 180_000,
  timeoutCheckMs: 1_000,
  /** How long stopping lets requests in hand finish. */
  stopGraceMs: 2_000,
}

export type Limits = typeof LIMITS

export interface ListenerOptions {
  /** An address or a name to listen on; all interfaces when absent. */
  readonly host?: string | undefined
  /** 0 = any free port. */
  readonly port: number
  readonly clock: Clock
  readonly limits?: Partial<Limits> | undefined
  /** Hears of a request that failed by the bridge's own fault: what was called, and why. Never the request itself. */
  readonly onFault?: ((why: string) => void) | undefined
}

/** Refuses a request before anything of its body is read. */
export type Guard = (request: FastifyRequest) => Refusal | undefined | Promise<Refusal | undefined>

export type Listener = ReturnType<typeof listener>

export function listener(options: ListenerOptions, guard: Guard = () => undefined) {
  const limits: Limits = { ...LIMITS, ...options.limits }
  const methods = new Map<string, Set<string>>()
  let inHand = 0
  let stopping = false

  const app = Fastify({
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionTimeout: limits.silenceTimeoutMs,
    maxRequestsPerSocket: limits.maxRequestsPerSocket,
    // Fastify's own 503 while closing is no problem+json: the ladder's `stopping` answers instead.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 3 * 1024 },
    http: {
      headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
      connectionsCheckingInterval: limits.timeoutCheckMs,
      maxHeaderSize: limits.maxHeaderBytes,
      // Node's own 400 is empty; the guard answers with a problem.
      requireHostHeader: false,
    },
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, refusalOf(error)),
    clientErrorHandler: (error, socket) => {
      if (!socket.writable || error.code === 'ECONNRESET') return
      socket.end(rawProblem(refusalOfConnection(error.code)))
    },
  })
  app.setValidatorCompiler<AnySchema>(({ schema }) => queries.compile(schema))
  app.server.maxConnections = limits.maxConnections
  app.server.on('checkExpectation', (_request, response) => {
    const body = problemText({ code: 'expectation-unknown', detail: 'Only 100-continue can be expected.' })
    response.setHeader('content-length', Buffer.byteLength(body))
    // A body may stand after these headers, whatever was expected: the connection cannot go on.
    response.writeHead(417, { connection: 'close', 'content-type': PROBLEM_TYPE }).end(body)
  })

  app.addHook('onRoute', ({ method, url }) => {
    const known = methods.get(url) ?? new Set()
    for (const one of [method].flat()) known.add(one)
    methods.set(url, known)
  })

  app.addHook('onRequest', async (request, reply) => {
    if (stopping)
      return sendProblem(reply, { code: 'stopping', detail: 'Call again.', headers: { 'retry-after': '1' } })
    if (inHand >= limits.maxInHand) {
      return sendProblem(reply, { code: 'busy', detail: 'Call again.', headers: { 'retry-after': '1' } })
    }
    inHand += 1
    onceGone(reply, () => (inHand -= 1))
    const refusal = (await guard(request)) ?? (request.is404 ? nothingHere(request) : undefined)
    return refusal === undefined ? undefined : sendProblem(reply, refusal)
  })

  app.addHook('onSend', async (_request, reply, payload) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    // A connection kept alive would outlive the listener.
    if (stopping) reply.header('connection', 'close')
    return payload
  })

  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error)
    if (refusal.code === 'internal-error') {
      options.onFault?.(`${request.method} ${request.routeOptions.url ?? '?'}: ${String(error)}`)
    }
    return sendProblem(reply, refusal)
  })

  function nothingHere({ url, method }: FastifyRequest): Refusal {
    const path = url.split(/[?#]/, 1)[0] ?? ''
    for (const [pattern, known] of methods) {
      if (!new RegExp(`^${pattern.replaceAll(/:\w+/g, '[^/]+')}$`).test(path)) continue
      const allow = [...known].sort().join(', ')
      return { code: 'method-not-allowed', detail: `${method} does not apply here; ${allow} do.`, headers: { allow } }
    }
    return { code: 'path-unknown', detail: `The paths here are ${[...methods.keys()].sort().join(' ')}.` }
  }

  async function listen(host: string): Promise<void> {
    try {
      await app.listen({ host, port: options.port })
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
      // A machine without IPv6 has no `::`, and there 0.0.0.0 is all there is.
      if (host === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) return listen('0.0.0.0')
      throw new BridgeError('XZB_HTTP_LISTEN', `Cannot listen on ${host}, port ${options.port}: ${code}`, error)
    }
  }

  return {
    app,
    async start(): Promise<{ port: number }> {
      await listen(options.host ?? '::')
      const address = app.server.address()
      return { port: typeof address === 'object' && address !== null ? address.port : options.port }
    },
    /** Requests in hand are answered within a bound; new ones are not taken. */
    async stop(): Promise<void> {
      stopping = true
      const closed = app.close()
      const hurry = options.clock.wake(options.clock.nowMs() + limits.stopGraceMs, () => {
        app.server.closeAllConnections()
      })
      await closed
      hurry.cancel()
    },
  }
}

/** Calls once when the answer is out or the caller is gone. */
export function onceGone(reply: FastifyReply, what: () => void): void {
  let gone = false
  const go = (): void => {
    if (!gone) what()
    gone = true
  }
  reply.raw.once('finish', go)
  reply.raw.once('close', go)
}
