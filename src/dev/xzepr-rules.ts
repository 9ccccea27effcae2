/**
 * The rules of XZepr's REST API that need no memory: what a body must hold, and how it is refused.
 *
 *   bytes ─▶ JSON? ─▶ fields of the right type? ─▶ sensible? ─▶ storable? ─▶ event
 *             400 text   new: 422 text, old: 400     400 JSON     500 for ever
 *
 * Storable is asked last, after the receiver was looked up: the real server learns it from its database.
 */
import { unstorableJson, unstorableText, utf8Bytes } from '../core/json.ts'
import { isObject, readJson, writeJson } from './xzepr-json.ts'
import type { XzeprEvent, XzeprReceiver } from './xzepr-message.ts'
import type { Generation, Reply } from './xzepr-reply.ts'
import { INTERNAL_ERROR, invalid, refusal, textReply } from './xzepr-reply.ts'
import { isUlid } from './xzepr-ulid.ts'

export type Ruled<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'refused'; readonly reply: Reply }

/** An event as a caller sends it. */
export type NewEvent = Omit<XzeprEvent, 'id' | 'ownerId' | 'createdAt'>
/** A receiver as a caller sends it. */
export type NewReceiver = Omit<XzeprReceiver, 'id' | 'fingerprint' | 'ownerId' | 'createdAt'>

const EVENT_FIELDS = {
  name: 'string',
  version: 'string',
  release: 'string',
  platform_id: 'string',
  package: 'string',
  description: 'string',
  payload: 'any',
  success: 'boolean',
  event_receiver_id: 'string',
} as const

const RECEIVER_FIELDS = {
  name: 'string',
  type: 'string',
  version: 'string',
  description: 'string',
  schema: 'any',
} as const

const CREDENTIAL_FIELDS = { username: 'string', password: 'string' } as const
const REFRESH_FIELDS = { refresh_token: 'string' } as const

/** Columns of the table of events, in bytes. */
const EVENT_COLUMNS = { name: 255, version: 100, release: 100, platformId: 255, package: 255 } as const
/** What a receiver may hold, in bytes; beyond it the server refuses instead of asking its database. */
const RECEIVER_LIMITS = { name: 255, type: 100, version: 50, description: 1000 } as const

/** The event in a body of `POST /api/v1/events`. */
export function readEvent(body: Uint8Array, generation: Generation): Ruled<NewEvent> {
  const read = readFields(body, EVENT_FIELDS, generation)
  if (read.kind === 'refused') return read
  const { platform_id, payload, event_receiver_id, ...rest } = read.value
  const { name, version, release, package: packageName } = rest
  const mustSpeak = { name, version, release, platform_id, package: packageName, event_receiver_id }
  for (const [field, value] of Object.entries(mustSpeak)) {
    if (value.trim() === '') return refused(invalid(field, 'must not be empty'))
  }
  if (!isObject(payload)) return refused(invalid('payload', 'Payload must be a JSON object'))
  if (!isUlid(event_receiver_id)) {
    return refused(invalid('event_receiver_id', 'Invalid event receiver ID format', true))
  }
  const receiverId = event_receiver_id.toUpperCase()
  return { kind: 'ok', value: { ...rest, platformId: platform_id, payload: writeJson(payload), receiverId } }
}

/** The receiver in a body of `POST /api/v1/receivers`. */
export function readReceiver(body: Uint8Array, generation: Generation): Ruled<NewReceiver> {
  const read = readFields(body, RECEIVER_FIELDS, generation)
  if (read.kind === 'refused') return read
  const { schema, ...rest } = read.value
  for (const field of ['name', 'type', 'version'] as const) {
    if (rest[field].trim() === '') return refused(invalid(field, 'must not be empty'))
  }
  if (!isObject(schema)) return refused(invalid('schema', 'Schema must be a JSON object'))
  for (const [field, maxBytes] of entries(RECEIVER_LIMITS)) {
    if (utf8Bytes(rest[field]) > maxBytes) return refused(invalid(field, `cannot exceed ${maxBytes} characters`))
  }
  const value = { ...rest, schema: writeJson(schema) }
  return holdsNul(value) ? refused(INTERNAL_ERROR) : { kind: 'ok', value }
}

/** Whether the database takes it. What it does not take is answered with 500, however often it is sent. */
export function storable(event: NewEvent): boolean {
  return !holdsNul(event) && entries(EVENT_COLUMNS).every(([field, maxBytes]) => utf8Bytes(event[field]) <= maxBytes)
}

export function readCredentials(
  body: Uint8Array,
  generation: Generation,
): Ruled<{ readonly username: string; readonly password: string }> {
  return readFields(body, CREDENTIAL_FIELDS, generation)
}

export function readRefresh(body: Uint8Array, generation: Generation): Ruled<{ readonly refresh_token: string }> {
  return readFields(body, REFRESH_FIELDS, generation)
}

/** `limit` and `offset` of a list. `name` and `type` are read by nobody. */
export function readPaging(query: URLSearchParams): Ruled<{ readonly limit: number; readonly offset: number }> {
  const [limit, offset] = [query.get('limit') ?? '50', query.get('offset') ?? '0']
  if (![limit, offset].every((text) => /^\d{1,15}$/.test(text))) {
    return refused(textReply(400, 'Failed to deserialize query string: invalid digit found in string'))
  }
  if (Number(limit) < 1 || Number(limit) > 1000) {
    return refused(invalid('limit', 'Limit must be between 1 and 1000', true))
  }
  return { kind: 'ok', value: { limit: Number(limit), offset: Number(offset) } }
}

type FieldType = 'string' | 'boolean' | 'any'
type Fields<S extends Record<string, FieldType>> = {
  readonly [K in keyof S]: S[K] extends 'string' ? string : S[K] extends 'boolean' ? boolean : unknown
}

function readFields<S extends Record<string, FieldType>>(
  body: Uint8Array,
  shape: S,
  generation: Generation,
): Ruled<Fields<S>> {
  const read = readJson(body)
  if (read.kind === 'unreadable') {
    return refused(textReply(400, `Failed to parse the request body as JSON: ${read.why}`))
  }
  const why = mismatch(read.value, shape)
  if (why === undefined) {
    // Every member of the shape was just looked at; members beyond it are dropped, as serde does.
    const known = Object.entries(read.value as object).filter(([name]) => Object.hasOwn(shape, name))
    return { kind: 'ok', value: Object.fromEntries(known) as Fields<S> }
  }
  if (generation === 'old') return refused(refusal(400, 'validation_error', why))
  return refused(textReply(422, `Failed to deserialize the JSON body into the target type: ${why}`))
}

function mismatch(value: unknown, shape: Record<string, FieldType>): string | undefined {
  if (!isObject(value)) return 'invalid type: expected a struct'
  for (const [name, type] of Object.entries(shape)) {
    if (!Object.hasOwn(value, name)) return `missing field \`${name}\``
    if (type !== 'any' && typeof value[name] !== type) return `${name}: invalid type: expected a ${type}`
  }
  return undefined
}

/** PostgreSQL's text and jsonb know no U+0000. */
function holdsNul(fields: Readonly<Record<string, string | boolean>>): boolean {
  return Object.entries(fields).some(
    ([name, value]) =>
      typeof value === 'string' &&
      (name === 'payload' || name === 'schema' ? unstorableJson(value) : unstorableText(value)) !== undefined,
  )
}

function refused(reply: Reply): { readonly kind: 'refused'; readonly reply: Reply } {
  return { kind: 'refused', reply }
}

function entries<T extends Record<string, number>>(table: T): [keyof T & string, number][] {
  return Object.entries(table)
}
