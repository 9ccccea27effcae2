/**
 * The pages of docs/reference as their laws read them: tables, code blocks, and the parts that are written anew by
 * `TAP_SNAPSHOT=1`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'

const DIRECTORY = new URL('../../docs/reference/', import.meta.url)
const REWRITE = process.env.TAP_SNAPSHOT === '1'

export function page(name: string): string {
  return readFileSync(new URL(name, DIRECTORY), 'utf8')
}

/** The page is what is written here, all of it. */
export function isWritten(t: Test, name: string, text: string): void {
  if (REWRITE) writeFileSync(new URL(name, DIRECTORY), text)
  t.equal(page(name), text, `docs/reference/${name}: TAP_SNAPSHOT=1 writes it anew`)
}

/** The part of a page between `<!-- part -->` and `<!-- /part -->` is what is written here. */
export function holdsWritten(t: Test, name: string, part: string, text: string): void {
  const [begin, end] = [`<!-- ${part} -->`, `<!-- /${part} -->`]
  const [before, rest] = split(page(name), begin)
  const [found, after] = split(rest, end)
  const right = `\n${text}\n`
  if (REWRITE) writeFileSync(new URL(name, DIRECTORY), before + begin + right + end + after)
  else t.equal(found, right, `${part} in docs/reference/${name}: TAP_SNAPSHOT=1 writes it anew`)
}

function split(text: string, at: string): [string, string] {
  const index = text.indexOf(at)
  if (index === -1) throw new Error(`no ${at.trim()}`)
  return [text.slice(0, index), text.slice(index + at.length)]
}

/** The rows of a table, each by the titles of its columns. */
export type Rows = readonly Readonly<Record<string, string>>[]

/** The table whose first titles are these. Bars that are escaped are none of its own. */
export function table(text: string, ...titles: readonly string[]): Rows {
  const head = `| ${titles.join(' | ')} |`
  const lines = text.split('\n')
  const starts = lines.flatMap((line, at) => (`${line} `.startsWith(head) ? [at] : []))
  const [start] = starts
  if (start === undefined || starts.length > 1) throw new Error(`${starts.length} tables with ${head}`)
  const names = cellsOf(lines[start] ?? '')
  const rows: Record<string, string>[] = []
  for (let at = start + 2; lines[at]?.startsWith('|') === true; at += 1) {
    const cells = cellsOf(lines[at] ?? '')
    if (cells.length !== names.length) throw new Error(`${cells.length} cells, not ${names.length}: ${lines[at] ?? ''}`)
    rows.push(Object.fromEntries(names.map((name, nth) => [name, cells[nth] ?? ''])))
  }
  return rows
}

function cellsOf(line: string): string[] {
  return line
    .replace(/^\|/, '')
    .replace(/\|$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'))
}

/** The texts in back-ticks, in order. */
export function codes(text: string | undefined): string[] {
  return [...(text ?? '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}

/** A section's text, from its heading to the next of its kind or above. */
export function section(text: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 0
  const [, rest] = split(`\n${text}`, `\n${heading}\n`)
  return rest.split(new RegExp(`^#{1,${level}} `, 'm'))[0] ?? ''
}
