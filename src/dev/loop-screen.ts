/**
 * Rows as aligned lines: when, what kind, which event, what about it.
 *
 *   14:02:11.204  → event    deployment.success  01M847HRZSMFZDV1KG79EPM357  to the app
 *
 * A column grows with what is in it and never shrinks. Nothing from outside reaches the terminal that could garble it;
 * colours are for a terminal alone, and not where NO_COLOR is set.
 */
import { appLine } from '../cli/app-line.ts'
import { harmless } from '../cli/replay-text.ts'
import type { Row, Tone } from './loop-story.ts'

export interface LoopScreenOptions {
  readonly write: (text: string) => void
  readonly coloured: boolean
  readonly nowMs: () => number
}

const TEXT_MAX_CHARS = 400
const KIND_COLUMNS = 9
const NAME_MAX_COLUMNS = 32
const ID_COLUMNS = 26

const CODES: Readonly<Record<Tone, string>> = { plain: '36', good: '32', wait: '33', bad: '31' }

export class LoopScreen {
  readonly #options: LoopScreenOptions
  #nameColumns = 0

  constructor(options: LoopScreenOptions) {
    this.#options = options
  }

  row({ kind, name, id, text, tone }: Row): void {
    const shown = harmless(name, NAME_MAX_COLUMNS)
    this.#nameColumns = Math.max(this.#nameColumns, shown.length)
    const about = id === '' ? '' : `${shown.padEnd(this.#nameColumns)}  ${harmless(id, 64).padEnd(ID_COLUMNS)}  `
    this.#line(kind, tone, `${about}${harmless(text, TEXT_MAX_CHARS)}`)
  }

  /** A line that the app has printed. */
  app(line: string): void {
    this.#line('  app', undefined, appLine(line))
  }

  /** A sentence of dev's own. */
  say(text: string): void {
    this.#line('  dev', undefined, harmless(text, TEXT_MAX_CHARS))
  }

  /** Text as it is, for the beginning. */
  plain(lines: readonly string[]): void {
    this.#options.write(`${lines.join('\n')}\n`)
  }

  dim(text: string): string {
    return this.#options.coloured ? `\u001b[2m${text}\u001b[22m` : text
  }

  bold(text: string): string {
    return this.#options.coloured ? `\u001b[1m${text}\u001b[22m` : text
  }

  #line(kind: string, tone: Tone | undefined, text: string): void {
    const at = this.dim(timeOfDay(this.#options.nowMs()))
    const padded = kind.padEnd(KIND_COLUMNS)
    const coloured =
      tone === undefined || !this.#options.coloured ? padded : `\u001b[${CODES[tone]}m${padded}\u001b[39m`
    this.#options.write(`${at}  ${coloured}  ${text}`.trimEnd() + '\n')
  }
}

/** In the zone of whoever looks on. */
function timeOfDay(atMs: number): string {
  const at = new Date(atMs)
  const two = (value: number): string => String(value).padStart(2, '0')
  const ms = String(at.getMilliseconds()).padStart(3, '0')
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`
}
