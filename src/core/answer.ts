/**
 * The app's answer to one attempt, in HTTP's own words.
 *
 *   200 201 203 204 205 206, other 2xx      done      settle once the reports made meanwhile are with XZepr
 *   202                                     accepted  hold the offset until the app reports, or the lease runs out
 *   401 403 404 408 409 423 425 429, 5xx    later     retry; Retry-After wins over our own patience
 *   timeout, reset, a body without an end
 *   other 4xx, 3xx, 1xx                     never     failed for good
 *   refused, no route, name unknown         away      the gate closes; no attempt is burned
 *
 * Statuses that no table names are read by their class, as RFC 9110 section 15 asks.
 */

export type Answer =
  | { readonly kind: 'done'; readonly why: string }
  | { readonly kind: 'accepted'; readonly why: string }
  | { readonly kind: 'later'; readonly why: string; readonly retryAfterMs?: number }
  | { readonly kind: 'never'; readonly why: string }
  | { readonly kind: 'away'; readonly why: string }

/** What one HTTP exchange came to. `code` is the platform's error code, such as ECONNREFUSED. */
export type Exchange =
  | { readonly kind: 'response'; readonly status: number; readonly retryAfter?: string | undefined }
  | { readonly kind: 'failure'; readonly code: string }

const LATER = new Set([401, 403, 404, 408, 409, 423, 425, 429])

/** Nobody is listening: the request never reached an app, so it was no attempt. */
const AWAY = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** What an exchange means for the work. `nowMs` turns an HTTP date into a wait. */
export function answerTo(exchange: Exchange, nowMs: number): Answer {
  if (exchange.kind === 'failure') {
    return AWAY.has(exchange.code) ? { kind: 'away', why: exchange.code } : { kind: 'later', why: exchange.code }
  }
  const { status } = exchange
  const why = `HTTP ${status}`
  if (status === 202) return { kind: 'accepted', why }
  if (status >= 200 && status < 300) return { kind: 'done', why }
  if (status >= 500 || LATER.has(status)) {
    const retryAfterMs = retryAfter(exchange.retryAfter, nowMs)
    return retryAfterMs === undefined ? { kind: 'later', why } : { kind: 'later', why, retryAfterMs }
  }
  return { kind: 'never', why }
}

/**
 * Reads a Retry-After header (RFC 9110 section 10.2.3): whole seconds or an HTTP date.
 * @returns milliseconds to wait, never negative; undefined when absent or unreadable.
 */
export function retryAfter(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d{1,15}$/.test(text)) return Number(text) * 1000
  // Every form of an HTTP date opens with the day's name; Date.parse alone would take "1" or "2-3" for a date too.
  if (!/^(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return undefined
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs)
}
