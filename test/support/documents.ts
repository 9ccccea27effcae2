/**
 * openapi.yaml and asyncapi.yaml as the laws read them: their operations, their schemas as validators, and what is wrong
 * with an exchange by what they say.
 */
import { readFileSync } from 'node:fs'
import type { AnySchema, ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { parse } from 'yaml'

export type Node = Readonly<Record<string, unknown>>

/** A schema, or the like, by where it stands: `openapi.yaml#/components/schemas/Work`. */
type Reference = Node & { readonly $ref: string }

const root = new URL('../../', import.meta.url)

/** References name their file, wherever they stand. */
function documentOf(name: string): Node {
  return parse(readFileSync(new URL(name, root), 'utf8'), (key, value: unknown) => {
    if (key !== '$ref' || typeof value !== 'string') return value
    return value.startsWith('#') ? `${name}${value}` : value.replace(/^\.\//, '')
  }) as Node
}

export const openapi = documentOf('openapi.yaml')
export const asyncapi = documentOf('asyncapi.yaml')
const DOCUMENTS: Readonly<Record<string, Node>> = { 'openapi.yaml': openapi, 'asyncapi.yaml': asyncapi }

const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true })
formats.default(ajv)
// What a document has beside schemas is no misspelt keyword of one.
ajv.addVocabulary([...new Set(Object.values(DOCUMENTS).flatMap((document) => Object.keys(document)))])
for (const [name, document] of Object.entries(DOCUMENTS)) ajv.addSchema(document, name)

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What stands in a place of a document; references are followed. */
export function at(node: unknown, ...path: readonly string[]): unknown {
  let here = followed(node)
  for (const step of path) here = followed(isNode(here) ? here[step] : undefined)
  return here
}

/** The members of a place, references followed; none where there is nothing. */
export function membersAt(node: unknown, ...path: readonly string[]): Node {
  const found = at(node, ...path)
  return isNode(found) ? found : {}
}

function followed(node: unknown): unknown {
  if (!isReference(node)) return node
  const [name = '', pointer = ''] = node.$ref.split('#')
  const steps = pointer.split('/').slice(1)
  let here: unknown = DOCUMENTS[name]
  for (const step of steps) here = isNode(here) ? here[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined
  if (here === undefined) throw new Error(`nothing stands at ${node.$ref}`)
  return followed(here)
}

function isReference(node: unknown): node is Reference {
  return isNode(node) && typeof node.$ref === 'string'
}

const validators = new Map<unknown, ValidateFunction>()

/** What of a value a schema does not allow; nothing when it is sound. */
export function unsound(schema: unknown, value: unknown): string[] {
  const key = isReference(schema) ? schema.$ref : schema
  let validate = validators.get(key)
  if (validate === undefined) {
    validate = ajv.compile((schema ?? {}) as AnySchema)
    validators.set(key, validate)
  }
  if (validate(value)) return []
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`)
}

export function schemaNamed(name: string): Reference {
  return { $ref: `openapi.yaml#/components/schemas/${name}` }
}

/** Members of a value that no part of its schema names, where the schema names any. @param seen hears those that it does. */
export function strangers(schema: unknown, value: unknown, seen?: Set<string>, path = ''): string[] {
  if (Array.isArray(value)) {
    const { items } = membersAt(schema)
    return value.flatMap((each) => strangers(items, each, seen, `${path}/*`))
  }
  const properties = propertiesOf(schema)
  if (!isNode(value) || properties === undefined) return []
  return Object.entries(value).flatMap(([name, member]) => {
    const place = `${path}/${name}`
    const inner = properties[name]
    if (inner === undefined) return [place]
    seen?.add(place)
    return strangers(inner, member, seen, place)
  })
}

/** Every member that a schema names, as `strangers` writes it. */
export function named(schema: unknown, path = ''): string[] {
  const { items } = membersAt(schema)
  if (items !== undefined) return named(items, `${path}/*`)
  const properties = Object.entries(propertiesOf(schema) ?? {})
  return properties.flatMap(([name, inner]) => [`${path}/${name}`, ...named(inner, `${path}/${name}`)])
}

/** Undefined where any member may come. */
function propertiesOf(schema: unknown): Node | undefined {
  const { properties, allOf } = membersAt(schema)
  const parts = Array.isArray(allOf) ? allOf.map(propertiesOf) : []
  const all = [...parts, isNode(properties) ? properties : undefined].filter((part) => part !== undefined)
  return all.length === 0 ? undefined : all.reduce((one, other) => ({ ...one, ...other }))
}

/** An operation of openapi.yaml. */
export interface Operation {
  /** Such as `GET /work/{id}`, or `POST webhook batch`. */
  readonly name: string
  readonly method: 'GET' | 'POST'
  /** The path, or the name of the webhook. */
  readonly path: string
  /** Undefined for a webhook. */
  readonly listener: 'work' | 'ops' | undefined
  readonly node: Node
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'options', 'head', 'trace']

function operationsIn(part: 'paths' | 'webhooks'): Operation[] {
  return Object.entries(membersAt(openapi, part)).flatMap(([path, item]) => {
    const methods = Object.keys(membersAt(item)).filter((name) => METHODS.includes(name))
    return methods.map((name): Operation => {
      const method = name.toUpperCase() as Operation['method']
      const { parameters = [], servers } = membersAt(item)
      const own = membersAt(item, name)
      const node = { ...own, parameters: [...(parameters as Node[]), ...((own.parameters ?? []) as Node[])] }
      const listener = servers === undefined ? 'work' : 'ops'
      return part === 'webhooks'
        ? { name: `${method} webhook ${path}`, method, path, listener: undefined, node }
        : { name: `${method} ${path}`, method, path, listener, node }
    })
  })
}

export const operations: readonly Operation[] = operationsIn('paths')
export const webhooks: ReadonlyMap<string, Operation> = new Map(
  operationsIn('webhooks').map((each) => [each.path, each]),
)

export function operation(name: string): Operation {
  const found = operations.find((each) => each.name === name)
  if (found === undefined) throw new Error(`no operation ${name}`)
  return found
}
