/**
 * A record as a CloudEvent 1.0, whatever form it came in, and the CloudEvent as JSON or as headers and a body.
 *
 *   XZepr's JSON ──────────┐                              ┌─▶ structured, batch   one JSON object
 *   CloudEvent, structured ├─▶ attributes and data ───────┤
 *   CloudEvent, binary ────┘                              └─▶ binary              ce-* headers, data as body
 *
 * An event that already is a valid one keeps its attributes and gets none. XZepr's own form has names that CloudEvents
 * forbids: they lose what is forbidden. A name that is right as it stands wins over one that becomes right, the first of
 * several that become the same wins, and none becomes an attribute that CloudEvents itself defines. Data is never parsed
 * and written again: its numbers reach the app digit for digit.
 */
import { ATTRIBUTE_NAME, attributeName, coreValue, extensionValue, isJsonType, isTextType } from './attributes.ts'
import { headerText } from './header-text.ts'
import type { JsonText } from './json.ts'
import { jsonMembers } from './json.ts'
import type { DecodeUtf8 } from './message.ts'
import type { KafkaRecord } from './record.ts'

/** What the platform knows of texts and bytes, and the core has not. */
export interface Encodings {
  readonly decodeUtf8: DecodeUtf8
  readonly encodeUtf8: (text: string) => Uint8Array
  readonly encodeBase64: (bytes: Uint8Array) => string
  readonly decodeBase64: (text: string) => Uint8Array
  /** A short text that stands for a long one: another for every other. */
  readonly digest: (text: string) => string
}

export type Attributes = ReadonlyMap<string, JsonText>

export interface CloudEvent {
  readonly attributes: Attributes
  /** Undefined when the event has none. */
  readonly data: Data | undefined
}

/** Data in both its forms; one of them is made only when it is asked for. */
interface Data {
  readonly member: 'data' | 'data_base64'
  readonly json: () => JsonText
  readonly bytes: () => Uint8Array
}

const JSON_TYPE = 'application/json'
const NO_BYTES = new Uint8Array(0)

/** The event of a record in a JSON form: XZepr's own, or the Kafka binding's structured mode. */
export function cloudEventOfJson(record: KafkaRecord, encodings: Encodings): CloudEvent {
  const members = new Map(jsonMembers(encodings.decodeUtf8(record.value ?? NO_BYTES) ?? '{}'))
  const data = members.get('data')
  const base64 = data === undefined ? base64Of(members.get('data_base64')) : undefined
  if (base64 !== undefined) members.delete('data_base64')
  const attributes = attributesOf(members, record.timestampMs, data !== undefined)
  if (data !== undefined) {
    const text = data.startsWith('"') && !isJsonType(mediaTypeOf(attributes) ?? JSON_TYPE)
    const body = (): string => (text ? (JSON.parse(data) as string) : data)
    return { attributes, data: { member: 'data', json: () => data, bytes: () => encodings.encodeUtf8(body()) } }
  }
  if (base64 === undefined) return { attributes, data: undefined }
  const bytes = (): Uint8Array => encodings.decodeBase64(base64)
  return { attributes, data: { member: 'data_base64', json: () => `"${base64}"`, bytes } }
}

/** The event of a record in the Kafka binding's binary mode. @param given its attributes, as the reader found them. */
export function cloudEventOfHeaders(
  record: KafkaRecord,
  given: Readonly<Record<string, string>>,
  contentType: string | undefined,
  encodings: Encodings,
): CloudEvent {
  const members = new Map(Object.entries(given).map(([name, value]) => [name, JSON.stringify(value)]))
  if (contentType !== undefined) members.set('datacontenttype', JSON.stringify(contentType))
  const attributes = attributesOf(members, record.timestampMs, false)
  const { value } = record
  if (value === null) return { attributes, data: undefined }
  const mediaType = mediaTypeOf(attributes)
  const json = mediaType === undefined ? undefined : jsonOfBytes(value, mediaType, encodings)
  const data: Data =
    json === undefined
      ? { member: 'data_base64', json: () => `"${encodings.encodeBase64(value)}"`, bytes: () => value }
      : { member: 'data', json: () => json, bytes: () => value }
  // Nothing is no JSON: data of length 0 under such a type is none.
  const none = value.length === 0 && mediaType !== undefined && isJsonType(mediaType)
  return { attributes, data: none ? undefined : data }
}

/** Bytes as a JSON value, where their type says that they are JSON or text and they are; undefined for all else. */
function jsonOfBytes(bytes: Uint8Array, mediaType: string, { decodeUtf8 }: Encodings): JsonText | undefined {
  const isJson = isJsonType(mediaType)
  if (!isJson && !isTextType(mediaType)) return undefined
  // A byte order mark does not outlive decoding.
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  const text = marked ? undefined : decodeUtf8(bytes)
  if (text === undefined) return undefined
  if (!isJson) return JSON.stringify(text)
  return isJsonText(text) ? text : undefined
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

/** Base64 inside a JSON text; undefined where it is none: then the member is an extension like any other. */
function base64Of(json: JsonText | undefined): string | undefined {
  const base64 = json?.startsWith('"') === true ? (JSON.parse(json) as string) : undefined
  return base64 !== undefined && base64.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(base64) ? base64 : undefined
}

/** In the order in which they are written. */
const CORE = ['source', 'type', 'subject', 'time', 'datacontenttype', 'dataschema'] as const
/** What no extension may be called. */
const TAKEN: ReadonlySet<string> = new Set(['specversion', 'id', 'data', ...CORE])
/** Of a year with more than four digits RFC 3339 has no word; before 1970 a record has no time, by Kafka's convention. */
const TIME_END_MS = Date.UTC(10_000, 0)

function attributesOf(members: ReadonlyMap<string, JsonText>, timestampMs: number, hasData: boolean): Attributes {
  // The id stays as it is, also where CloudEvents would not have it so: by it the app reports.
  const attributes = new Map<string, JsonText>([
    ['specversion', '"1.0"'],
    ['id', members.get('id') ?? '""'],
  ])
  let valid = members.get('specversion') === '"1.0"'
  const put = (name: string, given: JsonText, value: JsonText | undefined): void => {
    if (value !== undefined) attributes.set(name, value)
    if (value !== given && given !== 'null') valid = false
  }
  for (const name of CORE) {
    const json = members.get(name)
    if (json !== undefined) put(name, json, coreValue(name, json))
  }
  const foreign: [string, JsonText][] = []
  for (const [name, json] of members) {
    if (TAKEN.has(name)) continue
    if (ATTRIBUTE_NAME.test(name)) put(name, json, extensionValue(json))
    else foreign.push([attributeName(name), json])
  }
  for (const [name, json] of foreign) {
    valid = false
    if (name !== '' && !TAKEN.has(name) && !attributes.has(name)) put(name, json, extensionValue(json))
  }
  if (!valid) complete(attributes, timestampMs, hasData)
  return attributes
}

/** Adds what XZepr's own form leaves to its reader. */
function complete(attributes: Map<string, JsonText>, timestampMs: number, hasData: boolean): void {
  if (!attributes.has('time') && timestampMs >= 0 && timestampMs < TIME_END_MS) {
    attributes.set('time', `"${new Date(timestampMs).toISOString()}"`)
  }
  if (hasData && !attributes.has('datacontenttype')) attributes.set('datacontenttype', `"${JSON_TYPE}"`)
}

function mediaTypeOf(attributes: Attributes): string | undefined {
  const json = attributes.get('datacontenttype')
  return json === undefined ? undefined : (JSON.parse(json) as string)
}

/** The event as one JSON object (JSON format, section 3). @param more attributes that win over the event's own. */
export function structuredJson({ attributes, data }: CloudEvent, more?: Attributes): JsonText {
  let text = ''
  for (const [name, json] of attributes) if (more?.has(name) !== true) text += `,"${name}":${json}`
  if (more !== undefined) for (const [name, json] of more) text += `,"${name}":${json}`
  if (data !== undefined) text += `,"${data.member}":${data.json()}`
  return `{${text.slice(1)}}`
}

/** The event as headers and a body (HTTP binding, section 3.1). */
export function binaryParts({ attributes, data }: CloudEvent): {
  readonly headers: Record<string, string>
  readonly contentType: string | undefined
  readonly body: Uint8Array
} {
  const headers: Record<string, string> = {}
  for (const [name, json] of attributes) {
    if (name !== 'datacontenttype') headers[`ce-${name}`] = headerText(canonicalText(json))
  }
  // What the JSON form may leave unsaid has to be said here; base64 without a type has none.
  const implied = data?.member === 'data' ? JSON_TYPE : undefined
  return { headers, contentType: mediaTypeOf(attributes) ?? implied, body: data?.bytes() ?? NO_BYTES }
}

/** A value in CloudEvents' canonical string encoding. */
function canonicalText(json: JsonText): string {
  return json.startsWith('"') ? (JSON.parse(json) as string) : json
}
