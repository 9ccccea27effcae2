/**
 * The Markdown of the repository as the laws read it: blocks of code, headings, links.
 *
 * What stands between fences is code and nothing else: a heading or a link in it is none.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface Block {
  /** From the root on, with slashes. */
  readonly path: string
  /** The line on which the fence opens, from 1. */
  readonly line: number
  /** The first word behind the fence; empty where there is none. */
  readonly language: string
  readonly text: string
  /** The lines between the last heading or block and this one. */
  readonly before: string
}

export interface Page {
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
  /** As GitHub makes them. */
  readonly anchors: ReadonlySet<string>
  readonly links: readonly { readonly to: string; readonly line: number }[]
}

const FOLDERS = ['docs', 'helm', 'kustomize', 'examples', 'bench', 'test']

function markdownFiles(): string[] {
  const top = readdirSync(ROOT).filter((name) => name.endsWith('.md'))
  const inside = FOLDERS.filter((folder) => existsSync(`${ROOT}${folder}`)).flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' }).map((path) =>
      `${folder}/${path}`.replaceAll('\\', '/'),
    ),
  )
  return [...top, ...inside.filter((path) => path.endsWith('.md') && !path.includes('node_modules/'))].sort()
}

export function pageOf(path: string, text: string): Page {
  const blocks: Block[] = []
  const links: { to: string; line: number }[] = []
  const anchors = new Set<string>()
  let open: { fence: string; language: string; line: number; lines: string[]; before: string } | undefined
  let before: string[] = []
  for (const [at, line] of text.split('\n').entries()) {
    const fence = /^\s*(`{3,}|~{3,})\s*(\S*)/.exec(line)
    if (open !== undefined) {
      if (fence?.[1]?.startsWith(open.fence) === true && fence[2] === '') {
        blocks.push({
          path,
          line: open.line,
          language: open.language,
          text: open.lines.join('\n'),
          before: open.before,
        })
        ;[open, before] = [undefined, []]
      } else open.lines.push(line)
    } else if (fence !== null) {
      const [, mark = '', language = ''] = fence
      open = { fence: mark, language, line: at + 1, lines: [], before: before.join('\n') }
    } else {
      const heading = /^#{1,6} +(.*?) *#*$/.exec(line)?.[1]
      if (heading === undefined) before.push(line)
      else {
        before = []
        anchors.add(anchorOf(heading, anchors))
      }
      // What stands in backticks is shown, not linked.
      const prose = line.replace(/`[^`]*`/g, '')
      for (const [, to = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) links.push({ to, line: at + 1 })
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: a block without an end`)
  return { path, text, blocks, anchors, links }
}

/** GitHub's rule: letters, digits, spaces, hyphens and underscores stay; a name that is taken gets a number. */
function anchorOf(heading: string, taken: ReadonlySet<string>): string {
  const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
  const name = words.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
  for (let nth = 0; ; nth += 1) {
    const anchor = nth === 0 ? name : `${name}-${nth}`
    if (!taken.has(anchor)) return anchor
  }
}

export const PAGES: readonly Page[] = markdownFiles().map((path) =>
  pageOf(path, readFileSync(`${ROOT}${path}`, 'utf8')),
)

export function page(path: string): Page {
  const found = PAGES.find((each) => each.path === path)
  if (found === undefined) throw new Error(`no page ${path}`)
  return found
}

/** Where something is wrong, and what. */
export function placed({ path, line }: Pick<Block, 'path' | 'line'>, faults: readonly string[]): string[] {
  return faults.map((fault) => `${path}:${line}: ${fault}`)
}
