import { createServer } from 'node:net'
import t from 'tap'
import { BridgeError } from '../../src/core/errors.ts'
import type { Limits } from '../../src/http/listener.ts'
import { listener } from '../../src/http/listener.ts'
import { settled, VirtualClock } from '../support/clock.ts'
import { exchange, Raw } from './raw.ts'

const GET = 'GET /thing HTTP/1.1\r\nHost: localhost\r\n\r\n'

async function made(limits: Partial<Limits> = {}) {
  const clock = new VirtualClock()
  const here = listener({ clock, host: '127.0.0.1', port: 0, limits })
  const held: (() => void)[] = []
  here.app.get('/thing', async () => 'a thing')
  here.app.get(
    '/held',
    async () =>
      new Promise((resolve) =>
        held.push(() => {
          resolve('let go')
        }),
      ),
  )
  here.app.post('/thing', async () => 'taken')
  const { port } = await here.start()
  return { here, port, held, clock }
}

void t.test('a sender who never finishes its headers or its body is sent away; neighbours do not notice', async (t) => {
  const { here, port, held } = await made({ headersTimeoutMs: 50, requestTimeoutMs: 100, timeoutCheckMs: 10 })
  const request = 'GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n'
  let neighbour = (await Raw.open(port)).send(request)
  while (held.length === 0) {
    // On a machine that stalls, even a prompt sender can be late: it calls again.
    if (neighbour.received !== '') neighbour = (await Raw.open(port)).send(request)
    await settled()
  }
  const post = 'POST /thing HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
  const slow = await Promise.all([
    exchange(port, 'GET /thing HTTP/1.1\r\nHost: loc'),
    exchange(port, `${post}Content-Length: 100\r\n\r\n{`),
    exchange(port, `${post}Transfer-Encoding: chunked\r\n\r\n5\r\n{`),
  ])
  for (const answer of slow) t.match(answer, /^HTTP\/1.1 408 [^]*"code":"request-timeout"/)
  held[0]?.()
  t.match(await neighbour.until(/let go/), /^HTTP\/1.1 200 /)
  neighbour.hangUp()
  await here.stop()
})

void t.test('a connection that says nothing at all is closed', async (t) => {
  const { here, port } = await made({ headersTimeoutMs: 50, requestTimeoutMs: 50, timeoutCheckMs: 10 })
  const silent = await Raw.open(port)
  t.match(await silent.end(), /^$|^HTTP\/1.1 408 /)
  await here.stop()
})

void t.test('connections have a bound', async (t) => {
  const { here, port } = await made({ maxConnections: 2 })
  const two = [await Raw.open(port), await Raw.open(port)]
  for (const one of two) t.match(await one.send(GET).until(/a thing/), /^HTTP\/1.1 200 /)
  t.equal(await (await Raw.open(port)).end(), '', 'the third is closed unheard')
  for (const one of two) one.hangUp()
  while ((await exchange(port, GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))) === '') await settled()
  await here.stop()
})

void t.test('requests in hand have a bound, also when they are pipelined, and room comes back', async (t) => {
  const { here, port, held } = await made({ maxInHand: 2 })
  const raw = await Raw.open(port)
  raw.send('GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3))
  while (held.length < 2) await settled()
  t.match(await (await Raw.open(port)).send(GET).until(/"busy"/), /^HTTP\/1.1 503 [^]*retry-after: 1\r\n/)
  for (const letGo of held) letGo()
  const all = await raw.until(/"busy"/)
  t.equal(all.match(/let go/g)?.length, 2)
  t.equal(held.length, 2, 'the third was never begun')
  t.match(await raw.send(GET).until(/a thing/), /200 OK[^]*a thing/)
  // A caller that hangs up leaves its place.
  const gone = await Promise.all([Raw.open(port), Raw.open(port)])
  for (const one of gone) one.send('GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n')
  while (held.length < 4) await settled()
  for (const one of gone) one.hangUp()
  const next = 'GET /thing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  while (!(await exchange(port, next)).includes('a thing')) await settled()
  raw.hangUp()
  await here.stop()
})

void t.test('a connection carries so many requests, then says that it closes', async (t) => {
  const { here, port } = await made({ maxRequestsPerSocket: 2 })
  const raw = await Raw.open(port)
  t.match(await raw.send(GET).until(/a thing/), /connection: keep-alive/i)
  t.match(await raw.send(GET).until(/a thing[^]*a thing/), /connection: close/i)
  t.match(await raw.send(GET).until(/ 503 /), / 503 /, 'whoever sends on is refused')
  raw.hangUp()
  await here.stop()
})

void t.test('an endless body is cut off at its bound', async (t) => {
  const { here, port } = await made({ maxBodyBytes: 10 })
  const head = 'POST /thing HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
  const chunked = await exchange(port, `${head}Transfer-Encoding: chunked\r\n\r\n20\r\n${'x'.repeat(32)}\r\n`)
  t.match(chunked, /^HTTP\/1.1 413 [^]*"code":"body-too-large"/)
  t.match(await exchange(port, `${head}Content-Length: 11\r\n\r\n`), /^HTTP\/1.1 413 /)
  await here.stop()
})

void t.test(
  'what is no HTTP is answered once and closed, and what is nearly HTTP costs no neighbour anything',
  async (t) => {
    const { here, port } = await made()
    const lines = [
      'GET /thing HTTP/9.9\r\n\r\n',
      '\u0000\u0001\u0002\r\n\r\n',
      'GET /thing HTTP/1.1\r\nHost: localhost\r\nBad Header: x\r\n\r\n',
      'POST /thing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'POST /thing HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n',
      'POST /thing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    ]
    for (const line of lines) {
      t.match(await exchange(port, line), /^HTTP\/1.1 400 [^]*"code":"request-malformed"/, JSON.stringify(line))
    }
    const bomb = `POST /thing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}\r\n`
    t.match(await exchange(port, bomb), /^HTTP\/1.1 413 /)
    t.match(await (await Raw.open(port)).send(GET).until(/a thing/), /^HTTP\/1.1 200 /)
    await here.stop()
  },
)

void t.test('stopping answers what is in hand and takes nothing new', async (t) => {
  const { here, port, held, clock } = await made()
  const raw = (await Raw.open(port)).send('GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n')
  while (held.length === 0) await settled()
  const stopped = here.stop()
  held[0]?.()
  t.match(await raw.end(), /^HTTP\/1.1 200 [^]*connection: close[^]*let go$/i)
  await stopped
  t.equal(clock.pending, 0)
  await t.rejects(Raw.open(port), { code: 'ECONNREFUSED' })
})

void t.test('stopping waits no longer than its grace', async (t) => {
  const { here, port, held, clock } = await made({ stopGraceMs: 2000 })
  const raw = (await Raw.open(port)).send('GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n')
  while (held.length === 0) await settled()
  let over = false
  const stopped = here.stop().then(() => (over = true))
  await clock.advance(1999)
  t.equal(over, false)
  await clock.advance(1)
  await stopped
  t.equal(await raw.end(), '')
})

void t.test('a port that is taken is an error with a code and a hint, not an answer', async (t) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const here = listener({ clock: new VirtualClock(), host: '127.0.0.1', port })
  const error = await here.start().catch((raised: unknown) => raised)
  t.ok(error instanceof BridgeError)
  t.match(error, { code: 'XZB_HTTP_LISTEN', message: `Cannot listen on 127.0.0.1, port ${port}: EADDRINUSE` })
  await here.stop()
  await new Promise((resolve) => other.close(resolve))
})
