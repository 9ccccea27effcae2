import type { ServerResponse } from 'node:http'
import type { Test } from 'tap'
import t from 'tap'
import { XzeprClient } from '../../src/xzepr/client.ts'
import type { Credentials } from '../../src/xzepr/credentials.ts'
import { fixedToken } from '../../src/xzepr/credentials.ts'
import { VirtualClock } from '../support/clock.ts'
import { FakeXzepr, reply } from './fake-xzepr.ts'

const EVENTS = 'POST /api/v1/events'

interface Scene {
  readonly xzepr: FakeXzepr
  readonly clock: VirtualClock
  readonly client: XzeprClient
}

async function scene(t: Test, credentials: Credentials = fixedToken('tok'), path = ''): Promise<Scene> {
  const xzepr = await new FakeXzepr().start()
  const clock = new VirtualClock()
  const url = new URL(path, xzepr.url)
  const client = new XzeprClient({ url, timeoutMs: 30_000, credentials, clock, connections: 4 })
  t.teardown(async () => {
    await client.close()
    await xzepr.stop()
  })
  return { xzepr, clock, client }
}

void t.test('a request carries the token, and the answer comes back with its limits', async (t) => {
  const { xzepr, client } = await scene(t)
  const headers = { 'retry-after': '0', 'x-ratelimit-limit': '100', 'x-ratelimit-remaining': '3' }
  xzepr.plan(EVENTS, [reply(429, 'Rate limit exceeded', headers)])
  t.same(await client.createEvent('{"name":"a.started"}'), {
    kind: 'response',
    status: 429,
    headers: { retryAfter: '0', rateLimit: '100', rateRemaining: '3' },
    body: 'Rate limit exceeded',
  })
  t.match(xzepr.asked, [{ method: 'POST', authorization: 'Bearer tok', body: '{"name":"a.started"}' }])
})

void t.test('a path in XZepr’s address is kept', async (t) => {
  const { xzepr, client } = await scene(t, fixedToken('tok'), '/xzepr/')
  await client.listReceivers(100, 200)
  t.equal(xzepr.asked[0]?.path, '/xzepr/api/v1/receivers?limit=100&offset=200')
})

void t.test('a redirect is not followed', async (t) => {
  const { xzepr, client } = await scene(t)
  xzepr.plan(EVENTS, [reply(307, '', { location: '/elsewhere' })])
  t.match(await client.createEvent('{}'), { kind: 'response', status: 307 })
  t.equal(xzepr.asked.length, 1)
})

void t.test('after a 401 the newest token is tried once more, and once only', async (t) => {
  const renewed: string[] = []
  const credentials: Credentials = {
    token: async () => ({ kind: 'token', value: 'old' }),
    renew: async (refused) => {
      renewed.push(refused)
      return 'new'
    },
  }
  const { xzepr, client } = await scene(t, credentials)
  xzepr.plan(EVENTS, [reply(401), reply(200, '{"data":"1"}'), reply(401), reply(401)])
  t.match(await client.createEvent('{}'), { status: 200 })
  t.match(await client.createEvent('{}'), { status: 401 })
  t.same(
    xzepr.asked.map(({ authorization }) => authorization),
    ['Bearer old', 'Bearer new', 'Bearer old', 'Bearer new'],
  )
  t.same(renewed, ['old', 'old'])
})

void t.test('with no newer token a 401 is the answer; with no token nothing is sent', async (t) => {
  const { xzepr, client } = await scene(t)
  xzepr.plan(EVENTS, [reply(401)])
  t.match(await client.createEvent('{}'), { status: 401 })
  t.equal(xzepr.asked.length, 1)
  const unsigned = await scene(t, fixedToken(''))
  t.match(await unsigned.client.createEvent('{}'), { kind: 'unsigned' })
  t.equal(unsigned.xzepr.asked.length, 0)
})

void t.test('an endless answer is cut: an error is read in part, a success is a failure', async (t) => {
  const { xzepr, client } = await scene(t)
  const endless = (status: number) => (_asked: unknown, response: ServerResponse) => {
    response.writeHead(status)
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(16_384)));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  }
  xzepr.plan(EVENTS, [endless(500), endless(200), reply(200, '{"data":"1"}')])
  const cut = await client.createEvent('{}')
  t.match(cut, { kind: 'response', status: 500 })
  t.equal(cut.kind === 'response' && cut.body.length, 4096)
  t.match(await client.createEvent('{}'), { kind: 'failure', code: 'the answer is too large' })
  t.match(await client.createEvent('{}'), { status: 200 }, 'the next request is served')
})

void t.test('the deadline covers headers and body alike', async (t) => {
  const { xzepr, clock, client } = await scene(t)
  for (const half of [false, true]) {
    const arrived = new Promise<void>((resolve) => {
      xzepr.plan(EVENTS, [
        (_asked, response) => {
          if (half) response.writeHead(200).write('{"data"')
          resolve()
        },
      ])
    })
    const exchange = client.createEvent('{}')
    await arrived
    await clock.advance(29_999)
    let ended = false
    void exchange.then(() => (ended = true))
    await clock.advance(0)
    t.equal(ended, false)
    await clock.advance(1)
    t.match(await exchange, { kind: 'failure', code: 'no answer within 30000 ms' })
  }
  t.equal(clock.pending, 0, 'no wake is left behind')
})

void t.test('a failure is named by the platform’s own code', async (t) => {
  const { xzepr, client } = await scene(t)
  xzepr.plan(EVENTS, [
    (_asked, response) => {
      response.destroy()
    },
    (_asked, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"data"')
      setImmediate(() => response.destroy())
    },
  ])
  t.match(await client.createEvent('{}'), { kind: 'failure', code: /UND_ERR_SOCKET|ECONNRESET/ })
  t.match(await client.createEvent('{}'), { kind: 'failure', code: /UND_ERR_SOCKET|ECONNRESET/ })
  await xzepr.stop()
  t.match(await client.createEvent('{}'), { kind: 'failure', code: 'ECONNREFUSED' })
})

void t.test('closing aborts what is out, and nothing starts after it', async (t) => {
  const { xzepr, client } = await scene(t)
  const arrived = new Promise<void>((resolve) => {
    xzepr.plan(EVENTS, [
      () => {
        resolve()
      },
    ])
  })
  const out = client.createEvent('{}')
  await arrived
  await client.close()
  t.match(await out, { kind: 'failure' })
  t.match(await client.createEvent('{}'), { kind: 'failure', code: 'the client is closed' })
  t.equal(xzepr.asked.length, 1)
})
