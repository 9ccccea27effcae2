/** dev, emit and verify-app: once as they are shipped, as processes beside each other, else inside this process. */
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import t from 'tap'
import { parse } from '../../src/cli.ts'
import { systemClock } from '../../src/clock.ts'
import { freePorts } from '../../src/dev/kafka/ports.ts'
import { dev } from '../../src/dev/loop.ts'
import { whereaboutsDir } from '../../src/dev/whereabouts.ts'
import { emit } from '../../src/emit.ts'
import type { Ended } from '../support/program.ts'
import { bareEnv, Lines, Program, tempDir } from '../support/program.ts'

interface Test {
  teardown(fn: () => unknown): unknown
}

/** A tiny app: reports, fails on failures, and ends with 3 when it is asked to. */
const APP = `
  const { createServer } = require('node:http')
  const report = (id, what, body) => fetch(process.env.WORK_API_URL + '/work/' + id + '/' + what, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  })
  createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { name, success } = JSON.parse(body)
    if (name === 'app.exit') process.exit(3)
    await report(request.headers['work-id'], success ? 'completed' : 'failed', success ? {} : { error: 'no' })
    response.end()
  }).listen(process.env.PORT, '127.0.0.1', () => console.log('\\u001b[1mlistening\\u001b[0m for ' + process.env.GREETING))`

/** An app that does not want to end. */
const STUBBORN = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6); console.log('up ' + process.pid)`

interface Loop {
  readonly lines: Lines
  readonly ended: Promise<Ended>
  readonly interrupt: () => void
  readonly env: Readonly<Record<string, string>>
  readonly emit: (...argv: string[]) => Promise<Ended>
}

async function envOf(t: Test, more: Record<string, string> = {}): Promise<Record<string, string>> {
  const [appPort = 0] = await freePorts(1)
  return {
    ...bareEnv(),
    XDG_RUNTIME_DIR: tempDir(t),
    BRIDGE_WEBHOOK_URL: `http://127.0.0.1:${appPort}/events`,
    BRIDGE_WORK_API_PORT: '0',
    BRIDGE_OPS_PORT: '0',
    GREETING: 'hello',
    ...more,
  }
}

/** The loop in this process. */
async function loop(
  t: Test,
  command: readonly string[],
  more: Record<string, string> = {},
  kafka = false,
): Promise<Loop> {
  const env = await envOf(t, more)
  const lines = new Lines()
  let [out, err] = ['', '']
  let interrupt = (): void => undefined
  const code = dev({
    options: { kafka, command },
    env,
    version: '1.2.3',
    program: 'xzepr-bridge',
    pid: process.pid,
    startedAtMs: systemClock.nowMs(),
    clock: systemClock,
    readFile: () => '',
    out: (text) => {
      out += text
      for (const line of text.trimEnd().split('\n')) lines.add(line)
    },
    err: (text) => (err += text),
    coloured: false,
    onSignal: (end) => (interrupt = end),
  })
  const ended = code.then((code) => ({ code, out, err }))
  lines.endWith(ended)
  return {
    lines,
    ended,
    env,
    interrupt: () => {
      interrupt()
    },
    emit: (...argv) => emitHere(env, argv),
  }
}

async function emitHere(env: Readonly<Record<string, string>>, argv: readonly string[]): Promise<Ended> {
  const command = parse(['emit', ...argv], { version: '1', terminal: { isTTY: false } })
  if (command.kind !== 'emit') throw new Error(JSON.stringify(command))
  let [out, err] = ['', '']
  const code = await emit({
    options: command.options,
    env,
    stdin: Readable.from([]),
    clock: systemClock,
    readFile: () => '',
    out: (text) => (out += text),
    err: (text) => (err += text),
    onSignal: () => undefined,
  })
  return { code, out, err }
}

const node = (source: string): string[] => [process.execPath, '--eval', source]
const isRefused = async (url: string): Promise<boolean> => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  return new Promise((resolve) => {
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => {
      resolve(true)
    })
  })
}

void t.test('as they are shipped, an event goes to the app and back, and Ctrl-C ends all of it', async (t) => {
  const env = await envOf(t)
  const shipped = new Program(t, ['dev', '--', ...node(APP)], env)
  await shipped.lines.until(/^Ready in \d+\.\d\d s\. Next, in another terminal:$/)
  await shipped.lines.until(/^ {2}node .*main\.js emit deployment\.success --wait$/)
  await shipped.lines.until(/app {6}│ listening for hello$/)
  const sent = await new Program(t, ['emit', 'deployment.success', '--data', '{"build":7}', '--wait'], env).ended
  t.match(sent, { code: 0, out: /^\w{26} {2}deployment\.success {2}completed at attempt 1, \d+ ms\n$/ })
  t.match(sent.err, `process ${shipped.pid}`)
  const [id = ''] = sent.out.split(' ')
  for (const [kind, text] of [
    ['→ event', 'to the app'],
    ['← report', 'completed'],
    ['← answer', 'HTTP 200: done, \\d+ ms'],
    ['✓ settled', 'completed; XZepr has completed'],
  ] as const) {
    await shipped.lines.until(new RegExp(`${kind} +deployment\\.success +${id} +${text}$`))
  }
  shipped.signal('SIGINT')
  const { code, out, err } = await shipped.ended
  t.equal(code, 0)
  t.equal(err, '')
  t.notMatch(out, '\u001b', 'no colours in a pipe')
  t.notMatch(out, 'receiver.created', 'the first event is the person’s own')
  t.same(readdirSync(whereaboutsDir(env)), [])
  t.ok(await isRefused(env.BRIDGE_WEBHOOK_URL ?? ''), 'the app is gone')
})

void t.test('emit --wait says how each work ended, and its exit code too', async (t) => {
  const { lines, ended, interrupt, emit } = await loop(t, node(APP))
  await lines.until(/listening/)
  t.match(await emit('deployment.success', '--wait'), { code: 0, out: /completed at attempt 1/ })
  t.match(await emit('deployment.failure', '--failure', '--wait', '--count', '2'), {
    code: 1,
    out: /(?:deployment\.failure {2}failed at attempt 1, \d+ ms\n[^]*){2}/,
    err: /2 sent, 0 completed, 2 failed/,
  })
  await lines.until(/✗ settled +deployment\.failure +\w+ +failed: .*; XZepr has failed$/)
  interrupt()
  t.match(await ended, { code: 0 })
  t.match(await emit('a'), { code: 69, err: /No XZepr to send to/ })
})

void t.test('an app that dies ends dev, with its exit code and at once', async (t) => {
  const { lines, ended, env, emit } = await loop(t, node(APP))
  await lines.until(/listening/)
  t.match(await emit('app.exit'), { code: 0, out: /sent\n$/ })
  const { code, out } = await ended
  t.equal(code, 3)
  t.match(out, /The app has ended \(exit code 3\), and so does all else/)
  t.same(readdirSync(whereaboutsDir(env)), [])
})

void t.test('a command that is not there, and one that a signal ends, end dev as in a shell', async (t) => {
  const [missing, killed] = await Promise.all([
    loop(t, ['no-such-program']),
    loop(t, node(`process.kill(process.pid, 'SIGKILL')`)),
  ])
  t.match(await missing.ended, { code: 127, out: /The app has ended \(spawn no-such-program ENOENT\)/ })
  t.match(await killed.ended, { code: 137 })
})

void t.test('a second Ctrl-C does not wait for an app that will not end', async (t) => {
  const env = await envOf(t)
  const shipped = new Program(t, ['dev', '--', ...node(STUBBORN)], env)
  const [, pid] = await shipped.lines.until(/│ up (\d+)$/)
  // A terminal that is closed says so with another signal, and so does Ctrl-\.
  shipped.signal('SIGHUP')
  await shipped.lines.until(/Ending/)
  shipped.signal('SIGQUIT')
  t.match(await shipped.ended, { code: 130 })
  t.notOk(existsSync(`${whereaboutsDir(env)}/dev-${shipped.pid}.json`))
  for (;;) {
    try {
      process.kill(Number(pid), 0)
    } catch {
      break
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
})

void t.test('without a command it waits for an app that is started elsewhere', async (t) => {
  const { lines, ended, interrupt, env, emit } = await loop(t, [])
  await lines.until(/is waited for: start it there$/)
  const followed = emit('build.success', '--wait')
  await lines.until(/! bridge +The app is away \(ECONNREFUSED\)/)
  const app = createServer((_request, response) => response.end())
  app.listen(Number(new URL(env.BRIDGE_WEBHOOK_URL ?? '').port), '127.0.0.1')
  await once(app, 'listening')
  t.teardown(() => {
    app.closeAllConnections()
    app.close()
  })
  t.match(await followed, { code: 0, out: /completed/ })
  await lines.until(/the app is there: deliveries go on$/)
  interrupt()
  t.match(await ended, { code: 0 })
})

void t.test('what is wrong is told before anything is started', async (t) => {
  const wrong = await loop(t, node(APP), { BRIDGE_ORDER: 'kye', BRIDGE_WEBHOOK_FORMAT: 'xml' })
  const { code, out, err } = await wrong.ended
  t.equal(code, 78)
  t.match(err, /BRIDGE_WEBHOOK_FORMAT[\s\S]*BRIDGE_ORDER/)
  t.equal(out, '')
  // There is none to be started where PATH is empty: looking for one would end otherwise.
  const before = await loop(t, node(APP), { BRIDGE_ORDER: 'kye', PATH: '' }, true)
  t.match(await before.ended, { code: 78, out: '', err: /BRIDGE_ORDER/ })
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.teardown(() => holder.close())
  const { port } = holder.address() as AddressInfo
  const taken = await loop(t, node(APP), { BRIDGE_WORK_API_PORT: String(port) })
  t.match(await taken.ended, {
    code: 69,
    err: /XZB_HTTP_LISTEN: Cannot listen on 127\.0\.0\.1, port \d+: EADDRINUSE/,
  })
})

void t.test('verify-app starts an app, tries it, and leaves nothing of it', async (t) => {
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}/events`
  const verify = (...flags: string[]): Promise<Ended> =>
    new Program(t, ['verify-app', url, '--work-api-port', '0', ...flags], {}).ended
  const [kept, refused] = await Promise.all([
    verify('--', process.execPath, 'examples/node/app.mjs'),
    verify('--secret-file', '/no/such/file'),
  ])
  t.equal(kept.code, 0, kept.out)
  t.match(kept.out, /The app keeps the contract: \d+ checks\.\n$/)
  t.match(refused, { code: 64, err: /--secret-file: it cannot be read/ })
  t.ok(await isRefused(url))
  const broken = await verify('--json', '--', ...node(`console.error('no \\u0007disk'); process.exit(2)`))
  t.match(broken, { code: 1, err: /│ no \?disk\n/ })
  t.match(JSON.parse(broken.out), {
    url,
    kept: false,
    checks: [{ name: 'listens', ok: false, came: 'the app has ended: exit code 2' }],
  })
})
