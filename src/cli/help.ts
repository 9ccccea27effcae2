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
  [
    'xzepr-bridge dev [-- command]',
    'The whole road on this machine, to write an app against; `xzepr-bridge dev --help` tells more.',
  ],
  ['xzepr-bridge emit NAME', 'Send an event and see how it ends; `xzepr-bridge emit --help` tells more.'],
  ['xzepr-bridge verify-app URL', 'Does an app keep the contract? `xzepr-bridge verify-app --help` tells more.'],
  ['xzepr-bridge drain', 'Let the bridge beside it end what it has, for preStop. `drain --help` tells more.'],
  ['xzepr-bridge healthcheck', 'Ask the bridge beside it whether it makes progress, for HEALTHCHECK of an image.'],
  ['xzepr-bridge replay', 'Send dead letters through the webhook again; `xzepr-bridge replay --help` tells more.'],
  ['xzepr-bridge --help', 'This text.'],
  ['xzepr-bridge --version', 'The version.'],
]

const EXITS: readonly (readonly [string, string])[] = [
  ['0', 'Stopped as asked; all drained, or all sent; alive.'],
  ['1', 'Failed; not all drained, or not all sent; not alive.'],
  ['64', 'The command line is wrong.'],
  ['69', 'Nobody listens on the ops port (drain), or Kafka cannot be read (replay).'],
  ['78', 'The configuration is wrong; every error is listed.'],
]

export const DRAIN_HELP = `xzepr-bridge drain [--reason TEXT] [--timeout SECONDS]

Lets the bridge that runs here end what it has: it takes nothing new, works in
hand may still report, then offsets are committed and the group is left, so
that another bridge goes on at once. The work API stays open until SIGTERM.
Returns when all that is done, or when BRIDGE_SHUTDOWN_GRACE_MS is over.

  --reason TEXT       goes into the bridge's log
  --timeout SECONDS   stop waiting sooner or later than the grace and 5 s

It finds the bridge by BRIDGE_OPS_HOST and BRIDGE_OPS_PORT, and sends the token
of BRIDGE_OPS_TOKEN_FILE where that is set. Drained is for good: a bridge that
has drained delivers again only after a restart.

In a pod, so that the app's last works count while the app still ends:

  containers or initContainers:
    - name: xzepr-bridge
      lifecycle:
        preStop:
          exec:
            command: [node, /app/dist/main.js, drain, --reason, pod ends]
  terminationGracePeriodSeconds: 35   # the grace of 25 s, the drain's end, the app's

Exit codes: 0 drained, 1 not (it says how much is left), 64 wrong command line,
69 nobody listens, 78 a variable is wrong, 130 ended by Ctrl-C.
`

const WIDEST = 100
const NARROWEST = 40

interface Layout {
  readonly columns: number
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly rows: (pairs: readonly (readonly [string, string])[]) => string[]
}

/** How a text is laid out for the terminal it is shown in. */
export function layoutOf(terminal: Terminal): Layout {
  const columns = Math.max(NARROWEST, Math.min(terminal.columns ?? 80, WIDEST))
  const coloured = terminal.isTTY && terminal.noColor !== true
  const bold = (text: string): string => (coloured ? `\u001b[1m${text}\u001b[22m` : text)
  const dim = (text: string): string => (coloured ? `\u001b[2m${text}\u001b[22m` : text)
  const rows = (pairs: readonly (readonly [string, string])[]): string[] =>
    pairs.flatMap(([left, right]) => [`  ${bold(left)}`, ...wrap(right, '      ', columns)])
  return { columns, bold, dim, rows }
}

export function helpText(version: string, terminal: Terminal): string {
  const { columns, bold, dim, rows } = layoutOf(terminal)

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
