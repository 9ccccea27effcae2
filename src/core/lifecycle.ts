/**
 * Lifecycle events: what XZepr is told about a work, as the contract's section 4 writes it.
 *
 * A lifecycle event is complete but for the receiver's id, which only the XZepr edge knows. The app's `details` stay
 * JSON text, so numbers reach XZepr digit for digit. `deliveryId` is the same on every repeat of one report: XZepr's
 * create is not idempotent, and this is how a reader tells a repeat.
 */
import type { JsonMembers, JsonText } from './json.ts'
import { jsonObject, storableText, unstorableJson, unstorableText, utf8Bytes } from './json.ts'

export type LifecycleStatus = 'started' | 'completed' | 'failed'

export interface LifecycleEvent {
  readonly workId: string
  readonly status: LifecycleStatus
  /** The work's name, without the status. */
  readonly name: string
  readonly version: string
  readonly package: string
  readonly platformId: string
  readonly atMs: number
  readonly details: JsonMembers
  readonly sourceEventType: string
  readonly deliveryId: string
}

/** Who reports: the same for every event of a bridge. */
export interface Identity {
  readonly group: string
  readonly package: string
  readonly workName: string
  readonly workVersion: string
}

/** What is reported about: the source event, and the name and version the app gave its work. */
export interface WorkFacts {
  readonly id: string
  readonly type: string
  readonly platformId: string
  readonly name: string | undefined
  readonly version: string | undefined
}

export function lifecycleEvent(
  identity: Identity,
  work: WorkFacts,
  { status, atMs }: Pick<LifecycleEvent, 'status' | 'atMs'>,
  details: JsonMembers,
): LifecycleEvent {
  return {
    workId: work.id,
    status,
    name: work.name ?? identity.workName,
    version: work.version ?? identity.workVersion,
    package: identity.package,
    platformId: work.platformId,
    atMs,
    details,
    sourceEventType: work.type,
    deliveryId: deliveryId(identity.group, work.id, status),
  }
}

/** What XZepr stores at most, in bytes of UTF-8; beyond it, it answers 500 for ever. */
export const NAME_MAX_BYTES = 255
export const VERSION_MAX_BYTES = 100
/** XZepr takes 1 MiB, Kafka about 999,500 bytes of what XZepr makes of it; this leaves room for both. */
export const LIFECYCLE_MAX_BYTES = 900_000

/** `<group>/<work id>/<status>`: one report, however often it is sent and whoever sends it after a restart. */
export function deliveryId(group: string, workId: string, status: LifecycleStatus): string {
  return `${group}/${workId}/${status}`
}

/** The body of `POST /api/v1/events`. */
export function lifecycleBody(event: LifecycleEvent, receiverId: string): JsonText {
  const text = JSON.stringify
  const instant = new Date(event.atMs).toISOString()
  const success = event.status !== 'failed'
  const details: [string, JsonText][] = [...event.details]
    .filter(([name]) => !RESERVED.has(name))
    .concat([
      ['source_event_id', text(event.workId)],
      ['source_event_type', text(storableText(event.sourceEventType, LIFECYCLE_MAX_BYTES))],
      ['delivery_id', text(event.deliveryId)],
    ])
  const payload: [string, JsonText][] = [
    ['work_id', text(event.workId)],
    ['status', text(event.status)],
    [event.status === 'started' ? 'started_at' : 'completed_at', text(instant)],
    ...(event.status === 'started' ? [] : [['success', text(success)] as [string, JsonText]]),
    ['details', jsonObject(details)],
  ]
  return jsonObject([
    ['name', text(`${event.name}.${event.status}`)],
    ['version', text(event.version)],
    ['release', text(event.version)],
    ['platform_id', text(storableText(event.platformId, NAME_MAX_BYTES))],
    ['package', text(event.package)],
    ['description', text(`Work ${event.status}: ${event.name} (${event.workId})`)],
    ['success', text(success)],
    ['event_receiver_id', text(receiverId)],
    ['payload', jsonObject(payload)],
  ])
}

/** What the bridge itself puts into details; an app's member of the same name would make the event lie. */
const RESERVED = new Set(['source_event_id', 'source_event_type', 'delivery_id'])

/**
 * Why XZepr could never store this event, or undefined. Known beforehand, it is refused where the app can still
 * hear of it (422) instead of holding an offset.
 */
export function unstorable(event: LifecycleEvent): string | undefined {
  for (const [field, value, maxBytes] of [
    // The longest of the three names, so that a work whose start was taken can also end.
    ['name', `${event.name}.completed`, NAME_MAX_BYTES],
    ['version', event.version, VERSION_MAX_BYTES],
  ] as const) {
    const bytes = utf8Bytes(value)
    if (bytes > maxBytes) return `${field} takes ${bytes} bytes, XZepr stores ${maxBytes} at most`
    if (value.trim() === '') return `${field} is blank`
    const why = unstorableText(value)
    if (why !== undefined) return `${field} ${why}`
  }
  if (event.name.trim() === '') return 'name is blank'
  const idWhy = unstorableText(event.workId)
  if (idWhy !== undefined) return `the work’s id ${idWhy}, which XZepr cannot store`
  for (const [name, value] of event.details) {
    const why = unstorableText(name) ?? unstorableJson(value)
    if (why !== undefined) return `details ${why}, which XZepr cannot store`
  }
  // A ULID takes 26 characters: any receiver's id has the size of this one.
  const bytes = utf8Bytes(lifecycleBody(event, '0'.repeat(26)))
  if (bytes > LIFECYCLE_MAX_BYTES) return `the event takes ${bytes} bytes, ${LIFECYCLE_MAX_BYTES} at most`
  return undefined
}
