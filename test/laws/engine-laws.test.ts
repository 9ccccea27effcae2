/** Every law that the page of the engine's laws names is a test in the file it names, and every promise has some. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { lawsListed, strangeLaws, titlesIn } from '../support/titles.ts'

const PAGE = 'docs/explanation/engine-laws.md'
const PROMISES = 13
const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL(PAGE, root), 'utf8')

void t.test('every law that the page names is a test in the file it names', async (t) => {
  const laws = lawsListed(page)
  t.ok(laws.length > 50, `${laws.length} laws`)
  t.same(strangeLaws(laws), [])
})

void t.test('every promise has a law, and the laws of the whole road are all on the page', async (t) => {
  const sections = page.split('\n## ').slice(1)
  t.equal(sections.length, PROMISES + 1)
  for (const [at, section] of sections.entries()) {
    if (at < PROMISES) t.match(section, new RegExp(`^${at + 1}\\. `))
    t.ok(lawsListed(section).length > 0, section.slice(0, 40))
  }
  const named = new Set(lawsListed(page).map(({ title }) => title))
  for (const path of ['test/bridge-laws.test.ts', 'test/bridge-bounds.test.ts'])
    for (const title of titlesIn(path)) t.ok(named.has(title), title)
})
