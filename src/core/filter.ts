/**
 * The filter: which messages the app asked for, and which would bite their own tail.
 *
 * XZepr publishes what the bridge posts to the very topic the bridge reads. Events of the bridge's own receiver are
 * never delivered; lifecycle events of any bridge only when BRIDGE_EVENT_TYPES names them. BRIDGE_FILTER has its say about
 * what is left. A message that is refused is settled without being sent.
 */
import type { Expression } from './filter-expression.ts'
import type { LifecycleStatus } from './lifecycle.ts'
import { deliveryId } from './lifecycle.ts'
import type { Message } from './message.ts'

export interface FilterOptions {
  /** Comma list of globs; `!` refuses. `*` alone names nothing in particular. */
  readonly eventTypes: string
  /** BRIDGE_FILTER; without it everything is asked for. */
  readonly expression?: Expression | undefined
  readonly group: string
  readonly receiverName: string
  readonly receiverType: string
}

/** @returns why the message is not for the app, or undefined when it is. */
export type Filter = (message: Message, receiverId: string | undefined) => string | undefined

export function createFilter({ eventTypes, expression, group, receiverName, receiverType }: FilterOptions): Filter {
  const patterns = eventTypes
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '')
  const refused = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => glob(pattern.slice(1).trim()))
  const positive = patterns.filter((pattern) => !pattern.startsWith('!'))
  const wanted = (positive.length === 0 ? ['*'] : positive).map(glob)
  const named = positive.filter((pattern) => !/^\**$/.test(pattern)).map(glob)

  return (message, receiverId) => {
    const { type } = message
    if (ownEvent(message, receiverId, group) || ownReceiver(message, receiverName, receiverType)) {
      return 'it is the bridge’s own event'
    }
    if (refused.some((pattern) => pattern.test(type)) || !wanted.some((pattern) => pattern.test(type))) {
      return 'BRIDGE_EVENT_TYPES does not ask for its type'
    }
    if (lifecyclePayload(message) !== undefined && !named.some((pattern) => pattern.test(type))) {
      return 'it is a lifecycle event and BRIDGE_EVENT_TYPES does not name its type'
    }
    if (expression?.test(message) === false) return 'BRIDGE_FILTER does not ask for it'
    return undefined
  }
}

/**
 * `*` is any run of characters; everything else is itself. Matched piece by piece, at a cost that grows with the
 * length of the type only: a regular expression with several stars would let one long type stop the bridge.
 */
function glob(pattern: string): { test(text: string): boolean } {
  const pieces = pattern.split('*')
  const [first = '', ...rest] = pieces
  const last = rest.pop()
  return {
    test(text) {
      if (last === undefined) return text === first
      if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
      let at = first.length
      for (const piece of rest) {
        at = text.indexOf(piece, at)
        if (at === -1) return false
        at += piece.length
      }
      return at <= text.length - last.length
    },
  }
}

/** What the payload of a lifecycle event of any bridge says; undefined for any other event. */
function lifecyclePayload(message: Message): { workId: string; status: LifecycleStatus; details: unknown } | undefined {
  for (const event of entities(message, 'events')) {
    const { work_id: workId, status, details } = members(event.payload) ?? {}
    if (typeof workId !== 'string') continue
    if (status === 'started' || status === 'completed' || status === 'failed') return { workId, status, details }
  }
  return undefined
}

/**
 * Posted by this bridge, or by another pod of its group. The receiver's id is not known while XZepr is away; the
 * delivery id carries the group, so even then an event of ours cannot come round again.
 */
function ownEvent(message: Message, receiverId: string | undefined, group: string): boolean {
  if (receiverId !== undefined) {
    if (message.source === `xzepr.event.receiver.${receiverId}`) return true
    if (entities(message, 'events').some((event) => event.event_receiver_id === receiverId)) return true
  }
  const lifecycle = lifecyclePayload(message)
  if (lifecycle === undefined) return false
  const { workId, status } = lifecycle
  return members(lifecycle.details)?.delivery_id === deliveryId(group, workId, status)
}

/** A lifecycle event of ours that XZepr has published: so it has stored it. */
export interface OwnReport {
  readonly deliveryId: string
  /** XZepr's id of the event. */
  readonly eventId: string
}

/** XZepr lets nobody else post for our receiver, so its name as the source is proof. */
export function ownReport(message: Message, receiverId: string | undefined, group: string): OwnReport | undefined {
  if (receiverId === undefined || message.source !== `xzepr.event.receiver.${receiverId}`) return undefined
  const lifecycle = lifecyclePayload(message)
  if (lifecycle === undefined) return undefined
  const own = deliveryId(group, lifecycle.workId, lifecycle.status)
  return members(lifecycle.details)?.delivery_id === own ? { deliveryId: own, eventId: message.id } : undefined
}

/** XZepr’s announcement that our receiver was created. */
function ownReceiver(message: Message, name: string, type: string): boolean {
  return entities(message, 'event_receivers').some((each) => each.name === name && each.receiver_type === type)
}

type Members = Readonly<Record<string, unknown>>

/**
 * The entities inside a message, read one by one: were the whole of XZepr's form asked for, a single field that XZepr
 * changes would switch the guard off and let the bridge's events go round for ever.
 */
function entities(message: Message, kind: 'events' | 'event_receivers'): Members[] {
  const all: unknown = members(message.fields.data)?.[kind]
  return Array.isArray(all) ? all.map(members).filter((each) => each !== undefined) : []
}

function members(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null ? (value as Members) : undefined
}
