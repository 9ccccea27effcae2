/**
 * The delivery: works as one HTTP request to the app, in the format that BRIDGE_WEBHOOK_FORMAT names.
 *
 *   verbatim     the Kafka value byte for byte: writing JSON anew would change numbers and break signatures
 *   structured   a CloudEvent 1.0 as JSON     binary   a CloudEvent 1.0 as ce-* headers and its data
 *   batch        an array of CloudEvents; what headers say of a single event are attributes of each
 *
 * Any record that the reader takes can be delivered in each of them. Attributes that travel in headers must leave room
 * below the 16 KiB that Node's HTTP server takes; an event whose attributes do not is sent in structured mode, which a
 * receiver tells by its content type, and so is one whose data calls itself a CloudEvent (HTTP binding, section 3).
 */
import { isMediaType } from './attributes.ts'
import type { Attributes, CloudEvent, Encodings } from './cloud-event.ts'
import { binaryParts, cloudEventOfHeaders, cloudEventOfJson, structuredJson } from './cloud-event.ts'
import { headerText, percentEncode } from './header-text.ts'
import { storableText } from './json.ts'
import type { JsonText } from './json.ts'
import { NAME_MAX_BYTES } from './lifecycle.ts'
import type { Message } from './message.ts'
import type { KafkaRecord } from './record.ts'
import { coordinates } from './record.ts'
import type { Delivery } from './seams.ts'
import { traceOf } from './trace.ts'

export type Format = 'verbatim' | 'structured' | 'binary' | 'batch'

/** Beyond this a key is left out: in a header it would cost the event. */
const KEY_MAX_BYTES = 2048
/** Of all headers that are made here; signature, host and path come on top. */
const HEADERS_MAX_BYTES = 12 * 1024

/** What a work keeps of its message: the parsed fields are let go, the bytes travel on. */
export interface EventFacts {
  readonly id: string
  readonly type: string
  /** Of the source event, for lifecycle events; XZepr asks for one, so a CloudEvent without it is of an unknown platform. */
  readonly platformId: string
  /** What a header can carry. */
  readonly contentType: string
  readonly traceparent: string
  readonly tracestate?: string
  /** Attributes of a message in binary mode: they travel as `ce-*` headers. */
  readonly attributes: Readonly<Record<string, string>> | undefined
}

/** What is told of an event's type; a producer may send one as long as a record. */
const TYPE_MAX_BYTES = 1024

export function eventFacts(record: KafkaRecord, message: Message, chance: () => number): EventFacts {
  const { id, type, contentType, fields, mode } = message
  const given = fields.platform_id ?? fields.platformid
  const platform = storableText(typeof given === 'string' ? given : '', NAME_MAX_BYTES)
  const { traceparent, tracestate } = traceOf(record.headers, fields, chance)
  return {
    id,
    type: storableText(type, TYPE_MAX_BYTES),
    platformId: platform.trim() === '' ? UNKNOWN_PLATFORM : platform,
    contentType: isMediaType(contentType) ? contentType : UNKNOWN_TYPE,
    traceparent,
    ...(tracestate !== undefined && { tracestate }),
    attributes:
      mode === 'binary'
        ? Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
        : undefined,
  }
}

export const UNKNOWN_PLATFORM = 'unknown'
const UNKNOWN_TYPE = 'application/octet-stream'

/** One event of a delivery. */
export interface Parcel {
  readonly record: KafkaRecord
  readonly event: EventFacts
  /** From 1. */
  readonly attempt: number
}

/** What is the same for every delivery. */
export interface DeliveryFacts {
  readonly format: Format
  readonly group: string
  /** 0 = no end. */
  readonly attemptsMax: number
  readonly encodings: Encodings
}

type WorkFacts = Pick<DeliveryFacts, 'group' | 'attemptsMax'>

/** A record without a value (CloudEvents binary mode without data) goes out with an empty body. */
const NO_BODY = new Uint8Array(0)

/** One request. @param parcels any number from 1 for `batch`, exactly one for the others. */
export function deliveryOf(facts: DeliveryFacts, parcels: readonly Parcel[]): Delivery {
  const [parcel] = parcels
  if (parcel === undefined) throw new Error('a delivery of nothing')
  switch (facts.format) {
    case 'verbatim':
      return verbatim(facts, parcel)
    case 'structured':
      return structured(facts, parcel, cloudEventOf(parcel, facts.encodings))
    case 'binary':
      return binary(facts, parcel)
    case 'batch':
      return batch(facts, parcels)
  }
}

function verbatim(facts: DeliveryFacts, parcel: Parcel): Delivery {
  const headers = verbatimHeaders(facts, parcel)
  if (parcel.event.attributes === undefined || fits(headers)) return single(headers, parcel.record.value ?? NO_BODY)
  return structured(facts, parcel, cloudEventOf(parcel, facts.encodings))
}

function verbatimHeaders(facts: WorkFacts, parcel: Parcel): Record<string, string> {
  const { attributes, contentType } = parcel.event
  if (attributes === undefined) return workHeaders(facts, parcel, contentType)
  const declared = attributes.datacontenttype ?? ''
  const mediaType = contentType === UNKNOWN_TYPE && isMediaType(declared) ? declared : contentType
  const headers = workHeaders(facts, parcel, mediaType)
  for (const [name, value] of Object.entries(attributes)) {
    // The content type says it; beside it this header must not be (HTTP binding, section 3.1.1).
    if (name !== 'datacontenttype') headers[`ce-${name}`] = headerText(value)
  }
  return headers
}

/** The headers of a verbatim delivery, but for those that differ from attempt to attempt. */
export function deliveryHeaders(group: string, record: KafkaRecord, event: EventFacts): Record<string, string> {
  return verbatimHeaders({ group, attemptsMax: 0 }, { record, event, attempt: 0 })
}

/** @param attemptsMax 0 = no end. */
export function attemptHeaders(attempt: number, attemptsMax: number): Record<string, string> {
  return { 'work-attempt': String(attempt), 'work-attempts-max': String(attemptsMax) }
}

function binary(facts: DeliveryFacts, parcel: Parcel): Delivery {
  const event = cloudEventOf(parcel, facts.encodings)
  const { headers: own, contentType, body } = binaryParts(event)
  const headers = Object.assign(workHeaders(facts, parcel, contentType), own)
  const isOne = contentType !== undefined && /^application\/cloudevents/i.test(contentType)
  return isOne || !fits(headers) ? structured(facts, parcel, event) : single(headers, body)
}

function structured(facts: DeliveryFacts, parcel: Parcel, event: CloudEvent): Delivery {
  const headers = workHeaders(facts, parcel, 'application/cloudevents+json; charset=utf-8')
  return single(headers, facts.encodings.encodeUtf8(structuredJson(event)))
}

function batch(facts: DeliveryFacts, parcels: readonly Parcel[]): Delivery {
  const { encodings, group } = facts
  const events = parcels.map((each) => structuredJson(cloudEventOf(each, encodings), workAttributes(facts, each)))
  // Sorted, because the same events are the same batch in whatever order they come again.
  const keys = parcels.map(({ record }) => idempotencyKey(group, record)).sort()
  return {
    headers: { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' },
    body: encodings.encodeUtf8(`[${events.join(',')}]`),
    id: `batch-${encodings.digest(keys.join('\n'))}`,
    wantsBody: true,
  }
}

function single(headers: Record<string, string>, body: Uint8Array): Delivery {
  return { headers, body, id: deliveryId(headers['idempotency-key'] ?? ''), wantsBody: false }
}

/**
 * Standard Webhooks signs `id.timestamp.body`: with a dot of its own in it an id could be cut in two ways. Topics and
 * groups have dots; percent signs of a group are already encoded, so no two keys become one.
 */
function deliveryId(key: string): string {
  return key.replaceAll('.', '%2E')
}

function cloudEventOf({ record, event }: Parcel, encodings: Encodings): CloudEvent {
  const { attributes } = event
  return attributes === undefined
    ? cloudEventOfJson(record, encodings)
    : cloudEventOfHeaders(record, attributes, contentTypeOf(record, encodings), encodings)
}

/** As the record says it: where it says nothing, nothing is known. */
function contentTypeOf({ headers }: KafkaRecord, { decodeUtf8 }: Encodings): string | undefined {
  let last: string | undefined
  for (const { name, value } of headers) {
    if (value !== null && name.toLowerCase() === 'content-type') last = decodeUtf8(value) ?? last
  }
  return last
}

function idempotencyKey(group: string, record: KafkaRecord): string {
  return `${headerText(group)}/${coordinates(record)}`
}

function keyText({ key }: KafkaRecord): string | undefined {
  return key === null || key.length > KEY_MAX_BYTES ? undefined : percentEncode(key)
}

/** What headers say of a single event. */
function workHeaders(facts: WorkFacts, parcel: Parcel, contentType: string | undefined): Record<string, string> {
  const { record, event, attempt } = parcel
  const headers: Record<string, string> = {
    'work-id': encodeURIComponent(event.id),
    'work-attempt': String(attempt),
    'work-attempts-max': String(facts.attemptsMax),
    'idempotency-key': idempotencyKey(facts.group, record),
    traceparent: event.traceparent,
    'kafka-topic': record.topic,
    'kafka-partition': String(record.partition),
    'kafka-offset': String(record.offset),
    'kafka-timestamp': String(record.timestampMs),
  }
  if (contentType !== undefined) headers['content-type'] = contentType
  if (event.tracestate !== undefined) headers.tracestate = event.tracestate
  const key = keyText(record)
  if (key !== undefined) headers['kafka-key'] = key
  return headers
}

/** The same inside an event of a batch, letter for letter; only counts that always fit are integers. */
function workAttributes(facts: WorkFacts, { record, event, attempt }: Parcel): Attributes {
  const attributes = new Map<string, JsonText>([
    ['workid', JSON.stringify(event.id)],
    ['workattempt', String(attempt)],
    ['workattemptsmax', String(facts.attemptsMax)],
    ['idempotencykey', JSON.stringify(idempotencyKey(facts.group, record))],
    ['traceparent', `"${event.traceparent}"`],
    ['kafkatopic', JSON.stringify(record.topic)],
    ['kafkapartition', String(record.partition)],
    ['kafkaoffset', `"${record.offset}"`],
    ['kafkatimestamp', `"${record.timestampMs}"`],
  ])
  if (event.tracestate !== undefined) attributes.set('tracestate', JSON.stringify(event.tracestate))
  const key = keyText(record)
  if (key !== undefined) attributes.set('kafkakey', `"${key}"`)
  return attributes
}

function fits(headers: Readonly<Record<string, string>>): boolean {
  let bytes = 0
  // A colon, a space and a line's end go with each.
  for (const [name, value] of Object.entries(headers)) bytes += name.length + value.length + 4
  return bytes <= HEADERS_MAX_BYTES
}
