/**
 * Files that variables name: secrets and PEM.
 *
 * The reader is handed in, so that reading the configuration touches nothing else. What goes wrong is a problem of the
 * variable that names the file; the file's content is never shown, and of the platform's error only its code.
 */
import { ERRORS } from '../core/errors.ts'
import type { Findings } from './findings.ts'

/** Reads a whole file as UTF-8; throws when it cannot. */
export type FileReader = (path: string) => string

/** What a file must hold: `text` finishes "must be the path of …". */
export interface Right {
  readonly is: (text: string) => boolean
  readonly text: string
}

/** The text of a file without line ends behind it; undefined when that was refused. */
export function readText(
  variable: string,
  path: string,
  readFile: FileReader,
  findings: Findings,
  right?: Right,
): string | undefined {
  const { text, why } = tryRead(path, readFile)
  if (text === undefined) findings.refuse(variable, `must be the path of a readable file: ${why}`)
  else if (right?.is(text) === false) findings.refuse(variable, `must be the path of ${right.text}`)
  return findings.sound(variable) ? text : undefined
}

/** Reads without refusing: `why` says what is in the way. */
export function tryRead(path: string, readFile: FileReader): { readonly text?: string; readonly why: string } {
  try {
    const text = readFile(path).replace(/[\r\n]+$/, '')
    return text === '' ? { why: 'the file is empty.' } : { text, why: '' }
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
    const named = typeof code === 'string' && /^E[A-Z]+$/.test(code) ? ` (${code})` : ''
    return { why: `it cannot be read${named}. ${ERRORS.XZB_CONFIG_FILE_UNREADABLE.hint}` }
  }
}
