/**
 * docs/reference/cli.md as it is written: what each command is for, and its help, word for word, as a pipe of 80 columns
 * gets it.
 */
import { readFileSync } from 'node:fs'
import { parse } from '../../src/cli.ts'

const PACKAGE = new URL('../../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }

/** A command, its heading, and when one would use it. */
interface Section {
  /** The words behind which `--help` shows it. */
  readonly word: string
  readonly what: string
  readonly more: string
}

export const SECTIONS: readonly Section[] = [
  {
    word: 'run',
    what: 'delivers until SIGTERM',
    more: 'The word may be left out. Everything is set by [variables](configuration.md); their list is part of this help.',
  },
  {
    word: 'dev',
    what: 'the whole road on one machine, to write an app against',
    more: 'Start here when you write an app: it needs Node alone.',
  },
  {
    word: 'emit',
    what: 'sends events through XZepr’s API, and follows them',
    more: 'Beside `dev` it needs no setting up; with `XZEPR_API_URL` and a token it sends to a real XZepr.',
  },
  {
    word: 'verify-app',
    what: 'does an app keep the contract?',
    more: 'What it looks at is [the API for apps](downstream_consumer_api.md). It belongs into the app’s own CI.',
  },
  {
    word: 'drain',
    what: 'lets the bridge beside it end what it has',
    more: 'It is meant for preStop; the charts in `helm` and `kustomize` have it already.',
  },
  {
    word: 'healthcheck',
    what: 'does the bridge beside it make progress?',
    more: 'It is meant for images; Kubernetes asks `/livez` itself.',
  },
  {
    word: 'replay',
    what: 'sends dead letters through the webhook again',
    more: 'Which letters there are, and why, is in [error codes](error-codes.md#dead-letters).',
  },
]

/** Words that this version knows and does not carry out. */
export const LATER: readonly string[] = ['check', 'config']

/** What a pipe gets. */
export function helpOf(word: string): string {
  const command = parse([word, '--help'], { version, terminal: { isTTY: false, columns: 80 } })
  if (command.kind !== 'print') throw new Error(`no help of ${word}`)
  return command.text
}

const HEAD = `# Command line

<!-- Written from the help of the commands: what is changed here by hand is lost. -->

One program, \`xzepr-bridge\`, is the bridge itself and what a person needs beside it. In a built clone without an image it is
\`node dist/main.js\`, or \`npx xzepr-bridge\`.
`

const FOOT = `| word | |
| --- | --- |
| \`help\` | this help; \`xzepr-bridge help emit\` is \`xzepr-bridge emit --help\` |
| ${LATER.map((word) => `\`${word}\``).join(' ')} | not in this version: exit 64, and it says so |

\`--version\` (\`-v\`) prints the version, \`--help\` (\`-h\`) behind any command its help. At a terminal the help is as wide as
the terminal and has bold words, unless \`NO_COLOR\` is set. What the exit codes of all commands have in common stands in
[error codes](error-codes.md#exit-codes).
`

export function cliPage(): string {
  const rows = SECTIONS.map(({ word, what }) => `| [\`xzepr-bridge ${word}\`](#xzepr-bridge-${word}) | ${what} |`)
  const sections = SECTIONS.flatMap(({ word, more }) => [
    ...[`## xzepr-bridge ${word}`, '', more, ''],
    ...['```text', helpOf(word).trimEnd(), '```', ''],
  ])
  return [HEAD, '| command | |', '| --- | --- |', ...rows, '', FOOT, ...sections].join('\n')
}
