import t from 'tap'
import type { Command } from '../../src/cli.ts'
import { parse } from '../../src/cli.ts'
import { FORMATS, VERIFY_FLAGS } from '../../src/cli/verify-words.ts'

const AROUND = { version: '1.2.3', terminal: { isTTY: false } }
const URL = 'http://127.0.0.1:8080/events'
const parsed = (...argv: string[]): Command => parse(['verify-app', ...argv], AROUND)
const textOf = (command: Command): string => ('text' in command ? command.text : '')
const ONE = {
  url: URL,
  formats: ['verbatim'],
  timeoutMs: 30_000,
  secretFile: undefined,
  workApiPort: 8900,
  name: 'deployment.success',
  data: '{}',
  json: false,
  command: [],
}

void t.test('a URL is enough; every flag is taken', async (t) => {
  t.same(parsed(URL), { kind: 'verify', options: ONE })
  const flags = ['--format', 'structured,batch', '--format=binary', '--timeout', '2', '--secret-file', 's', '--json']
  const more = ['--work-api-port', '0', '--name', 'a.b', '--data', '{"a":1.50}', '--', 'node', 'a.mjs', '--json']
  t.same(parsed(URL, ...flags, ...more), {
    kind: 'verify',
    options: {
      ...ONE,
      formats: ['structured', 'batch', 'binary'],
      timeoutMs: 2000,
      secretFile: 's',
      workApiPort: 0,
      name: 'a.b',
      data: '{"a":1.50}',
      json: true,
      command: ['node', 'a.mjs', '--json'],
    },
  })
})

void t.test('what is wrong is answered with what would be right', async (t) => {
  for (const [argv, why] of [
    [[], /^Say the app’s webhook/],
    [[URL, 'more'], /takes one URL, but got "more" too/],
    [['127.0.0.1:8080'], /must be an http or https address/],
    [['http://u:p@127.0.0.1'], /^(?!.*u:p).*without a user in it/],
    [[URL, '--format', 'verbtaim'], /is none of verbatim, .*Did you mean verbatim\?/],
    [[URL, '--timeout', '0'], /must be seconds/],
    [[URL, '--work-api-port', '70000'], /is no port/],
    [[URL, '--data', '1'], /must be a JSON object/],
    [[URL, '--'], /^Behind -- the command/],
  ] as const) {
    t.match(parsed(...argv), { kind: 'usage', exitCode: 64 }, argv.join(' '))
    t.match(textOf(parsed(...argv)), why)
  }
})

void t.test('the help teaches every flag, every format and examples that are themselves right', async (t) => {
  const help = textOf(parsed('--help'))
  const words = help.replace(/\s+/g, ' ')
  for (const each of [...VERIFY_FLAGS, ...FORMATS]) t.ok(words.includes(each), each)
  const examples = [...help.matchAll(/^ {2}xzepr-bridge verify-app (http.+)$/gm)].map(([, line]) => line ?? '')
  t.ok(examples.length > 3)
  for (const line of examples) t.match(parsed(...line.replace(/ \|.*/, '').split(' ')), { kind: 'verify' }, line)
})
