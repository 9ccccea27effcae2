/**
 * What XZepr's routes do, once the door has let a request in.
 *
 *   body ─▶ rules ─────▶ tables ─────────────▶ Kafka ─▶ 200
 *           400 422 500   404 403 500 (dup.)   best effort
 *
 * Save first, publish second: an event in the tables proves nothing about Kafka.
 */
import type { Publisher } from './xzepr-publisher.ts'
import type { XzeprEvent, XzeprReceiver } from './xzepr-message.ts'
import { messageValue, receiverCreated, receiverResource } from './xzepr-message.ts'
import type { Generation, Reply } from './xzepr-reply.ts'
import { emptyReply, INTERNAL_ERROR, jsonReply, refusal } from './xzepr-reply.ts'
import type { Way } from './xzepr-routes.ts'
import { readCredentials, readEvent, readPaging, readReceiver, readRefresh, storable } from './xzepr-rules.ts'
import type { Tables } from './xzepr-tables.ts'
import type { Caller, Role, Tokens } from './xzepr-tokens.ts'
import { ACCESS_LIFETIME_MS } from './xzepr-tokens.ts'
import { isUlid } from './xzepr-ulid.ts'

/** Someone who can sign in with a password. */
export interface XzeprUser {
  readonly username: string
  readonly password: string
  /** A ULID. */
  readonly sub: string
  readonly role: Role
}

/** A request that was let in. */
export interface Call {
  readonly way: Way
  /** Undefined on routes that ask for no token. */
  readonly caller: Caller | undefined
  readonly query: URLSearchParams
  readonly body: Uint8Array
  /** A fault keeps it from Kafka. */
  readonly unpublished: boolean
}

export interface Behind {
  readonly generation: Generation
  readonly topic: string
  readonly users: readonly XzeprUser[]
  readonly tables: Tables
  readonly tokens: Tokens
  readonly publisher: Publisher
  /** The build that ignores limit and offset and says `has_more` for ever. */
  readonly ignorePaging: boolean
  readonly onEvent: (event: XzeprEvent) => void
  readonly onReceiver: (receiver: XzeprReceiver) => void
}

const HEALTHY = jsonReply(200, '{"status":"healthy","service":"xzepr"}')
const SUB_IS_NO_ULID = refusal(500, 'internal_error', 'Invalid user ID in authentication token')

/** Answers one request. */
export async function handle(call: Call, behind: Behind): Promise<Reply> {
  if (call.caller !== undefined && !isUlid(call.caller.sub)) return SUB_IS_NO_ULID
  const sub = call.caller?.sub ?? ''
  switch (call.way.route) {
    case 'GET /health':
      return HEALTHY
    case 'POST /api/v1/auth/login':
      return login(call.body, behind)
    case 'POST /api/v1/auth/refresh':
      return refresh(call.body, behind)
    case 'POST /api/v1/receivers':
      return createReceiver(call, sub, behind)
    case 'GET /api/v1/receivers':
      return listReceivers(call.query, sub, behind)
    case 'GET /api/v1/receivers/:id':
      return getReceiver(call.way.id, sub, behind)
    case 'POST /api/v1/events':
      return createEvent(call, sub, behind)
    case 'GET /api/v1/events/:id':
      return INTERNAL_ERROR
    case 'other':
      return emptyReply(404)
  }
}

async function createEvent(call: Call, sub: string, behind: Behind): Promise<Reply> {
  const { generation, tables, topic, publisher } = behind
  const read = readEvent(call.body, generation)
  if (read.kind === 'refused') return read.reply
  const receiver = tables.receiver(read.value.receiverId)
  if (receiver === undefined) {
    return generation === 'new'
      ? refusal(404, 'not_found', 'Event receiver not found')
      : refusal(404, 'event_creation_failed', 'Domain error: Receiver not found')
  }
  if (isForeign(receiver, sub, generation)) return FOREIGN
  if (!storable(read.value)) return INTERNAL_ERROR
  const event = tables.makeEvent(read.value, sub)
  behind.onEvent(event)
  await publisher.publish({ topic, key: event.id, value: messageValue(event) }, call.unpublished)
  return created(event.id)
}

async function createReceiver(call: Call, sub: string, behind: Behind): Promise<Reply> {
  const { generation, tables, topic, publisher } = behind
  const read = readReceiver(call.body, generation)
  if (read.kind === 'refused') return read.reply
  const receiver = tables.addReceiver(read.value, sub)
  if (receiver === undefined) return generation === 'new' ? INTERNAL_ERROR : TAKEN
  behind.onReceiver(receiver)
  const told = receiverCreated(receiver, tables.nextId())
  await publisher.publish({ topic, key: told.id, value: messageValue(told, receiver) }, call.unpublished)
  return created(receiver.id)
}

function listReceivers(query: URLSearchParams, sub: string, behind: Behind): Reply {
  const read = readPaging(query)
  if (read.kind === 'refused') return read.reply
  const { ignorePaging, generation, tables } = behind
  const { limit, offset } = ignorePaging ? { limit: Infinity, offset: 0 } : read.value
  const { receivers, total } = tables.page(generation === 'new' ? sub : undefined, limit, offset)
  const pagination = { ...read.value, total, has_more: ignorePaging || offset + limit < total }
  const data = receivers.map(receiverResource).join(',')
  return jsonReply(200, `{"data":[${data}],"pagination":${JSON.stringify(pagination)}}`)
}

function getReceiver(id: string, sub: string, { tables, generation }: Behind): Reply {
  if (!isUlid(id)) return refusal(400, 'invalid_id', 'Invalid event receiver ID format')
  const receiver = tables.receiver(id)
  if (receiver === undefined) return refusal(404, 'not_found', 'Event receiver not found')
  return isForeign(receiver, sub, generation) ? FOREIGN : jsonReply(200, receiverResource(receiver))
}

function login(body: Uint8Array, behind: Behind): Reply {
  const read = readCredentials(body, behind.generation)
  if (read.kind === 'refused') return read.reply
  const { username, password } = read.value
  const user = behind.users.find((known) => known.username === username && known.password === password)
  return user === undefined ? refusal(401, 'auth_error', 'Invalid credentials') : signedIn(user, behind.tokens)
}

function refresh(body: Uint8Array, behind: Behind): Reply {
  const read = readRefresh(body, behind.generation)
  if (read.kind === 'refused') return read.reply
  const sub = behind.tokens.spend(read.value.refresh_token)
  const user = behind.users.find((known) => known.sub === sub)
  return user === undefined ? refusal(401, 'auth_error', 'Authentication error') : signedIn(user, behind.tokens)
}

function signedIn(user: XzeprUser, tokens: Tokens): Reply {
  const { access, refresh } = tokens.pair(user.sub, user.role)
  const pair = { access_token: access, refresh_token: refresh, token_type: 'Bearer' }
  return jsonReply(200, JSON.stringify({ ...pair, expires_in: ACCESS_LIFETIME_MS / 1000 }))
}

const FOREIGN = refusal(403, 'authorization_error', 'Access denied: the event receiver belongs to another user')
const TAKEN = refusal(
  400,
  'receiver_creation_failed',
  'Domain error: Business rule violation: Event receiver with the same name and type already exists',
)

function created(id: string): Reply {
  return jsonReply(200, JSON.stringify({ data: id }))
}

/** The old server asks nobody who owns a receiver. */
function isForeign(receiver: XzeprReceiver, sub: string, generation: Generation): boolean {
  return generation === 'new' && receiver.ownerId !== sub
}
