import fc from 'fast-check'
import t from 'tap'
import type { Command } from '../src/cli.ts'
import { parse } from '../src/cli.ts'
import { ALL_VARIABLES } from '../src/config/variables.ts'
import { anyText } from './support/any-text.ts'

const PIPE = { version: '1.2.3', terminal: { isTTY: false } }
const parsed = (...argv: string[]): Command => parse(argv, PIPE)
const textOf = (command: Command): string => ('text' in command ? command.text : '')

void t.test('to run is the default, and needs no word', async (t) => {
  t.same(parsed(), { kind: 'run' })
  t.same(parsed('run'), { kind: 'run' })
})

void t.test('--version prints the version alone', async (t) => {
  for (const flag of ['--version', '-v']) t.same(parsed(flag), { kind: 'print', text: '1.2.3\n', exitCode: 0 })
})

void t.test('the help teaches: what it is, what one needs first, every variable with its default', async (t) => {
  for (const words of [['--help'], ['-h'], ['help'], ['run', '--help'], ['check', '-h']]) {
    t.match(parsed(...words), { kind: 'print', exitCode: 0 }, words.join(' '))
  }
  const help = textOf(parsed('--help'))
  t.match(help, /^xzepr-bridge 1\.2\.3\n/)
  for (const [name, { example }] of ALL_VARIABLES) {
    t.match(help, new RegExp(`^  ${name}  \\(`, 'm'))
    t.ok(help.replace(/\s+/g, ' ').includes(example), `an example of ${name}`)
  }
  t.match(help, /^ {2}BRIDGE_SERVICE {2}\(required\)$/m)
  t.match(help, /^ {2}BRIDGE_OPS_PORT {2}\(default 8901\)$/m)
  t.match(help, /^ {2}XZEPR_API_USERNAME {2}\(not in this version\)$/m)
  t.match(help, /^ {2}XZEPR_API_TOKEN {2}\(no default\)$/m)
  t.match(help, /Also taken as\s+XZEPR_KAFKA_SSL_CERTIFICATE_LOCATION\./)
  t.match(help, /What you need first\n( {2}export \w+=\S+\n){5}/)
  t.ok(help.endsWith('\n'))
})

void t.test('only a terminal without NO_COLOR gets colours; the words are the same', async (t) => {
  const plain = textOf(parsed('--help'))
  const shown = (terminal: { isTTY: boolean; noColor?: boolean }): string =>
    textOf(parse(['-h'], { ...PIPE, terminal }))
  t.notMatch(plain, '\u001b')
  const coloured = shown({ isTTY: true })
  t.match(coloured, '\u001b[1m')
  t.equal(coloured.replaceAll(/\u001b\[\d+m/g, ''), plain)
  t.equal(shown({ isTTY: true, noColor: true }), plain)
})

void t.test('the help keeps to the width of the terminal', async (t) => {
  for (const columns of [60, 80, 100]) {
    const text = textOf(parse(['-h'], { ...PIPE, terminal: { isTTY: false, columns } }))
    const prose = text.split('\n').filter((line) => /^ {6}/.test(line))
    // A line of one word cannot be broken.
    t.ok(prose.every((line) => line.length <= columns || !line.trim().includes(' ')))
  }
  const narrow = textOf(parse(['-h'], { ...PIPE, terminal: { isTTY: true, columns: 1, noColor: true } }))
  t.match(narrow, /What you need first/)
})

void t.test('drain takes a reason and a timeout in seconds, and nothing else', async (t) => {
  t.same(parsed('drain'), { kind: 'drain', reason: undefined, timeoutMs: undefined })
  t.same(parsed('drain', '--reason', 'pod ends', '--timeout=40'), {
    kind: 'drain',
    reason: 'pod ends',
    timeoutMs: 40_000,
  })
  t.same(parsed('drain', '--timeout', '40s'), { kind: 'drain', reason: undefined, timeoutMs: 40_000 })
  for (const wrong of ['', 'soon', '-1', '1.5', '1e3', '86401', '40m']) {
    t.match(parsed('drain', `--timeout=${wrong}`), { kind: 'usage', exitCode: 64, text: /^--timeout must be seconds/ })
  }
  t.match(textOf(parsed('drain', '--reason')), /^The flag --reason needs a value/)
  t.match(textOf(parsed('drain', 'now')), /^`drain` takes no words, but got "now"/)
  t.match(textOf(parsed('drain', '--resaon=x')), /^Unknown flag --resaon\. Did you mean --reason\?/)
  t.match(textOf(parsed('run', '--reason', 'x')), /^Unknown flag --reason/)
})

void t.test('drain teaches with a preStop', async (t) => {
  for (const words of [
    ['drain', '--help'],
    ['-h', 'drain'],
  ]) {
    const text = textOf(parsed(...words))
    t.match(text, /preStop:/)
    t.match(text, /BRIDGE_SHUTDOWN_GRACE_MS/)
    t.ok(text.split('\n').every((line) => line.length <= 86))
  }
})

void t.test('healthcheck takes no words and no flags, and teaches with a HEALTHCHECK', async (t) => {
  t.same(parsed('healthcheck'), { kind: 'healthcheck' })
  t.match(textOf(parsed('healthcheck', 'now')), /^`healthcheck` takes no words, but got "now"/)
  t.match(textOf(parsed('healthcheck', '--timeout', '3')), /^Unknown flag --timeout/)
  const text = textOf(parsed('healthcheck', '--help'))
  t.match(text, /HEALTHCHECK CMD \["node"/)
  t.ok(text.split('\n').every((line) => line.length <= 86))
})

void t.test('a command of a later version answers that this one does not have it', async (t) => {
  for (const word of ['check', 'config']) {
    t.match(parsed(word), { kind: 'usage', exitCode: 64, text: `This version has no \`${word}\` yet.` })
  }
  t.match(parsed('check', 'something'), { kind: 'usage', text: /no `check` yet/ })
})

void t.test('what is unknown is answered with the nearest known word', async (t) => {
  t.match(textOf(parsed('rum')), /^Unknown command "rum"\. Did you mean run\?\nTry `xzepr-bridge --help`\.\n$/)
  t.match(textOf(parsed('--verison')), /^Unknown flag --verison\. Did you mean --version\?/)
  t.match(textOf(parsed('-x')), /^Unknown flag -x\./)
  t.match(textOf(parsed('-\u001b')), /^Unknown flag -\\u001b\./)
  t.notMatch(textOf(parsed('something-else')), /Did you mean/)
  // Every object of JavaScript has members of these names.
  for (const word of ['constructor', 'toString', '__proto__']) {
    t.match(textOf(parsed(word, '--reason', 'x')), /^Unknown flag --reason/)
    t.match(textOf(parsed(word)), `Unknown command "${word}".`)
  }
  t.match(textOf(parsed('run', 'fast')), /^`run` takes no words, but got "fast"/)
  t.match(textOf(parsed('--help=yes')), /^The flag --help takes no value/)
})

void t.test('any words end in a command, and a usage error is harmless to print', async (t) => {
  fc.assert(
    fc.property(fc.array(anyText(), { maxLength: 4 }), (argv) => {
      const command = parse(argv, PIPE)
      return (
        !('text' in command) ||
        command.exitCode === 0 ||
        !/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(command.text)
      )
    }),
  )
  t.pass()
})
