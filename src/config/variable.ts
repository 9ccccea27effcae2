/**
 * How a variable is declared: once, with all that anybody asks about it.
 *
 * The schema carries type, bounds and default; `right` finishes the sentence "must be …" for whoever got it wrong;
 * `sound` holds what a schema cannot say. Values, errors, `--help` and .env.example are all read from here.
 */
import type { XStatic } from 'typebox/schema'
import { digits } from './sound.ts'

/** The chapters of the reference, in its order. */
export const GROUPS = ['Service', 'Kafka', 'XZepr', 'Webhook', 'Delivery', 'Work API', 'Running'] as const
export type Group = (typeof GROUPS)[number]

/** What stands when the variable is not set: its default, nothing, or an error. */
type Presence = 'preset' | 'optional' | 'required'

/** What a value is made of, so that an error may repeat no more of it than is safe. */
export type Kind = 'plain' | 'secret' | 'path' | 'url'

/** As much of JSON Schema as a variable needs. */
export type ValueSchema =
  | { readonly type: 'string'; readonly enum?: readonly string[]; readonly default?: string }
  | { readonly type: 'integer'; readonly minimum: number; readonly maximum: number; readonly default: number }

interface Facts {
  readonly group: Group
  /** One or two sentences for --help and .env.example. */
  readonly description: string
  readonly example: string
  /** Finishes "must be …". */
  readonly right: string
  /** What a number counts. */
  readonly unit?: string
  readonly kind?: Kind
  /** What the schema cannot say, asked of the text as given. */
  readonly sound?: (text: string) => boolean
  /** Another spelling that people have. */
  readonly alias?: string
  /** For `…_FILE`: the secret that the file is read into at start. */
  readonly fills?: string
  /** What a default that is worked out is made of, for readers. */
  readonly derived?: string
  /** Not built yet. Refused, never ignored. */
  readonly notYet?: true
}

export interface Variable<S extends ValueSchema = ValueSchema, P extends Presence = Presence> extends Facts {
  readonly schema: S
  readonly presence: P
}

/** The type of a variable's value once it has been read. */
export type ValueOf<V> =
  V extends Variable<infer S, infer P> ? XStatic<S> | (P extends 'optional' ? undefined : never) : never

const TEXT = { type: 'string' } as const satisfies ValueSchema

/** A text without which the bridge does not start. */
export function required(facts: Facts): Variable<typeof TEXT, 'required'> {
  return { ...facts, schema: TEXT, presence: 'required' }
}

/** A text that may be absent. */
export function optional(facts: Facts): Variable<typeof TEXT, 'optional'> {
  return { ...facts, schema: TEXT, presence: 'optional' }
}

/** A text with a default. */
export function text(initial: string, facts: Facts) {
  return preset({ type: 'string', default: initial }, facts)
}

type Said = Omit<Facts, 'right'>

/** A whole number with a default, from `minimum` to `maximum`. */
export function whole(initial: number, minimum: number, maximum: number, facts: Said & { readonly unit: string }) {
  const right = `a whole number from ${minimum} to ${maximum}`
  return preset({ type: 'integer', default: initial, minimum, maximum }, { ...facts, right, sound: digits })
}

/** One word of a closed list. An enum, because a union of literals yields an error each. */
export function choice<const W extends readonly string[]>(initial: W[number], words: W, facts: Said) {
  return preset({ type: 'string', enum: words, default: initial }, { ...facts, right: `one of ${words.join(', ')}` })
}

/** A file's path. It stays a path here: whoever needs the content reads it. */
export function path(facts: Said) {
  return optional({ ...facts, kind: 'path', right: 'the path of a readable file' })
}

/** The default as text, for readers; undefined when there is none. */
export function defaultText(variable: Variable): string | undefined {
  if (variable.derived !== undefined) return variable.derived
  return variable.schema.default?.toString()
}

function preset<const S extends ValueSchema>(schema: S, facts: Facts): Variable<S, 'preset'> {
  return { ...facts, schema, presence: 'preset' }
}
