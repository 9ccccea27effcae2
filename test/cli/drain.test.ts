import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { DrainCommand } from '../../src/cli/drain.ts'
import { drainBridge } from '../../src/cli/drain.ts'
import { VirtualClock } from '../support/clock.ts'

interface Scope {
  teardown(what: () => unknown): void
  equal(found: unknown, wanted: unknown): unknown
}

type Answering = (request: IncomingMessage & { body: string }, response: ServerResponse) => void

/** A stand-in for the ops port; every request that came in, and what was printed. */
async function made(t: Scope, answering: Answering, more: Partial<DrainCommand> = {}) {
  const requests: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      requests.push(`${request.method ?? ''} ${request.url ?? ''} ${body}`.trim())
      server.emit('came')
      answering(Object.assign(request, { body }), response)
    })
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
  const exitCode = drainBridge({
    address: { host: '127.0.0.1', port, graceMs: 25_000, token: undefined },
    reason: undefined,
    timeoutMs: undefined,
    clock,
    say: (line) => said.push(line),
    complain: (line) => complained.push(line),
    ...more,
  })
  const came = async (count: number): Promise<void> => {
    while (requests.length < count) await once(server, 'came')
  }
  return { server, port, clock, said, complained, exitCode, requests, came }
}

const drained = (works: number, reports: number) =>
  JSON.stringify({ phase: 'drained', drain: { stage: 'drained', left: { unsettled: 9, works, reports } } })

void t.test('a bridge that has drained is exit code 0; the reason and the token travel with the request', async (t) => {
  let authorization: string | undefined
  const answering: Answering = (request, response) => {
    ;({ authorization } = request.headers)
    response.end(drained(0, 0))
  }
  const { exitCode, requests, said, complained, clock } = await made(t, answering, { reason: 'pod "ends"' })
  t.equal(await exitCode, 0)
  t.same(requests, ['POST /drain {"why":"pod \\"ends\\""}'])
  t.equal(authorization, undefined)
  t.match(said, [/^Drained/])
  t.equal(said.length, 1)
  t.same(complained, [])
  t.equal(clock.pending, 0)
  const { port } = await made(t, answering)
  const address = { host: '127.0.0.1', port, graceMs: 0, token: 's3cret' }
  t.equal(await (await made(t, answering, { address })).exitCode, 0)
  t.equal(authorization, 'Bearer s3cret')
})

void t.test('when the grace is over it is exit code 1, and says how much is left', async (t) => {
  const { exitCode, complained } = await made(t, (_request, response) => response.end(drained(2, 1)))
  t.equal(await exitCode, 1)
  t.match(complained, [/2 works not ended, 1 report owed to XZepr and 0 dead letters not written/])
})

/** A drain that is looked at once for each of `states`, then ends; how much had been said after each look. */
async function watched(t: Scope, states: readonly object[]) {
  let finish = (): void => undefined
  const left = [...states]
  const { exitCode, clock, said, came } = await made(t, ({ url }, response) => {
    if (url === '/drain') finish = () => response.end(drained(0, 0))
    else response.end(JSON.stringify(left.shift()))
  })
  await came(1)
  const counts: number[] = []
  for (let look = 0; look < states.length; look++) {
    await clock.advance(look === 0 ? 200 : 1000)
    await came(2 + look)
    while (clock.pending < 2) await new Promise((resolve) => setImmediate(resolve))
    counts.push(said.length)
  }
  finish()
  t.equal(await exitCode, 0)
  return { said, counts }
}

void t.test('while it waits it says what for, whenever that has changed', async (t) => {
  const works = [{ running: 2, attempting: 1 }, { running: 2, attempting: 1 }, { running: 1 }]
  const { said } = await watched(
    t,
    works.map((works) => ({ drain: { stage: 'draining' }, works, reports: { events: 1 } })),
  )
  t.match(said[0], /^Draining the bridge at 127\.0\.0\.1, port \d+: .* 30 s /)
  t.same(said.slice(1, -1), [
    'Waiting for 3 works with the app and 1 report for XZepr.',
    'Waiting for 1 work with the app and 1 report for XZepr.',
  ])
})

void t.test('it says that the bridge drains only once the bridge says so', async (t) => {
  const works = { running: 1 }
  const { counts } = await watched(t, [
    { phase: 'running', works },
    { drain: { stage: 'draining' }, works },
  ])
  t.same(counts, [0, 2])
})

void t.test('it ends by its own clock, the grace and 5 s, whatever the bridge does', async (t) => {
  const draining: Answering = ({ url }, response) => {
    if (url === '/status') response.end(JSON.stringify({ drain: { stage: 'draining' } }))
  }
  const nothing: Answering = () => undefined
  for (const [timeoutMs, endsMs, answering, why] of [
    [undefined, 30_000, nothing, /^The bridge at .* has not answered in time/],
    [7000, 7000, draining, /^Not drained in time; the bridge goes on draining\. Waiting for 0 works/],
  ] as const) {
    const { exitCode, clock, complained, said, came } = await made(t, answering, { timeoutMs })
    await came(1)
    await clock.advance(200)
    await came(2)
    while (answering === draining && said.length < 2) await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(endsMs - 201)
    let over = false
    void exitCode.then(() => (over = true))
    await clock.advance(0)
    t.equal(over, false)
    await clock.advance(1)
    t.equal(await exitCode, 1)
    t.match(complained, [why])
    t.equal(clock.pending, 0)
  }
})

void t.test('nobody there is exit code 69', async (t) => {
  const { port, server } = await made(t, (_request, response) => response.end(drained(0, 0)))
  server.close()
  await once(server, 'close')
  const address = { host: '127.0.0.1', port, graceMs: 0, token: undefined }
  const { exitCode, complained, said } = await made(t, () => undefined, { address })
  t.equal(await exitCode, 69)
  t.same(said, [], 'it says nothing of a drain')
  t.match(complained, [/^Nobody listens.*BRIDGE_OPS_PORT/])
})

void t.test('whatever else answers is exit code 1, and says why', async (t) => {
  const problem = JSON.stringify({ detail: 'Call from inside the pod.' })
  const answers: [Answering, RegExp][] = [
    [(_, response) => response.writeHead(403).end(problem), /HTTP 403\. Call from inside the pod\./],
    [(_, response) => response.writeHead(404).end('nothing'), /HTTP 404\.$/],
    [(_, response) => response.end('<html>'), /is no bridge that can drain/],
    [(_, response) => response.end('null'), /is no bridge that can drain/],
    [(_, response) => response.end('{"phase":"drained"}'), /is no bridge that can drain/],
    [(request) => request.socket.destroy(), /broke off \(ECONNRESET\)/],
    [(_, response) => response.end(Buffer.alloc(5_000_000)), /broke off \(an answer without an end\)/],
  ]
  for (const [answering, why] of answers) {
    const { exitCode, complained } = await made(t, answering)
    t.equal(await exitCode, 1)
    t.match(complained, [why])
  }
})
