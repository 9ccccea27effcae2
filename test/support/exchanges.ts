/**
 * What is wrong with an answer, or with a delivery to the app, by openapi.yaml: nothing, when the document tells the truth.
 */
import type { Node, Operation } from './documents.ts'
import { at, isNode, membersAt, strangers, unsound } from './documents.ts'

/** An answer as it came; header names in lower case. */
export interface Met {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number | readonly string[] | undefined>>
  readonly body: string
}

/** What HTTP itself says, and what the document says once for all answers. */
const COMMON = new Set([
  ...['connection', 'content-length', 'content-type', 'date', 'host', 'keep-alive', 'transfer-encoding'],
  ...['cache-control', 'x-content-type-options'],
])

/** What the document says about a status: the status itself, its class, or the rest. */
export function responseFor({ node }: Operation, status: number): Node | undefined {
  const responses = membersAt(node, 'responses')
  const found = at(responses[String(status)] ?? responses[`${Math.floor(status / 100)}XX`] ?? responses.default)
  return isNode(found) ? found : undefined
}

/** The problem codes that the document names for an operation, each with the status it stands under. */
export function codesOf({ node }: Operation): Map<string, number> {
  const codes = new Map<string, number>()
  for (const [status, response] of Object.entries(membersAt(node, 'responses'))) {
    for (const example of Object.values(membersAt(response, 'content', PROBLEM, 'examples'))) {
      codes.set(String(at(example, 'value', 'code')), Number(status))
    }
  }
  return codes
}

const PROBLEM = 'application/problem+json'

/** @param seen hears which members the answer had. */
export function offences(operation: Operation, met: Met, seen?: Set<string>): string[] {
  const response = responseFor(operation, met.status)
  if (response === undefined) return [`${met.status} is not in the document`]
  const type = typeOf(met.headers)
  const wrong = headerOffences(membersAt(response, 'headers'), met.headers)
  const media = at(response, 'content', type)
  if (!isNode(media)) return [...wrong, `${met.status} with ${type === '' ? 'no content type' : type}`]
  if (!type.endsWith('json')) return wrong
  const value: unknown = JSON.parse(met.body)
  wrong.push(...unsound(media.schema, value), ...strangers(media.schema, value, seen))
  if (type === PROBLEM) {
    const { code } = membersAt(value)
    if (codesOf(operation).get(String(code)) !== met.status) wrong.push(`${met.status} with the code ${String(code)}`)
  }
  return wrong
}

export function typeOf(headers: Met['headers']): string {
  const [type = ''] = String(headers['content-type'] ?? '').split(/ *;/)
  return type
}

function headerOffences(documented: Node, headers: Met['headers']): string[] {
  const wrong = Object.keys(headers).filter((name) => !COMMON.has(name) && !(name in documented))
  for (const [name, header] of Object.entries(documented)) {
    const { required, schema } = membersAt(header)
    const value = headers[name]
    if (value !== undefined) wrong.push(...unsound(schema, plain(schema, value)).map((why) => `${name}: ${why}`))
    else if (required === true) wrong.push(`${name} is missing`)
  }
  return wrong
}

/** A header's text as the value that its schema means. */
function plain(schema: unknown, text: unknown): unknown {
  const { type } = membersAt(schema)
  return type === 'integer' && /^-?\d+$/.test(String(text)) ? Number(text) : text
}

/** A request to the app. */
export interface Delivered {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** What is wrong with a delivery. Attributes that the binary mode spells as `ce-*` are named in words alone. */
export function deliveryOffences({ node }: Operation, { headers, body }: Delivered): string[] {
  const parameters = Object.fromEntries(
    (node.parameters as readonly unknown[]).map((each) => [String(at(each, 'name')), membersAt(each)]),
  )
  const own = Object.fromEntries(
    Object.entries(headers).filter(([name]) => name in parameters || !name.startsWith('ce-')),
  )
  const wrong = headerOffences(parameters, own)
  const content = membersAt(node, 'requestBody', 'content')
  const media = at(content[typeOf(headers)] ?? content['*/*'])
  if (!isNode(media)) return [...wrong, `a body of type ${typeOf(headers)}`]
  if (media.schema === undefined) return wrong
  return [...wrong, ...unsound(media.schema, JSON.parse(new TextDecoder().decode(body)))]
}
