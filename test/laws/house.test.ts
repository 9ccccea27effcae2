/** CONTRIBUTING's map of the house names what stands at the top of src, and nothing else. */
import { readFileSync, readdirSync } from 'node:fs'
import t from 'tap'

const root = new URL('../../', import.meta.url)

void t.test('the tree of src in CONTRIBUTING is the tree of src', async (t) => {
  const text = readFileSync(new URL('CONTRIBUTING.md', root), 'utf8')
  const [, tree = ''] = /```text\nsrc\/\n([\s\S]*?)^test\//m.exec(text) ?? []
  const named = [...tree.matchAll(/(?<= )[\w-]+(?:\.(?:ts|json)|\/)(?=[ ,\n])/g)].map(([name]) => name)
  const entries = readdirSync(new URL('src/', root), { withFileTypes: true })
  const there = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
  t.same(named.sort(), there.sort())
})
