/**
 * A line that an app has printed, as it is shown beside what the commands that start apps say themselves.
 *
 * An app prints what it likes, also what it was sent from outside: its colours are left out, and nothing of it reaches the
 * terminal that could garble it.
 */
import { stripVTControlCharacters } from 'node:util'
import { harmless } from './replay-text.ts'

/** Long enough for the log of an app; beyond it a line says nothing to an onlooker. */
const APP_MAX_CHARS = 1000

export function appLine(line: string): string {
  return `│ ${harmless(stripVTControlCharacters(line).replaceAll('\t', '    '), APP_MAX_CHARS)}`
}
