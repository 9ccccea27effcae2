/**
 * Answers of the XZepr stand-in, as values: a rule decides one, the server alone writes it.
 *
 * XZepr speaks in four dialects, and a client must bear them all: JSON with `error` and `message` (its own rules), JSON
 * with `error` and `status` (its token check), text/plain (its framework's extractors), and nothing at all.
 */
import type { JsonText } from '../core/json.ts'

/** Where XZepr's production router ("new") and its default branch ("old") differ. */
export type Generation = 'new' | 'old'

export interface Reply {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function jsonReply(status: number, body: JsonText): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body }
}

export function textReply(status: number, body: string): Reply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body }
}

export function emptyReply(status: number, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers, body: '' }
}

/** XZepr's own errors. `field` only where the server names one apart from the message. */
export function refusal(status: number, error: string, message: string, field?: string): Reply {
  return jsonReply(status, JSON.stringify({ error, message, field }))
}

export function invalid(field: string, message: string, named = false): Reply {
  const sentence = `Validation error in field '${field}': ${message}`
  return refusal(400, 'validation_error', sentence, named ? field : undefined)
}

/** What the database cannot store, and every other thing that the server did not foresee. */
export const INTERNAL_ERROR = refusal(500, 'internal_error', 'An internal server error occurred')
