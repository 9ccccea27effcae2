/**
 * The whole app in one process: real sockets to the app and the XZepr stand-in, the in-memory log in place of Kafka.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createApp } from '../src/app.ts'
import { systemClock } from '../src/clock.ts'
import { BridgeError } from '../src/core/errors.ts'
import type { JournalEntry } from '../src/core/journal.ts'
import { MemoryLog } from '../src/dev/memory-log.ts'
import { configOf, message, running, TOPIC } from './support/running.ts'

void t.test('an event goes the whole road, and the ops port tells of it', async (t) => {
  const { app, beside, log, xzepr, opsUrl, until } = await running(t)
  log.append(TOPIC, message('a'))
  log.append(TOPIC, message('b'))
  await until('report.stored', 4)
  t.strictSame(beside.deliveries.map(({ workId }) => workId).sort(), ['a', 'b'])
  const told = xzepr.journal.events.map(({ name }) => name).sort()
  t.strictSame(told, ['svc.completed', 'svc.completed', 'svc.started', 'svc.started'])
  for (const probe of ['livez', 'readyz', 'startupz']) t.equal((await fetch(`${opsUrl}/${probe}`)).status, 200, probe)
  const metrics = await (await fetch(`${opsUrl}/metrics`)).text()
  t.match(metrics, /^xzepr_bridge_records_received_total \d+/m)
  const status = (await (await fetch(`${opsUrl}/status`)).json()) as { service: string; version: string }
  t.match(status, { service: 'svc', version: '1.2.3', phase: 'running', kafka: { joined: true }, gate: { open: true } })
  await app.stop()
  const committed = [...log.committed('xzepr-consumer-svc', TOPIC).values()].reduce(
    (sum, { offset }) => sum + Number(offset),
    0,
  )
  t.ok(committed >= 2)
})

void t.test('a report by way of the work API may wait for XZepr', async (t) => {
  const { beside, log, until } = await running(t)
  beside.behave = () => 202
  log.append(TOPIC, message('a'))
  await until('attempt.answered', 1)
  const response = await fetch(`${beside.workApiUrl}/work/a/completed`, {
    method: 'POST',
    headers: { prefer: 'wait=10', 'content-type': 'application/json' },
    body: '{"details":{"build":12345678901234567890}}',
  })
  t.equal(response.status, 200)
  t.match(await response.json(), { id: 'a', state: 'completed', event_id: String })
})

void t.test('a number in details reaches XZepr digit for digit', async (t) => {
  const { beside, log, xzepr, until } = await running(t)
  beside.behave = () => 202
  log.append(TOPIC, message('a'))
  await until('attempt.answered', 1)
  await fetch(`${beside.workApiUrl}/work/a/completed`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"details":{"build":12345678901234567890}}',
  })
  await until('report.stored', 1)
  t.match(xzepr.journal.events.at(-1)?.payload, /"build":12345678901234567890/)
})

void t.test('with a token file the work API asks for the token', async (t) => {
  const { beside } = await running(t, { BRIDGE_WORK_API_TOKEN_FILE: '/token' })
  t.equal((await fetch(`${beside.workApiUrl}/work`)).status, 401)
  const headers = { authorization: 'Bearer secret-of-the-work-api' }
  t.equal((await fetch(`${beside.workApiUrl}/work`, { headers })).status, 200)
})

void t.test('a second stop hurries the first', async (t) => {
  const { app, beside, log, entries, until } = await running(t)
  beside.behave = () => 202
  log.append(TOPIC, message('a'))
  await until('attempt.answered', 1)
  const first = app.stop()
  await app.stop()
  await first
  t.ok(entries.some(({ name }) => name === 'work.left-unsettled'))
})

void t.test('a port that is taken is said, with what to do', async (t) => {
  const { opsUrl } = await running(t)
  const config = configOf({ BRIDGE_OPS_PORT: new URL(opsUrl).port })
  const log = new MemoryLog(systemClock)
  const source = log.source({ groupId: 'g', topics: [TOPIC], startFrom: 'earliest' })
  const second = createApp({ config, version: '1', clock: systemClock, source, log: () => undefined })
  await t.rejects(second.start(), BridgeError)
})

void t.test('Kafka that is away holds up no start', async (t) => {
  const entries: JournalEntry[] = []
  for (const env of [
    {},
    { XZEPR_KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT', XZEPR_KAFKA_SASL_USERNAME: 'u', XZEPR_KAFKA_SASL_PASSWORD: 'p' },
  ]) {
    const config = configOf({ XZEPR_KAFKA_BROKERS: '127.0.0.1:1', XZEPR_API_URL: 'http://127.0.0.1:1', ...env })
    const app = createApp({ config, version: '1', clock: systemClock, log: (entry) => void entries.push(entry) })
    await app.start()
    await app.stop()
  }
  t.equal(entries.filter(({ name }) => name === 'bridge.started').length, 2)
  t.equal(entries.filter(({ name }) => name === 'bridge.stopped').length, 2)
})

void t.test('a pause holds the deliveries over the ops port, and a work can be let go of', async (t) => {
  const { beside, log, opsUrl, entries, until } = await running(t)
  const pull = async (lever: string, body: Record<string, string> = {}): Promise<Record<string, unknown>> => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${opsUrl}/${lever}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: answer.status, ...((await answer.json()) as Record<string, unknown>) }
  }
  t.match(await pull('pause', { who: 'anna', why: 'the database moves' }), {
    status: 200,
    paused: { who: 'anna (127.0.0.1)', why: 'the database moves' },
  })
  log.append(TOPIC, message('a'))
  await until('record.received', 1)
  t.match(await pull('works/a/settle'), { status: 400, code: 'field-invalid' })
  t.match(await pull('works/a/settle', { why: 'a test event' }), { status: 200, works: {} })
  t.match(await pull('works/a/settle', { why: 'again' }), { status: 404, code: 'work-unknown' })
  log.append(TOPIC, message('b'))
  await until('record.received', 2)
  const ready = await fetch(`${opsUrl}/readyz`)
  t.match([ready.status, await ready.json()], [200, { reasons: [/paused by anna/] }])
  t.equal(beside.deliveries.length, 0)
  const { paused } = await pull('resume')
  t.equal(paused, undefined)
  await until('report.stored', 2)
  t.same(
    beside.deliveries.map(({ workId }) => workId),
    ['b'],
  )
  t.match(
    entries.filter(({ name }) => name.startsWith('lever.')).map(({ name }) => name),
    ['lever.paused', 'lever.settled', 'lever.resumed'],
  )
})

void t.test('a drain leaves the group while the work API stays open, and late reports are forwarded', async (t) => {
  const { app, beside, log, xzepr, opsUrl, entries, until } = await running(t, { BRIDGE_SHUTDOWN_GRACE_MS: '0' })
  beside.behave = () => 202
  log.append(TOPIC, message('late'))
  await until('attempt.answered', 1)
  await until('xzepr.receiver', 1)
  const answer = await fetch(`${opsUrl}/drain`, { method: 'POST' })
  t.match(await answer.json(), { phase: 'drained', drain: { stage: 'drained', left: { unsettled: 1, works: 1 } } })
  t.equal((await fetch(`${opsUrl}/readyz`)).status, 503)
  t.equal((await fetch(`${opsUrl}/livez`)).status, 200)
  const { status, json } = await beside.report('late', 'completed')
  t.match([status, json], [200, { event_id: String }])
  t.ok(xzepr.journal.events.some(({ name }) => name === 'svc.completed'))
  t.notOk(entries.some(({ name }) => name === 'bridge.stopped'))
  await app.stop()
  t.ok(entries.some(({ name }) => name === 'bridge.stopped'))
})

void t.test('with a health URL nothing is delivered before the app is well', async (t) => {
  let status = 503
  const asked: string[] = []
  const health = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(status).end()
  })
  await new Promise<void>((resolve) => health.listen(0, '127.0.0.1', resolve))
  t.teardown(() => health.close())
  const { port } = health.address() as AddressInfo
  const { beside, log, entries, until } = await running(t, {
    BRIDGE_APP_HEALTH_URL: `http://127.0.0.1:${port}/healthz`,
  })
  await until('gate.closed', 1)
  log.append(TOPIC, message('a'))
  await until('record.received', 1)
  t.equal(beside.deliveries.length, 0)
  status = 204
  await until('gate.opened', 1)
  await until('report.stored', 2)
  t.equal(beside.deliveries.length, 1)
  t.match(
    entries.find(({ name }) => name === 'gate.closed'),
    { why: 'its health is ill: HTTP 503' },
  )
  t.equal(asked[0], '/healthz')
})
