/**
 * The help: what the bridge is, what one needs first, then every variable.
 *
 * Read from the declarations, in the order of the reference, for the width of the terminal it is shown in. Bold and dim
 * are for people at a terminal alone: a pipe and NO_COLOR get plain text.
 */
import { wrap } from '../config/findings.ts'
import type { Variable } from '../config/variable.ts'
import { GROUPS, defaultText } from '../config/variable.ts'
import { ALL_VARIABLES, FIRST_VARIABLES } from '../config/variables.ts'

/** Where the text goes; `noColor` when NO_COLOR is set and not empty (no-color.org). */
export interface Terminal {
  readonly isTTY: boolean
  readonly columns?: number | undefined
  readonly noColor?: boolean
}

const WHAT = `Delivers every XZepr event from Kafka to the app beside it over HTTP, and brings the app's reports back to XZepr.
A record's offset is committed when nothing more is owed for it; the bridge needs no disk.`

const USAGE: readonly (readonly [string, string])[] = [
  ['xzepr-bridge [run]', 'Deliver until SIGTERM. Everything is set by environment variables.'],
  ['xzepr-bridge --help', 'This text.'],
  ['xzepr-bridge --version', 'The version.'],
]

const EXITS: readonly (readonly [string, string])[] = [
  ['0', 'Stopped as asked.'],
  ['64', 'The command line is wrong.'],
  ['78', 'The configuration is wrong; every error is listed.'],
]

const WIDEST = 100
const NARROWEST = 40

export function helpText(version: string, terminal: Terminal): string {
  const columns = Math.max(NARROWEST, Math.min(terminal.columns ?? 80, WIDEST))
  const coloured = terminal.isTTY && terminal.noColor !== true
  const bold = (text: string): string => (coloured ? `\u001b[1m${text}\u001b[22m` : text)
  const dim = (text: string): string => (coloured ? `\u001b[2m${text}\u001b[22m` : text)
  const rows = (pairs: readonly (readonly [string, string])[]): string[] =>
    pairs.flatMap(([left, right]) => [`  ${bold(left)}`, ...wrap(right, '      ', columns)])

  const variable = (name: string, each: Variable): string[] => [
    `  ${bold(name)}  ${dim(standsFor(each))}`,
    ...wrap([each.description, otherSpelling(each)].filter((text) => text !== '').join(' '), '      ', columns),
    ...wrap(`${sentence(each.right)} Example: ${each.example}`, '      ', columns).map(dim),
  ]
  const first = FIRST_VARIABLES.map((name) => `  export ${name}=${ALL_VARIABLES.get(name)?.example ?? ''}`)
  const groups = GROUPS.flatMap((group) => [
    '',
    bold(group),
    ...[...ALL_VARIABLES].filter(([, each]) => each.group === group).flatMap(([name, each]) => variable(name, each)),
  ])

  return [
    `${bold('xzepr-bridge')} ${version}`,
    '',
    ...WHAT.split('\n').flatMap((line) => wrap(line, '', columns)),
    '',
    bold('Usage'),
    ...rows(USAGE),
    '',
    bold('What you need first'),
    ...first,
    '',
    ...wrap('Only BRIDGE_SERVICE and a way to sign in to XZepr have no default. Then run: xzepr-bridge', '  ', columns),
    ...groups,
    '',
    bold('Exit codes'),
    ...rows(EXITS),
    '',
  ].join('\n')
}

/** What stands when the variable is not set. */
function standsFor(variable: Variable): string {
  if (variable.notYet === true) return '(not in this version)'
  if (variable.presence === 'required') return '(required)'
  const initial = defaultText(variable)
  return initial === undefined ? '(no default)' : `(default ${initial})`
}

function otherSpelling({ alias }: Variable): string {
  return alias === undefined ? '' : `Also taken as ${alias}.`
}

function sentence(right: string): string {
  return `${right.charAt(0).toUpperCase()}${right.slice(1)}.`
}
