import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { checkHealth } from '../../src/cli/healthcheck.ts'
import { VirtualClock } from '../support/clock.ts'

interface Scope {
  teardown(what: () => unknown): void
}

/** A health check of whatever answers so; with what it printed and what was asked. */
async function made(t: Scope, answering: RequestListener) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`)
    answering(request, response)
    server.emit('came')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const clock = new VirtualClock()
  const said: string[] = []
  const complained: string[] = []
  const check = () =>
    checkHealth({
      address: { host: '127.0.0.1', port, graceMs: 25_000, token: undefined },
      clock,
      say: (line) => said.push(line),
      complain: (line) => complained.push(line),
    })
  return { check, server, clock, said, complained, asked }
}

void t.test('a bridge that makes progress is exit code 0', async (t) => {
  const { check, said, complained, asked, clock } = await made(t, (_request, response) => {
    response.end('{"ok":true,"reasons":[]}')
  })
  t.equal(await check(), 0)
  t.match(said, [/is alive\.$/])
  t.same(complained, [])
  t.same(asked, ['GET /livez'])
  t.equal(clock.pending, 0)
})

void t.test('a bridge that is stuck is exit code 1, with its reasons', async (t) => {
  const { check, said, complained } = await made(t, (_request, response) => {
    response.writeHead(503).end('{"ok":false,"reasons":["Partition a/0 is stuck."]}')
  })
  t.equal(await check(), 1)
  t.same(said, [])
  t.match(complained, [/is not alive\. Partition a\/0 is stuck\.$/])
})

void t.test('a bridge that does not answer is exit code 1 after 2 s', async (t) => {
  const { check, server, clock, complained } = await made(t, () => undefined)
  const exitCode = check()
  await once(server, 'came')
  await clock.advance(2000)
  t.equal(await exitCode, 1)
  t.match(complained, [/has not answered for 2 s/])
})

void t.test('nobody there is exit code 69', async (t) => {
  const { check, server, complained } = await made(t, () => undefined)
  server.close()
  await once(server, 'close')
  t.equal(await check(), 69)
  t.match(complained, [/^Nobody listens.*BRIDGE_OPS_PORT/])
})

void t.test('whatever else answers is exit code 1, and says what', async (t) => {
  const answers: [RequestListener, RegExp][] = [
    [(_, response) => response.end('OK'), /is no bridge: HTTP 200/],
    [(_, response) => response.end('null'), /is no bridge: HTTP 200/],
    [(_, response) => response.writeHead(503).end(), /is no bridge: HTTP 503/],
    [(request) => request.socket.destroy(), /broke off \(ECONNRESET\)/],
  ]
  for (const [answering, why] of answers) {
    const { check, complained } = await made(t, answering)
    t.equal(await check(), 1)
    t.match(complained, [why])
  }
})
