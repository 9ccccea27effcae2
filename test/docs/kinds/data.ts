/**
 * Blocks of data: JSON, HTTP and variables, each held to what reads or writes such data in the bridge.
 *
 * JSON is what openapi.yaml knows by its members: a work, a problem, a report, a batch's answer, the status, an
 * event; or a line of the log, or a lifecycle event.
 */
import { parseEnv } from 'node:util'
import { readConfig } from '../../../src/config.ts'
import { NO_MEMBERS } from '../../../src/core/json.ts'
import type { LifecycleStatus } from '../../../src/core/lifecycle.ts'
import { lifecycleBody } from '../../../src/core/lifecycle.ts'
import { LINES } from '../../../src/log/lines.ts'
import type { Node } from '../../support/documents.ts'
import { at, isNode, openapi, operations, schemaNamed, strangers, unsound, webhooks } from '../../support/documents.ts'
import { codesOf, deliveryOffences } from '../../support/exchanges.ts'
import { operationAt } from './shell.ts'

const STATUSES = ['started', 'completed', 'failed'] as const satisfies readonly LifecycleStatus[]
const TOKEN = 'token'
const PEM: Readonly<Record<string, string>> = {
  crt: '-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n',
  key: '-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n',
}

/** What of a block of variables the bridge would refuse. What a bridge cannot start without is added. */
export function dotenvFaults(text: string): string[] {
  const lines = text.split('\n').filter((line) => !/^\w+=\S|^#|^$/.test(line))
  const given: Readonly<Record<string, string | undefined>> = parseEnv(text)
  const signsIn = Object.keys(given).some((name) => name.startsWith('XZEPR_API_TOKEN'))
  const env = { BRIDGE_SERVICE: 'deployer', ...(signsIn ? {} : { XZEPR_API_TOKEN: TOKEN }), ...given }
  const reading = readConfig(env, (path) => PEM[path.split('.').at(-1) ?? ''] ?? TOKEN)
  const problems = reading.kind === 'errors' ? reading.errors : []
  return [
    ...lines.map((line) => `is no NAME=value: ${line}`),
    ...problems.map((problem) => JSON.stringify(problem)),
    ...reading.warnings,
  ]
}

/** Members that tell what an object is, and the schema that it must keep. */
const KINDS: readonly (readonly [readonly string[], string])[] = [
  [['code', 'title', 'status'], 'Problem'],
  [['works'], 'WorkPage'],
  [['state', 'attempts_max'], 'Work'],
  [['phase', 'live'], 'Status'],
  [['results'], 'BatchAnswer'],
  [['retry'], 'Failed'],
  [['lease_seconds'], 'Progress'],
  [['details'], 'Completed'],
  [['id', 'event_id'], 'StoredWork'],
]

export function jsonBlockFaults(text: string): string[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return [String(error)]
  }
  if (!isNode(value)) return ['is no object']
  if ('level' in value && 'event' in value)
    return Object.hasOwn(LINES, String(value.event)) ? [] : ['is no line of the log']
  if ('event_receiver_id' in value && isNode(value.payload)) return lifecycleFaults(value, value.payload)
  if ('specversion' in value) {
    return unsound(schemaNamed(value.specversion === '1.0' ? 'CloudEvent' : 'XzeprMessage'), value)
  }
  const [, name] = KINDS.find(([members]) => members.every((member) => member in value)) ?? []
  if (name === undefined) return ['nobody checks JSON of this kind']
  return schemaFaults(name, value)
}

/** What XZepr is told has the members that the bridge writes for such a status. */
function lifecycleFaults(value: Node, payload: Node): string[] {
  const status = STATUSES.find((each) => each === payload.status)
  if (status === undefined) return ['is no lifecycle event: its status is none']
  const work = { workId: 'w', status, name: 'a', version: '1', package: 'a', platformId: 'a' }
  const source = { atMs: 0, details: NO_MEMBERS, sourceEventType: 'a', deliveryId: 'g/w/s' }
  const made = JSON.parse(lifecycleBody({ ...work, ...source }, 'r')) as Node & { readonly payload: Node }
  const other = (one: Node, another: Node): string[] => Object.keys(one).filter((member) => !(member in another))
  return [
    ...[...other(value, made), ...other(payload, made.payload)].map((member) => `no member ${member}`),
    ...[...other(made, value), ...other(made.payload, payload)].map((member) => `${member} is missing`),
  ]
}

function schemaFaults(name: string, value: Node): string[] {
  if (at(openapi, 'components', 'schemas', name) === undefined) return [`no schema ${name} in openapi.yaml`]
  const schema = schemaNamed(name)
  const wrong = [...unsound(schema, value), ...strangers(schema, value).map((member) => `no member ${member}`)]
  if (name !== 'Problem') return wrong
  const statuses = new Set(operations.map((operation) => codesOf(operation).get(String(value.code))))
  return statuses.has(Number(value.status)) ? wrong : [...wrong, `no problem ${String(value.code)} with this status`]
}

/** A request to the bridge, a delivery to the app, or an answer. */
export function httpFaults(text: string): string[] {
  const [head = '', ...rest] = text.split('\n\n')
  const [first = '', ...lines] = head.split('\n')
  const body = rest.join('\n\n').replaceAll('\n ', '')
  const headers = Object.fromEntries(
    lines.map((line): [string, string] => {
      const [, name = '', value = ''] = /^([\w-]+): (.+)$/.exec(line) ?? []
      return [name.toLowerCase(), value]
    }),
  )
  if ('' in headers) return [`no header: ${lines.join(' ')}`]
  if (/^HTTP\/1\.1 \d{3} [A-Z]/.test(first)) return body === '' ? [] : jsonBlockFaults(body)
  const [, method = '', path = ''] = /^([A-Z]+) (\/\S*) HTTP\/1\.1$/.exec(first) ?? []
  if (path === '/events') return deliveryFaults(headers, body)
  const operation = ['8900', '8901']
    .map((port) => operationAt(new URL(`http://127.0.0.1:${port}${path}`), method))
    .find((found) => found !== undefined)
  if (operation === undefined) return [`no ${method} ${path} in openapi.yaml`]
  if (body === '') return []
  return unsound(at(operation.node, 'requestBody', 'content', 'application/json', 'schema'), JSON.parse(body))
}

function deliveryFaults(headers: Readonly<Record<string, string>>, body: string): string[] {
  const sent = { headers, body: new TextEncoder().encode(body) }
  const all = [...webhooks.values()].map((webhook) => deliveryOffences(webhook, sent))
  // It is a delivery of one of the formats.
  return all.some((wrong) => wrong.length === 0) ? [] : (all[0] ?? ['no webhook'])
}
