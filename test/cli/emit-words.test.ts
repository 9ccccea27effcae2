import fc from 'fast-check'
import t from 'tap'
import type { Command } from '../../src/cli.ts'
import { parse } from '../../src/cli.ts'
import type { EmitOptions } from '../../src/cli/emit-words.ts'
import { EMIT_FLAGS, EVENT_FIELDS } from '../../src/cli/emit-words.ts'
import { anyText } from '../support/any-text.ts'

const AROUND = { version: '1.2.3', terminal: { isTTY: false } }
const parsed = (...argv: string[]): Command => parse(['emit', ...argv], AROUND)
const textOf = (command: Command): string => ('text' in command ? command.text : '')
const optionsOf = (command: Command): EmitOptions | undefined => (command.kind === 'emit' ? command.options : undefined)
const ONE: EmitOptions = {
  name: 'build.success',
  data: undefined,
  file: undefined,
  count: 1,
  ratePerSecond: undefined,
  fields: new Map(),
  wait: false,
  timeoutMs: 60_000,
}

void t.test('a name is enough', async (t) => {
  t.same(parsed('build.success'), { kind: 'emit', options: ONE })
})

void t.test('every flag is taken, and data keeps its digits', async (t) => {
  const data = '{"build":9007199254740993, "x":1.50}'
  const flags = ['--data', data, '--count', '3', '--rate=0.5', '--wait', '--timeout', '5s', '--failure']
  t.same(parsed('build.success', ...flags, '--set', 'package=web', '--set', 'description=a=b'), {
    kind: 'emit',
    options: {
      ...ONE,
      data,
      count: 3,
      ratePerSecond: 0.5,
      wait: true,
      timeoutMs: 5000,
      fields: new Map([
        ['success', 'false'],
        ['package', 'web'],
        ['description', 'a=b'],
      ]),
    },
  })
  t.same(optionsOf(parsed('--file', '-')), { ...ONE, name: undefined, file: '-' }, 'events of a file name themselves')
})

void t.test('what is wrong is answered with what would be right', async (t) => {
  for (const [argv, why] of [
    [[], /^Say the name of the event/],
    [['a', 'b'], /^`emit` takes one name, but got "b" too/],
    [[' '], /^The name of the event is empty/],
    [['a', '--data', '{"a":1'], /must be a JSON object, such as/],
    [['a', '--data', '[1]'], /must be a JSON object/],
    [['a', '--data', '{}', '--file', 'x'], /exclude each other/],
    [['a', '--count', '0'], /--count "0" must be a number from 1 to 100000/],
    [['a', '--count', '100001'], /must be a number from 1 to 100000/],
    [['a', '--rate', '-1'], /must be events a second, such as 10 or 0\.5/],
    [['a', '--timeout', '2m'], /must be seconds, up to 86400/],
    [['a', '--set', 'pakage=web'], /one of version.*Did you mean package\?/],
    [['a', '--set', 'package'], /must be FIELD=VALUE/],
    [['a', '--set', 'package= '], /must not be empty: XZepr refuses that/],
    [['a', '--set', 'success=maybe'], /must be true or false/],
    [['a', '--wiat'], /Unknown flag .*Did you mean --wait\?/],
  ] as const) {
    const command = parsed(...argv)
    t.match(command, { kind: 'usage', exitCode: 64 }, argv.join(' '))
    t.match(textOf(command), why)
    t.match(textOf(command), /Try `xzepr-bridge emit --help`/)
  }
})

void t.test('the help teaches every flag, every field and examples that are themselves right', async (t) => {
  const help = textOf(parsed('--help'))
  const words = help.replace(/\s+/g, ' ')
  for (const each of [...EMIT_FLAGS, ...EVENT_FIELDS]) t.ok(words.includes(each), each)
  const examples = [...help.matchAll(/^ {2}(?:[A-Z_]+=\S+ )*xzepr-bridge emit (.+)$/gm)].map(([, line]) => line ?? '')
  t.ok(examples.length > 4)
  for (const line of examples) {
    const argv = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
    t.match(parsed(...argv), { kind: 'emit' }, line)
  }
})

void t.test('any words end in a command, and what is said of them is harmless', async (t) => {
  fc.assert(
    fc.property(fc.array(anyText(), { maxLength: 4 }), (argv) => {
      const text = textOf(parsed(...argv))
      return !/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text)
    }),
  )
  t.pass()
})
