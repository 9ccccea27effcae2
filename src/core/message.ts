/**
 * The message inside a record: XZepr's JSON, or a CloudEvent in the Kafka binding's structured or binary mode.
 *
 * Reading is strict about what the road stands on (an id that can travel in a header and a path, a type, a source) and
 * tolerant about the rest: an XZepr that adds or changes a field must not turn its events into poison. Unknown fields
 * are kept. XZepr's form is not valid CloudEvents (`specversion` 1.0.1, names with `_`), so a CloudEvents SDK would
 * refuse it: see the CloudEvents Kafka binding 1.0.2 for the other two.
 */
import { unstorableText, utf8Bytes } from './json.ts'
import type { KafkaRecord } from './record.ts'

/** A message that was read: the envelope that every form has, and the fields as they came. */
export interface Message {
  readonly id: string
  readonly type: string
  readonly source: string
  /** Every field of a JSON form, or every attribute of the binary mode. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly mode: 'json' | 'binary'
  /** The content type under which the value travels on. */
  readonly contentType: string
}

export type Reading =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'tombstone' }
  | { readonly kind: 'poison'; readonly why: string }

/** Turns bytes into text, or undefined where they are not UTF-8. The platform has it, the core has not. */
export type DecodeUtf8 = (bytes: Uint8Array) => string | undefined

/** An id travels percent-encoded in a header and a path; three times this still passes Node's 16 KiB of headers. */
export const ID_MAX_BYTES = 1024

const JSON_TYPE = 'application/cloudevents+json; charset=utf-8'

/** The event format that is read; media types have no case (Kafka binding, section 3). */
const JSON_FORMAT = /^application\/cloudevents(\+json)?\s*(;|$)/i

/** Reads a record. Never throws: what cannot be read is poison with a reason. */
export function readMessage(record: KafkaRecord, decodeUtf8: DecodeUtf8): Reading {
  const headers = textHeaders(record, decodeUtf8)
  const contentType = headers.get('content-type')
  const structured = /^application\/cloudevents/i.test(contentType ?? '')
  if (headers.has('ce_specversion') && !structured) return readBinary(headers, contentType)
  if (record.value === null) return { kind: 'tombstone' }
  if (contentType !== undefined && structured && !JSON_FORMAT.test(contentType)) {
    return poison(`its content type ${JSON.stringify(contentType.slice(0, 100))} is no form that the bridge reads`)
  }
  const text = decodeUtf8(record.value)
  if (text === undefined) return poison('its value is not UTF-8')
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch (error) {
    // The parser's message quotes the value, which may hold anything; only the kind of error is said.
    return poison(`its value is not JSON (${error instanceof Error ? error.name : 'unreadable'})`)
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    return poison('its value is not a JSON object')
  return read(fields as Record<string, unknown>, 'json', JSON_TYPE)
}

function readBinary(headers: ReadonlyMap<string, string>, contentType: string | undefined): Reading {
  const fields: Record<string, unknown> = {}
  for (const [name, value] of headers) {
    if (/^ce_[a-z0-9]+$/.test(name)) fields[name.slice(3)] = value
  }
  return read(fields, 'binary', contentType ?? 'application/octet-stream')
}

const REQUIRED = ['id', 'type', 'source', 'specversion'] as const

function read(fields: Record<string, unknown>, mode: Message['mode'], contentType: string): Reading {
  const { id, type, source, specversion } = fields
  for (const name of REQUIRED) {
    const value = fields[name]
    if (typeof value !== 'string' || value === '') return poison(`its ${name} is missing, empty or not a string`)
  }
  if (!String(specversion).startsWith('1.')) return poison('its specversion is not 1.x')
  const text = String(id)
  const unstorable = unstorableText(text)
  if (unstorable !== undefined) return poison(`its id ${unstorable}`)
  // As a path segment it would be taken for a step up or nowhere (RFC 3986 section 5.2.4), so nobody could report on it.
  if (text === '.' || text === '..') return poison('its id is a dot segment')
  const idBytes = utf8Bytes(text)
  if (idBytes > ID_MAX_BYTES) return poison(`its id takes ${idBytes} bytes, ${ID_MAX_BYTES} at most`)
  return {
    kind: 'message',
    message: { id: text, type: String(type), source: String(source), fields, mode, contentType },
  }
}

/** Headers that hold text; of a name that comes twice the last counts, as the Java client's lastHeader does. */
function textHeaders(record: KafkaRecord, decodeUtf8: DecodeUtf8): ReadonlyMap<string, string> {
  if (record.headers.length === 0) return NO_HEADERS
  const headers = new Map<string, string>()
  for (const { name, value } of record.headers) {
    const text = value === null ? undefined : decodeUtf8(value)
    if (text !== undefined) headers.set(name.toLowerCase(), text)
  }
  return headers
}

function poison(why: string): Reading {
  return { kind: 'poison', why }
}

/** XZepr itself writes none. */
const NO_HEADERS: ReadonlyMap<string, string> = new Map()
