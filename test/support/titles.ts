/** Tests as pages name them, “title” in [file](../../file), and the titles that a file of tests has. */
import { existsSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { nodes, parsed } from '../laws/sources.ts'

const root = new URL('../../', import.meta.url)

/** A test that a page names. */
export interface Law {
  readonly title: string
  readonly path: string
}

/** Every test that a text names; a file that is linked under another name is none. */
export function lawsIn(text: string): Law[] {
  const named = [...text.matchAll(/“([^”]+)” in \[([^\]]+)\]\(\.\.\/\.\.\/([^)]+)\)/g)]
  return named.map(([, title = '', path = '', link = '']) => ({ title, path: path === link ? path : '' }))
}

/** The tests of a page that lists them, one a line; a line of a list that names none is a mistake. */
export function lawsListed(text: string): Law[] {
  const lines = text.split('\n').filter((line) => line.startsWith('- '))
  return lines.map((line) => {
    const [law] = lawsIn(line)
    if (law === undefined || !line.endsWith(')')) throw new Error(`no law: ${line}`)
    return law
  })
}

/** Those that are no test of the file they name. */
export function strangeLaws(laws: readonly Law[]): Law[] {
  const titles = new Map([...new Set(laws.map(({ path }) => path))].map((path) => [path, titlesIn(path)]))
  return laws.filter(({ title, path }) => titles.get(path)?.has(title) !== true)
}

export function titlesIn(path: string): Set<string> {
  const url = new URL(path, root)
  if (path === '' || !existsSync(url)) return new Set()
  const titles = new Set<string>()
  for (const node of nodes(parsed({ path, text: readFileSync(url, 'utf8') }))) {
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) continue
    const [title] = node.arguments
    if (node.expression.name.text === 'test' && title !== undefined && ts.isStringLiteralLike(title))
      titles.add(title.text)
  }
  return titles
}
