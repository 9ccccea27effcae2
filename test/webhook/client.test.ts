import { once } from 'node:events'
import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer as createRawServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { Webhook } from 'standardwebhooks'
import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { Answer } from '../../src/core/answer.ts'
import type { Delivery } from '../../src/core/seams.ts'
import type { WebhookClient, WebhookOptions } from '../../src/webhook/client.ts'
import { webhookClient } from '../../src/webhook/client.ts'
import { settled, VirtualClock } from '../support/clock.ts'

const EVENT: Delivery = {
  headers: { 'work-id': '01J', 'work-attempt': '1' },
  body: Buffer.from('{"n":1.0}'),
  id: 'g/t/0/1',
  wantsBody: false,
}
/** Longer than any exchange in here takes; only tests of the deadline move a clock or set a short one. */
const PATIENT_MS = 60_000

interface Scope {
  teardown(what: () => unknown): void
}

interface Room {
  readonly client: WebhookClient
  readonly port: number
  readonly sockets: Set<Socket>
}

async function listen(t: Scope, server: Server, options: Partial<WebhookOptions> = {}): Promise<Room> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    // A client that destroys its socket is what is tested; the app need not fall over it.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = clientFor(port, options)
  t.teardown(async () => {
    await client.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { client, port, sockets }
}

function clientFor(port: number, options: Partial<WebhookOptions> = {}): WebhookClient {
  const url = new URL(`http://127.0.0.1:${port}/events?a=1`)
  return webhookClient({ url, timeoutMs: PATIENT_MS, connections: 8, clock: systemClock, ...options })
}

const app = (listener: RequestListener): Server => createServer(listener)

/** A server that speaks no HTTP of its own: once a request has arrived, `say` has the socket. */
const rawApp = (say: (socket: Socket, nth: number) => void): Server => {
  let nth = 0
  return createRawServer((socket) => {
    socket.on('data', () => {
      say(socket, (nth += 1))
    })
  })
}

/**
 * Waits until the client has let go of every socket it has now; a test hangs, and so fails, when it does not. After an
 * abort undici opens a new one, before it finds that nothing is left to send on it.
 */
async function gone(sockets: Set<Socket>): Promise<void> {
  for (const socket of [...sockets]) await new Promise((resolve) => socket.once('close', resolve))
}

const answers = (client: WebhookClient, delivery = EVENT): Promise<Answer> => client.attempt(delivery).answer

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

void t.test(
  'an event is one POST to the URL, path and query kept, its body byte for byte with its length',
  async (t) => {
    const seen: unknown[] = []
    const { client } = await listen(
      t,
      app((request, response) => {
        void bodyOf(request).then((body) => {
          const { method, url, headers } = request
          seen.push({ method, url, body, id: headers['work-id'], length: headers['content-length'] })
          seen.push(headers['transfer-encoding'], headers['accept-encoding'])
          response.end()
        })
      }),
    )
    t.same(await answers(client), { kind: 'done', why: 'HTTP 200' })
    t.same(seen, [
      { method: 'POST', url: '/events?a=1', body: '{"n":1.0}', id: '01J', length: '9' },
      undefined,
      undefined,
    ])
  },
)

void t.test('an event without a body is a POST of length 0', async (t) => {
  let length: string | undefined
  const { client } = await listen(
    t,
    app((request, response) => {
      length = request.headers['content-length']
      response.end()
    }),
  )
  t.equal((await answers(client, { ...EVENT, headers: {}, body: new Uint8Array(0) })).kind, 'done')
  t.equal(length, '0')
})

void t.test('of two Retry-After headers the first counts', async (t) => {
  const { client } = await listen(
    t,
    rawApp((socket) => socket.end('HTTP/1.1 503 x\r\nretry-after: 3\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n')),
  )
  t.same(await answers(client), { kind: 'later', why: 'HTTP 503', responded: true, retryAfterMs: 3000 })
})

void t.test('each class of status becomes its answer, with the wait the app asks for', async (t) => {
  const { client } = await listen(
    t,
    app((request, response) => {
      const status = Number(request.headers['x-status'])
      response.writeHead(status, status === 429 ? { 'retry-after': '3' } : {}).end()
    }),
  )
  const to = (status: number): Promise<Answer> =>
    answers(client, { ...EVENT, headers: { 'x-status': String(status) }, body: EVENT.body })
  t.same(await to(204), { kind: 'done', why: 'HTTP 204' })
  t.same(await to(202), { kind: 'accepted', why: 'HTTP 202' })
  t.same(await to(404), { kind: 'later', why: 'HTTP 404', responded: true })
  t.same(await to(429), { kind: 'later', why: 'HTTP 429', responded: true, retryAfterMs: 3000 })
  t.same(await to(500), { kind: 'later', why: 'HTTP 500', responded: true })
  t.same(await to(400), { kind: 'never', why: 'HTTP 400', responded: true })
  t.same(await to(304), { kind: 'never', why: 'HTTP 304', responded: true })
})

void t.test('a redirect is an answer and is not followed', async (t) => {
  const paths: (string | undefined)[] = []
  const { client } = await listen(
    t,
    app((request, response) => {
      paths.push(request.url)
      response.writeHead(307, { location: '/elsewhere' }).end()
    }),
  )
  t.same(await answers(client), { kind: 'never', why: 'HTTP 307', responded: true })
  t.same(paths, ['/events?a=1'])
})

void t.test('a compressed body is left as it is: a bomb is no larger than its bytes', async (t) => {
  const bomb = gzipSync(Buffer.alloc(10_000_000))
  const { client } = await listen(
    t,
    app((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
    }),
    { maxResponseBytes: bomb.length },
  )
  t.same(await answers(client), { kind: 'done', why: 'HTTP 200' })
})

void t.test('interim answers are passed over, the final one counts', async (t) => {
  const { client } = await listen(
    t,
    app((_request, response) => {
      response.writeProcessing()
      response.writeEarlyHints({ link: '</a>; rel=preload' })
      response.writeHead(503, { 'retry-after': '1' }).end()
    }),
  )
  t.same(await answers(client), { kind: 'later', why: 'HTTP 503', responded: true, retryAfterMs: 1000 })
})

void t.test('100 and 101, which nobody asked for, are never', async (t) => {
  const heads = [
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
  ]
  const { client } = await listen(
    t,
    rawApp((socket, nth) => socket.write(heads[nth - 1] ?? '')),
  )
  t.same(await answers(client), { kind: 'never', why: 'HTTP 101', responded: true })
  t.same(await answers(client), { kind: 'never', why: 'HTTP 101', responded: true })
  t.same(await answers(client), { kind: 'never', why: 'HTTP 100', responded: true })
})

void t.test('nobody listens: the app is away', async (t) => {
  const { client, port } = await listen(
    t,
    app(() => undefined),
  )
  await client.close()
  const server = createRawServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const free = (server.address() as AddressInfo).port
  server.close()
  await once(server, 'close')
  t.not(free, port)
  const other = clientFor(free)
  t.teardown(() => other.close())
  t.same(await answers(other), { kind: 'away', why: 'ECONNREFUSED' })
  // localhost may be two addresses: undici then raises an error that holds one per address.
  const named = webhookClient({
    url: new URL(`http://localhost:${free}/`),
    timeoutMs: PATIENT_MS,
    connections: 1,
    clock: systemClock,
  })
  t.teardown(() => named.close())
  t.same(await answers(named), { kind: 'away', why: 'ECONNREFUSED' })
})

void t.test('an app that comes back is reached again by the same client', async (t) => {
  const { client, port, sockets } = await listen(
    t,
    app((_request, response) => response.end()),
  )
  await client.close()
  t.equal(sockets.size, 0)
  const again = clientFor(port)
  t.teardown(() => again.close())
  t.equal((await answers(again)).kind, 'done')
})

void t.test('a TLS handshake that fails is an app that is away: nothing was sent', async (t) => {
  const { port } = await listen(
    t,
    rawApp((socket) => socket.end('not TLS at all')),
  )
  const url = new URL(`https://127.0.0.1:${port}/`)
  const client = webhookClient({ url, timeoutMs: PATIENT_MS, connections: 1, clock: systemClock })
  t.teardown(() => client.close())
  t.equal((await answers(client)).kind, 'away')
})

void t.test('a reset before the answer is later', async (t) => {
  const { client } = await listen(
    t,
    rawApp((socket) => socket.resetAndDestroy()),
  )
  t.same(await answers(client), { kind: 'later', why: 'ECONNRESET', responded: false })
})

void t.test('a connection that closes without an answer is later', async (t) => {
  const { client } = await listen(
    t,
    rawApp((socket) => socket.end()),
  )
  t.same(await answers(client), { kind: 'later', why: 'UND_ERR_SOCKET', responded: false })
})

void t.test('a half answer is later, also when its status said 200', async (t) => {
  const halves = [
    'HTTP/1.1 20',
    'HTTP/1.1 200 OK\r\ncontent-le',
    'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhalf',
    'SSH-2.0-OpenSSH_9.6\r\n',
  ]
  const { client } = await listen(
    t,
    rawApp((socket, nth) => socket.end(halves[nth - 1] ?? '')),
  )
  for (const half of halves) {
    const answer = await answers(client)
    t.match(answer, { kind: 'later', responded: false }, JSON.stringify(half))
  }
})

void t.test('a reset in the middle of the body is later, and the reason names the status', async (t) => {
  const { client } = await listen(
    t,
    rawApp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf', () =>
        setImmediate(() => socket.resetAndDestroy()),
      )
    }),
  )
  const answer = await answers(client)
  t.equal(answer.kind, 'later')
  t.match(answer.why, /^(HTTP 200, then )?(ECONNRESET|UND_ERR_)/)
})

void t.test('a body over its bound: the status counts and the connection is destroyed', async (t) => {
  const { client, sockets } = await listen(
    t,
    rawApp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
      const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`
      const more = (): void => {
        while (socket.writable && socket.write(chunk));
      }
      socket.on('drain', more)
      more()
    }),
  )
  t.same(await answers(client), { kind: 'done', why: 'HTTP 200' })
  await gone(sockets)
})

void t.test('a body of exactly the bound is read to its end and its connection is used again', async (t) => {
  let connections = 0
  const server = app((_request, response) => response.end('x'.repeat(1000)))
  server.on('connection', () => (connections += 1))
  const { client } = await listen(t, server, { maxResponseBytes: 1000, connections: 1 })
  t.equal((await answers(client)).kind, 'done')
  t.equal((await answers(client)).kind, 'done')
  t.equal(connections, 1)
})

void t.test('endless headers end with their bound', async (t) => {
  const { client } = await listen(
    t,
    rawApp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      const line = `x-more: ${'y'.repeat(1000)}\r\n`
      const more = (): void => {
        while (socket.writable && socket.write(line));
      }
      socket.on('drain', more)
      more()
    }),
  )
  t.same(await answers(client), { kind: 'later', why: 'UND_ERR_HEADERS_OVERFLOW', responded: false })
})

void t.test(
  'an app that never answers is later at the deadline, not before, and its socket is destroyed',
  async (t) => {
    const clock = new VirtualClock()
    let arrived: () => void = () => undefined
    const requested = new Promise<void>((resolve) => (arrived = resolve))
    const { client, sockets } = await listen(
      t,
      rawApp(() => {
        arrived()
      }),
      { clock, timeoutMs: 30_000 },
    )
    const answer = answers(client)
    await requested
    await clock.advance(29_999)
    t.equal(clock.pending, 1)
    await clock.advance(1)
    t.same(await answer, { kind: 'later', why: 'no answer within 30000 ms', responded: false })
    await gone(sockets)
  },
)

void t.test('a body that trickles holds the attempt no longer than the deadline', async (t) => {
  const { client } = await listen(
    t,
    app((_request, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('.'), 5)
      response.on('close', () => {
        clearInterval(timer)
      })
    }),
    { timeoutMs: 150 },
  )
  const why = 'HTTP 200, then no end of the answer within 150 ms'
  t.same(await answers(client), { kind: 'later', why, responded: false })
})

void t.test('interim answers without end hold the attempt no longer than the deadline', async (t) => {
  const { client } = await listen(
    t,
    app((_request, response) => {
      const timer = setInterval(() => {
        response.writeProcessing()
      }, 5)
      response.on('close', () => {
        clearInterval(timer)
      })
    }),
    { timeoutMs: 150 },
  )
  t.same(await answers(client), { kind: 'later', why: 'no answer within 150 ms', responded: false })
})

void t.test('no connection before the deadline: the app is away', async (t) => {
  const clock = new VirtualClock()
  const { port, sockets } = await listen(
    t,
    rawApp(() => undefined),
  )
  // A TLS handshake that nobody answers: TCP stands, the connection does not.
  const url = new URL(`https://127.0.0.1:${port}/`)
  const client = webhookClient({ url, timeoutMs: 4000, connections: 1, clock })
  t.teardown(() => client.close())
  const { answer } = client.attempt(EVENT)
  while (sockets.size === 0) await settled()
  await clock.advance(4000)
  t.same(await answer, { kind: 'away', why: 'no connection within 4000 ms' })
})

void t.test('an answer leaves no timer behind', async (t) => {
  const clock = new VirtualClock()
  const { client } = await listen(
    t,
    app((_request, response) => response.end()),
    { clock },
  )
  await answers(client)
  t.equal(clock.pending, 0)
})

void t.test('abort answers later at once and destroys the socket', async (t) => {
  let arrived: () => void = () => undefined
  const requested = new Promise<void>((resolve) => (arrived = resolve))
  const { client, sockets } = await listen(
    t,
    rawApp(() => {
      arrived()
    }),
  )
  const attempt = client.attempt(EVENT)
  await requested
  attempt.abort()
  t.same(await attempt.answer, { kind: 'later', why: 'aborted', responded: false })
  await gone(sockets)
})

void t.test('abort after the answer changes nothing and harms no neighbour on the same connection', async (t) => {
  const { client } = await listen(
    t,
    app((_request, response) => response.end()),
    { connections: 1 },
  )
  const first = client.attempt(EVENT)
  t.equal((await first.answer).kind, 'done')
  const second = client.attempt(EVENT)
  first.abort()
  t.equal((await first.answer).kind, 'done')
  t.equal((await second.answer).kind, 'done')
})

void t.test('an attempt aborted before it has a connection never reaches the app', async (t) => {
  const ids: unknown[] = []
  const { client } = await listen(
    t,
    app((request, response) => {
      ids.push(request.headers['work-id'])
      response.end()
    }),
    { connections: 1 },
  )
  const first = client.attempt({ ...EVENT, headers: { 'work-id': 'first' }, body: EVENT.body })
  first.abort()
  t.equal((await first.answer).kind, 'later')
  t.equal((await answers(client, { ...EVENT, headers: { 'work-id': 'second' }, body: EVENT.body })).kind, 'done')
  t.same(ids, ['second'])
})

void t.test('headers that HTTP cannot carry are never, with the name and without the value', async (t) => {
  let requests = 0
  const { client } = await listen(
    t,
    app((_request, response) => {
      requests += 1
      response.end()
    }),
  )
  const bad: Record<string, string>[] = [
    { 'kafka-key': 'secret\r\nx-forged: 1' },
    { 'kafka-key': 'secret\0' },
    { 'kafka-key': 'secret\u20ac' },
    { 'kafka key': 'secret' },
    { 'transfer-encoding': 'secret' },
    { 'content-length': 'secret' },
  ]
  for (const headers of bad) {
    const answer = await answers(client, { ...EVENT, headers, body: EVENT.body })
    t.match(answer, { kind: 'never', why: /^HTTP cannot carry this event: / }, JSON.stringify(headers))
    t.notMatch(answer.why, /secret/)
  }
  t.equal((await answers(client)).kind, 'done')
  t.equal(requests, 1)
})

void t.test('as many attempts are out at once as there are connections', async (t) => {
  const waiting: (() => void)[] = []
  const { client } = await listen(
    t,
    app((_request, response) => {
      waiting.push(() => response.end())
      if (waiting.length === 8) for (const go of waiting) go()
    }),
  )
  const all = await Promise.all(Array.from({ length: 8 }, () => answers(client)))
  t.same(new Set(all.map(({ kind }) => kind)), new Set(['done']))
})

void t.test("a socket that the app's hint says will close at once is not used again", async (t) => {
  let connections = 0
  const server = rawApp((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nkeep-alive: timeout=1\r\ncontent-length: 0\r\n\r\n')
  })
  server.on('connection', () => (connections += 1))
  const { client } = await listen(t, server, { connections: 1 })
  t.equal((await answers(client)).kind, 'done')
  t.equal((await answers(client)).kind, 'done')
  t.equal(connections, 2)
})

void t.test('closing aborts what is out; an attempt after it is answered too', async (t) => {
  let arrived: () => void = () => undefined
  const requested = new Promise<void>((resolve) => (arrived = resolve))
  const { client, sockets } = await listen(
    t,
    rawApp(() => {
      arrived()
    }),
  )
  const { answer } = client.attempt(EVENT)
  await requested
  await client.close()
  t.same(await answer, { kind: 'later', why: 'aborted', responded: false })
  await gone(sockets)
  t.same(await answers(client), { kind: 'away', why: 'UND_ERR_DESTROYED' })
  await client.close()
})

const BATCH: Delivery = { ...EVENT, wantsBody: true }

/** The answer to a delivery that wants the body, from an app that writes these pieces. */
async function bodyOfAnswer(t: Scope, pieces: readonly (string | Uint8Array)[], status = 200): Promise<Answer> {
  const { client } = await listen(
    t,
    app((_request, response) => {
      response.writeHead(status)
      for (const piece of pieces) response.write(piece)
      response.end()
    }),
    { maxResponseBytes: 100 },
  )
  return answers(client, BATCH)
}

void t.test('where the body is wanted it goes along with what the status says, whichever that is', async (t) => {
  t.same(await bodyOfAnswer(t, ['{"a":', '"\u00e9"}']), { kind: 'done', why: 'HTTP 200', body: '{"a":"\u00e9"}' })
  t.match(await bodyOfAnswer(t, ['no'], 500), { kind: 'later', body: 'no' })
  t.match(await bodyOfAnswer(t, ['no'], 400), { kind: 'never', body: 'no' })
  t.match(await bodyOfAnswer(t, []), { kind: 'done', body: '' })
})

void t.test(
  'a body may be as long as what was sent and its frame; a longer one is no answer: it may name what failed',
  async (t) => {
    const bound = 100 + EVENT.body.length
    t.equal((await bodyOfAnswer(t, ['x'.repeat(bound)])).body?.length, bound)
    t.match(await bodyOfAnswer(t, ['x'.repeat(bound + 1)]), {
      kind: 'later',
      why: /^HTTP 200, then an answer of more than \d+ bytes$/,
      responded: false,
    })
    t.equal((await bodyOfAnswer(t, Array<string>(bound).fill('x'))).body, 'x'.repeat(bound), 'a byte at a time')
  },
)

void t.test('a body that is no UTF-8 is none, and one that breaks off is no answer', async (t) => {
  t.same(await bodyOfAnswer(t, [Uint8Array.of(0xff)]), { kind: 'done', why: 'HTTP 200' })
  const { client } = await listen(
    t,
    rawApp((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"a"')),
  )
  const answer = await answers(client, BATCH)
  t.match(answer, { kind: 'later', responded: false })
  t.notOk('body' in answer)
})

void t.test('where it is not wanted the body is counted and let go', async (t) => {
  const { client } = await listen(
    t,
    app((_request, response) => response.end('{}')),
  )
  t.same(await answers(client), { kind: 'done', why: 'HTTP 200' })
})

void t.test('every attempt is signed with the keys of its moment, and none without a key', async (t) => {
  const keys: Uint8Array[] = []
  const seen: Record<string, string>[] = []
  const { client } = await listen(
    t,
    app((request, response) => {
      seen.push(Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])))
      response.end()
    }),
    { signingKeys: () => keys },
  )
  await answers(client)
  keys.push(Buffer.alloc(24, 'a'))
  await answers(client)
  keys.unshift(Buffer.alloc(32, 'b'))
  await answers(client)
  const [unsigned, one, two] = seen
  t.notOk(unsigned?.['webhook-signature'])
  t.equal(one?.['webhook-id'], EVENT.id)
  t.equal(one?.['work-id'], '01J', 'what was there stays')
  t.equal(two?.['webhook-signature']?.split(' ').length, 2)
  const body = Buffer.from(EVENT.body).toString()
  for (const headers of [one, two]) {
    new Webhook(Buffer.alloc(24, 'a').toString('base64')).verify(body, headers ?? {})
  }
})
