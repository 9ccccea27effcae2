/** Every link in the repository's Markdown leads somewhere: files are there, anchors are headings, addresses are https. */
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import t from 'tap'
import type { Page } from '../support/pages.ts'
import { PAGES, ROOT, pageOf } from '../support/pages.ts'

function faultOf(path: string, to: string, pages: readonly Page[]): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(to)) {
    const isSound = URL.canParse(to) && new URL(to).protocol === 'https:' && new URL(to).hostname.includes('.')
    return isSound ? undefined : 'is no https address'
  }
  const [file = '', anchor] = to.split('#')
  const target = file === '' ? path : posix.normalize(posix.join(posix.dirname(path), file))
  if (target.startsWith('..') || !existsSync(`${ROOT}${target}`)) return 'is not there'
  if (anchor === undefined) return undefined
  const page = pages.find((each) => each.path === target)
  if (page === undefined) return 'has an anchor, and is no page'
  return page.anchors.has(anchor) ? undefined : `has no heading #${anchor}`
}

const faultsOf = (pages: readonly Page[]): string[] =>
  pages.flatMap(({ path, links }) =>
    links.flatMap(({ to, line }) => {
      const fault = faultOf(path, to, pages)
      return fault === undefined ? [] : [`${path}:${line}: ${to} ${fault}`]
    }),
  )

void t.test('every link leads to a file, a heading or an https address', async (t) => {
  t.ok(PAGES.length > 15)
  t.ok(PAGES.flatMap(({ links }) => links).length > 100)
  t.same(faultsOf(PAGES), [])
})

void t.test('every page of the documents is reached from their index', async (t) => {
  const reached = new Set(['docs/README.md'])
  for (const path of reached) {
    const page = PAGES.find((each) => each.path === path)
    for (const { to } of page?.links ?? [])
      reached.add(posix.normalize(posix.join(posix.dirname(path), to.split('#')[0] ?? '')))
  }
  t.same(
    PAGES.map(({ path }) => path).filter((path) => path.startsWith('docs/') && !reached.has(path)),
    [],
  )
})

void t.test('the law sees a file and a heading that are not there, and an address that is none', async (t) => {
  const count = (text: string): number => faultsOf([pageOf('docs/README.md', text)]).length
  t.equal(count('# A b\n[a](#a-b) [c](../README.md) [d](https://example.com/a)'), 0)
  t.equal(count('[a](#a)'), 1)
  t.equal(count('# A\n# A\n[a](#a-1)'), 0)
  t.equal(count('[a](nowhere.md)'), 1)
  t.equal(count('[a](../../README.md)'), 1)
  t.equal(count('[a](http://example.com) [b](https://)'), 2)
  t.equal(count('[a](../README.md#no-such-heading-x)'), 1)
  t.equal(count('```sh\n[a](nowhere.md)\n```'), 0)
})
