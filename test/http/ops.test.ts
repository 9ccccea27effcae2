import t from 'tap'
import type { Health } from '../../src/core/health.ts'
import type { OpsStatus } from '../../src/http/ops.ts'
import { opsApi } from '../../src/http/ops.ts'
import { VirtualClock } from '../support/clock.ts'
import { FakeLevers } from './fake-levers.ts'
import { exchange } from './raw.ts'

const WELL: Health = {
  live: { ok: true, reasons: [] },
  ready: { ok: true, reasons: [] },
  started: { ok: true, reasons: [] },
}
const STATUS: OpsStatus = {
  service: 'deployer',
  version: '1.0.0',
  nowMs: Date.UTC(2026, 10, 23, 13),
  startedAtMs: Date.UTC(2026, 10, 23, 12),
  phase: 'running',
  health: WELL,
  kafka: { joined: true, partitions: 1, fetchedAtMs: undefined, problem: undefined },
  gate: { open: true, sinceMs: Date.UTC(2026, 10, 23, 12) },
  paused: undefined,
  drain: undefined,
  works: { running: 3 },
  oldestUnsettledAtMs: Date.UTC(2026, 10, 23, 12, 30),
  partitions: [
    {
      topic: 'events',
      partition: 0,
      committed: 2n ** 60n,
      highWatermark: undefined,
      unsettled: 3,
      heldBytes: 4000,
      paused: false,
    },
  ],
  reports: { events: 1, bytes: 700 },
  deadLetters: { owed: 2, problem: 'the topic is missing' },
  xzepr: { receiverId: undefined, problem: 'HTTP 503' },
}

function made(status: () => OpsStatus = () => STATUS, onFault: (why: string) => void = () => undefined) {
  const metrics = async () =>
    Promise.resolve({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'up 1\n' })
  const api = opsApi({
    levers: new FakeLevers(),
    status,
    metrics,
    onFault,
    clock: new VirtualClock(),
    host: '127.0.0.1',
    port: 0,
  })
  const get = async (url: string, method: 'GET' | 'HEAD' | 'POST' | 'OPTIONS' = 'GET') =>
    api.inject({ method, url, headers: { host: '10.1.2.3:8901' } })
  return { api, get }
}

void t.test('a probe answers 200 or 503 with the reasons, each by its own verdict', async (t) => {
  for (const [path, name] of [
    ['/livez', 'live'],
    ['/readyz', 'ready'],
    ['/startupz', 'started'],
  ] as const) {
    const verdict = { ok: false, reasons: ['Partition events/0 is stuck.'] }
    const { get } = made(() => ({ ...STATUS, health: { ...WELL, [name]: verdict } }))
    for (const probed of ['/livez', '/readyz', '/startupz']) {
      const answer = await get(probed)
      t.equal(answer.statusCode, probed === path ? 503 : 200, probed)
      t.same(answer.json(), probed === path ? verdict : { ok: true, reasons: [] })
      t.equal(answer.headers['cache-control'], 'no-store')
    }
    t.equal((await get(path, 'HEAD')).statusCode, 503)
  }
})

void t.test('metrics are passed on as they were written', async (t) => {
  const answer = await made().get('/metrics')
  t.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.equal(answer.body, 'up 1\n')
})

void t.test('the status is the whole picture, and names what it tells one by one', async (t) => {
  const answer = await made(() => ({ ...STATUS, password: 'canary' }) as OpsStatus).get('/status')
  t.same(answer.json(), {
    service: 'deployer',
    version: '1.0.0',
    now: '2026-11-23T13:00:00.000Z',
    started_at: '2026-11-23T12:00:00.000Z',
    phase: 'running',
    ...WELL,
    kafka: { joined: true, partitions: 1 },
    gate: { open: true, since: '2026-11-23T12:00:00.000Z' },
    works: { running: 3 },
    oldest_unsettled_at: '2026-11-23T12:30:00.000Z',
    partitions: [
      {
        topic: 'events',
        partition: 0,
        committed: '1152921504606846976',
        unsettled: 3,
        held_bytes: 4000,
        paused: false,
      },
    ],
    reports: { events: 1, bytes: 700 },
    dead_letters: { owed: 2, problem: 'the topic is missing' },
    xzepr: { problem: 'HTTP 503' },
  })
})

void t.test('a pause and a drain are part of the picture', async (t) => {
  const answer = await made(() => ({
    ...STATUS,
    phase: 'drained',
    paused: { who: 'anna (127.0.0.1)', why: 'the database moves', sinceMs: Date.UTC(2026, 10, 23, 12) },
    drain: {
      stage: 'drained',
      graceEndsAtMs: Date.UTC(2026, 10, 23, 13),
      left: { unsettled: 3, works: 1, reports: 0, letters: 0 },
    },
  })).get('/status')
  t.match(answer.json(), {
    phase: 'drained',
    paused: { who: 'anna (127.0.0.1)', why: 'the database moves', since: '2026-11-23T12:00:00.000Z' },
    drain: {
      stage: 'drained',
      grace_ends_at: '2026-11-23T13:00:00.000Z',
      left: { unsettled: 3, works: 1, reports: 0, letters: 0 },
    },
  })
})

void t.test('the index names every path', async (t) => {
  const { body } = await made().get('/')
  for (const path of [
    '/livez',
    '/readyz',
    '/startupz',
    '/metrics',
    '/status',
    '/pause',
    '/resume',
    '/settle',
    '/drain',
  ])
    t.match(body, path)
})

void t.test('all but the levers is for reading only, and errors are problems', async (t) => {
  const { get } = made()
  for (const path of ['/', '/livez', '/readyz', '/startupz', '/metrics', '/status?x']) {
    for (const method of ['POST', 'OPTIONS'] as const) {
      const answer = await get(path, method)
      t.match([answer.statusCode, answer.headers.allow], [405, 'GET, HEAD'], `${method} ${path}`)
      t.equal(answer.headers['content-type'], 'application/problem+json')
    }
  }
  t.match((await get('/healthz')).json(), { status: 404, code: 'path-unknown' })
})

void t.test('a fault while the picture is taken fails the probe, and is said to the operator', async (t) => {
  const said: string[] = []
  const { get } = made(
    () => {
      throw new Error('canary')
    },
    (why) => said.push(why),
  )
  const answer = await get('/livez')
  t.match(answer.json(), { status: 500, code: 'internal-error' })
  t.notMatch(answer.body, /canary/)
  t.same(said, ['GET /livez: Error: canary'])
})

void t.test('it listens on a socket, whatever name it is called by', async (t) => {
  const { api } = made()
  const { port } = await api.start()
  t.match(
    await exchange(port, 'GET /livez HTTP/1.1\r\nHost: pod.example\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1.1 200 /,
  )
  t.match(await exchange(port, 'GET /livez HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 200 /)
  await api.stop()
})
