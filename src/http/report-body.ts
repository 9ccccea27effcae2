/**
 * From the body of a call to a report. Pure: bytes in, a report or a refusal out, whatever the bytes are.
 *
 *   bytes ─▶ UTF-8 ─▶ nesting ─▶ JSON ─▶ object ─▶ members of the right type ─▶ details, digit for digit ─▶ report
 *
 * JSON.parse would round 12345678901234567890 and turn 1.0 into 1, so numbers stay text on the way to XZepr. Members
 * that no schema names are ignored: a newer app can talk to an older bridge.
 */
import type { SchemaObject } from 'ajv'
import { LosslessNumber, parse, stringify } from 'lossless-json'
import type { XStatic } from 'typebox/schema'
import type { JsonMembers } from '../core/json.ts'
import type { Report } from '../core/report.ts'
import type { Refusal } from './problems.ts'
import { bodies } from './schemas.ts'

export type ReportKind = Report['kind']

/** The longest lease and the longest wait for a retry: a week. */
export const PERIOD_MAX_SECONDS = 604_800
/** XZepr's own parser (serde_json) refuses 128 levels; the event around `details` takes a few. */
export const NESTING_MAX = 100

const details = { type: 'object' } as const
const TEXT = { type: 'string' } as const
const FLAG = { type: 'boolean' } as const

const SCHEMAS = {
  started: { type: 'object', properties: { details, name: TEXT, version: TEXT } },
  progress: {
    type: 'object',
    properties: { details, lease_seconds: { type: 'number', exclusiveMinimum: 0, maximum: PERIOD_MAX_SECONDS } },
  },
  completed: { type: 'object', properties: { details, success: FLAG } },
  failed: {
    type: 'object',
    properties: {
      details,
      error: TEXT,
      error_code: TEXT,
      retry: FLAG,
      retry_after_seconds: { type: 'number', minimum: 0, maximum: PERIOD_MAX_SECONDS },
    },
  },
} as const satisfies Record<ReportKind, SchemaObject>

/** What a body holds once its schema has let it through. */
type Members<K extends ReportKind> = XStatic<(typeof SCHEMAS)[K]>

export type Parsed =
  { readonly kind: 'report'; readonly report: Report } | { readonly kind: 'refused'; readonly refusal: Refusal }

/** @param body as received; undefined or empty for a call without one. */
export function parseReport(kind: ReportKind, body: Uint8Array | undefined): Parsed {
  const members = readObject(body ?? new Uint8Array())
  if ('code' in members) return { kind: 'refused', refusal: members }
  if (!bodies.validate(SCHEMAS[kind], members.object)) {
    const [wrong] = bodies.errors ?? []
    const field = wrong?.instancePath.slice(1) ?? ''
    return refused({ code: 'field-invalid', field, detail: `${field}: ${wrong?.message ?? 'is wrong'}` })
  }
  // Nothing of a progress report goes to XZepr, so nothing of it can be unstorable.
  if (kind !== 'progress' && tooLarge(members.object.details)) {
    return refused({
      code: 'report-unstorable',
      field: 'details',
      detail: 'details holds a number beyond 1.8e308, which XZepr cannot store.',
    })
  }
  return { kind: 'report', report: toReport(kind, members.object) }
}

function toReport(kind: ReportKind, object: Record<string, unknown>): Report {
  const details = detailsOf(object.details)
  switch (kind) {
    case 'started': {
      const { name, version } = object as Members<'started'>
      return { kind, details, ...(name === undefined ? {} : { name }), ...(version === undefined ? {} : { version }) }
    }
    case 'progress': {
      const { lease_seconds: seconds } = object as Members<'progress'>
      return { kind, details, ...(seconds === undefined ? {} : { leaseMs: Math.ceil(seconds * 1000) }) }
    }
    case 'completed': {
      const { success } = object as Members<'completed'>
      return { kind, details, success: success ?? true }
    }
    case 'failed': {
      const { error, error_code: errorCode, retry, retry_after_seconds: seconds } = object as Members<'failed'>
      return {
        kind,
        details,
        retry: retry ?? false,
        ...(error === undefined ? {} : { error }),
        ...(errorCode === undefined ? {} : { errorCode }),
        ...(seconds === undefined ? {} : { retryAfterMs: Math.ceil(seconds * 1000) }),
      }
    }
  }
}

/** A JSON object in UTF-8, not nested too deep, no member twice; nothing at all is an empty one. */
export function readObject(body: Uint8Array): { readonly object: Record<string, unknown> } | Refusal {
  let value: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    if (text.trim() === '') return { object: {} }
    if (nesting(text) > NESTING_MAX) return malformed(`The body is nested deeper than ${NESTING_MAX} levels.`)
    value = parse(text)
  } catch (error) {
    // The parser's own words quote the body; where it stopped says enough.
    const [, at] = /position (\d+)$/.exec(error instanceof SyntaxError ? error.message : '') ?? []
    return malformed(
      at === undefined
        ? 'The body is not UTF-8.'
        : `The body is not JSON, or names a member twice: see character ${at}.`,
    )
  }
  if (!isObject(value)) return malformed('The body must be a JSON object.')
  // The members that schemas know are plain values; only inside `details` do digits matter.
  const object: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const [name, member] of Object.entries(value)) {
    object[name] = member instanceof LosslessNumber ? Number(member.value) : member
  }
  return { object }
}

/** How deep the brackets go: counted before parsing, because a parser that recurses dies of a deep nest. */
function nesting(text: string): number {
  let deepest = 0
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (quoted) {
      if (char === '\\') at += 1
      else if (char === '"') quoted = false
    } else if (char === '"') quoted = true
    else if (char === '{' || char === '[') deepest = Math.max(deepest, ++depth)
    else if (char === '}' || char === ']') depth -= 1
  }
  return deepest
}

function detailsOf(value: unknown): JsonMembers {
  return new Map(Object.entries(value ?? {}).map(([name, member]) => [name, stringify(member) ?? 'null']))
}

/** True when a number in here is infinite as a double, such as 1e400: XZepr's parser refuses the event. */
function tooLarge(value: unknown): boolean {
  if (value instanceof LosslessNumber) return !Number.isFinite(Number(value.value))
  if (Array.isArray(value)) return value.some(tooLarge)
  return isObject(value) && Object.values(value).some(tooLarge)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber)
}

function malformed(detail: string): Refusal {
  return { code: 'body-malformed', detail }
}

function refused(refusal: Refusal): Parsed {
  return { kind: 'refused', refusal }
}
