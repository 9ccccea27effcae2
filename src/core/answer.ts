/**
 * The app's answer to one attempt, in HTTP's own words.
 *
 *   200 201 203 204 205 206, other 2xx      done      settle once the reports made meanwhile are with XZepr
 *   202                                     accepted  hold the offset until the app reports, or the lease runs out
 *   401 403 404 408 409 423 425 429, 5xx    later     retry; Retry-After wins over our own patience
 *   timeout, reset, a body without an end
 *   other 4xx, 3xx, 1xx                     never     failed for good
 *   what HTTP cannot carry
 *   refused, no route, name unknown         away      the gate closes; no attempt is burned
 *
 * A failure before the first byte was sent never reached an app, whatever the platform calls it: it is `away`. After
 * the first byte nobody can know what the app did: it is `later`. Statuses that no table names are read by their
 * class, as RFC 9110 section 15 asks.
 */

export type Answer = (
  | { readonly kind: 'done'; readonly why: string }
  | { readonly kind: 'accepted'; readonly why: string }
  /** `responded`: the app itself said so; false for a timeout or a reset, where nobody may be there. */
  | {
      readonly kind: 'later'
      readonly why: string
      readonly responded: boolean
      readonly retryAfterMs?: number
      /** Its batch was refused as a whole: again, but with no other. */
      readonly alone?: true
    }
  /** `responded`: the app itself said so; false where the request could not even be written. */
  | { readonly kind: 'never'; readonly why: string; readonly responded: boolean }
  | { readonly kind: 'away'; readonly why: string }
) & {
  /** What the app wrote, where the delivery wanted it and it is UTF-8 within its bound. */
  readonly body?: string
}

/** What one HTTP exchange came to. */
export type Exchange =
  | { readonly kind: 'response'; readonly status: number; readonly retryAfter?: string | undefined }
  /** `sent`: a connection stood and the request was being written. `why`: such as ECONNREFUSED. */
  | { readonly kind: 'failure'; readonly sent: boolean; readonly why: string }
  /** The request cannot be written as HTTP, on no attempt. */
  | { readonly kind: 'unsendable'; readonly why: string }

const LATER = new Set([401, 403, 404, 408, 409, 423, 425, 429])

/** What an exchange means for the work. `nowMs` turns an HTTP date into a wait. */
export function answerTo(exchange: Exchange, nowMs: number): Answer {
  if (exchange.kind === 'unsendable') return { kind: 'never', why: exchange.why, responded: false }
  if (exchange.kind === 'failure') {
    return exchange.sent ? { kind: 'later', why: exchange.why, responded: false } : { kind: 'away', why: exchange.why }
  }
  const { status } = exchange
  const why = `HTTP ${status}`
  if (status === 202) return { kind: 'accepted', why }
  if (status >= 200 && status < 300) return { kind: 'done', why }
  if (status >= 500 || LATER.has(status)) {
    const retryAfterMs = retryAfter(exchange.retryAfter, nowMs)
    const later = { kind: 'later', why, responded: true } as const
    return retryAfterMs === undefined ? later : { ...later, retryAfterMs }
  }
  return { kind: 'never', why, responded: true }
}

/** All three forms of an HTTP date (RFC 9110 section 5.6.7) open with the day's name and hold a time of day. */
const HTTP_DATE = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/i

/**
 * Reads a Retry-After header (RFC 9110 section 10.2.3): whole seconds or an HTTP date.
 * @returns milliseconds to wait, never negative; undefined when absent or unreadable.
 */
export function retryAfter(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d{1,15}$/.test(text)) return Number(text) * 1000
  // Date.parse alone would take "1" or "monkey 5" for a date too.
  if (!HTTP_DATE.test(text)) return undefined
  // The asctime form names no zone and means UTC; Date.parse would read it in the zone of the pod.
  const atMs = Date.parse(/ \d{4}$/.test(text) ? `${text} GMT` : text)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs)
}
