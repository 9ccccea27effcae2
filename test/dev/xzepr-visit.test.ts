import { request } from 'node:http'
import t from 'tap'
import { VirtualClock } from '../support/clock.ts'
import type { Started } from './xzepr-started.ts'
import { ALICE, data, eventBody, started } from './xzepr-started.ts'

const EVENTS = 'POST /api/v1/events'

async function ready(t: Parameters<typeof started>[0], clock = new VirtualClock()) {
  const made = await started(t, { clock })
  const body = eventBody(await made.receiver())
  const post = () => made.call('POST', '/api/v1/events', { body })
  return { ...made, post, stored: () => made.standIn.journal.events.length, told: () => made.published.length - 1 }
}

/** Until a request has got as far as to wait. */
async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((resolve) => setImmediate(resolve))
}

void t.test('status: the answer is exactly the one asked for, and nothing is stored', async (t) => {
  const { standIn, post, stored, told } = await ready(t)
  standIn.faults.add({ kind: 'status', route: EVENTS, status: 503, headers: { 'retry-after': '7' }, body: 'busy' })
  const heard = await post()
  t.equal(heard.status, 503)
  t.equal(heard.headers.get('retry-after'), '7')
  t.equal(heard.headers.get('content-type'), null)
  t.equal(heard.body, 'busy')
  t.same([stored(), told()], [0, 0])
  standIn.faults.add({ kind: 'status', status: 502 })
  t.equal((await post()).body, '')
  t.equal((await post()).status, 200)
  t.equal(standIn.journal.count(EVENTS, 503), 1)
})

void t.test('reset: the connection breaks before anything happens', async (t) => {
  const { standIn, post, stored } = await ready(t)
  standIn.faults.add({ kind: 'reset', route: EVENTS, times: 2 })
  await t.rejects(post(), { cause: { code: 'ECONNRESET' } })
  await t.rejects(post())
  t.equal((await post()).status, 200)
  t.equal(stored(), 1)
  t.equal(standIn.journal.count(EVENTS, 'reset'), 2)
})

void t.test('hang: there is no answer until the stand-in goes away', async (t) => {
  const { standIn, post, stored, clock } = await ready(t)
  standIn.faults.add({ kind: 'hang', route: EVENTS })
  const hung = post()
  hung.catch(() => undefined)
  await until(() => standIn.journal.count(EVENTS, 'hang') === 1)
  await clock.advance(3_600_000)
  t.equal((await post()).status, 200, 'others are answered')
  await standIn.stop()
  await t.rejects(hung)
  t.equal(stored(), 1)
})

void t.test('delay: the answer is the usual one, later', async (t) => {
  const { standIn, post, stored, clock } = await ready(t)
  standIn.faults.add({ kind: 'delay', route: EVENTS, delayMs: 5_000 })
  let heard = false
  const delayed = post().finally(() => (heard = true))
  await until(() => clock.pending === 1)
  await clock.advance(4_999)
  t.same([heard, stored()], [false, 0])
  await clock.advance(1)
  t.equal((await delayed).status, 200)
  t.equal(stored(), 1)
})

void t.test('delay: a client that leaves meanwhile has sent nothing', async (t) => {
  const { standIn, stored, clock } = await ready(t)
  standIn.faults.add({ kind: 'delay', route: EVENTS, delayMs: 5_000 })
  const leaving = send(standIn.url, standIn.token({ sub: ALICE }))
  leaving.end('{}')
  await until(() => clock.pending === 1)
  leaving.destroy()
  await until(() => standIn.journal.count(EVENTS, 'left') === 1)
  t.equal(stored(), 0)
  t.equal(clock.pending, 0, 'no wake stays behind')
})

void t.test('a fault with a delay: the database is down, 500 comes after half a minute', async (t) => {
  const { standIn, post, stored, clock } = await ready(t)
  standIn.faults.add({ kind: 'status', route: EVENTS, status: 500, delayMs: 30_000 })
  let heard = false
  const failed = post().finally(() => (heard = true))
  await until(() => clock.pending === 1)
  await clock.advance(29_999)
  t.notOk(heard)
  t.equal((await fetch(`${standIn.url}/health`)).status, 200, '/health knows nothing of it')
  await clock.advance(1)
  t.equal((await failed).status, 500)
  t.equal(stored(), 0)
})

void t.test('a fault with a delay: a client that does not wait for Kafka is saved and never published', async (t) => {
  const { standIn, stored, told, clock } = await ready(t)
  standIn.faults.add({ kind: 'unpublished', route: EVENTS, delayMs: 15_000 })
  const leaving = send(standIn.url, standIn.token({ sub: ALICE }))
  leaving.end(eventBody(standIn.receivers[0]?.id ?? ''))
  await until(() => clock.pending === 1)
  t.equal(stored(), 1)
  leaving.destroy()
  await until(() => standIn.journal.count(EVENTS, 'left') === 1)
  t.same([stored(), told()], [1, 0])
})

void t.test('a fault with a delay: who leaves before it is neither answered nor reset', async (t) => {
  const { standIn, clock } = await ready(t)
  for (const fault of [{ kind: 'status', status: 503 }, { kind: 'reset' }] as const) {
    standIn.faults.add({ ...fault, delayMs: 1_000 })
    const leaving = send(standIn.url, standIn.token({ sub: ALICE }))
    leaving.end('{}')
    await until(() => clock.pending === 1)
    leaving.destroy()
    await until(() => clock.pending === 0)
  }
  await until(() => standIn.journal.count(EVENTS, 'left') === 2)
  t.equal(standIn.journal.count(EVENTS), 2)
})

void t.test('a client that leaves before its body is whole has sent nothing', async (t) => {
  const { standIn, stored } = await ready(t)
  const leaving = send(standIn.url, standIn.token({ sub: ALICE }))
  leaving.write('{', () => leaving.destroy())
  await until(() => standIn.journal.count(EVENTS, 'left') === 1)
  t.equal(stored(), 0)
})

void t.test('stored-but-no-answer: it is stored and on Kafka, and the caller cannot know', async (t) => {
  const { standIn, post, stored, told } = await ready(t)
  standIn.faults.add({ kind: 'stored-but-no-answer', route: EVENTS })
  await t.rejects(post())
  t.same([stored(), told()], [1, 1])
  t.equal(standIn.journal.count(EVENTS, 'reset'), 1)
})

void t.test('stored-but-status: it is stored and on Kafka, and the answer says otherwise', async (t) => {
  const { standIn, post, stored, told } = await ready(t)
  standIn.faults.add({ kind: 'stored-but-status', route: EVENTS, status: 504 })
  t.equal((await post()).status, 504)
  standIn.faults.add({ kind: 'stored-but-status', status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' })
  t.equal((await post()).body, '<p>')
  t.same([stored(), told()], [2, 2])
})

void t.test('half-answer: the headers come, the end never does', async (t) => {
  const { standIn, stored } = await ready(t)
  const post = (body: string) =>
    fetch(`${standIn.url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${standIn.token({ sub: ALICE })}`, 'content-type': 'application/json' },
      body,
    })
  standIn.faults.add({ kind: 'half-answer', route: EVENTS })
  const half = await post(eventBody(standIn.receivers[0]?.id ?? ''))
  t.equal(half.status, 200)
  await t.rejects(half.text())
  t.equal(stored(), 1)
  standIn.faults.add({ kind: 'half-answer', route: 'other' })
  const empty = await fetch(`${standIn.url}/nowhere`)
  t.equal(empty.status, 404)
  await t.rejects(empty.text(), 'an empty body has no end either')
  t.equal(standIn.journal.count(EVENTS, 'half'), 1)
})

void t.test('unpublished: it is stored and answered, and Kafka never hears of it', async (t) => {
  const { standIn, post, stored, published } = await ready(t)
  standIn.faults.add({ kind: 'unpublished', route: EVENTS })
  const [lost, kept] = [data(await post()), data(await post())]
  t.equal(stored(), 2)
  t.same(
    published.slice(1).map(({ key }) => key),
    [kept],
  )
  t.not(lost, kept)
  t.equal(standIn.lost, 1)
})

void t.test('a fault strikes before the door: no token is asked for, none is taken from the bucket', async (t) => {
  const { standIn, call } = await started(t, { rateLimits: { anonymous: 1, authenticated: 1, admin: 1 } })
  standIn.faults.add({ kind: 'status', status: 500, times: 5 })
  for (let i = 0; i < 5; i++) t.equal((await call('GET', '/health', { authorization: undefined })).status, 500)
  t.equal((await call('GET', '/health')).status, 200)
})

void t.test('a body in pieces without a length is measured as it comes', async (t) => {
  const { standIn, stored } = await ready(t)
  const token = standIn.token({ sub: ALICE })
  const answer = (body: string[]): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const sending = send(standIn.url, token)
      sending.on('response', (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      sending.on('error', reject)
      for (const piece of body) sending.write(piece)
      sending.end()
    })
  const body = eventBody(standIn.receivers[0]?.id ?? '')
  t.equal(await answer([body.slice(0, 10), body.slice(10)]), 200)
  t.equal(await answer(Array.from({ length: 20 }, () => ' '.repeat(100_000))), 413)
  t.equal(stored(), 1)
})

void t.test('a listener that throws is the stand-in’s own failure, and no other request’s', async (t) => {
  let throws = true
  const { call, receiver } = await started(t, {
    onEvent: () => {
      if (throws) throw new Error('a listener')
    },
  })
  const body = eventBody(await receiver())
  const heard = await call('POST', '/api/v1/events', { body })
  t.equal(heard.status, 500)
  t.match(heard.body, /stand-in itself failed: Error: a listener/)
  throws = false
  t.equal((await call('POST', '/api/v1/events', { body })).status, 200)
})

/** A request whose body is still to come; its connection is its own. */
function send(url: Started['standIn']['url'], token: string) {
  const sending = request(`${url}/api/v1/events`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
  })
  // Some of these are destroyed on purpose.
  sending.on('error', () => undefined)
  return sending
}
