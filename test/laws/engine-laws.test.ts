/** Every law that the page of the engine's laws names is a test in the file it names, and every promise has some. */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import ts from 'typescript'
import { nodes, parsed } from './sources.ts'

const PAGE = 'docs/explanation/engine-laws.md'
const PROMISES = 13
const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL(PAGE, root), 'utf8')

interface Law {
  readonly title: string
  readonly path: string
}

function lawsIn(text: string): Law[] {
  const lines = text.split('\n').filter((line) => line.startsWith('- '))
  return lines.map((line) => {
    const [, title, path, link] = /^- “(.+)” in \[(.+)\]\(\.\.\/\.\.\/(.+)\)$/.exec(line) ?? []
    if (title === undefined || path === undefined || path !== link) throw new Error(`no law: ${line}`)
    return { title, path }
  })
}

/** The titles of a file's tests. */
function titlesIn(path: string): Set<string> {
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

void t.test('every law that the page names is a test in the file it names', async (t) => {
  const laws = lawsIn(page)
  t.ok(laws.length > 50, `${laws.length} laws`)
  const titles = new Map([...new Set(laws.map(({ path }) => path))].map((path) => [path, titlesIn(path)]))
  t.same(
    laws.filter(({ title, path }) => titles.get(path)?.has(title) !== true),
    [],
  )
})

void t.test('every promise has a law, and the laws of the whole road are all on the page', async (t) => {
  const sections = page.split('\n## ').slice(1)
  t.equal(sections.length, PROMISES + 1)
  for (const [at, section] of sections.entries()) {
    if (at < PROMISES) t.match(section, new RegExp(`^${at + 1}\\. `))
    t.ok(lawsIn(section).length > 0, section.slice(0, 40))
  }
  const named = new Set(lawsIn(page).map(({ title }) => title))
  for (const path of ['test/bridge-laws.test.ts', 'test/bridge-bounds.test.ts'])
    for (const title of titlesIn(path)) t.ok(named.has(title), title)
})
