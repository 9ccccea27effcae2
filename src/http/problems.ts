/**
 * Every error that the two listeners answer with, once: its code, its status, its title (RFC 9457).
 *
 * A caller matches on `code`, which is stable; `detail` is for people. Nothing of a request but its path and the name
 * of a field comes back in a problem, so no route can reflect a secret.
 */
import type { FastifyReply } from 'fastify'

interface ProblemKind {
  readonly status: number
  readonly title: string
}

/** Docs and openapi.yaml are held to this table; a table test shows that every code can be reached. */
export const PROBLEMS = {
  'request-malformed': { status: 400, title: 'The request is not HTTP that can be read' },
  'host-missing': { status: 400, title: 'The request needs exactly one Host header' },
  'path-malformed': { status: 400, title: 'The path is not percent-encoded UTF-8' },
  'query-invalid': { status: 400, title: 'A query parameter is wrong' },
  'body-malformed': { status: 400, title: 'The body is not a JSON object that can be read' },
  'field-invalid': { status: 400, title: 'A member of the body is wrong' },
  'token-refused': { status: 401, title: 'A bearer token is needed' },
  'host-foreign': { status: 403, title: 'The Host header names another host' },
  'origin-foreign': { status: 403, title: 'Pages in a browser cannot call this' },
  'lever-forbidden': { status: 403, title: 'This caller may not pull levers' },
  'path-unknown': { status: 404, title: 'There is nothing at this path' },
  'work-unknown': { status: 404, title: 'No work of this id is in hand' },
  'method-not-allowed': { status: 405, title: 'The method does not apply to this path' },
  'request-timeout': { status: 408, title: 'The request did not arrive in time' },
  'report-conflict': { status: 409, title: 'The report contradicts how the work ended' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'path-too-long': { status: 414, title: 'The id in the path is too long' },
  'media-type-unsupported': { status: 415, title: 'The body must be JSON' },
  'expectation-unknown': { status: 417, title: 'The Expect header asks for something unknown' },
  'report-unstorable': { status: 422, title: 'XZepr could never store this report' },
  'report-given-up': { status: 422, title: 'XZepr refused this report for good' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'internal-error': { status: 500, title: 'The bridge failed on this request' },
  'xzepr-away': { status: 503, title: 'XZepr does not answer just now' },
  'reports-full': { status: 503, title: 'No room to hold another report just now' },
  'token-unreadable': { status: 503, title: 'The token to compare with cannot be read' },
  busy: { status: 503, title: 'Too many requests are in hand' },
  stopping: { status: 503, title: 'The bridge is stopping' },
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof PROBLEMS

/** Why a request is refused, before it is HTTP. */
export interface Refusal {
  readonly code: ProblemCode
  /** For people: what is wrong and what would be right. Never a value from the request. */
  readonly detail: string
  /** The member or parameter that is wrong. */
  readonly field?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Further members of the problem (RFC 9457 section 3.2). */
  readonly members?: Readonly<Record<string, unknown>>
}

export const PROBLEM_TYPE = 'application/problem+json'

/** @param path the request's path; its query is left out: tokens hide there. */
export function problemText(refusal: Refusal, path?: string): string {
  const { status, title } = PROBLEMS[refusal.code]
  return JSON.stringify({
    ...refusal.members,
    type: `urn:xzepr-bridge:problem:${refusal.code}`,
    title,
    status,
    detail: refusal.detail,
    ...(path === undefined ? {} : { instance: path.split(/[?#]/, 1)[0] }),
    code: refusal.code,
    ...(refusal.field === undefined ? {} : { field: refusal.field }),
  })
}

export function sendProblem(reply: FastifyReply, refusal: Refusal): FastifyReply {
  // A path that cannot be decoded is no URI reference, which `instance` must be.
  const path = refusal.code === 'path-malformed' ? undefined : reply.request.url
  return (
    reply
      .code(PROBLEMS[refusal.code].status)
      .headers(refusal.headers ?? {})
      .type(PROBLEM_TYPE)
      // As bytes: to a string Fastify adds a charset, which the media type does not have (RFC 9457 section 6).
      .send(Buffer.from(problemText(refusal, path)))
  )
}

/** Retry-After in whole seconds (RFC 9110 section 10.2.3), never 0: a caller that obeys it must not spin. */
export function retryAfterSeconds(waitMs: number): string {
  return String(Math.max(1, Math.ceil(waitMs / 1000)))
}
