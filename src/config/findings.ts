/**
 * What is wrong with the configuration, all of it at once.
 *
 * Each problem names the variable, what was given and what would be right. The law: no text in here ever holds a
 * secret, whatever variable it was put into by mistake. So a password is never repeated, a path only when it looks like
 * one, an address only up to its path and never with an @ in it.
 */
import { ERRORS } from '../core/errors.ts'
import type { Kind } from './variable.ts'
import { ALL_VARIABLES } from './variables.ts'

export interface Problem {
  readonly variable: string
  /** What was given, safe to show: quoted text, or words such as "not set". */
  readonly given: string
  /** A clause such as "must be a whole number from 1 to 10". */
  readonly right: string
}

/** Collects problems and warnings while the environment is read. At most one problem per variable: the first. */
export class Findings {
  readonly #problems = new Map<string, Problem>()
  readonly warnings: string[] = []
  readonly #given: ReadonlyMap<string, string>

  /** @param given the texts of the variables that are set, to be shown as far as is safe. */
  constructor(given: ReadonlyMap<string, string>) {
    this.#given = given
  }

  get problems(): readonly Problem[] {
    const order = [...ALL_VARIABLES.keys()]
    return [...this.#problems.values()].sort((a, b) => order.indexOf(a.variable) - order.indexOf(b.variable))
  }

  refuse(variable: string, right: string): void {
    if (this.#problems.has(variable)) return
    const given = shown(ALL_VARIABLES.get(variable)?.kind ?? 'plain', this.#given.get(variable))
    this.#problems.set(variable, { variable, given, right })
  }

  warn(text: string): void {
    this.warnings.push(text)
  }

  /** None of these was refused: a check that compares them makes sense. */
  sound(...variables: readonly string[]): boolean {
    return variables.every((variable) => !this.#problems.has(variable))
  }
}

const SHOWN_MAX_CHARS = 80

/** Text from outside, made harmless for a terminal and a log: quoted, cut, control and direction characters escaped. */
export function quoted(text: string): string {
  const cut = text.length > SHOWN_MAX_CHARS ? `${text.slice(0, SHOWN_MAX_CHARS)}…` : text
  return JSON.stringify(cut).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** What may be said of a variable's text. */
function shown(kind: Kind, text: string | undefined): string {
  if (text === undefined) return 'not set'
  switch (kind) {
    case 'plain':
      return quoted(text)
    case 'secret':
      return 'set (not shown: it is a secret)'
    case 'path':
      // A password put into …_FILE by mistake is the likeliest of all; it seldom has the form of a path.
      return /^(?:\.{1,2}\/[\w.-]|\/[\w.-]+\/)[\w./-]*$/.test(text)
        ? quoted(text)
        : 'set (not shown: it may be no path)'
    case 'url': {
      if (text.includes('@')) return 'set (not shown: it may hold a password)'
      // Paths and queries carry tokens too; scheme and host are enough to find the mistake.
      const start = /^(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?:\/\/)?[^/?#\\]*/.exec(text)?.[0] ?? ''
      return quoted(start === text ? text : `${start}/…`)
    }
  }
}

/** The problems as a list for a terminal; `columns` is its width. */
export function renderProblems(problems: readonly Problem[], columns = 80): string {
  const { what, hint } = ERRORS.XZB_CONFIG_INVALID
  const indent = ' '.repeat(6)
  const lines = problems.flatMap(({ variable, given, right }) => [
    `  ${variable}`,
    ...wrap(`given:  ${given}`, indent, columns),
    ...wrap(right, indent, columns),
    '',
  ])
  const count = problems.length === 1 ? '1 error' : `${problems.length} errors`
  return [`${what} (XZB_CONFIG_INVALID, ${count})`, '', ...lines, ...wrap(hint, '', columns), ''].join('\n')
}

/** Breaks text into lines of at most `columns` characters at spaces; a longer word keeps a line of its own. */
export function wrap(text: string, indent: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > columns) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(indent + line)
  return lines
}
