/** emit against the XZepr stand-in and a bridge that says what it is told to. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import t from 'tap'
import { parse } from '../src/cli.ts'
import { systemClock } from '../src/clock.ts'
import { XzeprStandIn } from '../src/dev/xzepr-stand-in.ts'
import { emit } from '../src/emit.ts'
import { tempDir } from './support/program.ts'

interface Test {
  teardown(fn: () => unknown): unknown
}
const ALICE = '01M847EM8NHNJ6Z68G7PRA7Z92'

interface Stage {
  readonly xzepr: XzeprStandIn
  /** What the bridge says of works, by the order of their events; the last goes on. */
  states: readonly (string | undefined)[]
  readonly run: (argv: readonly string[], more?: { stdin?: Readable; env?: Record<string, string> }) => Promise<Ended>
  readonly interrupt: () => void
}
interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function stage(t: Test): Promise<Stage> {
  const xzepr = new XzeprStandIn({ clock: systemClock, rateLimits: 'off', publish: async () => undefined })
  await xzepr.start()
  const bridge = createServer((request, response) => {
    const sent = xzepr.journal.events.findIndex(({ id }) => request.url === `/work/${id}`)
    const state = staged.states[sent] ?? staged.states.at(-1)
    const settled = /^(completed|failed|passed-over)$/.test(state ?? '')
    if (state === undefined) response.writeHead(404).end()
    else response.end(JSON.stringify({ state, settled, attempt: 1 }))
  }).listen(0, '127.0.0.1')
  await once(bridge, 'listening')
  t.teardown(async () => {
    bridge.closeAllConnections()
    bridge.close()
    await xzepr.stop()
  })
  let interrupt = (): void => undefined
  const staged: Stage = {
    xzepr,
    states: ['completed'],
    interrupt: () => {
      interrupt()
    },
    async run(argv, { stdin = Readable.from([]), env = {} } = {}) {
      const command = parse(['emit', ...argv], { version: '1', terminal: { isTTY: false } })
      if (command.kind !== 'emit') throw new Error(JSON.stringify(command))
      let [out, err] = ['', '']
      const code = await emit({
        options: command.options,
        env: {
          XZEPR_API_URL: xzepr.url,
          XZEPR_API_TOKEN: xzepr.token({ sub: ALICE }),
          BRIDGE_WORK_API_PORT: String((bridge.address() as AddressInfo).port),
          ...env,
        },
        stdin,
        clock: systemClock,
        readFile: () => '',
        out: (text) => (out += text),
        err: (text) => (err += text),
        onSignal: (end) => (interrupt = end),
      })
      return { code, out, err }
    },
  }
  return staged
}

void t.test('an event is sent with every field, and its line names it', async (t) => {
  const { xzepr, run } = await stage(t)
  const { code, out, err } = await run(['build.success', '--data', '{"n":9007199254740993}', '--set', 'package=web'])
  t.equal(code, 0)
  const [event] = xzepr.journal.events
  t.match(event, { name: 'build.success', payload: '{"n":9007199254740993}', package: 'web', success: true })
  t.equal(out, `${event?.id ?? ''}  build.success  sent\n`)
  t.match(err, `To ${xzepr.url} (XZEPR_API_URL, XZEPR_API_TOKEN)`)
})

void t.test('its receiver is made once, and found the next time', async (t) => {
  const { xzepr, run } = await stage(t)
  await run(['a', '--count', '3'])
  await run(['b'])
  t.equal(xzepr.receivers.length, 1)
  t.match(xzepr.receivers, [{ name: 'xzepr-bridge-emit', type: 'emit' }])
  t.same(
    xzepr.journal.events.map(({ name }) => name),
    ['a', 'a', 'a', 'b'],
  )
})

void t.test('events of a file are sent, payloads or whole; what is wrong in it ends it with 65', async (t) => {
  const { xzepr, run } = await stage(t)
  const file = join(tempDir(t), 'events.jsonl')
  writeFileSync(file, '{"name":"a.b","payload":{"x":1.50},"success":false}\n{"name":"c.d"}\n')
  t.match(await run(['--file', file]), { code: 0, err: /^2 sent$/m })
  t.match(xzepr.journal.events, [{ name: 'a.b', payload: '{"x":1.5}', success: false }, { name: 'c.d' }])
  t.match(await run(['e.f', '--file', file]), { code: 0 })
  t.match(JSON.parse(xzepr.journal.events[2]?.payload ?? ''), { name: 'a.b' }, 'with a name each is a payload')
  writeFileSync(file, '{"name":"a.b"}\n{"name":7}\n')
  t.match(await run(['--file', file]), { code: 65, err: /line 2 has no "name"[\s\S]*$/ })
  t.match(await run(['--file', join(file, 'x')]), { code: 66, err: /cannot be read: ENOTDIR/ })
  t.match(await run(['--file', tempDir(t)]), { code: 66, err: /cannot be read: EISDIR/ })
})

void t.test('input that breaks off is no end of it, and a line without an end is none', async (t) => {
  const { run } = await stage(t)
  async function* breaking(): AsyncGenerator<Buffer> {
    yield Buffer.from('{"n":1}\n{"n":2')
    throw Object.assign(new Error('gone'), { code: 'EIO' })
  }
  const broken = await run(['a', '--file', '-'], { stdin: Readable.from(breaking()) })
  t.match(broken, { code: 66, err: /^1 sent\nStandard input cannot be read on: EIO\.$/m })
  const megabyte = Buffer.alloc(1_048_576, ' ')
  let poured = 0
  function* endless(): Generator<Buffer> {
    for (;;) {
      poured += 1
      yield megabyte
    }
  }
  const long = await run(['a', '--file', '-'], { stdin: Readable.from(endless(), { objectMode: false }) })
  t.match(long, { code: 65, err: /^Standard input has a line of more than 33554432 bytes\.$/m })
  t.ok(poured < 50, 'and no more is taken in')
})

void t.test('standard input is sent as it flows, and Ctrl-C ends it', async (t) => {
  const { xzepr, run, interrupt } = await stage(t)
  const stdin = new PassThrough()
  const ended = run(['a', '--file', '-'], { stdin })
  stdin.write('{"n":1}\n')
  while (xzepr.journal.events.length < 1) await new Promise((resolve) => setImmediate(resolve))
  t.equal(xzepr.journal.events.length, 1, 'sent before the input has ended')
  interrupt()
  t.match(await ended, { code: 130, err: /Ended as asked/ })
})

void t.test('--wait follows works to their endings, and the exit code says how they ended', async (t) => {
  const staged = await stage(t)
  t.match(await staged.run(['a', '--wait']), { code: 0, out: /^\w{26} {2}a {2}completed at attempt 1, \d+ ms\n$/ })
  staged.states = ['completed', 'failed', 'completed']
  t.match(await staged.run(['a', '--wait', '--count', '2']), {
    code: 1,
    out: /failed at attempt 1/,
    err: /2 sent, 1 completed, 1 failed/,
  })
  staged.states = ['passed-over']
  t.match(await staged.run(['a', '--wait', '--count', '2']), { code: 1, err: /2 passed over/ })
})

void t.test('what does not settle in time ends with 75, and says why that may be', async (t) => {
  const staged = await stage(t)
  staged.states = ['running']
  t.match(await staged.run(['a', '--wait', '--timeout', '0.1']), { code: 75, out: /running\n$/, err: /Not settled/ })
  staged.states = [undefined]
  const unseen = await staged.run(['a', '--wait', '--timeout', '0.1'])
  t.match(unseen, { code: 75, out: /never in hand\n$/, err: /BRIDGE_EVENT_TYPES/ })
  const alone = await staged.run(['a', '--wait', '--timeout', '0.1'], { env: { BRIDGE_WORK_API_PORT: '1' } })
  t.match(alone, { code: 69, err: /No bridge answers at http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\)/ })
})

void t.test('what XZepr says decides: refused is 1, barred is 77, away is 69', async (t) => {
  const { xzepr, run } = await stage(t)
  t.match(await run(['a', '--set', 'event_receiver_id=nonsense']), { code: 1, err: /XZepr refused a: HTTP 400/ })
  t.match(await run(['a'], { env: { XZEPR_API_TOKEN: 'nonsense' } }), { code: 77, err: /does not let this user/ })
  await run(['a'])
  xzepr.faults.add({ kind: 'status', status: 500, route: 'POST /api/v1/events' })
  t.match(await run(['a']), {
    code: 69,
    err: /failed at this event: HTTP 500\b.* It has an outage, or cannot do this one/,
  })
  const before = xzepr.journal.events.length
  xzepr.faults.add({ kind: 'stored-but-no-answer', route: 'POST /api/v1/events' })
  t.match(await run(['a', '--count', '2']), { code: 69, err: /not known: it is not sent twice/ })
  t.equal(xzepr.journal.events.length, before + 1)
  await xzepr.down()
  const away = await run(['a'])
  t.match(away, { code: 69, err: /No XZepr answers at .*ECONNREFUSED/ })
  t.notMatch(away, { err: /not known/ })
})

void t.test('when XZepr has enough it waits as it is told, says so once, and loses none', async (t) => {
  const { xzepr, run } = await stage(t)
  xzepr.faults.add({ kind: 'status', status: 429, headers: { 'retry-after': '0' }, route: 'POST /api/v1/events' })
  const { code, err } = await run(['a', '--count', '2'])
  t.equal(code, 0)
  t.equal(err.match(/has enough for now/g)?.length, 1)
  t.equal(xzepr.journal.events.length, 2)
})

void t.test('nowhere to send to is said with what to do', async (t) => {
  const { run } = await stage(t)
  const env = { XZEPR_API_URL: '', XZEPR_API_TOKEN: '', XDG_RUNTIME_DIR: tempDir(t) }
  t.match(await run(['a'], { env }), {
    code: 69,
    out: '',
    err: /Start one here, in another terminal:\n\n {2}xzepr-bridge dev/,
  })
})
