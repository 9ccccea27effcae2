/**
 * From the words of a command line, or from what was written down, to the body of `POST /api/v1/events`. Pure.
 *
 * XZepr refuses an event that lacks one of its fields, so each has a default. A member that XZepr does not know is told
 * here: XZepr would pass over a misspelt one without a word.
 */
import type { EventField } from '../cli/emit-words.ts'
import { EVENT_FIELDS } from '../cli/emit-words.ts'
import type { JsonMembers, JsonText } from '../core/json.ts'
import { jsonObject } from '../core/json.ts'

/** An event that is complete but for its receiver. */
export interface Draft {
  readonly name: string
  readonly payload: JsonText
  readonly fields: ReadonlyMap<EventField, JsonText>
}

export type Drafting =
  { readonly kind: 'draft'; readonly draft: Draft } | { readonly kind: 'wrong'; readonly why: string }

const DEFAULTS: readonly (readonly [EventField, JsonText])[] = [
  ['version', '"1.0.0"'],
  ['release', '"1.0.0"'],
  ['platform_id', '"local"'],
  ['package', '"xzepr-bridge"'],
  ['description', '"Sent with xzepr-bridge emit"'],
  ['success', 'true'],
]

/** @param given as words; they win over what is written down. */
export function fieldTexts(given: ReadonlyMap<EventField, string>): ReadonlyMap<EventField, JsonText> {
  return new Map([...given].map(([field, value]) => [field, field === 'success' ? value : JSON.stringify(value)]))
}

/** A whole event that was written down. */
export function draftOf(members: JsonMembers, given: ReadonlyMap<EventField, JsonText>): Drafting {
  const name: unknown = JSON.parse(members.get('name') ?? 'null')
  if (typeof name !== 'string' || name.trim() === '') {
    return wrong('has no "name": say the NAME on the command line, and what is written are payloads')
  }
  const payload = members.get('payload') ?? '{}'
  if (!payload.startsWith('{')) return wrong('has a "payload" that is no object')
  const fields = new Map<EventField, JsonText>()
  for (const [member, value] of members) {
    if (member === 'name' || member === 'payload') continue
    const field = EVENT_FIELDS.find((each) => each === member)
    if (field === undefined) {
      return wrong(`has a member ${JSON.stringify(member)}; XZepr knows name, payload, ${EVENT_FIELDS.join(', ')}`)
    }
    if (field === 'success' ? !/^(?:true|false)$/.test(value) : !value.startsWith('"')) {
      return wrong(`has a ${JSON.stringify(field)} that is no ${field === 'success' ? 'true or false' : 'text'}`)
    }
    fields.set(field, value)
  }
  return { kind: 'draft', draft: { name, payload, fields: new Map([...fields, ...given]) } }
}

/** The body to post. @param receiverId counts where the event names none. */
export function eventBody({ name, payload, fields }: Draft, receiverId: string): JsonText {
  const members = new Map<string, JsonText>([
    ['name', JSON.stringify(name)],
    ...DEFAULTS,
    ['event_receiver_id', JSON.stringify(receiverId)],
    ...fields,
    ['payload', payload],
  ])
  return jsonObject(members)
}

function wrong(why: string): Drafting {
  return { kind: 'wrong', why }
}
