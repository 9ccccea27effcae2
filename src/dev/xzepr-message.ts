/**
 * What XZepr puts on Kafka, byte for byte: one flat JSON object per event, almost a CloudEvent.
 *
 * The key is the event's id, the value has its members in this order and no other, `created_at` has nine fractional
 * digits. An ordinary event names its receiver by id alone; the creation of a receiver is told by a system event that
 * carries the receiver itself, with `receiver_type` where the REST API says `type`.
 */
import type { JsonText } from '../core/json.ts'
import { jsonObject } from '../core/json.ts'

/** One row of XZepr's table of events. */
export interface XzeprEvent {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly release: string
  readonly platformId: string
  readonly package: string
  readonly description: string
  /** As XZepr writes it again: keys sorted, numbers rewritten. */
  readonly payload: JsonText
  readonly success: boolean
  readonly receiverId: string
  /** The `sub` of the caller who created it. */
  readonly ownerId: string
  /** RFC 3339 with nine fractional digits. */
  readonly createdAt: string
}

/** One row of XZepr's table of receivers. */
export interface XzeprReceiver {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly version: string
  readonly description: string
  readonly schema: JsonText
  /** SHA-256 over name, type, version and schema, in hex. */
  readonly fingerprint: string
  readonly ownerId: string
  readonly createdAt: string
}

const text = (value: string): JsonText => JSON.stringify(value)

/** The Kafka value of an event. @param created the receiver whose creation this event tells of. */
export function messageValue(event: XzeprEvent, created?: XzeprReceiver): JsonText {
  return jsonObject([
    ['success', String(event.success)],
    ['id', text(event.id)],
    ['specversion', text('1.0.1')],
    ['type', text(event.name)],
    ['source', text(`xzepr.event.receiver.${event.receiverId}`)],
    ['api_version', text('v1')],
    ...described(event),
    [
      'data',
      jsonObject([
        ['events', `[${eventEntity(event)}]`],
        ['event_receivers', `[${created === undefined ? '' : receiverEntity(created)}]`],
        ['event_receiver_groups', '[]'],
      ]),
    ],
  ])
}

/** The system event that tells of a new receiver. */
export function receiverCreated(receiver: XzeprReceiver, id: string): XzeprEvent {
  const payload = jsonObject([
    ['description', text(receiver.description)],
    ['fingerprint', text(receiver.fingerprint)],
    ['name', text(receiver.name)],
    ['receiver_id', text(receiver.id)],
    ['type', text(receiver.type)],
    ['version', text(receiver.version)],
  ])
  return {
    id,
    name: 'xzepr.event.receiver.created',
    version: '1.0.0',
    release: 'system',
    platformId: 'xzepr',
    package: 'xzepr.system',
    description: `Event receiver '${receiver.name}' created`,
    payload,
    success: true,
    receiverId: receiver.id,
    ownerId: receiver.ownerId,
    createdAt: receiver.createdAt,
  }
}

/** A receiver as the REST API shows it: `type`, no owner, six fractional digits (PostgreSQL keeps microseconds). */
export function receiverResource(receiver: XzeprReceiver): JsonText {
  return jsonObject([
    ...receiverHead(receiver, 'type'),
    ['created_at', text(receiver.createdAt.replace(/\d{3}Z$/, 'Z'))],
  ])
}

function described(event: XzeprEvent): [string, JsonText][] {
  return [
    ['name', text(event.name)],
    ['version', text(event.version)],
    ['release', text(event.release)],
    ['platform_id', text(event.platformId)],
    ['package', text(event.package)],
  ]
}

function eventEntity(event: XzeprEvent): JsonText {
  return jsonObject([
    ['id', text(event.id)],
    ...described(event),
    ['description', text(event.description)],
    ['payload', event.payload],
    ['success', String(event.success)],
    ['event_receiver_id', text(event.receiverId)],
    ['owner_id', text(event.ownerId)],
    ['resource_version', '1'],
    ['created_at', text(event.createdAt)],
  ])
}

function receiverEntity(receiver: XzeprReceiver): JsonText {
  return jsonObject([
    ...receiverHead(receiver, 'receiver_type'),
    ['owner_id', text(receiver.ownerId)],
    ['resource_version', '1'],
    ['created_at', text(receiver.createdAt)],
  ])
}

function receiverHead(receiver: XzeprReceiver, typeName: string): [string, JsonText][] {
  return [
    ['id', text(receiver.id)],
    ['name', text(receiver.name)],
    [typeName, text(receiver.type)],
    ['version', text(receiver.version)],
    ['description', text(receiver.description)],
    ['schema', receiver.schema],
    ['fingerprint', text(receiver.fingerprint)],
  ]
}
