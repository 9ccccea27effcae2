/**
 * What verify-app says to a person: a line for a check that is kept, four for one that is not, and the sum.
 *
 * What an app answered comes from outside: nothing of it reaches the terminal that could garble it.
 */
import { harmless } from '../cli/replay-text.ts'

export interface Result {
  readonly name: string
  readonly outcome: 'ok' | 'failed' | 'skipped'
  readonly expected: string
  /** What came; for one that was skipped, why. */
  readonly came: string
  readonly hint?: string
}

const NAME_COLUMNS = 19
const WORDS = { ok: 'ok', failed: 'FAILED', skipped: 'skipped' } as const
const COLOURS = { ok: 32, failed: 31, skipped: 33 } as const
const TEXT_MAX_CHARS = 400

export function resultLines({ name, outcome, expected, came, hint }: Result, coloured: boolean): string[] {
  const word = WORDS[outcome].padEnd(7)
  const shown = coloured ? `\u001b[${COLOURS[outcome]}m${word}\u001b[39m` : word
  const head = `${shown}  ${name.padEnd(NAME_COLUMNS)}`
  const text = harmless(came, TEXT_MAX_CHARS)
  if (outcome !== 'failed') return [`${head}${text}`]
  const indent = ' '.repeat(9)
  return [
    `${head}expected: ${expected}`,
    `${indent}${'came:'.padStart(NAME_COLUMNS + 9)} ${text}`,
    ...(hint === undefined ? [] : [`${indent}${'hint:'.padStart(NAME_COLUMNS + 9)} ${hint}`]),
  ]
}

export function sumLine(results: readonly Result[]): string {
  const count = (outcome: Result['outcome']): number => results.filter((each) => each.outcome === outcome).length
  const [ok, failed, skipped] = [count('ok'), count('failed'), count('skipped')]
  const more = skipped === 0 ? '' : `, ${skipped} skipped`
  return failed === 0 && skipped === 0
    ? `The app keeps the contract: ${ok} checks.`
    : `The app does not keep the contract: ${failed} of ${results.length} checks failed${more}.`
}
