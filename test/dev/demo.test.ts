import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { missingToolchain } from '../../src/dev/app-programs.ts'
import { demo } from '../../src/dev/demo.ts'
import { demoEvent } from '../../src/dev/demo-user.ts'

interface Played {
  readonly exitCode: number
  readonly text: string
}

/** Plays the demo in this process. @param onText may interrupt it. */
async function play(argv: string[], onText?: (text: string, interrupt: () => void) => void): Promise<Played> {
  const aborting = new AbortController()
  let text = ''
  const output = {
    write: (more: string) => {
      text += more
      onText?.(text, () => {
        aborting.abort()
      })
    },
  }
  const exitCode = await demo(argv, { output, env: process.env, signal: aborting.signal })
  return { exitCode, text }
}

void t.test('on the in-memory log every event makes the whole way, and the exit code says so', async (t) => {
  const { exitCode, text } = await play(['--memory'])
  t.equal(exitCode, 0)
  if (exitCode !== 0) t.comment(text)
  t.match(text, /\nAll 6 events made the whole way \(on the in-memory log, not on a Kafka\)\.\n$/)
  t.match(text, /\nCommitted offsets are larger: /)
  t.same(
    text.split('\n').filter((line) => line.length > 80),
    [],
    'no line of a usual run is wider than 80 columns',
  )
  t.match(text, /deployment\.failure …\w{5} +HTTP 200 +✓ +failed +\d\/\d+ +✓/)
  t.match(text, /build\.success …\w{5} +HTTP 200 +✓ +completed +\d\/\d+ +✓/)
})

const python = await missingToolchain('python', process.env)
const skip = python !== undefined && process.env.CI !== 'true' ? python : false
void t.test('the Python app does as well, with more events than XZepr would take in a minute', { skip }, async (t) => {
  const { exitCode, text } = await play(['--memory', '--app', 'python', '--events', '40'])
  t.equal(exitCode, 0)
  if (exitCode !== 0) t.comment(text)
  t.match(text, 'All 40 events made the whole way')
})

// One that is compiled, and one that asks for its works; test/examples holds each of them to the same law.
for (const language of ['go', 'bash'] as const) {
  const missing = await missingToolchain(language, process.env)
  const skip = missing !== undefined && process.env.CI !== 'true' ? missing : false
  void t.test(`with the ${language} app every event makes the whole way as well`, { skip }, async (t) => {
    const { exitCode, text } = await play(['--memory', '--app', language, '--events', '3'])
    t.equal(exitCode, 0)
    if (exitCode !== 0) t.comment(text)
    t.match(text, 'All 3 events made the whole way')
  })
}

void t.test('interrupted before its verdict it fails, and everything is ended', async (t) => {
  const { exitCode, text } = await play(['--memory', '--events', '100'], (text, interrupt) => {
    if (text.includes('POST build.success')) interrupt()
  })
  t.equal(exitCode, 130)
  t.notMatch(text, 'made the whole way')
  t.match(text, /\nEnded; nothing is left\.\n$/)
})

void t.test('a KAFKA_BROKERS that is wrong ends the demo, and nothing else is tried', async (t) => {
  let text = ''
  const output = { write: (more: string) => (text += more) }
  const env = { ...process.env, KAFKA_BROKERS: 'nonsense' }
  t.equal(await demo([], { output, env, signal: new AbortController().signal }), 1)
  t.equal(text, 'KAFKA_BROKERS is "nonsense": it must be host:port, such as localhost:9092.\n')
})

void t.test('when nobody reads on it ends without a word, and its app with it', async (t) => {
  const child = spawn(process.execPath, [...process.execArgv, resolve('src/dev/demo.ts'), '--memory', '--keep'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const closed = once(child, 'close')
  let port = 0
  for await (const line of createInterface({ input: child.stdout })) {
    port = Number(/listening on port (\d+)/.exec(line)?.[1] ?? 0)
    if (port > 0) break
  }
  child.stdout.destroy()
  t.same(await closed, [141, null])
  t.equal(errors, '')
  t.ok(port > 0)
  const [refused] = (await once(connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException]
  t.equal(refused.code, 'ECONNREFUSED', 'the app is gone')
})

void t.test('kept, it stays up with lines to copy until it is interrupted, and keeps its verdict', async (t) => {
  const { exitCode, text } = await play(['--memory', '--events', '1', '--keep'], (text, interrupt) => {
    if (text.includes('Ctrl-C ends it')) interrupt()
  })
  t.equal(exitCode, 0)
  if (exitCode !== 0) t.comment(text)
  t.match(text, 'curl -s http://127.0.0.1:')
  t.match(text, /\nEnded; nothing is left\.\n$/)
})

void t.test('help and a wrong word start nothing', async (t) => {
  t.match(await play(['--help']), { exitCode: 0, text: /--events N/ })
  t.match(await play(['--app', 'ruby']), {
    exitCode: 64,
    text: /--app is node, python, go, rust, java or bash, not ruby/,
  })
})

void t.test('a language that is not installed is said before anything is started', async (t) => {
  let text = ''
  const output = { write: (more: string) => (text += more) }
  const env = { PATH: '/nonexistent' }
  t.equal(await demo(['--memory', '--app', 'python'], { output, env, signal: new AbortController().signal }), 1)
  t.equal(text, 'The python app cannot run: python3 is not installed.\n')
})

void t.test('every payload of the demo is a JSON object, and one kind of event ends badly', async (t) => {
  const six = Array.from({ length: 6 }, (_, nth) => demoEvent(nth))
  for (const { payload } of six) t.type(JSON.parse(payload), 'object')
  t.equal(six.filter(({ success }) => !success).length, 1)
  t.same(demoEvent(7), demoEvent(1))
})
