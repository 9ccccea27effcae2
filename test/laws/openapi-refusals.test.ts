/**
 * Every refusal that openapi.yaml names for an operation is met there, and no other is: each operation is called in each of
 * the ways that may be refused, and whatever comes is what the document says.
 */
import t from 'tap'
import type { Told } from '../../src/core/report.ts'
import type { OpsApiOptions } from '../../src/http/ops.ts'
import type { ProblemCode } from '../../src/http/problems.ts'
import { PROBLEMS } from '../../src/http/problems.ts'
import type { WorkApiOptions } from '../../src/http/work-api.ts'
import { exchange, Raw } from '../http/raw.ts'
import type { Operation } from '../support/documents.ts'
import { operations } from '../support/documents.ts'
import type { Met } from '../support/exchanges.ts'
import { codesOf, offences } from '../support/exchanges.ts'
import { opsListener, workListener } from '../support/listeners.ts'
import { Road } from '../support/road.ts'

type Options = Partial<WorkApiOptions> & Partial<OpsApiOptions>

interface Call {
  readonly id?: string
  readonly method?: 'DELETE'
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly payload?: string
  readonly from?: string
}

/** A bridge with the work `w1` in hand. */
function roadOf(options: ConstructorParameters<typeof Road>[0] = {}): Road {
  const road = new Road(options)
  road.assign()
  road.receive(['w1'])
  return road
}

function listenerOf({ listener }: Operation, options: Options) {
  return listener === 'work' ? workListener({ desk: roadOf().desk, ...options }) : opsListener(options)
}

const pathOf = ({ path }: Operation, id = 'w1'): string => path.replace('{id}', id)
const bodyOf = ({ path, method }: Operation): string =>
  method === 'GET' ? '' : path.endsWith('/settle') ? '{"why":"a test"}' : '{}'

/** Calls an operation without a socket; as it should be called, where a way says nothing else. */
async function met(operation: Operation, call: Call = {}, options: Options = {}): Promise<Met> {
  const { id, method = operation.method, query = '', headers, payload = bodyOf(operation), from = '127.0.0.1' } = call
  const answer = await listenerOf(operation, options).inject({
    method,
    url: pathOf(operation, id) + query,
    headers: { host: 'localhost', ...(payload !== '' && { 'content-type': 'application/json' }), ...headers },
    remoteAddress: from,
    ...(payload !== '' && { payload }),
  })
  return { status: answer.statusCode, headers: answer.headers, body: answer.body }
}

/** Calls an operation with these bytes. */
async function metRaw(operation: Operation, text: string, options: Options = {}): Promise<Met> {
  const api = listenerOf(operation, options)
  const { port } = await api.start()
  const answer = await exchange(port, text)
  await api.stop()
  return read(answer)
}

function read(answer: string): Met {
  const [head = '', body = ''] = answer.split(/\r\n\r\n([^]*)/)
  const [first = '', ...lines] = head.split('\r\n')
  const headers = lines.map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.slice(line.indexOf(':') + 2)])
  return { status: Number(first.split(' ')[1]), headers: Object.fromEntries(headers) as Met['headers'], body }
}

const line = (operation: Operation): string => `${operation.method} ${pathOf(operation)} HTTP/1.1\r\n`
const bodyLines = (operation: Operation): string =>
  `Content-Type: application/json\r\nContent-Length: ${bodyOf(operation).length}\r\n\r\n${bodyOf(operation)}`

/** The desk of a bridge beside an XZepr that answers so. */
async function told(operation: Operation, forwardOutcome: Told): Promise<Met> {
  const road = roadOf()
  road.forwardOutcome = forwardOutcome
  return met(operation, { id: 'long-gone' }, { desk: road.desk })
}

function broken(): never {
  throw new Error('canary')
}

/** How each code may be met; an operation that cannot meet it answers something else. */
const WAYS: Record<ProblemCode, (operation: Operation) => Promise<Met>> = {
  'request-malformed': async (operation) => metRaw(operation, 'NONSENSE\r\n\r\n'),
  'host-missing': async (operation) =>
    metRaw(operation, `${line(operation)}Connection: close\r\n${bodyLines(operation)}`),
  'path-malformed': async (operation) => met(operation, { id: '%E0%A4%A' }),
  'query-invalid': async (operation) => met(operation, { query: '?limit=none' }),
  'body-malformed': async (operation) => met(operation, { payload: '{' }),
  'field-invalid': async (operation) => met(operation, { payload: '{"details":1,"why":1}' }),
  'token-refused': async (operation) => met(operation, {}, { token: async () => 's3cret' }),
  'host-foreign': async (operation) => met(operation, { headers: { host: 'evil.example' } }),
  'origin-foreign': async (operation) => met(operation, { headers: { origin: 'http://evil.example' } }),
  'lever-forbidden': async (operation) => met(operation, { from: '10.1.2.3' }),
  'path-unknown': async (operation) => met(operation, { id: '' }),
  'work-unknown': async (operation) =>
    met(
      operation,
      { id: 'unknown' },
      { ...(operation.listener === 'work' && { desk: roadOf({ unknown: 'reject' }).desk }) },
    ),
  'method-not-allowed': async (operation) => met(operation, { method: 'DELETE' }),
  'request-timeout': async (operation) =>
    metRaw(operation, `${line(operation)}Host: localhost\r\n`, {
      limits: { requestTimeoutMs: 50, timeoutCheckMs: 10 },
    }),
  'report-conflict': async (operation) => {
    const road = roadOf()
    const success = operation.path.endsWith('/failed')
    road.desk.report('w1', { kind: 'completed', success, details: new Map() })
    return met(
      operation,
      { payload: operation.path.endsWith('/completed') ? '{"success":true}' : bodyOf(operation) },
      { desk: road.desk },
    )
  },
  'body-too-large': async (operation) => met(operation, { payload: ' '.repeat(1_048_577) }),
  'path-too-long': async (operation) => met(operation, { id: 'a'.repeat(3100) }),
  'media-type-unsupported': async (operation) =>
    met(operation, { payload: 'a=b', headers: { 'content-type': 'text/plain' } }),
  'expectation-unknown': async (operation) =>
    metRaw(operation, `${line(operation)}Host: localhost\r\nExpect: a miracle\r\n${bodyLines(operation)}`),
  'report-unstorable': async (operation) => met(operation, { payload: '{"details":{"a":"\\u0000"},"why":"a test"}' }),
  'report-given-up': async (operation) => told(operation, { kind: 'given-up', why: 'HTTP 400' }),
  'headers-too-large': async (operation) =>
    metRaw(operation, `${line(operation)}Host: localhost\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`),
  'internal-error': async (operation) =>
    met(
      operation,
      {},
      { desk: { report: broken, find: broken, list: broken }, status: broken, metrics: async () => broken() },
    ),
  'xzepr-away': async (operation) => told(operation, { kind: 'away', why: 'reset', retryAfterMs: 7001 }),
  'reports-full': async (operation) => {
    const road = roadOf()
    road.bridge.sealed = true
    return met(operation, {}, { desk: road.desk })
  },
  'token-unreadable': async (operation) =>
    met(operation, {}, { token: async () => Promise.reject(new Error('canary')) }),
  busy: async (operation) => met(operation, {}, { limits: { maxInHand: 0 } }),
  stopping: async (operation) => {
    const api = listenerOf(operation, {})
    const { port } = await api.start()
    const raw = await Raw.open(port)
    const request = `${line(operation)}Host: localhost\r\n${bodyLines(operation)}`
    // Half a request has arrived when the bridge stops: a connection that is not idle, and is let finish.
    const before = `GET ${operation.listener === 'work' ? '/work' : '/livez'} HTTP/1.1\r\nHost: localhost\r\n\r\n`
    raw.send(before + request.slice(0, 20))
    const first = await raw.until(/\r\n\r\n.*\}$/)
    const stopped = api.stop()
    raw.send(request.slice(20))
    const all = await raw.end()
    await stopped
    return read(all.slice(first.length))
  },
}

/** The code of a problem; undefined for any other answer. */
function codeOf({ headers, body }: Met): unknown {
  if (headers['content-type'] !== 'application/problem+json') return undefined
  return (JSON.parse(body) as { code: unknown }).code
}

for (const code of Object.keys(PROBLEMS) as ProblemCode[]) {
  void t.test(`${code} is met where the document names it, and nowhere else`, async (t) => {
    const all = operations.map(async (operation) => ({ operation, met: await WAYS[code](operation) }))
    let named = 0
    for (const { operation, met } of await Promise.all(all)) {
      const documented = codesOf(operation).has(code)
      if (documented) named += 1
      t.equal(codeOf(met) === code, documented, `${operation.name} ${met.status}`)
      t.strictSame(offences(operation, met), [], `${operation.name} ${met.status}`)
    }
    t.ok(named > 0)
  })
}
