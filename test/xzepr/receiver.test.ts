import type { Test } from 'tap'
import t from 'tap'
import { XzeprClient } from '../../src/xzepr/client.ts'
import { fixedToken } from '../../src/xzepr/credentials.ts'
import { Receiver } from '../../src/xzepr/receiver.ts'
import { VirtualClock } from '../support/clock.ts'
import type { Reply } from './fake-xzepr.ts'
import { FakeXzepr, reply } from './fake-xzepr.ts'
import { inTime, until } from './until.ts'

const LIST = 'GET /api/v1/receivers'
const CREATE = 'POST /api/v1/receivers'
const WANTED = { name: 'deployer-receiver', type: 'worker', version: '1.0.0', description: 'Reports of deployer.' }

interface Scene {
  readonly xzepr: FakeXzepr
  readonly clock: VirtualClock
  readonly receiver: Receiver
  /** `created` of each change. */
  readonly changes: boolean[]
}

async function scene(t: Test): Promise<Scene> {
  const xzepr = await new FakeXzepr().start()
  const clock = new VirtualClock()
  const credentials = fixedToken('tok')
  const client = new XzeprClient({ url: xzepr.url, timeoutMs: 1e9, credentials, clock, connections: 4 })
  const changes: boolean[] = []
  const changed = (created: boolean): void => {
    changes.push(created)
  }
  const receiver = new Receiver({ client, wanted: WANTED, clock, initialMs: 500, maxMs: 60_000, changed })
  t.teardown(async () => {
    receiver.stop()
    await client.close()
    await xzepr.stop()
  })
  return { xzepr, clock, receiver, changes }
}

void t.test('a receiver that is listed is ours, and nothing is created', async (t) => {
  const { xzepr, receiver, changes } = await scene(t)
  for (let at = 0; at < 250; at++) xzepr.receivers.push({ id: `01X${at}`, name: 'other', type: 'worker' })
  xzepr.receivers.push({ id: '01B', ...WANTED }, { id: '01A', ...WANTED }, { id: '00A', ...WANTED, type: 'Worker' })
  await receiver.look()
  t.equal(receiver.ready, '01A')
  t.equal(xzepr.count(LIST), 3)
  t.equal(xzepr.count(CREATE), 0)
  t.same(changes, [false])
})

void t.test('an absent one is created, and looked for again before it is ours', async (t) => {
  const { xzepr, clock, receiver, changes } = await scene(t)
  const look = receiver.look()
  await until('created', () => xzepr.receivers.length === 1 && clock.pending === 1)
  t.same(JSON.parse(xzepr.asked[1]?.body ?? ''), { ...WANTED, schema: { type: 'object' } })
  xzepr.receivers.push({ id: '00A', ...WANTED })
  await clock.advance(1000)
  await look
  t.equal(receiver.ready, '00A', 'the smallest of those that raced')
  t.same(changes, [false], 'and it is not the one that we made')
})

void t.test('our own create is said to be ours', async (t) => {
  const { xzepr, clock, receiver, changes } = await scene(t)
  void receiver.look()
  await inTime(clock, 'found', () => receiver.ready !== undefined)
  t.equal(receiver.ready, xzepr.receivers[0]?.id)
  t.same(changes, [true])
})

void t.test('a create that XZepr stores and does not list yet is taken at its word', async (t) => {
  const { xzepr, clock, receiver } = await scene(t)
  xzepr.plan(LIST, [reply(200, '{"data":[]}')], true)
  void receiver.look()
  await inTime(clock, 'found', () => receiver.ready !== undefined)
  t.equal(receiver.ready, xzepr.receivers[0]?.id)
})

void t.test('a create refused because another pod was first ends in that pod’s receiver', async (t) => {
  for (const status of [400, 409, 500]) {
    const { xzepr, clock, receiver } = await scene(t)
    const lostRace: Reply = (asked, response) => {
      xzepr.receivers.push({ id: '01OTHER', ...WANTED })
      reply(status, '{"error":"internal_error"}')(asked, response)
    }
    xzepr.plan(CREATE, [lostRace])
    void receiver.look()
    await inTime(clock, 'found', () => receiver.ready !== undefined)
    t.equal(receiver.ready, '01OTHER')
    t.equal(receiver.problem, undefined)
  }
})

void t.test('a create refused and still nothing listed is another user’s receiver; it is tried for ever', async (t) => {
  const { xzepr, clock, receiver } = await scene(t)
  xzepr.plan(CREATE, [reply(500, '{"error":"internal_error"}')], true)
  void receiver.look()
  await inTime(clock, 'ten tries', () => xzepr.count(CREATE) >= 10)
  t.match(receiver.problem, {
    code: 'XZB_XZEPR_RECEIVER_TAKEN',
    why: /deployer-receiver.*BRIDGE_RECEIVER_NAME.*HTTP 500/,
  })
  xzepr.plan(CREATE, [])
  await inTime(clock, 'found', () => receiver.ready !== undefined)
  t.equal(receiver.problem, undefined)
})

void t.test('a create that is invalid is said in XZepr’s words', async (t) => {
  for (const refusal of [reply(422, 'missing field'), reply(400, '{"error":"validation_error","message":"name"}')]) {
    const { xzepr, clock, receiver } = await scene(t)
    xzepr.plan(CREATE, [refusal], true)
    void receiver.look()
    await inTime(clock, 'a problem', () => receiver.problem !== undefined)
    t.match(receiver.problem, { code: 'XZB_XZEPR_REFUSED', why: /missing field|validation_error: name/ })
  }
})

void t.test('whatever stands in the way is named, and looked past once it is gone', async (t) => {
  for (const [code, route, fault] of [
    ['XZB_XZEPR_UNAUTHORISED', LIST, reply(401)],
    ['XZB_XZEPR_FORBIDDEN', LIST, reply(403)],
    ['XZB_XZEPR_FORBIDDEN', CREATE, reply(403, '{"details":{"required_permission":"receiver_create"}}')],
    ['XZB_XZEPR_UNREACHABLE', CREATE, reply(502)],
    ['XZB_XZEPR_UNREACHABLE', LIST, reply(503)],
    ['XZB_XZEPR_UNREACHABLE', LIST, reply(200, '<html>Welcome</html>')],
    ['XZB_XZEPR_UNREACHABLE', LIST, reply(204)],
    ['XZB_XZEPR_REFUSED', LIST, reply(404)],
  ] as const) {
    const { xzepr, clock, receiver } = await scene(t)
    xzepr.plan(route, [fault], true)
    void receiver.look()
    await inTime(clock, 'a problem', () => receiver.problem !== undefined)
    t.equal(receiver.problem?.code, code)
    t.equal(receiver.ready, undefined)
    xzepr.plan(route, [])
    await inTime(clock, 'found', () => receiver.ready !== undefined)
    t.equal(receiver.problem, undefined)
  }
})

void t.test('a full bucket is waited for and no problem', async (t) => {
  const { xzepr, clock, receiver } = await scene(t)
  xzepr.receivers.push({ id: '01A', ...WANTED })
  xzepr.plan(LIST, [reply(429, 'Rate limit exceeded', { 'retry-after': '0' })])
  const startMs = clock.nowMs()
  void receiver.look()
  await until('resting', () => xzepr.count(LIST) === 1 && clock.pending === 1)
  t.equal(receiver.problem, undefined)
  await inTime(clock, 'found', () => receiver.ready !== undefined, 10)
  t.ok(clock.nowMs() - startMs >= 600)
})

void t.test('a page too large to read is asked for in smaller pieces', async (t) => {
  const { xzepr, receiver } = await scene(t)
  const schema = 'x'.repeat(100_000)
  for (let at = 0; at < 60; at++) xzepr.receivers.push({ id: `01X${at}`, name: schema, type: 'worker' })
  xzepr.receivers.push({ id: '01A', ...WANTED })
  await receiver.look()
  t.equal(receiver.ready, '01A')
  t.equal(xzepr.count(LIST), 1 + 7)
})

void t.test('many that ask for a look share one; meanwhile the last id is known and not reported with', async (t) => {
  const { xzepr, receiver, changes } = await scene(t)
  xzepr.receivers.push({ id: '01A', ...WANTED })
  await receiver.look()
  xzepr.receivers.splice(0, 1, { id: '01B', ...WANTED })
  const looks = [receiver.look(), receiver.look(), receiver.look()]
  t.equal(receiver.ready, undefined)
  t.equal(receiver.id, '01A')
  t.equal(receiver.looks, 1)
  await Promise.all(looks)
  t.equal(receiver.ready, '01B')
  t.equal(receiver.looks, 2)
  t.equal(xzepr.count(LIST), 2)
  t.equal(changes.length, 2)
})

void t.test('stopped, it looks no more and leaves no wake', async (t) => {
  const { xzepr, clock, receiver } = await scene(t)
  xzepr.plan(LIST, [reply(500)], true)
  void receiver.look()
  await until('resting', () => receiver.problem !== undefined && clock.pending === 1)
  receiver.stop()
  t.equal(clock.pending, 0)
})
