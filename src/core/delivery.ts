/**
 * The delivery: a work as one HTTP request to the app, in the contract's `verbatim` form.
 *
 * The body is the Kafka value byte for byte: writing JSON anew would change numbers and break signatures. What the
 * bridge knows beside it travels in headers, percent-encoded where HTTP could not carry it: a raw control character
 * or a letter beyond Latin-1 would make an event undeliverable through its name alone.
 */
import { storableText } from './json.ts'
import { NAME_MAX_BYTES } from './lifecycle.ts'
import type { Message } from './message.ts'
import type { KafkaRecord, RecordHeader } from './record.ts'
import { coordinates } from './record.ts'

/** Beyond this a key is left out: Node's HTTP server refuses 16 KiB of headers, and the key would cost the event. */
const KEY_MAX_BYTES = 2048

/** What a work keeps of its message: the parsed fields are let go, the bytes travel on. */
export interface EventFacts {
  readonly id: string
  readonly type: string
  /** Of the source event, for lifecycle events; XZepr asks for one, so a CloudEvent without it is of an unknown platform. */
  readonly platformId: string
  readonly contentType: string
  readonly traceparent: string
  /** Attributes of a message in binary mode: they travel as `ce-*` headers. */
  readonly attributes: Readonly<Record<string, string>> | undefined
}

/** What is told of an event's type; a producer may send one as long as a record. */
const TYPE_MAX_BYTES = 1024

export function eventFacts(record: KafkaRecord, message: Message, chance: () => number): EventFacts {
  const { id, type, contentType, fields, mode } = message
  const given = fields.platform_id ?? fields.platformid
  const platform = storableText(typeof given === 'string' ? given : '', NAME_MAX_BYTES)
  return {
    id,
    type: storableText(type, TYPE_MAX_BYTES),
    platformId: platform.trim() === '' ? UNKNOWN_PLATFORM : platform,
    contentType,
    traceparent: traceparentOf(record.headers, fields, chance),
    attributes:
      mode === 'binary'
        ? Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
        : undefined,
  }
}

export const UNKNOWN_PLATFORM = 'unknown'

/** The headers of every attempt but for its number. */
export function deliveryHeaders(group: string, record: KafkaRecord, event: EventFacts): Record<string, string> {
  const headers: Record<string, string> = {
    // A content type has quotes and spaces of its own; what HTTP cannot carry is left out.
    'content-type': event.contentType.replace(/[^\x20-\x7e]/g, ''),
    'work-id': encodeURIComponent(event.id),
    'idempotency-key': `${headerText(group)}/${coordinates(record)}`,
    traceparent: event.traceparent,
    'kafka-topic': record.topic,
    'kafka-partition': String(record.partition),
    'kafka-offset': String(record.offset),
    'kafka-timestamp': String(record.timestampMs),
  }
  if (record.key !== null && record.key.length <= KEY_MAX_BYTES) headers['kafka-key'] = percentEncode(record.key)
  for (const [name, value] of Object.entries(event.attributes ?? {})) headers[`ce-${name}`] = headerText(value)
  return headers
}

/** The headers that differ from attempt to attempt. @param attemptsMax 0 = no end. */
export function attemptHeaders(attempt: number, attemptsMax: number): Record<string, string> {
  return { 'work-attempt': String(attempt), 'work-attempts-max': String(attemptsMax) }
}

/** Percent-encodes what a header cannot carry: the rule of the CloudEvents HTTP binding, section 3.1.3.2. */
export function headerText(text: string): string {
  // A lone surrogate has no encoding of its own; U+FFFD stands for it, as everywhere on the web.
  return text.replace(/[^\x21\x23\x24\x26-\x7e]/gu, (char) =>
    /^[\ud800-\udfff]$/.test(char) ? '%EF%BF%BD' : escapeChar(char),
  )
}

function escapeChar(char: string): string {
  return char.charCodeAt(0) < 0x80 ? `%${hex(char.charCodeAt(0), 2).toUpperCase()}` : encodeURIComponent(char)
}

/** Percent-encodes bytes: everything but RFC 3986's unreserved characters. */
export function percentEncode(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    const char = String.fromCharCode(byte)
    text += /[A-Za-z0-9._~-]/.test(char) ? char : `%${hex(byte, 2).toUpperCase()}`
  }
  return text
}

/** W3C Trace Context: version 00, no all-zero ids. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The record's trace, else the event's, else a new one made from chance. */
export function traceparentOf(
  headers: readonly RecordHeader[],
  fields: Readonly<Record<string, unknown>>,
  chance: () => number,
): string {
  const fromRecord = headers.find((header) => header.name.toLowerCase() === 'traceparent')?.value
  for (const candidate of [fromRecord && latin1(fromRecord), fields.traceparent]) {
    if (typeof candidate === 'string' && TRACEPARENT.test(candidate)) return candidate
  }
  const word = (): string => hex(Math.floor(chance() * 2 ** 32), 8)
  // The last bit keeps either id from being all zeros, whatever chance says.
  return `00-${word()}${word()}${word()}${word().slice(0, 7)}1-${word()}${word().slice(0, 7)}1-01`
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 64))
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
