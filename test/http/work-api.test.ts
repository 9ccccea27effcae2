import { equal, notEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Told, WorkView } from '../../src/core/report.ts'
import type { WorkApiOptions } from '../../src/http/work-api.ts'
import { workApi } from '../../src/http/work-api.ts'
import { settled, VirtualClock } from '../support/clock.ts'
import { FakeDesk, WORK } from './fake-desk.ts'
import { Raw } from './raw.ts'
import { anyText } from '../support/any-text.ts'

function made(options: Partial<WorkApiOptions> = {}) {
  const desk = new FakeDesk()
  const clock = new VirtualClock()
  const api = workApi({ desk, clock, host: '127.0.0.1', port: 0, ...options })
  const call = async (
    method: 'GET' | 'HEAD' | 'POST' | 'OPTIONS' | 'PUT',
    url: string,
    more: Record<string, unknown> = {},
  ) => api.inject({ method, url, ...more, headers: { host: 'localhost', ...(more.headers as Record<string, string>) } })
  return { api, call, clock, desk }
}

const STATE = {
  id: 'w1',
  state: 'running',
  settled: false,
  attempt: 2,
  attempts_max: 10,
  event_type: 'deployment.success',
  topic: 'xzepr.dev.events',
  partition: 1,
  offset: '9007199254740993',
  received_at: '2026-11-23T12:00:00.000Z',
  lease_expires_at: '2026-11-23T12:05:00.000Z',
  reports: [],
}

function later<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((go) => (resolve = go))
  return { promise, resolve }
}

void t.test('a report is answered 202 with the work’s state as soon as it is held', async (t) => {
  const { call, desk } = made()
  desk.verdict = () => ({ kind: 'held', work: WORK, told: later<Told>().promise })
  for (const kind of ['started', 'progress', 'completed', 'failed']) {
    const answer = await call('POST', `/work/w1/${kind}`)
    t.equal(answer.statusCode, 202, kind)
    t.same(answer.json(), STATE)
    t.equal(answer.headers['cache-control'], 'no-store')
  }
  t.same(
    desk.reports.map(({ report }) => report.kind),
    ['started', 'progress', 'completed', 'failed'],
  )
})

void t.test('a report carries what the body says, whatever the content type’s spelling', async (t) => {
  const { call, desk } = made()
  const payload = '{"details":{"build":12345678901234567890}}'
  await call('POST', '/work/w1/completed', { payload, headers: { 'content-type': 'Application/JSON; charset=utf-8' } })
  await call('POST', '/work/w1/completed', { payload: Buffer.from(payload) })
  await call('POST', '/work/w1/completed', { payload, headers: { 'content-type': 'application/vnd.app+json' } })
  const report = { kind: 'completed', success: true, details: new Map([['build', '12345678901234567890']]) }
  t.same(desk.reports, Array(3).fill({ workId: 'w1', report }))
})

void t.test('Prefer: wait answers 200 with the event’s id once XZepr has it', async (t) => {
  const { call, clock, desk } = made()
  const told = later<Told>()
  desk.verdict = () => ({ kind: 'held', work: WORK, told: told.promise })
  const stored: WorkView = {
    ...WORK,
    settled: true,
    state: 'completed',
    reports: [{ status: 'completed', atMs: clock.nowMs(), told: 'stored', eventId: 'e1' }],
  }
  desk.work = () => stored
  const answer = call('POST', '/work/w1/completed', { headers: { prefer: 'wait=30' } })
  await settled()
  t.equal(desk.reports.length, 1)
  told.resolve({ kind: 'stored', eventId: 'e1' })
  const { statusCode, headers, json } = await answer
  t.equal(statusCode, 200)
  t.equal(headers['preference-applied'], 'wait=30')
  t.match(json(), {
    event_id: 'e1',
    settled: true,
    state: 'completed',
    reports: [{ status: 'completed', reported_at: '2026-11-23T12:00:00.000Z', told: 'stored', event_id: 'e1' }],
  })
  t.equal(clock.pending, 0)
})

void t.test('a work that is forgotten while a caller waits is answered as it was', async (t) => {
  const { call, desk } = made()
  desk.verdict = () => ({ kind: 'held', work: WORK, told: Promise.resolve({ kind: 'stored', eventId: 'e1' }) })
  desk.work = () => undefined
  t.same((await call('POST', '/work/w1/started', { headers: { prefer: 'wait=1' } })).json(), {
    ...STATE,
    event_id: 'e1',
  })
})

void t.test('Prefer: wait runs out at 202, a minute at most, and XZepr being away changes nothing', async (t) => {
  const { call, clock, desk } = made()
  desk.verdict = () => ({ kind: 'held', work: WORK, told: later<Told>().promise })
  const answer = call('POST', '/work/w1/completed', { headers: { prefer: 'respond-async, wait=3600' } })
  await clock.advance(59_999)
  t.equal(clock.pending, 1)
  await clock.advance(1)
  t.equal((await answer).statusCode, 202)
  t.equal((await answer).headers['preference-applied'], 'wait=60')
  t.same((await answer).json(), STATE)

  desk.verdict = () => ({ kind: 'held', work: WORK, told: Promise.resolve({ kind: 'away', why: '', retryAfterMs: 1 }) })
  t.equal((await call('POST', '/work/w1/completed', { headers: { prefer: 'wait=5' } })).statusCode, 202)
})

void t.test('where there is nothing to wait for, or no room to wait, the answer is 202 at once', async (t) => {
  const { call, desk } = made({ maxWaiting: 0 })
  for (const told of [undefined, later<Told>().promise]) {
    desk.verdict = () => ({ kind: 'held', work: WORK, told })
    const answer = await call('POST', '/work/w1/progress', { headers: { prefer: 'wait=5' } })
    t.equal(answer.statusCode, 202)
    t.equal(answer.headers['preference-applied'], undefined)
  }
})

void t.test('a report that XZepr refuses for good while the caller waits is 422 with the work’s state', async (t) => {
  const { call, desk } = made()
  desk.verdict = () => ({ kind: 'held', work: WORK, told: Promise.resolve({ kind: 'given-up', why: 'HTTP 400' }) })
  const answer = await call('POST', '/work/w1/completed', { headers: { prefer: 'wait=5' } })
  t.equal(answer.statusCode, 422)
  t.match(answer.json(), { code: 'report-given-up', detail: 'HTTP 400', work: STATE })
})

void t.test('stopping ends every wait at 202: the report stays held', async (t) => {
  const { api, call, desk } = made()
  desk.verdict = () => ({ kind: 'held', work: WORK, told: later<Told>().promise })
  const answer = call('POST', '/work/w1/completed', { headers: { prefer: 'wait=60' } })
  await settled()
  await api.stop()
  t.equal((await answer).statusCode, 202)
})

void t.test('a caller that hangs up is waited for no longer', async (t) => {
  const { api, clock, desk } = made()
  desk.verdict = () => ({ kind: 'held', work: WORK, told: later<Told>().promise })
  const { port } = await api.start()
  const raw = await Raw.open(port)
  raw.send('POST /work/w1/completed HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=60\r\n\r\n')
  while (clock.pending === 0) await settled()
  raw.hangUp()
  while (clock.pending > 0) await settled()
  t.equal(clock.pending, 0)
  await api.stop()
})

void t.test('a report about an unknown work is forwarded on the caller’s time', async (t) => {
  const { call, clock, desk } = made()
  desk.verdict = () => ({ kind: 'unknown', told: Promise.resolve({ kind: 'stored', eventId: 'e9' }) })
  const stored = await call('POST', '/work/w9/completed')
  t.equal(stored.statusCode, 200)
  t.same(stored.json(), { id: 'w9', event_id: 'e9' })

  desk.verdict = () => ({ kind: 'unknown', told: Promise.resolve({ kind: 'away', why: 'reset', retryAfterMs: 1500 }) })
  const away = await call('POST', '/work/w9/completed')
  t.match([away.statusCode, away.headers['retry-after'], away.json()], [503, '2', { code: 'xzepr-away' }])

  desk.verdict = () => ({ kind: 'unknown', told: later<Told>().promise })
  const silent = call('POST', '/work/w9/completed')
  await clock.advance(60_000)
  t.match([(await silent).statusCode, (await silent).headers['retry-after']], [503, '5'])

  desk.verdict = () => ({ kind: 'unknown', told: undefined })
  t.match((await call('POST', '/work/w9/completed')).json(), { status: 404, code: 'work-unknown' })
})

void t.test('a contradiction is 409 with the work’s state, an unstorable report 422, a full desk 503', async (t) => {
  const { call, desk } = made()
  desk.verdict = () => ({ kind: 'conflict', work: WORK, why: 'The work has completed.' })
  t.match((await call('POST', '/work/w1/failed')).json(), {
    status: 409,
    detail: 'The work has completed.',
    work: STATE,
  })
  desk.verdict = () => ({ kind: 'unstorable', why: 'name is blank' })
  t.match((await call('POST', '/work/w1/started')).json(), {
    status: 422,
    code: 'report-unstorable',
    detail: 'name is blank',
  })
  desk.verdict = () => ({ kind: 'full', why: 'XZepr is behind.', retryAfterMs: 2500 })
  const full = await call('POST', '/work/w1/started')
  t.match([full.statusCode, full.headers['retry-after']], [503, '3'])
})

void t.test('a refused body never reaches the desk', async (t) => {
  const { call, desk } = made()
  const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'garbage']
  for (const type of types) {
    const answer = await call('POST', '/work/w1/completed', { payload: '{}', headers: { 'content-type': type } })
    t.equal(answer.statusCode, 415, type)
  }
  t.equal((await call('POST', '/work/w1/completed', { payload: '[]' })).statusCode, 400)
  t.equal((await call('POST', '/work/w1/completed', { headers: { origin: 'http://localhost:3000' } })).statusCode, 403)
  t.same(desk.reports, [])
})

void t.test('an id is any text of 1024 bytes, percent-encoded', async (t) => {
  const { call, desk } = made()
  const ids = [
    'a/b',
    '50%',
    '%2F',
    'ü 中😀',
    '?#&=+;:@$,',
    'a\u0000b',
    '\'"<>\\',
    '/'.repeat(1024),
    '中'.repeat(341),
    'started',
  ]
  for (const id of ids) {
    t.equal((await call('POST', `/work/${encodeURIComponent(id)}/started`)).statusCode, 202, id.slice(0, 20))
    t.equal((await call('GET', `/work/${encodeURIComponent(id)}`)).statusCode, 200, id.slice(0, 20))
  }
  t.same(desk.found, ids)
  t.same(
    desk.reports.map(({ workId }) => workId),
    ids,
  )
  for (const id of ['中'.repeat(342), 'a'.repeat(1025), 'a'.repeat(5000), encodeURIComponent('中'.repeat(2000))]) {
    t.equal((await call('GET', `/work/${encodeURIComponent(id)}`)).statusCode, 414)
    t.equal((await call('POST', `/work/${encodeURIComponent(id)}/started`)).statusCode, 414)
  }
  for (const bad of ['%', '%zz', '%ff', '%C3%28', '%ED%A0%80']) {
    t.equal((await call('GET', `/work/${bad}`)).json<{ code: string }>().code, 'path-malformed', bad)
  }
  t.equal((await call('GET', '/work/')).statusCode, 404)
  t.equal((await call('POST', '/work//started')).statusCode, 404)
})

void t.test('works are paged by a cursor', async (t) => {
  const { call, desk } = made()
  t.same((await call('GET', '/work')).json(), { works: [STATE] })
  desk.page = { works: [], next: '3/4 &?' }
  const page = await call('GET', '/work?after=a%2Fb&limit=2&colour=red')
  t.same(page.json(), { works: [], next: '3/4 &?' })
  t.equal(page.headers.link, '</work?limit=2&after=3%2F4%20%26%3F>; rel="next"')
  t.same(desk.listed, [
    { after: undefined, limit: 100 },
    { after: 'a/b', limit: 2 },
  ])
  for (const limit of ['0', '1001', '1.5', '', 'x', '1&limit=2', 'true', '1n', 'Infinity', '-1e400']) {
    t.match((await call('GET', `/work?limit=${limit}`)).json(), { code: 'query-invalid', field: 'limit' }, limit)
  }
  t.match((await call('GET', '/work?after=a&after=b')).json(), { code: 'query-invalid', field: 'after' })
  t.match((await call('GET', `/work?after=${'a'.repeat(4097)}`)).json(), { code: 'query-invalid', field: 'after' })
})

void t.test('an offset, an error and a rest are written as the contract names them', async (t) => {
  const { call, desk } = made()
  desk.work = () => ({
    ...WORK,
    state: 'resting',
    nextAttemptAtMs: Date.UTC(2026, 10, 23, 13),
    reports: [{ status: 'started', atMs: Date.UTC(2026, 10, 23), told: 'given-up', why: 'HTTP 422' }],
  })
  t.same((await call('GET', '/work/w1')).json(), {
    ...STATE,
    state: 'resting',
    next_attempt_at: '2026-11-23T13:00:00.000Z',
    reports: [{ status: 'started', reported_at: '2026-11-23T00:00:00.000Z', told: 'given-up', error: 'HTTP 422' }],
  })
})

void t.test('HEAD answers as GET does, and any other method is 405 with Allow', async (t) => {
  const { api, call } = made()
  t.equal((await call('HEAD', '/work/w1')).statusCode, 200)
  t.equal((await call('HEAD', '/work/w1')).body, '')
  for (const [method, path, allow] of [
    ['OPTIONS', '/work', 'GET, HEAD'],
    ['POST', '/work', 'GET, HEAD'],
    ['PUT', '/work/w%2F1?x=y', 'GET, HEAD'],
    ['OPTIONS', '/work/w1/progress', 'POST'],
    ['GET', '/work/w1/completed', 'POST'],
    ['HEAD', '/work/w1/completed', 'POST'],
  ] as const) {
    const answer = await call(method, path, { headers: { 'content-type': 'text/plain' } })
    t.match([answer.statusCode, answer.headers.allow], [405, allow], `${method} ${path}`)
  }
  const { port } = await api.start()
  const raw = (await Raw.open(port)).send('PROPFIND /work HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  t.match(await raw.end(), /^HTTP\/1.1 405 [^]*\r\nallow: GET, HEAD\r\n/i)
  await api.stop()
})

void t.test('with a token every call must bring it, as it stands in the file at that moment', async (t) => {
  let token: string | undefined = 'one'
  const { call } = made({ token: async () => token })
  const status = async (authorization?: string): Promise<number> =>
    (await call('GET', '/work', { headers: authorization === undefined ? {} : { authorization } })).statusCode
  t.equal(await status(), 401)
  t.equal(await status('Bearer one'), 200)
  token = 'two'
  t.equal(await status('Bearer one'), 401)
  t.equal(await status('Bearer two'), 200)
  token = ''
  t.equal(await status('Bearer '), 503, 'an empty file opens nothing')
  token = undefined
  t.equal(await status(), 200, 'none is set: none is asked for')
})

void t.test('a fault of the desk is 500 without its words, and is said to the operator', async (t) => {
  const said: string[] = []
  const { call, desk } = made({ onFault: (why) => said.push(why) })
  desk.verdict = () => ({ kind: 'unknown', told: Promise.reject(new Error('canary')) })
  const answer = await call('POST', '/work/w1/started?canary=1')
  t.equal(answer.statusCode, 500)
  t.notMatch(answer.body, /canary/)
  t.same(said, ['POST /work/:id/started: Error: canary'])
})

const letters = (text: string) => fc.nat(text.length - 1).map((at) => text.charAt(at))

void t.test('whatever the path and the body are, the answer is 2xx or a problem, never 500', async () => {
  const { call } = made()
  const path = fc.oneof(
    anyText().map((id) => `/work/${encodeURIComponent(id.replaceAll(/[\ud800-\udfff]/g, '?'))}/completed`),
    fc.string({ unit: letters('/%?#&=work.:;2F0aE') }).map((rest) => `/work/${rest}`),
  )
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc
      .dictionary(fc.constantFrom('details', 'success', 'error', 'retry', '__proto__', 'toString'), fc.jsonValue())
      .map((value) => Buffer.from(JSON.stringify(value))),
    fc.string({ unit: letters('{}[]",:\\ue+-.019tfn') }).map((text) => Buffer.from(`{"details":{${text}}}`)),
  )
  const type = fc.constantFrom('application/json', 'text/plain', '', 'application/json; charset=x')
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('POST' as const, 'GET' as const),
      path,
      body,
      type,
      async (method, url, payload, kind) => {
        const answer = await call(method, url, { payload, headers: { 'content-type': kind } })
        notEqual(answer.statusCode, 500)
        if (answer.statusCode < 300) return
        equal(answer.headers['content-type'], 'application/problem+json')
        equal(answer.json<{ status: number }>().status, answer.statusCode)
      },
    ),
    { numRuns: 1000 },
  )
})
