/**
 * BRIDGE_FILTER: which events the app wants, in the filter dialects of the CloudEvents Subscriptions API 0.1, section 3.2.4.
 *
 *   { "exact" | "prefix" | "suffix": { attribute: text, … } }     true when every attribute named has that value, start, end
 *   { "all" | "any": [ filter, … ] }    { "not": filter }          an array of filters stands for `all` of them
 *
 * Compiled once, at start; whatever is wrong is told with its place, as a JSON pointer. The law: of any text it makes a
 * filter or says why not, and a filter answers for any message, at a cost that grows with its own length and the message's.
 * No regular expression is made from what somebody wrote.
 */
import { attributeName } from './attributes.ts'
import type { Message } from './message.ts'

export type FilterReading =
  | ({ readonly kind: 'filter' } & Expression)
  /** `why` begins with the place, unless it is the whole. */
  | { readonly kind: 'wrong'; readonly why: string }

export interface Expression {
  test(message: Message): boolean
}

export const FILTER_MAX_CHARS = 65_536
export const FILTER_MAX_DEPTH = 32

type Test = (message: Message) => boolean

/** Never throws. An empty array is a filter that everything passes (section 3.2.1, `filters`). */
export function compileFilter(json: string): FilterReading {
  if (json.length > FILTER_MAX_CHARS) return wrong(`must be at most ${FILTER_MAX_CHARS} characters long`)
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // The parser's message quotes the text and may hold anything of it; the place is enough.
    const at = /at position (\d+)/.exec(error.message)?.[1]
    return wrong(at === undefined ? 'must be JSON' : `must be JSON, and is none from character ${Number(at) + 1} on`)
  }
  const compiled = Array.isArray(value) ? allOf('', value, 0) : filterAt('', value, 0)
  if (typeof compiled === 'string') return wrong(compiled)
  if (namesIn(json) !== membersOf(value)) return wrong('must not name a member twice in one object')
  return { kind: 'filter', test: compiled }
}

function wrong(why: string): FilterReading {
  return { kind: 'wrong', why }
}

/** What is wrong with a part of the filter. */
function fault(place: string, what: string): string {
  return place === '' ? what : `${place}: ${what}`
}

/** A test, or what is wrong. */
type Compiled = Test | string

function filterAt(place: string, value: unknown, depth: number): Compiled {
  if (depth > FILTER_MAX_DEPTH) return fault(place, `must not lie more than ${FILTER_MAX_DEPTH} filters deep`)
  const members = membersAt(value)
  if (members === undefined) return fault(place, 'must be a filter, such as {"exact":{"type":"deployment.success"}}')
  const [first, ...others] = members
  if (first === undefined || others.length > 0) {
    return fault(place, 'must hold exactly one dialect; {"all":[…]} takes several filters together')
  }
  const [dialect, content] = first
  const inside = `${place}/${shown(dialect)}`
  switch (dialect) {
    case 'exact':
      return attributesAt(inside, content, (text, wanted) => text === wanted)
    case 'prefix':
      return attributesAt(inside, content, (text, wanted) => text.startsWith(wanted))
    case 'suffix':
      return attributesAt(inside, content, (text, wanted) => text.endsWith(wanted))
    case 'all':
    case 'any':
      if (!Array.isArray(content) || content.length === 0)
        return fault(inside, 'must be an array of one filter or more')
      return dialect === 'all' ? allOf(inside, content, depth + 1) : anyOf(inside, content, depth + 1)
    case 'not': {
      const inner = filterAt(inside, content, depth + 1)
      return typeof inner === 'string' ? inner : (message) => !inner(message)
    }
    default:
      return fault(inside, 'is no dialect of the bridge; those are exact, prefix, suffix, all, any, not')
  }
}

function allOf(place: string, values: readonly unknown[], depth: number): Compiled {
  const tests = testsAt(place, values, depth)
  return typeof tests === 'string' ? tests : (message) => tests.every((test) => test(message))
}

function anyOf(place: string, values: readonly unknown[], depth: number): Compiled {
  const tests = testsAt(place, values, depth)
  return typeof tests === 'string' ? tests : (message) => tests.some((test) => test(message))
}

function testsAt(place: string, values: readonly unknown[], depth: number): Test[] | string {
  const tests: Test[] = []
  for (const [index, value] of values.entries()) {
    const compiled = filterAt(`${place}/${index}`, value, depth)
    if (typeof compiled === 'string') return compiled
    tests.push(compiled)
  }
  return tests
}

/** The three dialects that look at attributes: all that are named must match, and one that is not there does not. */
function attributesAt(place: string, value: unknown, matches: (text: string, wanted: string) => boolean): Compiled {
  const members = membersAt(value)
  if (members === undefined || members.length === 0) {
    return fault(place, 'must be an object with one attribute or more, such as {"type":"deployment.success"}')
  }
  const conditions: { readonly attribute: Attribute; readonly wanted: string }[] = []
  for (const [name, wanted] of members) {
    const inside = `${place}/${shown(name)}`
    if (!/^[a-z0-9_]+$/.test(name)) {
      return fault(inside, 'is no name of an attribute; those are made of lower-case letters and digits')
    }
    if (name === 'data' || name === 'data_base64')
      return fault(inside, 'is no attribute; a filter does not see the data')
    if (typeof wanted !== 'string' || wanted === '') return fault(inside, 'must be a text that is not empty, in quotes')
    conditions.push({ attribute: attributeNamed(name), wanted })
  }
  return (message) =>
    conditions.every(({ attribute, wanted }) => {
      const text = attribute(message)
      return text !== undefined && matches(text, wanted)
    })
}

type Attribute = (message: Message) => string | undefined

/** Attributes that CloudEvents itself defines, and what is none: no field of another name stands for one of them. */
const DEFINED: ReadonlySet<string> = new Set([
  ...['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'dataschema', 'data'],
])

/**
 * An attribute by its name: as the message has it, else as the app's CloudEvent would. So XZepr's `platform_id` answers to
 * its own name and to `platformid`, in whichever form the event came.
 */
function attributeNamed(name: string): Attribute {
  const plain = attributeName(name)
  return ({ fields, mode, contentType }) => {
    if (name === 'datacontenttype' && mode === 'binary') return contentType
    if (Object.hasOwn(fields, name)) return attributeText(fields[name])
    if (plain === '' || DEFINED.has(plain)) return undefined
    const other = Object.keys(fields).find((field) => attributeName(field) === plain)
    return other === undefined ? undefined : attributeText(fields[other])
  }
}

/** A value in CloudEvents' canonical string form; null is not set, and what is no attribute is none. */
function attributeText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'boolean' || typeof value === 'number' ? String(value) : undefined
}

function membersAt(value: unknown): [string, unknown][] | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined
}

/** A name out of the filter, as a part of a place that may be printed: cut, and ASCII. */
function shown(name: string): string {
  return name
    .slice(0, 40)
    .replaceAll('~', '~0')
    .replaceAll('/', '~1')
    .replace(/[^!-~]/g, '?')
}

/** How many members a sound JSON text names. Of a name that comes twice JSON.parse keeps the last, and a condition is gone. */
function namesIn(json: string): number {
  let names = 0
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"\s*:?/g)) if (token.endsWith(':')) names += 1
  return names
}

/** How many members a value has, and all within it. */
function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inside = Object.values(value)
  return inside.reduce((sum: number, each) => sum + membersOf(each), Array.isArray(value) ? 0 : inside.length)
}
