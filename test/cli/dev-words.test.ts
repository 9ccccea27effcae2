import t from 'tap'
import type { Command } from '../../src/cli.ts'
import { parse } from '../../src/cli.ts'
import { DEV_FLAGS } from '../../src/cli/dev-words.ts'

const parsed = (...argv: string[]): Command => parse(['dev', ...argv], { version: '1.2.3', terminal: { isTTY: false } })
const textOf = (command: Command): string => ('text' in command ? command.text : '')

void t.test('what stands behind -- is the app’s and is left as it is', async (t) => {
  t.same(parsed(), { kind: 'dev', options: { kafka: false, command: [] } })
  t.same(parsed('--kafka'), { kind: 'dev', options: { kafka: true, command: [] } })
  t.same(parsed('--', 'node', 'app.mjs', '--help', '--', '-x'), {
    kind: 'dev',
    options: { kafka: false, command: ['node', 'app.mjs', '--help', '--', '-x'] },
  })
})

void t.test('what is wrong is answered with what would be right', async (t) => {
  t.match(textOf(parsed('node', 'app.mjs')), /behind --: xzepr-bridge dev -- "node" …\nTry `xzepr-bridge dev --help`/)
  t.match(textOf(parsed('--')), /^Behind -- the command that starts the app is missing/)
  t.match(textOf(parsed('--kafak')), /^Unknown flag "?--kafak"?\. Did you mean --kafka\?/)
  t.match(textOf(parsed('--kafka=yes')), /^The flag --kafka takes no value/)
})

void t.test('the help teaches every flag, what an app finds, and examples that are themselves right', async (t) => {
  const help = textOf(parsed('--help'))
  t.equal(textOf(parse(['help', 'dev'], { version: '1.2.3', terminal: { isTTY: false } })), help)
  for (const flag of DEV_FLAGS) t.match(help, flag)
  for (const name of ['PORT', 'WORK_API_URL', 'NO_COLOR'].slice(0, 2)) t.match(help, name)
  const examples = [...help.matchAll(/^ {2}(?:[A-Z_]+=\S+ )*xzepr-bridge (.+)$/gm)].map(([, words]) => words ?? '')
  t.ok(examples.length > 3)
  for (const words of examples) {
    const command = parse(words.split(' '), { version: '1.2.3', terminal: { isTTY: false } })
    t.notMatch(command, { kind: 'usage' }, words)
  }
})
