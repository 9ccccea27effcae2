/**
 * One request to the XZepr stand-in, from its first byte to its last.
 *
 *   request ─▶ fault? ─▶ door ─▶ content type ─▶ body ─▶ handle ─▶ fault? ─▶ answer
 *              reset     404 405    415            413              reset
 *              hang      401 403                                    half an answer
 *              status    429                                        another status
 *
 * Plain node:http: a framework would put its own words (an error body, a content type) where the real server has none.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../core/seams.ts'
import type { Behind } from './xzepr-api.ts'
import { handle } from './xzepr-api.ts'
import type { Door } from './xzepr-door.ts'
import type { Fault, Faults } from './xzepr-faults.ts'
import type { XzeprJournal } from './xzepr-journal.ts'
import type { Generation, Reply } from './xzepr-reply.ts'
import { textReply } from './xzepr-reply.ts'
import type { Way } from './xzepr-routes.ts'
import { wayOf } from './xzepr-routes.ts'

/** What a request meets on its way. */
export interface Within extends Behind {
  readonly clock: Clock
  readonly faults: Faults
  readonly journal: XzeprJournal
  readonly door: Door
}

/** The longest body each server takes, in bytes. */
export const MAX_BODY_BYTES = { new: 1_048_576, old: 2_097_152 } as const satisfies Record<Generation, number>

const UNSUPPORTED = textReply(415, 'Expected request with `Content-Type: application/json`')
const TOO_LARGE = textReply(413, 'Failed to buffer the request body: length limit exceeded')

/** Answers a request, or does to it what a fault says. Never rejects. */
export async function receive(request: IncomingMessage, response: ServerResponse, within: Within): Promise<void> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2)
  const way = wayOf(request.method ?? '', path)
  const fault = within.faults.strike(way.route)
  const visit: Visit = { request, response, query, way, fault, within }
  try {
    if (!(await struckBefore(visit))) await served(visit)
  } catch (error) {
    // Such as a listener that throws. It must not look like XZepr, or its reader would mend the wrong thing.
    send(visit, textReply(500, `the XZepr stand-in itself failed: ${String(error)}`))
  }
}

interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly query: string
  readonly way: Way
  readonly fault: Fault | undefined
  readonly within: Within
}

/** Commits a fault that comes before everything. @returns whether the request has ended by it. */
async function struckBefore(visit: Visit): Promise<boolean> {
  const { fault, within, way } = visit
  switch (fault?.kind) {
    case 'status':
      if (await stayed(visit)) send(visit, replyOf(fault))
      return true
    case 'reset':
      if (await stayed(visit)) reset(visit)
      return true
    case 'hang':
      within.journal.ended(way.route, 'hang')
      return true
    case 'delay':
      // The real server drops a request whose client has gone: nothing is stored.
      return !(await stayed(visit))
    default:
      return false
  }
}

async function served(visit: Visit): Promise<void> {
  const { fault, within, way } = visit
  const reply = await replyTo(visit)
  if (reply === undefined) {
    within.journal.ended(way.route, 'left')
    return
  }
  if (fault !== undefined && fault.kind !== 'delay' && !(await stayed(visit))) return
  if (fault?.kind === 'stored-but-no-answer') reset(visit)
  else if (fault?.kind === 'half-answer') halfAnswer(visit, reply)
  else send(visit, fault?.kind === 'stored-but-status' ? replyOf(fault) : reply)
}

/** What a fault says instead of the real answer. */
function replyOf({
  status,
  headers = {},
  body = '',
}: Fault & { readonly kind: 'status' | 'stored-but-status' }): Reply {
  return { status, headers, body }
}

/** Waits as long as the fault says. @returns whether the client has waited as well. */
async function stayed({ fault, request, response, way, within }: Visit): Promise<boolean> {
  if (fault?.delayMs !== undefined) await pause(response, within.clock, fault.delayMs)
  if (!request.socket.destroyed) return true
  within.journal.ended(way.route, 'left')
  return false
}

/** @returns undefined when the client left before its body was whole. */
async function replyTo({ request, query, way, fault, within }: Visit): Promise<Reply | undefined> {
  const admission = within.door.admit(way, request.headers.authorization)
  if (admission.kind === 'out') return admission.reply
  const withLimits = (reply: Reply): Reply => ({ ...reply, headers: { ...reply.headers, ...admission.headers } })
  const isPost = request.method === 'POST'
  if (isPost && !isJson(request.headers['content-type'])) return withLimits(UNSUPPORTED)
  const body = isPost ? await readBody(request, MAX_BODY_BYTES[within.generation]) : new Uint8Array()
  if (body === 'left') return undefined
  if (body === 'too-large') return withLimits(TOO_LARGE)
  const unpublished = fault?.kind === 'unpublished'
  const call = { way, caller: admission.caller, query: new URLSearchParams(query), body, unpublished }
  return withLimits(await handle(call, within))
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType ?? '')
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array | 'too-large' | 'left'> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return 'too-large'
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      // What is too large is read to its end all the same, but not kept: a client that still writes must hear the answer.
      if (bytes <= maxBytes) chunks.push(chunk)
      else resolve('too-large')
    })
    request.once('end', () => {
      resolve(Buffer.concat(chunks))
    })
    request.once('close', () => {
      resolve('left')
    })
  })
}

async function pause(response: ServerResponse, clock: Clock, delayMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const wake = clock.wake(clock.nowMs() + delayMs, resolve)
    response.once('close', () => {
      wake.cancel()
      resolve()
    })
  })
}

function send({ response, way, within }: Visit, { status, headers, body }: Reply): void {
  within.journal.ended(way.route, status)
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function halfAnswer({ request, response, way, within }: Visit, { status, headers, body }: Reply): void {
  within.journal.ended(way.route, 'half')
  const bytes = Buffer.from(body)
  // A byte more is promised than there is, so that an empty body too has an end that never comes.
  response.writeHead(status, { ...headers, 'content-length': bytes.length + 1 })
  response.flushHeaders()
  request.socket.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => request.socket.destroy())
}

function reset({ request, way, within }: Visit): void {
  within.journal.ended(way.route, 'reset')
  request.socket.resetAndDestroy()
}
