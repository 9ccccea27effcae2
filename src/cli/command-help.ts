/**
 * How the help of one command is laid out, so that all of them read alike.
 *
 *   usage ─▶ what it does ─▶ flags by group ─▶ examples to paste ─▶ good to know ─▶ exit codes
 */
import { wrap } from '../config/findings.ts'
import type { Terminal } from './help.ts'
import { layoutOf } from './help.ts'

type Rows = readonly (readonly [left: string, right: string])[]

export interface CommandHelp {
  /** The command, then what stands behind it. */
  readonly usage: readonly [command: string, rest: string]
  readonly what: string
  readonly groups: readonly (readonly [title: string, rows: Rows])[]
  /** A line to paste, and when one would. */
  readonly examples: Rows
  readonly toKnow: readonly string[]
  readonly exits: Rows
}

export function commandHelp(help: CommandHelp, terminal: Terminal): string {
  const { columns, bold, rows } = layoutOf(terminal)
  const chapter = (title: string, lines: readonly string[]): string[] => ['', bold(title), ...lines]
  const [command, rest] = help.usage
  return [
    `${bold(command)} ${rest}`,
    '',
    ...wrap(help.what, '', columns),
    ...help.groups.flatMap(([title, pairs]) => chapter(title, rows(pairs))),
    ...chapter(
      'Examples',
      help.examples.flatMap(([line, what]) => [...wrap(what, '  # ', columns), `  ${line}`]),
    ),
    ...chapter(
      'Good to know',
      help.toKnow.flatMap((text) => wrap(text, '  ', columns)),
    ),
    ...chapter('Exit codes', rows(help.exits)),
    '',
  ].join('\n')
}
