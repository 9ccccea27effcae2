/**
 * The words after `xzepr-bridge emit`: which events, how many, how fast, and whether their endings are waited for.
 *
 * Nothing is done here. Data stays the JSON text it was given as, so that a 64-bit number in it reaches XZepr digit for
 * digit.
 */
import type { Flag, Flags, Show, Wrong } from './flags.ts'
import { flagNames, readFlags, wrong } from './flags.ts'
import { RATE_RIGHT, readCount, readRate, readSeconds, SECONDS_RIGHT } from './numbers.ts'

/** The fields of an event in XZepr's own API that have a default here. */
export const EVENT_FIELDS = [
  'version',
  'release',
  'platform_id',
  'package',
  'description',
  'success',
  'event_receiver_id',
] as const
export type EventField = (typeof EVENT_FIELDS)[number]

export interface EmitOptions {
  /** Undefined: each event of the file says its own. */
  readonly name: string | undefined
  /** The payload, as the JSON text of an object. */
  readonly data: string | undefined
  /** `-` is standard input. */
  readonly file: string | undefined
  /** How often each event is sent. */
  readonly count: number
  readonly ratePerSecond: number | undefined
  readonly fields: ReadonlyMap<EventField, string>
  readonly wait: boolean
  readonly timeoutMs: number
}

export type EmitWords = { readonly kind: 'emit'; readonly options: EmitOptions } | { readonly kind: 'help' } | Wrong

const FLAGS = {
  data: { type: 'string' },
  file: { type: 'string' },
  set: { type: 'string', multiple: true },
  failure: { type: 'boolean' },
  count: { type: 'string' },
  rate: { type: 'string' },
  wait: { type: 'boolean' },
  timeout: { type: 'string' },
} as const satisfies Record<string, Flag>

export const EMIT_FLAGS = flagNames(FLAGS)
export const COUNT_MAX = 100_000
export const WAIT_SECONDS = 60

export function parseEmit(argv: readonly string[], show: Show): EmitWords {
  const flags = readFlags(argv, FLAGS, show)
  if (flags.kind !== 'flags') return flags
  const [name, more] = flags.words
  if (more !== undefined) return wrong(`\`emit\` takes one name, but got ${show(more)} too.`)
  const text = (flag: keyof typeof FLAGS): string | undefined => flags.texts.get(flag)?.[0]
  const [data, file] = [text('data'), text('file')]
  if (name === undefined && file === undefined) {
    return wrong('Say the name of the event: xzepr-bridge emit deployment.success. Or a --file of events.')
  }
  if (name?.trim() === '') return wrong('The name of the event is empty.')
  if (data !== undefined && file !== undefined) return wrong('--data and --file exclude each other.')
  if (data !== undefined && !isJsonObject(data)) {
    return wrong(`--data ${show(data)} must be a JSON object, such as '{"build":7}'.`)
  }
  const fields = fieldsOf(flags, show)
  if (!(fields instanceof Map)) return fields
  const count = readCount(text('count') ?? '1', COUNT_MAX)
  if (count === undefined) return wrong(`--count ${show(text('count') ?? '')} must be a number from 1 to ${COUNT_MAX}.`)
  const ratePerSecond = text('rate') === undefined ? undefined : readRate(text('rate') ?? '')
  if (text('rate') !== undefined && ratePerSecond === undefined) {
    return wrong(`--rate ${show(text('rate') ?? '')} must be events a second, ${RATE_RIGHT}.`)
  }
  const timeoutMs = readSeconds(text('timeout') ?? String(WAIT_SECONDS))
  if (timeoutMs === undefined) return wrong(`--timeout ${show(text('timeout') ?? '')} must be ${SECONDS_RIGHT}.`)
  const wait = flags.texts.has('wait')
  return { kind: 'emit', options: { name, data, file, count, ratePerSecond, fields, wait, timeoutMs } }
}

function fieldsOf({ texts }: Flags, show: Show): Map<EventField, string> | Wrong {
  const fields = new Map<EventField, string>()
  if (texts.has('failure')) fields.set('success', 'false')
  for (const given of texts.get('set') ?? []) {
    const [, name = '', value = ''] = /^([^=]*)=([^]*)$/.exec(given) ?? []
    const field = EVENT_FIELDS.find((each) => each === name)
    if (field === undefined) {
      const why = `--set ${show(given)} must be FIELD=VALUE, the field one of ${EVENT_FIELDS.join(', ')}.`
      return { ...wrong(why), given: name, known: EVENT_FIELDS }
    }
    if (field === 'success' && value !== 'true' && value !== 'false')
      return wrong('--set success= must be true or false.')
    if (value.trim() === '') return wrong(`--set ${field}= must not be empty: XZepr refuses that.`)
    fields.set(field, value)
  }
  return fields
}

/** JSON.parse judges the form alone; the text itself travels on. */
export function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
