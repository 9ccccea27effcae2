import fc from 'fast-check'
import t from 'tap'
import type { OpsApiOptions, OpsStatus } from '../../src/http/ops.ts'
import { opsApi } from '../../src/http/ops.ts'
import { anyText } from '../support/any-text.ts'
import { VirtualClock } from '../support/clock.ts'
import { FakeLevers } from './fake-levers.ts'
import { Raw } from './raw.ts'

const STATUS = {
  phase: 'running',
  paused: undefined,
  drain: undefined,
  works: { running: 2 },
  nowMs: 0,
  startedAtMs: 0,
  health: {},
  kafka: {},
  gate: { open: true, sinceMs: 0 },
  partitions: [],
  reports: { events: 0, bytes: 0 },
  deadLetters: undefined,
  xzepr: {},
} as unknown as OpsStatus

interface Call {
  from?: string
  headers?: Record<string, string>
  body?: unknown
  payload?: string
}

const JSON_TYPE = { 'content-type': 'application/json' }

function made(options: Partial<OpsApiOptions> = {}) {
  const levers = new FakeLevers()
  const api = opsApi({
    levers,
    status: () => STATUS,
    metrics: async () => Promise.resolve({ contentType: 'text/plain', text: '' }),
    clock: new VirtualClock(),
    port: 0,
    ...options,
  })
  const pull = async (url: string, { from = '127.0.0.1', headers = {}, body, payload }: Call = {}) => {
    const sent = payload ?? (body === undefined ? undefined : JSON.stringify(body))
    const answer = await api.inject({
      method: 'POST',
      url,
      remoteAddress: from,
      headers: { host: '127.0.0.1:8901', ...(sent !== undefined && JSON_TYPE), ...headers },
      ...(sent !== undefined && { payload: sent }),
    })
    return { status: answer.statusCode, json: answer.json<Record<string, unknown>>(), headers: answer.headers }
  }
  return { levers, api, pull }
}

const PATHS = ['/pause', '/resume', '/drain', '/works/w1/settle']
const BODY = { why: 'the database moves' }

void t.test('each lever is pulled once, with the hand, and answers how the bridge stands then', async (t) => {
  const { levers, pull } = made()
  for (const path of PATHS) {
    const { status, json } = await pull(path, { body: { who: 'anna', ...BODY } })
    t.equal(status, 200, path)
    t.match(json, { phase: 'running', works: { running: 2 } })
  }
  const hand = { who: 'anna (127.0.0.1)', why: 'the database moves' }
  t.same(levers.pulls, [
    ['pause', hand],
    ['resume', hand],
    ['drain', hand],
    ['settle', hand, 'w1'],
  ])
})

void t.test('who is the caller’s address when nobody says, and a reason is asked for to settle alone', async (t) => {
  const { levers, pull } = made()
  for (const path of ['/pause', '/resume', '/drain'])
    t.equal((await pull(path, { from: '::ffff:127.0.0.1' })).status, 200)
  t.same(
    levers.pulls.map(([, hand]) => hand),
    Array(3).fill({ who: '127.0.0.1', why: 'no reason given' }),
  )
  for (const body of [undefined, {}, { why: '' }, { why: ' \n\u200b' }, { who: 'anna' }]) {
    t.match(await pull('/works/w1/settle', { body }), { status: 400, json: { code: 'field-invalid', field: 'why' } })
  }
  t.equal(levers.pulls.length, 3)
})

void t.test('a body that is not who and why in texts is refused, and nothing is pulled', async (t) => {
  const { levers, pull } = made()
  for (const body of [{ why: 1 }, { who: null }, { reason: 'x' }, { why: 'x', __proto__: null, constructor: 'x' }]) {
    t.match(await pull('/pause', { body }), { status: 400, json: { code: 'field-invalid' } }, JSON.stringify(body))
  }
  for (const payload of ['{', '[]', '"x"', `{"why":"a","why":"b"}`, '['.repeat(100_000)]) {
    t.match(await pull('/pause', { payload }), { status: 400, json: { code: 'body-malformed' } }, payload.slice(0, 20))
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  t.match(await pull('/pause', { payload: 'why=x', headers: form }), { status: 415 })
  t.same(levers.pulls, [])
})

void t.test('a work that is not in hand is 404', async (t) => {
  const { pull } = made()
  t.match(await pull('/works/unknown/settle', { body: BODY }), { status: 404, json: { code: 'work-unknown' } })
})

void t.test('an id is taken as the app writes it: percent-encoded', async (t) => {
  const { levers, pull } = made()
  await pull('/works/a%2Fb%20c/settle', { body: BODY })
  t.equal(levers.pulls[0]?.[2], 'a/b c')
})

void t.test('only the pod itself may pull: no other address, no page of a browser, no proxy', async (t) => {
  const { levers, pull } = made()
  for (const path of PATHS) {
    for (const from of ['10.1.2.3', '127.0.0.6', '::ffff:10.1.2.3', 'fe80::1', '0.0.0.0', '128.0.0.1']) {
      const { status, json } = await pull(path, { from, body: BODY })
      t.match([status, json.code], [403, 'lever-forbidden'], `${path} from ${from}`)
    }
    for (const headers of [
      { host: 'evil.example' },
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'x-forwarded-for': '127.0.0.1' },
      { forwarded: 'for=127.0.0.1' },
      { via: '1.1 mesh' },
      { 'x-envoy-attempt-count': '1' },
    ]) {
      t.equal((await pull(path, { headers, body: BODY })).status, 403, `${path} ${JSON.stringify(headers)}`)
    }
  }
  t.same(levers.pulls, [])
  for (const from of ['127.0.0.1', '::ffff:127.0.0.1', '::1'])
    t.equal((await pull('/pause', { from })).status, 200, from)
})

void t.test('the token opens from anywhere, is not asked for on loopback, and says that it was one', async (t) => {
  const { levers, pull } = made({ token: async () => 's3cret' })
  const far = { from: '10.1.2.3', headers: { host: 'pod.example:8901', authorization: 'Bearer s3cret' } }
  t.equal((await pull('/pause', far)).status, 200)
  t.equal((await pull('/pause', { ...far, body: { who: 'anna' } })).status, 200)
  t.equal((await pull('/pause')).status, 200)
  t.same(
    levers.pulls.map(([, { who }]) => who),
    ['10.1.2.3, by token', 'anna (10.1.2.3, by token)', '127.0.0.1'],
  )
  for (const authorization of ['Bearer s3cre', 'Bearer s3cret2', 'Basic s3cret', 'Bearer', '']) {
    const { status, json } = await pull('/pause', { from: '10.1.2.3', headers: { authorization } })
    t.equal(status, 403, authorization)
    t.notMatch(JSON.stringify(json), /s3cre/)
  }
})

void t.test('a token that cannot be read, is empty or is not set opens nothing', async (t) => {
  for (const token of [
    async () => Promise.reject(new Error('canary')),
    async () => Promise.resolve(''),
    async () => Promise.resolve(undefined),
  ]) {
    const { pull } = made({ token })
    for (const authorization of ['Bearer ', 'Bearer undefined', 'Bearer canary']) {
      const { status, json } = await pull('/pause', { from: '10.1.2.3', headers: { authorization } })
      t.equal(status, 403)
      t.notMatch(JSON.stringify(json), 'canary')
    }
    t.equal((await pull('/pause')).status, 200)
  }
})

void t.test('a lever is pulled by POST', async (t) => {
  const { api } = made()
  for (const url of PATHS) {
    for (const method of ['GET', 'PUT', 'OPTIONS'] as const) {
      const answer = await api.inject({ method, url, headers: { host: 'localhost' } })
      t.match([answer.statusCode, answer.headers.allow], [405, 'POST'], `${method} ${url}`)
    }
  }
})

void t.test('whatever who and why hold, no text in a hand is long, empty or drives a terminal', async () => {
  const { levers, pull } = made()
  const isFit = (text: string): boolean =>
    text !== '' && text.length < 450 && !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]|\p{Surrogate}/u.test(text)
  await fc.assert(
    fc.asyncProperty(anyText(300), anyText(300), async (who, why) => {
      levers.pulls.length = 0
      await pull('/pause', { body: { who, why } })
      const [, hand] = levers.pulls[0] ?? []
      return hand !== undefined && isFit(hand.who) && isFit(hand.why)
    }),
    { numRuns: 200 },
  )
})

void t.test('a drain is answered when it is over, and goes on without its caller', async (t) => {
  const { levers, api } = made()
  let over = (): void => undefined
  levers.drained = new Promise((resolve) => (over = resolve))
  const { port } = await api.start()
  t.teardown(() => api.stop())
  const raw = await Raw.open(port)
  raw.send('POST /drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n')
  while (levers.pulls.length === 0) await new Promise((resolve) => setImmediate(resolve))
  t.equal(raw.received, '')
  over()
  t.match(await raw.until(/"phase":"running"/), /^HTTP\/1\.1 200 /)
  raw.hangUp()
})
