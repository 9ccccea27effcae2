/**
 * Laws that a page names: lines of its own form, one a law, with the title of a test and the file that it stands in.
 */
import { existsSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { nodes, parsed } from './sources.ts'

const root = new URL('../../', import.meta.url)

export interface Law {
  readonly title: string
  readonly path: string
}

export function lawsIn(text: string): Law[] {
  const lines = text.split('\n').filter((line) => line.startsWith('- '))
  return lines.map((line) => {
    const [, title, path, link] = /^- “(.+)” in \[(.+)\]\(\.\.\/\.\.\/(.+)\)$/.exec(line) ?? []
    if (title === undefined || path === undefined || path !== link) throw new Error(`no law: ${line}`)
    return { title, path }
  })
}

/** The titles of a file's tests. */
export function titlesIn(path: string): Set<string> {
  const url = new URL(path, root)
  if (!existsSync(url)) return new Set()
  const titles = new Set<string>()
  for (const node of nodes(parsed({ path, text: readFileSync(url, 'utf8') }))) {
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) continue
    const [title] = node.arguments
    if (node.expression.name.text === 'test' && title !== undefined && ts.isStringLiteralLike(title))
      titles.add(title.text)
  }
  return titles
}

/** Those that are no test in the file they name. */
export function missingFrom(laws: readonly Law[]): Law[] {
  const titles = new Map([...new Set(laws.map(({ path }) => path))].map((path) => [path, titlesIn(path)]))
  return laws.filter(({ title, path }) => titles.get(path)?.has(title) !== true)
}
