/**
 * What a running bridge answers and delivers is what openapi.yaml says, and nothing that openapi.yaml promises is missing:
 * every good answer of every operation is met, and every member of a work and of the status.
 */
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { deliveryOf, eventFacts } from '../../src/core/delivery.ts'
import type { Format } from '../../src/core/delivery.ts'
import { readMessage } from '../../src/core/message.ts'
import type { WorkStateName, WorkView } from '../../src/core/report.ts'
import type { OpsStatus } from '../../src/http/ops.ts'
import { encodings } from '../../src/webhook/encodings.ts'
import { signatureHeaders, signingKeys } from '../../src/webhook/signature.ts'
import { FakeDesk, WORK } from '../http/fake-desk.ts'
import { anyRecord } from '../support/any-record.ts'
import type { Operation } from '../support/documents.ts'
import { at, membersAt, named, operation, operations, schemaNamed, unsound, webhooks } from '../support/documents.ts'
import type { Delivered, Met } from '../support/exchanges.ts'
import { deliveryOffences, offences, typeOf } from '../support/exchanges.ts'
import { opsListener, workListener } from '../support/listeners.ts'
import type { Running } from '../support/running.ts'
import { message, running, TOPIC } from '../support/running.ts'
import { bytesOf, deliver, factsFor, FORMATS, VECTORS } from '../vectors/vectors.ts'

/** Answers that were met, as `GET /work 200 application/json`. */
const met = new Set<string>()

function judge(t: Test, name: string, answer: Met, seen?: Set<string>): void {
  met.add(`${name} ${answer.status} ${typeOf(answer.headers)}`)
  t.strictSame(offences(operation(name), answer, seen), [], `${name} ${answer.status}`)
}

/** Calls a running bridge by an operation's name. */
async function call(t: Test, bridge: Running, name: string, id = '', body?: object, prefer?: string): Promise<Met> {
  const { listener, method, path } = operation(name)
  const url = (listener === 'work' ? bridge.beside.workApiUrl : bridge.opsUrl) + path.replace('{id}', id)
  const response = await fetch(url, {
    method,
    headers: { ...(body && { 'content-type': 'application/json' }), ...(prefer && { prefer }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  const answer = { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
  judge(t, name, answer)
  return answer
}

void t.test('each good answer that the document names is one of a running bridge, and as it says', async (t) => {
  const bridge = await running(t, { BRIDGE_SHUTDOWN_GRACE_MS: '0' })
  bridge.beside.behave = () => 202
  for (const id of ['a', 'b', 'c', 'd']) bridge.log.append(TOPIC, message(id))
  await bridge.until('attempt.answered', 4)
  for (const probe of ['livez', 'readyz', 'startupz', 'metrics', 'status', '']) await call(t, bridge, `GET /${probe}`)
  await call(t, bridge, 'GET /work')
  await call(t, bridge, 'POST /work/{id}/started', 'a', { name: 'deployer', details: { cluster: 'eu-1' } })
  await call(t, bridge, 'POST /work/{id}/progress', 'a', { lease_seconds: 60 })
  await call(t, bridge, 'GET /work/{id}', 'a')
  await call(t, bridge, 'POST /work/{id}/completed', 'a')
  await call(t, bridge, 'POST /work/{id}/failed', 'b', { error: 'no' })
  await call(t, bridge, 'POST /work/{id}/started', 'c', {}, 'wait=30')
  await call(t, bridge, 'POST /work/{id}/completed', 'c', {}, 'wait=30')
  await call(t, bridge, 'POST /work/{id}/failed', 'long-gone')
  await call(t, bridge, 'POST /pause', '', { who: 'anna', why: 'the database moves' })
  await call(t, bridge, 'POST /resume')
  await call(t, bridge, 'POST /works/{id}/settle', 'd', { why: 'a test event' })
  await call(t, bridge, 'POST /drain')
  await call(t, bridge, 'GET /readyz')
  await call(t, bridge, 'GET /status')
})

const no = { ok: false, reasons: ['Partition events/0 is stuck.'] }
const FULL: OpsStatus = {
  service: 'svc',
  version: '1.0.0',
  nowMs: 0,
  startedAtMs: 0,
  phase: 'draining',
  health: { live: no, ready: no, started: no },
  kafka: { joined: false, partitions: 1, fetchedAtMs: 0, problem: 'away' },
  gate: { open: false, sinceMs: 0 },
  paused: { who: 'anna', why: 'a test', sinceMs: 0 },
  drain: { stage: 'draining', graceEndsAtMs: 0, left: { unsettled: 1, works: 1, reports: 1, letters: 1 } },
  works: { waiting: 1, attempting: 1, resting: 1, running: 1, completed: 1, failed: 1, 'passed-over': 1 },
  oldestUnsettledAtMs: 0,
  partitions: [
    {
      topic: 't',
      partition: 0,
      committed: 2n ** 60n,
      highWatermark: 2n ** 60n,
      unsettled: 1,
      heldBytes: 1,
      paused: true,
    },
  ],
  reports: { events: 1, bytes: 1 },
  deadLetters: { owed: 1, problem: 'the topic is missing' },
  xzepr: { receiverId: '01M847HQ2BCF2FQ8EJCSJ07QCY', problem: 'HTTP 503' },
}

void t.test('the status has every member that the document names, and no other', async (t) => {
  const seen = new Set<string>()
  const api = opsListener({ status: () => FULL })
  for (const path of ['/status', '/livez', '/readyz', '/startupz']) {
    const { statusCode: status, headers, body } = await api.inject({ method: 'GET', url: path })
    judge(t, `GET ${path}`, { status, headers, body }, path === '/status' ? seen : undefined)
  }
  t.strictSame([...seen].sort(), named(schemaNamed('Status')).sort())
})

const STATES: readonly WorkStateName[] = [
  ...(['waiting', 'attempting', 'resting', 'running', 'completed', 'failed', 'passed-over'] as const),
]
const FULL_WORK: WorkView = {
  ...WORK,
  nextAttemptAtMs: 0,
  reports: [
    { status: 'started', atMs: 0, told: 'held' },
    { status: 'completed', atMs: 0, told: 'stored', eventId: '01M847HSEZJ2Y9QJ8M4X9T5B6V' },
    { status: 'failed', atMs: 0, told: 'given-up', why: 'HTTP 400' },
  ],
}

void t.test('a work has every member and every state that the document names, and no other', async (t) => {
  const seen = new Set<string>()
  const desk = new FakeDesk()
  desk.page = { works: STATES.map((state) => ({ ...FULL_WORK, state })), next: '7' }
  const {
    statusCode: status,
    headers,
    body,
  } = await workListener({ desk }).inject({
    method: 'GET',
    url: '/work',
    headers: { host: 'localhost' },
  })
  judge(t, 'GET /work', { status, headers, body }, seen)
  t.strictSame([...seen].sort(), named(schemaNamed('WorkPage')).sort())
  t.strictSame(at(schemaNamed('WorkState'), 'enum'), STATES)
})

/** Every good answer of an operation, and each that is no problem. */
function promised({ name, node }: Operation): string[] {
  return Object.entries(membersAt(node, 'responses')).flatMap(([status, response]) =>
    Object.keys(membersAt(response, 'content'))
      .filter((type) => type !== 'application/problem+json')
      .map((type) => `${name} ${status} ${type}`),
  )
}

void t.test('no answer that the document promises was missing above', async (t) => {
  t.strictSame([...met].sort(), operations.flatMap(promised).sort())
})

const KEYS = signingKeys(`whsec_${'b2xk'.repeat(8)} whsec_${'bmV3'.repeat(8)}`)

function signed({ headers, id, body }: ReturnType<typeof deliver>): Delivered {
  return { headers: { ...headers, ...signatureHeaders(KEYS, { id, body, nowMs: Date.UTC(2026, 10, 23) }) }, body }
}

function webhook(format: Format): Operation {
  const found = webhooks.get(format)
  if (found === undefined) throw new Error(`no webhook ${format}`)
  return found
}

void t.test('the golden deliveries are what the webhooks take', async (t) => {
  for (const [name, vector] of VECTORS) {
    for (const format of FORMATS) {
      const golden = vector.deliveries[format]
      if (golden === undefined) throw new Error(`${name} has no ${format}`)
      const delivery = { headers: golden.headers, body: bytesOf(golden.body) }
      t.strictSame(deliveryOffences(webhook(format), delivery), [], `${name}, ${format}`)
      t.strictSame(deliveryOffences(webhook(format), signed(deliver(format, vector))), [], `${name}, ${format}, signed`)
    }
  }
  const xzepr = VECTORS.get('xzepr')?.deliveries
  const bodyOf = (format: Format): unknown => JSON.parse(bytesOf(xzepr?.[format]?.body ?? { text: '' }).toString())
  t.strictSame(unsound(schemaNamed('XzeprMessage'), bodyOf('verbatim')), [], 'XZepr’s own form')
  t.not(unsound(schemaNamed('CloudEvent'), bodyOf('verbatim')).length, 0, 'which is no CloudEvent')
  t.strictSame(unsound(schemaNamed('CloudEvent'), bodyOf('structured')), [])
})

void t.test('any record is delivered as the webhooks say, in every format', async () => {
  const facts = FORMATS.map((format) => ({ ...factsFor(format), group: 'ein Grüppchen' }))
  fc.assert(
    fc.property(anyRecord, fc.integer({ min: 1, max: 1000 }), (record, attempt) => {
      const reading = readMessage(record, encodings.decodeUtf8)
      if (reading.kind !== 'message') return
      const parcel = { record, event: eventFacts(record, reading.message, () => 0.5), attempt }
      for (const each of facts) {
        const wrong = deliveryOffences(webhook(each.format), signed(deliveryOf(each, [parcel])))
        if (wrong.length > 0) throw new Error(`${each.format}: ${wrong.join('; ')}`)
      }
    }),
    { numRuns: 300 },
  )
})

for (const format of FORMATS) {
  void t.test(`a running bridge delivers as the webhook ${format} says`, async (t) => {
    const secret = `whsec_${'b2xk'.repeat(8)}`
    const bridge = await running(t, {
      BRIDGE_WEBHOOK_FORMAT: format,
      BRIDGE_WEBHOOK_SECRET: secret,
      BRIDGE_SHUTDOWN_GRACE_MS: '0',
    })
    const results = at(webhook('batch').node, 'responses', '2XX', 'content', 'application/json', 'examples', 'named')
    bridge.beside.behave = () => ({ status: 200, ...(format === 'batch' && { body: at(results, 'value') }) })
    for (const id of ['a', 'b']) bridge.log.append(TOPIC, message(id))
    await bridge.until('attempt.answered', 2)
    for (const { headers, body } of bridge.beside.deliveries) {
      t.strictSame(deliveryOffences(webhook(format), { headers, body: Buffer.from(body) }), [])
      t.match(headers, { 'webhook-signature': /^v1,/ })
    }
  })
}
