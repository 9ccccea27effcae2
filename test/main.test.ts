/**
 * The process as it is shipped: what it prints, and with which code it ends. `tsc -b` comes first.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Program } from './support/program.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** The shell's own variables without any of the bridge's. */
const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(BRIDGE|XZEPR|OTEL)_/.test(name)))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

async function run(
  args: readonly string[],
  env: Record<string, string>,
  onOut: (out: string, pid: number) => void = () => undefined,
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...bare, ...env } })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    onOut(out, child.pid ?? 0)
  })
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

void t.test('--help and --version print and exit 0', async (t) => {
  t.match(await run(['--help'], {}), { code: 0, out: /BRIDGE_SERVICE/ })
  t.match(await run(['--version'], {}), { code: 0, out: /^\d+\.\d+\.\d+\n$/ })
})

void t.test('a wrong command line exits 64 and says what is right', async (t) => {
  t.match(await run(['rnu'], {}), { code: 64, err: /run/ })
})

void t.test('a wrong configuration exits 78, with every error at once and no secret', async (t) => {
  const { code, err, out } = await run([], {
    BRIDGE_ORDER: 'kye',
    XZEPR_KAFKA_SASL_PASSWORD: 'hunter2',
    BRIDGE_ODRER: 'key',
  })
  t.equal(code, 78)
  t.equal(out, '')
  for (const name of ['BRIDGE_SERVICE', 'BRIDGE_ORDER', 'XZEPR_API_TOKEN', 'BRIDGE_ODRER']) t.match(err, name)
  t.notMatch(err, 'hunter2')
})

void t.test('a file without an end is refused like any other that cannot be used', async (t) => {
  const { code, err } = await run([], {
    BRIDGE_SERVICE: 'svc',
    XZEPR_API_TOKEN: 'x',
    BRIDGE_WORK_API_TOKEN_FILE: '/dev/zero',
  })
  t.equal(code, 78)
  t.match(err, /BRIDGE_WORK_API_TOKEN_FILE/)
})

void t.test('SIGTERM stops a bridge whose neighbours never came up, with exit code 0', async (t) => {
  let signalled = false
  const env = {
    BRIDGE_SERVICE: 'svc',
    XZEPR_API_TOKEN: 'x',
    BRIDGE_WORK_API_PORT: '0',
    BRIDGE_OPS_PORT: '0',
    BRIDGE_OPS_HOST: '127.0.0.1',
    XZEPR_KAFKA_BROKERS: '127.0.0.1:1',
    XZEPR_API_URL: 'http://127.0.0.1:1',
  }
  const { code, out } = await run([], env, (text, pid) => {
    if (signalled || !text.includes('bridge.started')) return
    signalled = true
    process.kill(pid, 'SIGTERM')
  })
  t.equal(code, 0)
  t.match(out, /bridge\.stopped/)
})

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return String(port)
}

void t.test('drain, as preStop runs it, lets a bridge end what it has; SIGTERM then ends it at once', async (t) => {
  const env = {
    BRIDGE_SERVICE: 'svc',
    XZEPR_API_TOKEN: 'x',
    BRIDGE_WORK_API_PORT: '0',
    BRIDGE_OPS_PORT: await freePort(),
    XZEPR_KAFKA_BROKERS: '127.0.0.1:1',
    XZEPR_API_URL: 'http://127.0.0.1:1',
  }
  let drained: Promise<Ended> | undefined
  const bridge = await run([], env, (text, pid) => {
    if (drained !== undefined || !text.includes('bridge.started')) return
    drained = run(['healthcheck'], env).then((asked) => {
      t.match(asked, { code: 0, out: /is alive/, err: '' }, 'the health check of the image')
      return run(['drain', '--reason', 'pod ends'], env)
    })
    void drained.then(async () => {
      const status = await fetch(`http://127.0.0.1:${env.BRIDGE_OPS_PORT}/status`)
      t.match(await status.json(), { phase: 'drained', drain: { left: { works: 0 } } }, 'it is still there')
      process.kill(pid, 'SIGTERM')
    })
  })
  t.match(await drained, { code: 0, out: /^Drained/m, err: '' })
  t.equal(bridge.code, 0)
  t.match(bridge.out, /"event":"lever.drain".*"why":"pod ends"/)
  t.match(bridge.out, /bridge\.drained[\s\S]*bridge\.stopped/)
  t.match(await run(['drain'], env), { code: 69, err: /Nobody listens/ })
  t.match(await run(['drain'], { ...env, BRIDGE_OPS_PORT: '0' }), { code: 78, err: /BRIDGE_OPS_PORT/ })
  t.match(await run(['healthcheck'], env), { code: 69, err: /Nobody listens/ })
  t.match(await run(['drain', 'now'], env), { code: 64 })
})

void t.test('whoever does not read on is no reason to crash', async (t) => {
  const { port } = await silent(t)
  const env = { XZEPR_API_URL: `http://127.0.0.1:${port}`, XZEPR_API_TOKEN: 'x', XZEPR_API_TIMEOUT_MS: '1000' }
  for (const [args, unread, code, err] of [
    [['--help'], 'stdout', 141, ''],
    [['emit', 'build.success'], 'stderr', 69, ''],
  ] as const) {
    const child = spawn(process.execPath, [MAIN, ...args], { env: { ...bare, ...env } })
    child[unread].destroy()
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    t.same(await once(child, 'close'), [code, null], args.join(' '))
    t.equal(said, err)
  }
})

/** Takes connections and never answers. @returns its port, and a promise of the first bytes of the next request. */
async function silent(test: {
  teardown(fn: () => unknown): unknown
}): Promise<{ port: string; asked: () => Promise<unknown> }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const asked = async (): Promise<unknown> => {
    const [socket] = (await once(server, 'connection')) as [Socket]
    socket.on('error', () => undefined)
    test.teardown(() => socket.destroy())
    return once(socket, 'data')
  }
  test.teardown(() => server.close())
  return { port: String((server.address() as AddressInfo).port), asked }
}

void t.test('whoever is asked for an answer and is interrupted never says that all is well', async (t) => {
  const { port, asked } = await silent(t)
  for (const word of ['drain', 'healthcheck']) {
    const first = asked()
    const program = new Program(t, [word], { BRIDGE_OPS_PORT: port })
    await first
    program.signal('SIGINT')
    t.match(await program.ended, { code: 130, out: '' }, word)
  }
})

void t.test('a second Ctrl-C does not wait for the answer that the first waits for', async (t) => {
  const { port, asked } = await silent(t)
  const first = asked()
  const env = { XZEPR_API_URL: `http://127.0.0.1:${port}`, XZEPR_API_TOKEN: 'x' }
  const program = new Program(t, ['emit', 'build.success'], env)
  await first
  program.signal('SIGINT')
  program.signal('SIGTERM')
  t.match(await program.ended, { code: 130, out: '' })
})
