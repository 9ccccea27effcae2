import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { createServer as createRawServer } from 'node:net'
import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import { healthAsk } from '../../src/webhook/health.ts'
import { VirtualClock } from '../support/clock.ts'

interface Scope {
  teardown(what: () => unknown): void
}

async function listening(t: Scope, server: Server): Promise<number> {
  server.on('connection', (socket) => {
    socket.on('error', () => socket.destroy())
    t.teardown(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

const askAt = (port: number) =>
  healthAsk({ url: new URL(`http://127.0.0.1:${port}/healthz?deep=1`), clock: systemClock, timeoutMs: 10_000 })

const answering = async (t: Scope, listener: RequestListener) => askAt(await listening(t, createServer(listener)))

void t.test('it asks by GET at the address given, each time on a connection of its own', async (t) => {
  const seen: unknown[] = []
  const ports = new Set<number | undefined>()
  const ask = await answering(t, (request, response) => {
    seen.push([request.method, request.url, request.headers.connection])
    ports.add(request.socket.remotePort)
    response.end('well')
  })
  t.same(await ask(), { well: true, why: 'HTTP 200' })
  t.same(await ask(), { well: true, why: 'HTTP 200' })
  t.same(seen, Array(2).fill(['GET', '/healthz?deep=1', 'close']))
  t.equal(ports.size, 2)
})

void t.test('only 2xx is well; a redirect is not followed', async (t) => {
  let asked = 0
  for (const [status, well] of [
    [204, true],
    [302, false],
    [404, false],
    [503, false],
  ] as const) {
    const ask = await answering(t, (_request, response) => {
      asked += 1
      response.writeHead(status, { location: '/elsewhere' }).end()
    })
    t.same(await ask(), { well, why: `HTTP ${status}` })
  }
  t.equal(asked, 4)
})

void t.test('a body without an end is not waited for', async (t) => {
  const ask = await answering(t, (_request, response) => {
    response.writeHead(200).write('x'.repeat(100_000))
  })
  t.match(await ask(), { well: true })
})

void t.test(
  'nobody there, a reset, nonsense, an upgrade and headers too long are ill, and say what happened',
  async (t) => {
    const gone = createRawServer()
    const port = await listening(t, gone)
    gone.close()
    await once(gone, 'close')
    t.same(await askAt(port)(), { well: false, why: 'ECONNREFUSED' })
    for (const answer of [
      '',
      'NONSENSE\r\n\r\n',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    ]) {
      const raw = createRawServer((socket) => {
        socket.once('data', () => socket.end(answer))
      })
      const said = await askAt(await listening(t, raw))()
      t.equal(said.well, false, answer.slice(0, 20))
      t.match(said.why, /^\w/)
    }
  },
)

void t.test('silence is ill when the bound is over, before and after the connection stands', async (t) => {
  const raw = createRawServer()
  const clock = new VirtualClock()
  const port = await listening(t, raw)
  const ask = healthAsk({ url: new URL(`http://127.0.0.1:${port}/`), clock })
  const early = ask()
  await clock.advance(2000)
  t.same(await early, { well: false, why: 'no answer within 2000 ms' })
  const late = ask()
  await once(raw, 'connection')
  await clock.advance(1999)
  t.equal(clock.pending, 1, 'it still waits')
  await clock.advance(1)
  t.same(await late, { well: false, why: 'no answer within 2000 ms' })
})
