/**
 * docs/reference/error-codes.md names every code that the bridge has, with what the code's own table says of it, and no other:
 * problems, failures that are reported, dead letters, errors, exit codes.
 */
import t from 'tap'
import { DEAD_LETTER_REASONS } from '../../src/core/dead-letter.ts'
import { FAILURES } from '../../src/core/ending.ts'
import { ERRORS } from '../../src/core/errors.ts'
import { PROBLEMS } from '../../src/http/problems.ts'
import { helpOf, SECTIONS } from '../support/cli-page.ts'
import { operations } from '../support/documents.ts'
import { codesOf } from '../support/exchanges.ts'
import { codes, holdsWritten, page, section, table } from '../support/reference-pages.ts'
import { SOURCES } from './sources.ts'

const NAME = 'error-codes.md'

/** Where a problem may be met: openapi.yaml names it under operations of one port or of both. */
function portOf(code: string): string {
  const ports = new Set(operations.filter((each) => codesOf(each).has(code)).map(({ listener }) => listener))
  return ports.size === 2 ? 'both' : ports.has('ops') ? 'ops' : 'work API'
}

void t.test('the problems are those of both listeners, with status, port and title', async (t) => {
  const rows = table(page(NAME), 'code', 'status', 'port')
  t.strictSame(
    rows.map(({ code, status, port, title }) => [...codes(code), status, port, title]),
    Object.entries(PROBLEMS).map(([code, { status, title }]) => [code, String(status), portOf(code), title]),
  )
  for (const row of rows) t.match(row['what to do'], /^[A-Z].*\.$/, codes(row.code).join())
})

void t.test('the failures are those that the bridge reports, each beside its dead letter', async (t) => {
  const rows = table(page(NAME), '`error_code`', 'as a dead letter')
  t.strictSame(
    rows.map((row) => [...codes(row['as a dead letter']), ...codes(row['`error_code`'])]),
    Object.entries(FAILURES),
  )
})

void t.test(
  'the dead letters are those that the bridge writes, and the help of replay tells which it leaves out',
  async (t) => {
    const rows = table(page(NAME), 'reason', 'what happened')
    t.strictSame(
      rows.flatMap(({ reason }) => codes(reason)),
      [...DEAD_LETTER_REASONS],
    )
    const [, left] = /--all\s+Every letter of this group, but for ([a-z-]+):/.exec(helpOf('replay')) ?? []
    for (const row of rows)
      t.equal(row['replayed by `--all`']?.startsWith('no'), codes(row.reason)[0] === left, codes(row.reason).join())
  },
)

/** As a table has it: `…_CERT_LOCATION` and the like stay as they are. */
function errorTable(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { what, hint, retriable }]) => `| \`${code}\` | ${what} | ${retriable ? 'yes' : 'no'} | ${hint} |`,
  )
  return ['| code | what happened | mends itself | what to do |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

void t.test('the errors of the bridge are those of core/errors.ts, word for word', async (t) => {
  holdsWritten(t, NAME, 'errors', errorTable())
  // Read once more without the writer, so that a fault of the writer cannot hide itself.
  const rows = table(section(page(NAME), '## Errors of the bridge'), 'code', 'what happened')
  t.strictSame(
    Object.fromEntries(rows.map((row) => [codes(row.code)[0], [row['what happened'], row['what to do']]])),
    Object.fromEntries(Object.entries(ERRORS).map(([code, { what, hint }]) => [code, [what, hint]])),
  )
})

/** Exit codes as the help of a command tells them: in rows, or in one sentence. */
function exitsOf(word: string): [code: string, means: string][] {
  const help = helpOf(word)
  const [, sentence] = /Exit codes: ([^]*)\.\n$/.exec(help) ?? []
  if (sentence !== undefined) {
    const parts = sentence.replaceAll('\n', ' ').split(/, (?=\d)/)
    return parts.map((part) => [/^\d+/.exec(part)?.[0] ?? '', `${part.replace(/^\d+ /, '')}.`])
  }
  const [, rows = ''] = /\nExit codes\n([^]*)$/.exec(help) ?? []
  const found = [...rows.matchAll(/^ {2}(\w+)\n((?: {6}.*\n?)+)/gm)]
  return found.map(([, code = '', means = '']) => [code, means.trim().replace(/\s+/g, ' ')])
}

/** The help of the program itself sums up what any of its commands ends with. */
function exitTable(): string {
  const rows = SECTIONS.flatMap(({ word }) =>
    exitsOf(word).map(
      ([code, means]) =>
        `| ${word === 'run' ? 'any, in short' : `\`${word}\``} | ${code} | ${means.charAt(0).toUpperCase()}${means.slice(1)} |`,
    ),
  )
  return ['| command | exit code | means |', '| --- | --- | --- |', ...rows].join('\n')
}

/** What may stand in the code for an exit code. Kafka in Docker, the rehearsal and the demo are no commands. */
const EXIT = /\b(?:EX_[A-Z]+|INTERRUPTED|NOT_FOUND) = (\d+)|\bexit\((\d+)\)|\bexitCode: ([\d |]+)/g
const COMMANDS = /^(?:main|cli|emit|verify|replay)\.ts$|^(?:cli|emit|verify)\/|^dev\/loop/

function exitsInSource(): Set<string> {
  const found = new Set<string>()
  for (const { path, text } of SOURCES) {
    if (!COMMANDS.test(path)) continue
    for (const match of text.matchAll(EXIT))
      for (const code of match.slice(1).join(' ').match(/\d+/g) ?? []) found.add(code)
  }
  return found
}

void t.test('the exit codes are those of the help of each command, and those that the code knows', async (t) => {
  for (const { word } of SECTIONS) t.ok(exitsOf(word).length > 3, word)
  holdsWritten(t, NAME, 'exits', exitTable())
  const general = table(page(NAME), 'exit code', 'means').map((row) => row['exit code'] ?? '')
  const helped = SECTIONS.flatMap(({ word }) => exitsOf(word).map(([code]) => code))
  t.strictSame([...general].sort(), [...new Set([...helped, ...exitsInSource()])].sort())
})
