import fc from 'fast-check'
import t from 'tap'
import type { Command } from '../../src/cli.ts'
import { parse } from '../../src/cli.ts'
import { REPLAY_FLAGS } from '../../src/cli/replay-words.ts'
import { DEAD_LETTER_REASONS } from '../../src/core/dead-letter.ts'
import { anyText } from '../support/any-text.ts'

const parsed = (...argv: string[]): Command =>
  parse(['replay', ...argv], { version: '1.2.3', terminal: { isTTY: false } })
const textOf = (command: Command): string => ('text' in command ? command.text : '')
const NONE = {
  since: undefined,
  until: undefined,
  ids: [],
  reasons: [],
  fromTopic: undefined,
  group: undefined,
  dryRun: false,
  ratePerSecond: undefined,
  limit: undefined,
}

void t.test('every flag is taken', async (t) => {
  t.same(
    parsed(
      '--since',
      '2h',
      '--until=2026-11-23T10:35:00Z',
      '--id',
      'a',
      '--id',
      'b',
      '--reason',
      'poison',
      '--reason',
      'rejected',
      '--from-topic',
      'old.dead',
      '--group',
      'g',
      '--dry-run',
      '--rate',
      '0.5',
      '--limit',
      '10',
      '--all',
    ),
    {
      kind: 'replay',
      options: {
        since: { kind: 'ago', agoMs: 7_200_000 },
        until: { kind: 'at', atMs: Date.UTC(2026, 10, 23, 10, 35) },
        ids: ['a', 'b'],
        reasons: ['poison', 'rejected'],
        fromTopic: 'old.dead',
        group: 'g',
        dryRun: true,
        ratePerSecond: 0.5,
        limit: 10,
      },
    },
  )
  t.same(parsed('--all'), { kind: 'replay', options: NONE })
  t.same(parsed('--dry-run'), { kind: 'replay', options: { ...NONE, dryRun: true } })
})

void t.test('without a word about which letters nothing is sent', async (t) => {
  for (const argv of [[], ['--rate', '5'], ['--limit', '3', '--group', 'g']]) {
    t.match(parsed(...argv), { kind: 'usage', exitCode: 64, text: /^Say which letters: --since.*--dry-run/ })
  }
})

void t.test('what is wrong is said, with what would be right', async (t) => {
  const wrong: readonly [string[], RegExp][] = [
    [['--sinec', '2h'], /^Unknown flag "--sinec"\. Did you mean --since\?\nTry `xzepr-bridge replay --help`/],
    [['--reason', 'poisn'], /none of poison, rejected.*Did you mean poison\?/],
    [['--since'], /--since needs a value/],
    [['--since', ''], /--since needs a value/],
    [['--since', 'noon'], /--since "noon" is neither/],
    [['--until', '2026-11-23T10:00:00'], /--until .* has no zone/],
    [['--since', '1h', '--since', '2h'], /--since may come once/],
    [['--all=yes'], /--all takes no value/],
    [['--all', '--rate', '0'], /--rate "0" must be letters a second/],
    [['--all', '--rate', 'fast'], /--rate/],
    [['--all', '--limit', '0'], /--limit/],
    [['--all', '--from-topic', 'a/b'], /no name of a topic/],
    [['everything'], /takes flags alone, but got "everything"/],
  ]
  for (const [argv, text] of wrong) {
    t.match(parsed(...argv), { kind: 'usage', exitCode: 64 }, argv.join(' '))
    t.match(textOf(parsed(...argv)), text)
  }
})

void t.test('the help teaches every flag, every reason and examples that are themselves right', async (t) => {
  for (const command of [
    parsed('--help'),
    parsed('--since', 'noon', '-h'),
    parse(['help', 'replay'], { version: '', terminal: { isTTY: false } }),
  ]) {
    t.match(command, { kind: 'print', exitCode: 0 })
  }
  const help = textOf(parsed('--help'))
  for (const flag of REPLAY_FLAGS.filter((each) => each !== '--help')) t.match(help, new RegExp(`^  ${flag}\\b`, 'm'))
  for (const reason of DEAD_LETTER_REASONS) t.match(help, reason)
  const examples = [...help.matchAll(/^ {2}(?:kubectl exec .* -- )?xzepr-bridge replay (.*)$/gm)].map(
    ([, words]) => words ?? '',
  )
  t.ok(examples.length >= 5)
  for (const words of examples) t.match(parsed(...words.split(' ')), { kind: 'replay' }, words)
  const narrow = textOf(parse(['replay', '-h'], { version: '', terminal: { isTTY: false, columns: 60 } }))
  t.ok(narrow.split('\n').every((line) => line.length <= 60 || line.includes('xzepr-bridge replay')))
})

void t.test('flags before the word are told where they belong', async (t) => {
  const command = parse(['--dry-run', 'replay'], { version: '', terminal: { isTTY: false } })
  t.match(command, { kind: 'usage', exitCode: 64 })
})

void t.test('any words end in a command, and what is said of them is harmless', async (t) => {
  const flag = fc.constantFrom(...REPLAY_FLAGS, '--', '-', '--__proto__', '--id=')
  fc.assert(
    fc.property(fc.array(fc.oneof(anyText(), flag), { maxLength: 5 }), (argv) => {
      const command = parsed(...argv)
      return !('text' in command) || !/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(command.text)
    }),
  )
  t.pass()
})
