/**
 * The message inside a record: XZepr's JSON, or a CloudEvent in the Kafka binding's structured or binary mode.
 *
 * Reading is strict about what the road stands on (an id that can travel in a header and a path, a type, a source) and
 * tolerant about the rest: an XZepr that adds or changes a field must not turn its events into poison. Unknown fields
 * are kept. XZepr's form is not valid CloudEvents (`specversion` 1.0.1, names with `_`), so a CloudEvents SDK would
 * refuse it: see the CloudEvents Kafka binding 1.0.2 for the other two.
 */
import type { Static } from 'typebox'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { unstorableText, utf8Bytes } from './json.ts'
import type { KafkaRecord } from './record.ts'

const optional = {
  text: Type.Optional(Type.String()),
  flag: Type.Optional(Type.Boolean()),
  count: Type.Optional(Type.Number()),
}
const Payload = Type.Optional(Type.Record(Type.String(), Type.Unknown()))

/** One event entity in `data.events`. */
export const XzeprEvent = Type.Object({
  id: optional.text,
  name: optional.text,
  version: optional.text,
  release: optional.text,
  platform_id: optional.text,
  package: optional.text,
  description: optional.text,
  payload: Payload,
  success: optional.flag,
  event_receiver_id: optional.text,
  owner_id: optional.text,
  resource_version: optional.count,
  created_at: optional.text,
})

/** One receiver entity in `data.event_receivers`; over REST its type is called `type`. */
export const XzeprReceiver = Type.Object({
  id: optional.text,
  name: optional.text,
  receiver_type: optional.text,
  version: optional.text,
  description: optional.text,
  schema: Payload,
  fingerprint: optional.text,
  owner_id: optional.text,
  resource_version: optional.count,
  created_at: optional.text,
})

/** One group entity in `data.event_receiver_groups`. */
export const XzeprReceiverGroup = Type.Object({
  id: optional.text,
  name: optional.text,
  group_type: optional.text,
  version: optional.text,
  description: optional.text,
  enabled: optional.flag,
  event_receiver_ids: Type.Optional(Type.Array(Type.String())),
  owner_id: optional.text,
  resource_version: optional.count,
  created_at: optional.text,
})

export const XzeprData = Type.Object({
  events: Type.Array(XzeprEvent),
  event_receivers: Type.Array(XzeprReceiver),
  event_receiver_groups: Type.Array(XzeprReceiverGroup),
})

/** The whole value as XZepr publishes it. */
export const XzeprMessage = Type.Object({
  success: optional.flag,
  id: Type.String(),
  specversion: Type.String(),
  type: Type.String(),
  source: Type.String(),
  api_version: optional.text,
  name: optional.text,
  version: optional.text,
  release: optional.text,
  platform_id: optional.text,
  package: optional.text,
  data: XzeprData,
})
export type XzeprMessage = Static<typeof XzeprMessage>

const isXzepr = Compile(XzeprMessage)

/** A message that was read: the envelope that every form has, and the fields as they came. */
export interface Message {
  readonly id: string
  readonly type: string
  readonly source: string
  /** XZepr's own form, fully typed; undefined for a CloudEvent from elsewhere. */
  readonly xzepr: XzeprMessage | undefined
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

function read(fields: Record<string, unknown>, mode: Message['mode'], contentType: string): Reading {
  const { id, type, source, specversion } = fields
  for (const [name, value] of Object.entries({ id, type, source, specversion })) {
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
  const xzepr = mode === 'json' && isXzepr.Check(fields) ? fields : undefined
  return {
    kind: 'message',
    message: { id: text, type: String(type), source: String(source), xzepr, fields, mode, contentType },
  }
}

/** Headers that hold text; of a name that comes twice the last counts, as the Java client's lastHeader does. */
function textHeaders(record: KafkaRecord, decodeUtf8: DecodeUtf8): Map<string, string> {
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
