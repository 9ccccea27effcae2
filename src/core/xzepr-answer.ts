/**
 * XZepr's answer to a request, and what it says about the report, the receiver or XZepr itself.
 *
 *   2xx with an id                     stored       the event, or the receiver, exists
 *   400 413 422                        refused      this body, for good
 *   404                                no-receiver  the receiver is gone: look for it, or make it, again
 *   401 403, no token to send          barred       nothing of ours passes until an operator mends it
 *   429                                limited      all of the user's pods share a token bucket: wait a token's time
 *   503                                busy         obey Retry-After
 *   other 5xx, 3xx, 4xx; 2xx, no id    failing      an outage, or this body: other answers tell which
 *   refused, reset, timeout            away         an outage
 *
 * XZepr's errors come as JSON, as plain text or empty; whatever comes is cut to one line for the log.
 */
import { retryAfter } from './answer.ts'
import type { ErrorCode } from './errors.ts'

/** What one HTTP exchange with XZepr came to. `code` is the platform's error code, such as ECONNREFUSED. */
export type XzeprExchange =
  | { readonly kind: 'response'; readonly status: number; readonly headers: XzeprHeaders; readonly body: string }
  | { readonly kind: 'failure'; readonly code: string }
  | { readonly kind: 'unsigned'; readonly why: string }

export interface XzeprHeaders {
  readonly retryAfter?: string | undefined
  readonly rateLimit?: string | undefined
  readonly rateRemaining?: string | undefined
}

/** What is left of the user's token bucket; old builds have none. */
export interface Rate {
  /** Requests a minute. */
  readonly limit?: number | undefined
  readonly remaining?: number | undefined
}

/** Something that only an operator, or time, can mend. */
export interface Problem {
  readonly code: ErrorCode
  readonly why: string
}

export type XzeprAnswer =
  | { readonly kind: 'stored'; readonly id: string; readonly rate: Rate }
  | { readonly kind: 'refused'; readonly why: string; readonly rate: Rate }
  | { readonly kind: 'no-receiver'; readonly why: string; readonly rate: Rate }
  | { readonly kind: 'barred'; readonly code: ErrorCode; readonly why: string; readonly receiverInDoubt: boolean }
  | {
      readonly kind: 'limited'
      readonly why: string
      readonly retryAfterMs: number | undefined
      readonly rate: Rate
    }
  | { readonly kind: 'busy'; readonly why: string; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'failing'; readonly why: string }
  | { readonly kind: 'away'; readonly why: string }

/** What an exchange means. `nowMs` turns an HTTP date into a wait. */
export function xzeprAnswer(exchange: XzeprExchange, nowMs: number): XzeprAnswer {
  if (exchange.kind === 'failure') return { kind: 'away', why: exchange.code }
  if (exchange.kind === 'unsigned') {
    return { kind: 'barred', code: 'XZB_CONFIG_FILE_UNREADABLE', why: exchange.why, receiverInDoubt: false }
  }
  const { status, headers, body } = exchange
  const rate = { limit: count(headers.rateLimit), remaining: count(headers.rateRemaining) }
  const said = readBody(body)
  if (status >= 200 && status < 300) {
    const id = said?.data
    if (typeof id === 'string' && id !== '') return { kind: 'stored', id, rate }
    return { kind: 'failing', why: `HTTP ${status} without an id: does XZEPR_API_URL name XZepr?` }
  }
  const why = reason(status, body, said)
  switch (status) {
    case 400:
    case 413:
    case 422:
      return { kind: 'refused', why, rate }
    case 404:
      return { kind: 'no-receiver', why, rate }
    case 401:
      return { kind: 'barred', code: 'XZB_XZEPR_UNAUTHORISED', why, receiverInDoubt: false }
    case 403: {
      const permission = requiredPermission(said)
      // Without a missing permission it is ownership: the token is now another user's, and so is the receiver's id.
      return permission === undefined
        ? { kind: 'barred', code: 'XZB_XZEPR_FORBIDDEN', why, receiverInDoubt: true }
        : { kind: 'barred', code: 'XZB_XZEPR_FORBIDDEN', why: `${why} (needs ${permission})`, receiverInDoubt: false }
    }
    case 429:
      return { kind: 'limited', why, retryAfterMs: retryAfter(headers.retryAfter, nowMs), rate }
    case 503:
      return { kind: 'busy', why, retryAfterMs: retryAfter(headers.retryAfter, nowMs) }
    default:
      return { kind: 'failing', why }
  }
}

/** The problem that an answer shows when it stands for XZepr as a whole, not for one body. */
export function problemIn(answer: XzeprAnswer): Problem | undefined {
  switch (answer.kind) {
    case 'barred':
      return { code: answer.code, why: answer.why }
    case 'busy':
    case 'failing':
    case 'away':
      return { code: 'XZB_XZEPR_UNREACHABLE', why: answer.why }
    case 'refused':
    case 'no-receiver':
      return { code: 'XZB_XZEPR_REFUSED', why: answer.why }
    case 'limited':
    case 'stored':
      return undefined
  }
}

type Said = Readonly<Record<string, unknown>>

function readBody(body: string): Said | undefined {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return undefined // plain text, empty, or cut short: `reason` shows it as it is
  }
  return isObject(value) ? value : undefined
}

function isObject(value: unknown): value is Said {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function requiredPermission(said: Said | undefined): string | undefined {
  const details = said?.details
  const permission = isObject(details) ? details.required_permission : undefined
  return typeof permission === 'string' ? oneLine(permission) : undefined
}

const WHY_MAX_CHARS = 300

function reason(status: number, body: string, said: Said | undefined): string {
  const words = [said?.error, said?.message].filter((word) => typeof word === 'string')
  const text = oneLine(words.length > 0 ? words.join(': ') : body)
  return text === '' ? `HTTP ${status}` : `HTTP ${status} ${text}`
}

/** Control characters could forge a log line or move a terminal's cursor. */
function oneLine(text: string): string {
  const line = text.slice(0, 4 * WHY_MAX_CHARS).replace(/[\p{C}\s]+/gu, ' ')
  // By characters, not code units: half of one would be no text any more.
  return Array.from(line.trim()).slice(0, WHY_MAX_CHARS).join('')
}

function count(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) : undefined
}
