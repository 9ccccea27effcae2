/**
 * verify-app against an app that keeps the contract, and against apps that break one rule each: exactly that line fails.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createSocketServer } from 'node:net'
import { Webhook } from 'standardwebhooks'
import t from 'tap'
import { parse } from '../src/cli.ts'
import { systemClock } from '../src/clock.ts'
import { verifyApp } from '../src/verify.ts'

interface Test {
  teardown(fn: () => unknown): unknown
}

/** One event as an app gets it. */
interface Call {
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly type: string
  readonly app: App
  readonly report: (what: string, body?: unknown, path?: string) => Promise<number>
}
type Behaviour = (call: Call) => number | Promise<number>

interface App {
  url: string
  workApiUrl: string
  /** Idempotency-keys that came before. */
  readonly seen: Set<string>
}

const SECRET = `whsec_${Buffer.alloc(32, 's').toString('base64')}`

/** An app that reads a request as it should and behaves as told. */
async function appOf(
  t: Test,
  behave: Behaviour,
  raw?: (request: IncomingMessage, response: ServerResponse) => boolean,
) {
  const app: App = { url: '', workApiUrl: '', seen: new Set() }
  const server = createServer((request, response) => {
    if (raw?.(request, response) === true) return
    void answer(request, response).catch(() => response.destroy())
  })
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const { headers } = request
    const key = String(headers['idempotency-key'])
    const [, type = ''] = /"type":"([^"]*)"/.exec(body.toString()) ?? []
    const status = await behave({
      headers,
      body,
      type,
      app,
      report: async (what, json = {}, path = `/work/${String(headers['work-id'])}/${what}`) => {
        const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) }
        return (await fetch(`${app.workApiUrl}${path}`, init)).status
      },
    })
    app.seen.add(key)
    response.writeHead(status).end()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  app.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`
  return { app, server }
}

interface Verified {
  readonly code: number
  readonly out: string
  readonly failed: readonly string[]
  readonly skipped: readonly string[]
  readonly checks: readonly Readonly<Record<string, unknown>>[]
}

async function verified(app: App, flags: readonly string[] = [], asJson = true): Promise<Verified> {
  const timeout = flags.includes('--timeout') ? [] : ['--timeout', '5']
  const argv = [app.url, '--work-api-port', '0', ...timeout, ...(asJson ? ['--json'] : []), ...flags]
  const command = parse(['verify-app', ...argv], { version: '1', terminal: { isTTY: false } })
  if (command.kind !== 'verify') throw new Error(JSON.stringify(command))
  let out = ''
  const code = await verifyApp({
    options: command.options,
    env: process.env,
    clock: systemClock,
    readFile: () => `${SECRET}\n`,
    out: (text) => (out += text),
    err: (text) => {
      app.workApiUrl = /reports to (\S+)/.exec(text)?.[1] ?? app.workApiUrl
    },
    coloured: false,
    onSignal: () => undefined,
  })
  const { checks } = (asJson ? JSON.parse(out) : { checks: [] }) as Pick<Verified, 'checks'>
  const names = (which: (check: Readonly<Record<string, unknown>>) => boolean): string[] =>
    checks.filter(which).map(({ name }) => String(name))
  return {
    code,
    out,
    checks,
    failed: names(({ ok, skipped }) => ok === false && skipped === false),
    skipped: names(({ skipped }) => skipped === true),
  }
}

/** Reports and answers 200. */
const good: Behaviour = async ({ headers, report }) => {
  // A batch says in its body which works it brings.
  if (headers['work-id'] === undefined) return 200
  await report('started')
  await report('completed', { details: { done: true } })
  return 200
}
/** Answers 202 and reports afterwards. */
const later: Behaviour = ({ report }) => {
  void report('started').then(() => report('completed'))
  return 202
}
const verifies: Behaviour = (call) => {
  try {
    new Webhook(SECRET).verify(call.body.toString(), call.headers as Record<string, string>)
  } catch {
    return 401
  }
  return good(call)
}

void t.test('an app that keeps the contract passes every check, in every format, signed or not', async (t) => {
  const { app } = await appOf(t, good)
  const { code, failed, checks } = await verified(app, ['--format', 'verbatim,structured,binary,batch'])
  t.same(failed, [])
  t.equal(code, 0)
  t.ok(checks.length > 15)
  t.ok(checks.every(({ came, expected }) => typeof came === 'string' && typeof expected === 'string'))
  const { app: signed } = await appOf(t, verifies)
  const all = await verified(signed, ['--secret-file', 's'])
  t.same(all.failed, [])
  t.equal(all.checks.filter(({ name }) => String(name).startsWith('signature-')).length, 3)
  const { app: asynchronous } = await appOf(t, later)
  t.match(await verified(asynchronous), { code: 0, failed: [] })
  const { app: silent } = await appOf(t, () => 204)
  t.match(await verified(silent), { code: 0, failed: [] }, 'nobody must report')
  const { app: failing } = await appOf(t, async ({ report }) => {
    await report('failed', { error: 'no disk' })
    return 500
  })
  t.match(await verified(failing), { code: 0, failed: [] }, 'a failure that is reported is an ending')
})

const decoded = ({ body }: Call): string => body.toString('latin1')

/** Apps that break one rule each, by the line that must fail. */
const BROKEN: readonly (readonly [check: string, what: string, behave: Behaviour, flags?: readonly string[]])[] = [
  [
    'repeat',
    'a repeat is a conflict to it',
    ({ app, headers }) => (app.seen.has(String(headers['idempotency-key'])) ? 409 : 200),
  ],
  [
    'repeat',
    'a repeat ends otherwise',
    async ({ app, headers, report }) => {
      await report(app.seen.has(String(headers['idempotency-key'])) ? 'failed' : 'completed')
      return 200
    },
  ],
  [
    'repeat',
    'it skips what is done, and says nothing of it',
    async ({ app, headers, report }) => {
      if (!app.seen.has(String(headers['idempotency-key']))) await report('completed')
      return 200
    },
  ],
  ['redelivery', 'it takes first attempts alone', ({ headers }) => (headers['work-attempt'] === '1' ? 200 : 503)],
  [
    'unknown-type',
    'it falls over types that it does not know',
    ({ type }) => (type.startsWith('deployment.') ? 200 : 500),
  ],
  [
    'non-ascii',
    'it reads UTF-8 as something else',
    (call) => (/[\u0080-\u00ff]{2}/.test(decoded(call)) && !call.body.includes('verify/') ? 500 : 200),
  ],
  [
    'work-id',
    'it decodes the id and puts it into the path',
    async ({ headers, report }) => {
      await report('', {}, `/work/${decodeURIComponent(String(headers['work-id']))}/completed`)
      return 200
    },
  ],
  ['large', 'it has a small limit', ({ body }) => (body.length > 100_000 ? 413 : 200)],
  [
    'format-structured',
    'it reads XZepr’s own form alone',
    ({ body }) => (body.includes('"specversion":"1.0"') ? 415 : 200),
    ['--format', 'verbatim,structured'],
  ],
  [
    'format-batch',
    'it reads no arrays',
    ({ body }) => (body.toString().startsWith('[') ? 400 : 200),
    ['--format', 'verbatim,batch'],
  ],
  [
    'signature-wrong',
    'it looks whether there is a signature, and how old',
    ({ headers }) => (signedRecently(headers) ? 200 : 401),
    ['--secret-file', 's'],
  ],
  [
    'signature-missing',
    'it verifies what is signed alone',
    (call) => (call.headers['webhook-signature'] === undefined ? 200 : verifies(call)),
    ['--secret-file', 's'],
  ],
  [
    'signature-old',
    'it does not look at the time',
    ({ headers, body }) => (rightSignature(headers, body) ? 200 : 401),
    ['--secret-file', 's'],
  ],
]

function signedRecently(headers: IncomingMessage['headers']): boolean {
  return Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp'])) < 300
}
function rightSignature(headers: IncomingMessage['headers'], body: Buffer): boolean {
  const id = String(headers['webhook-id'])
  const at = new Date(Number(headers['webhook-timestamp']) * 1000)
  if (Number.isNaN(at.getTime())) return false
  return new Webhook(SECRET).sign(id, at, body.toString()) === headers['webhook-signature']
}

for (const [check, what, behave, flags] of BROKEN) {
  void t.test(`${check} fails, and nothing else: ${what}`, async (t) => {
    const { app } = await appOf(t, behave)
    const { code, failed, checks } = await verified(app, flags)
    t.same(failed, [check], JSON.stringify(checks, null, 1))
    t.equal(code, 1)
    t.match(
      checks.find(({ name }) => name === check),
      { came: /./, hint: /\.$/ },
    )
  })
}

void t.test('who does not answer well at all fails at once, with a hint that fits', async (t) => {
  const hintOf = async (behave: Behaviour, hasty: readonly string[] = []): Promise<string> => {
    const { app } = await appOf(t, behave)
    const { failed, skipped, checks, code } = await verified(app, hasty)
    t.equal(code, 1)
    t.same(failed, ['answers'])
    t.equal(skipped.length, checks.length - 2)
    const { came, hint } = checks.find(({ name }) => name === 'answers') ?? {}
    return `${String(came)} | ${String(hint)}`
  }
  t.match(await hintOf(() => 500), /^HTTP 500, .* \| The bridge would send it again/)
  t.match(await hintOf(() => 400), /^HTTP 400, .* \| Such an answer is for good/)
  t.match(await hintOf(() => 302), /^HTTP 302, .* for good/)
  t.match(await hintOf(() => new Promise(() => undefined), ['--timeout', '0.4']), /^no answer within 400 ms/)
  t.match(
    await hintOf(() => 202, ['--timeout', '0.4']),
    /^HTTP 202, then no report of an ending, .* \| After a 202 report to \$WORK_API_URL/,
  )
  const asksAgain: Behaviour = async ({ report }) => {
    await report('failed', { retry: true })
    return 200
  }
  t.match(await hintOf(asksAgain), /^HTTP 200, reported failed, .* \| The app asks for the event again/)
  const badly: Behaviour = async ({ report }) => {
    await report('completed', { details: 7 })
    return 200
  }
  t.match(await hintOf(badly), /the work API refused POST \/work\/\w+\/completed with 400 \| details/)
  const stray: Behaviour = async ({ report }) => {
    await report('', {}, '/work/nobody/completed')
    return 200
  }
  t.match(await hintOf(stray), /refused POST \/work\/nobody\/completed with 404/)
})

void t.test('an app that a broken request brings down fails there, and the rest is skipped', async (t) => {
  const { app, server } = await appOf(t, good, (request) => {
    request.once('aborted', () => {
      server.close()
      server.closeAllConnections()
    })
    return false
  })
  const { failed, skipped } = await verified(app)
  t.same(failed, ['cut-off'])
  t.same(skipped, ['together', 'still-there'])
})

void t.test('an app that takes the first piece for the whole body fails with the slow sender', async (t) => {
  const { app } = await appOf(t, good, (request, response) => {
    const length = Number(request.headers['content-length'])
    let bytes = 0
    request.on('data', (chunk: Buffer) => (bytes += chunk.length))
    // A large body comes in several pieces as well, but in one go.
    setTimeout(() => response.writeHead(bytes < length ? 400 : 200).end(), 20)
    return true
  })
  t.same((await verified(app)).failed, ['slow-sender'])
})

void t.test('an app that breaks its open connections fails with the second event on one', async (t) => {
  const served = new WeakSet()
  const { app } = await appOf(
    t,
    () => 200,
    (request) => {
      if (!served.has(request.socket)) {
        served.add(request.socket)
        return false
      }
      // Every other client takes a new connection; only the check sends on this one.
      request.socket.destroy()
      return true
    },
  )
  const { checks } = await verified(app)
  t.match(
    checks.find(({ name }) => name === 'keep-alive'),
    { ok: false, hint: /Read each body to its end/ },
  )
})

void t.test('an app that closes each connection keeps the contract, and is told what it costs', async (t) => {
  const { app } = await appOf(
    t,
    () => 200,
    (_request, response) => {
      response.setHeader('connection', 'close')
      return false
    },
  )
  const { code, checks } = await verified(app)
  t.equal(code, 0)
  t.match(
    checks.find(({ name }) => name === 'keep-alive'),
    { ok: true, came: /closes after each answer/ },
  )
})

void t.test('where nobody listens the first line says so', async (t) => {
  const nobody = createSocketServer().listen(0, '127.0.0.1')
  await once(nobody, 'listening')
  const url = `http://127.0.0.1:${(nobody.address() as AddressInfo).port}/events`
  nobody.close()
  await once(nobody, 'close')
  const { code, out } = await verified({ url, workApiUrl: '', seen: new Set() }, [], false)
  t.equal(code, 1)
  t.match(
    out,
    /^FAILED {3}listens +expected: somebody listens on 127\.0\.0\.1, port \d+\n +came: ECONNREFUSED\n +hint: Start the app first/,
  )
  t.match(out, /skipped {2}answers +the app is away/)
  t.match(out, /The app does not keep the contract: 1 of \d+ checks failed, \d+ skipped\.\n$/)
})

void t.test('for people each check is a line; what the app says cannot garble it', async (t) => {
  const { app } = await appOf(t, good)
  const { out } = await verified(app, [], false)
  t.match(out, /^ok {7}listens +a connection stands\nok {7}answers +HTTP 200, reported started, completed, \d+ ms\n/)
  t.match(out, /The app keeps the contract: \d+ checks\.\n$/)
})
