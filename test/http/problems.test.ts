import t from 'tap'
import { opsApi } from '../../src/http/ops.ts'
import type { ProblemCode } from '../../src/http/problems.ts'
import { PROBLEMS, retryAfterSeconds } from '../../src/http/problems.ts'
import type { WorkApiOptions } from '../../src/http/work-api.ts'
import { workApi } from '../../src/http/work-api.ts'
import { VirtualClock } from '../support/clock.ts'
import { FakeDesk, WORK } from './fake-desk.ts'
import { FakeLevers } from './fake-levers.ts'
import { exchange, Raw } from './raw.ts'

interface Met {
  status: number
  type: string | undefined
  body: Record<string, unknown>
  headers: Record<string, unknown>
}

function made(options: Partial<WorkApiOptions> = {}, prepare: (desk: FakeDesk) => void = () => undefined) {
  const desk = new FakeDesk()
  prepare(desk)
  return workApi({ desk, clock: new VirtualClock(), host: '127.0.0.1', port: 0, ...options })
}

/** Meets a problem without a socket. */
async function met(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  more: { headers?: Record<string, string>; payload?: string | Buffer } = {},
  api = made(),
): Promise<Met> {
  const headers = { host: 'localhost', ...more.headers }
  const answer = await api.inject({ method, url, headers, ...(more.payload && { payload: more.payload }) })
  const type = answer.headers['content-type'] as string | undefined
  return { status: answer.statusCode, type, body: answer.json(), headers: answer.headers }
}

/** Meets a problem on a socket. */
async function metRaw(text: string, options: Partial<WorkApiOptions> = {}): Promise<Met> {
  const api = made(options)
  const { port } = await api.start()
  const answer = await exchange(port, text)
  await api.stop()
  return read(answer)
}

function read(answer: string): Met {
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  const headers = Object.fromEntries(
    head
      .split('\r\n')
      .slice(1)
      .map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.slice(line.indexOf(':') + 1).trim()]),
  )
  return {
    status: Number(head.split(' ')[1]),
    type: headers['content-type'],
    body: JSON.parse(body) as Record<string, unknown>,
    headers,
  }
}

const json = { 'content-type': 'application/json' }
const done = '/work/w1/completed'

/** How each code of the table is met. */
const WAYS: Record<ProblemCode, () => Promise<Met>> = {
  'request-malformed': async () => metRaw('NONSENSE\r\n\r\n'),
  'host-missing': async () => metRaw('GET /work HTTP/1.1\r\nConnection: close\r\n\r\n'),
  'path-malformed': async () => met('GET', '/work/%E0%A4%A'),
  'query-invalid': async () => met('GET', '/work?limit=none'),
  'body-malformed': async () => met('POST', done, { payload: '{', headers: json }),
  'field-invalid': async () => met('POST', done, { payload: '{"success":1}', headers: json }),
  'token-refused': async () => met('GET', '/work', {}, made({ token: async () => 's3cret' })),
  'host-foreign': async () => met('GET', '/work', { headers: { host: 'evil.example' } }),
  'origin-foreign': async () => met('POST', done, { headers: { origin: 'http://evil.example' } }),
  'lever-forbidden': async () => {
    const ops = opsApi({
      levers: new FakeLevers(),
      status: () => {
        throw new Error('canary')
      },
      metrics: async () => Promise.reject(new Error('canary')),
      clock: new VirtualClock(),
      port: 0,
    })
    const headers = { host: 'localhost' }
    const answer = await ops.inject({ method: 'POST', url: '/pause', headers, remoteAddress: '10.1.2.3' })
    const type = answer.headers['content-type'] as string | undefined
    return { status: answer.statusCode, type, body: answer.json(), headers: answer.headers }
  },
  'path-unknown': async () => met('GET', '/works'),
  'work-unknown': async () =>
    met(
      'GET',
      '/work/w1',
      {},
      made({}, (desk) => (desk.work = () => undefined)),
    ),
  'method-not-allowed': async () => met('DELETE', '/work/w1'),
  'request-timeout': async () =>
    metRaw('POST /work/w1/completed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{', {
      limits: { requestTimeoutMs: 50, timeoutCheckMs: 10 },
    }),
  'report-conflict': async () =>
    met(
      'POST',
      done,
      {},
      made({}, (desk) => (desk.verdict = () => ({ kind: 'conflict', work: WORK, why: 'It failed.' }))),
    ),
  'body-too-large': async () => met('POST', done, { payload: Buffer.alloc(1_048_577, 0x20), headers: json }),
  'path-too-long': async () => met('GET', `/work/${'a'.repeat(1025)}`),
  'media-type-unsupported': async () =>
    met('POST', done, { payload: 'a=b', headers: { 'content-type': 'text/plain' } }),
  'expectation-unknown': async () => metRaw('GET /work HTTP/1.1\r\nHost: localhost\r\nExpect: a miracle\r\n\r\n'),
  'report-unstorable': async () => met('POST', done, { payload: '{"details":{"a":1e400}}', headers: json }),
  'report-given-up': async () =>
    met(
      'POST',
      done,
      {},
      made({}, (desk) => {
        desk.verdict = () => ({ kind: 'unknown', told: Promise.resolve({ kind: 'given-up', why: 'XZepr says 400.' }) })
      }),
    ),
  'headers-too-large': async () =>
    metRaw(`GET /work HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`),
  'internal-error': async () =>
    met(
      'POST',
      done,
      {},
      made({}, (desk) => {
        desk.verdict = () => {
          throw new Error('canary')
        }
      }),
    ),
  'xzepr-away': async () =>
    met(
      'POST',
      done,
      {},
      made({}, (desk) => {
        desk.verdict = () => ({
          kind: 'unknown',
          told: Promise.resolve({ kind: 'away', why: 'reset', retryAfterMs: 7001 }),
        })
      }),
    ),
  'reports-full': async () =>
    met(
      'POST',
      done,
      {},
      made({}, (desk) => (desk.verdict = () => ({ kind: 'full', why: 'XZepr is behind.', retryAfterMs: 0 }))),
    ),
  'token-unreadable': async () =>
    met('GET', '/work', {}, made({ token: async () => Promise.reject(new Error('canary')) })),
  busy: async () => met('GET', '/work', {}, made({ limits: { maxInHand: 0 } })),
  stopping: async () => {
    const api = made()
    const { port } = await api.start()
    const raw = await Raw.open(port)
    const request = 'GET /work HTTP/1.1\r\nHost: localhost\r\n\r\n'
    // Half a request has arrived when the bridge stops: a connection that is not idle, and is let finish.
    raw.send(request + request.slice(0, 20))
    const first = await raw.until(/"works":.*\}\]\}/)
    const stopped = api.stop()
    raw.send(request.slice(20))
    const all = await raw.end()
    await stopped
    return read(all.slice(first.length))
  },
}

for (const [code, way] of Object.entries(WAYS) as [ProblemCode, () => Promise<Met>][]) {
  void t.test(`${code} is met as problem+json with its own status`, async (t) => {
    const { status, type, body, headers } = await way()
    const { status: expected, title } = PROBLEMS[code]
    t.equal(status, expected)
    t.equal(type, 'application/problem+json')
    t.match(body, { type: `urn:xzepr-bridge:problem:${code}`, title, status, code })
    t.type(body.detail, 'string')
    t.notMatch(JSON.stringify(body), /canary|s3cret/)
    if (status === 503) t.match(headers['retry-after'], /^[1-9]\d*$/)
  })
}

void t.test('instance is the path, never the query: tokens hide there', async (t) => {
  t.equal((await met('GET', '/works?token=s3cret#x')).body.instance, '/works')
})

void t.test('Retry-After is whole seconds, rounded up, at least one', async (t) => {
  t.same([0, 1, 1000, 1001, 60_000].map(retryAfterSeconds), ['1', '1', '1', '2', '60'])
})
