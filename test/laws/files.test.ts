/** How a file of src is made: its head, its length, what it gives, and what it may not name. */
import t from 'tap'
import ts from 'typescript'
import type { Source } from './sources.ts'
import { SOURCES, lineOf, nodes, parsed } from './sources.ts'

const LINES_MAX = 250

/** How many lines of text the doc comment at the head has; undefined when the file does not open with one. */
function headLines(text: string): number | undefined {
  const head = /^(?:#!.*\n)?\/\*\*\n([\s\S]*?)\n \*\//.exec(text)?.[1]
  return head?.split('\n').length
}

/** The head of bridge.ts is the map of the road: the drawing is longer than any words about it. */
const linesMax = (path: string): number => (path === 'bridge.ts' ? 30 : 15)

void t.test('every file opens with a doc comment of 3 to 15 lines', async (t) => {
  const wrong = SOURCES.map(({ path, text }) => ({ path, lines: headLines(text) })).filter(
    ({ path, lines }) => lines === undefined || lines < 3 || lines > linesMax(path),
  )
  t.same(wrong, [])
})

/** Lines from the first that does something: the head and the imports grow with what a file joins, not with what it decides. */
function bodyLines(source: Source): number {
  const file = parsed(source)
  const first = file.statements.find((statement) => !ts.isImportDeclaration(statement))
  return first === undefined ? 0 : source.text.split('\n').length - lineOf(file, first)
}

void t.test(`no file does its work in more than ${LINES_MAX} lines`, async (t) => {
  const long = SOURCES.map((source) => ({ path: source.path, lines: bodyLines(source) }))
  t.same(
    long.filter(({ lines }) => lines > LINES_MAX),
    [],
  )
})

/** Default exports, and `export *`. */
function nameless(source: Source): string[] {
  const file = parsed(source)
  return file.statements.flatMap((statement) => {
    const star = ts.isExportDeclaration(statement) && statement.exportClause === undefined
    const assigned = ts.isExportAssignment(statement)
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : []
    const byDefault = modifiers.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
    return star || assigned || byDefault ? [`src/${source.path}:${lineOf(file, statement)}`] : []
  })
}

void t.test('nothing is exported without a name', async (t) => {
  t.same(SOURCES.flatMap(nameless), [])
  for (const text of [`export * from './a.ts'`, 'export default 1', 'export default function a() {}']) {
    t.equal(nameless({ path: 'a.ts', text }).length, 1, `the law sees: ${text}`)
  }
})

/** `a.process` names a member of `a`, not the platform's own. */
function isMember(node: ts.Identifier): boolean {
  return ts.isPropertyAccessExpression(node.parent) && node.parent.name === node
}

/** Where a file names one of the platform's globals, or imports it. */
function naming(source: Source, global: 'process' | 'console'): string[] {
  if (!source.text.includes(global)) return []
  const file = parsed(source)
  const found: string[] = []
  for (const node of nodes(file)) {
    const imported = ts.isStringLiteral(node) && (node.text === `node:${global}` || node.text === global)
    const named = ts.isIdentifier(node) && node.text === global && !isMember(node)
    if (named || (imported && ts.isImportDeclaration(node.parent)))
      found.push(`src/${source.path}:${lineOf(file, node)}`)
  }
  return found
}

void t.test('only main.ts names the process, and nobody the console', async (t) => {
  const bound = SOURCES.filter(({ path }) => !path.startsWith('dev/'))
  t.same(
    bound.filter(({ path }) => path !== 'main.ts').flatMap((source) => naming(source, 'process')),
    [],
  )
  t.same(
    bound.flatMap((source) => naming(source, 'console')),
    [],
  )
  t.same(naming({ path: 'a.ts', text: '\nprocess.exit(1)' }, 'process'), ['src/a.ts:2'], 'the law sees a use')
  t.equal(naming({ path: 'a.ts', text: `import { env } from 'node:process'` }, 'process').length, 1, 'and an import')
  t.equal(naming({ path: 'a.ts', text: '// the process\nconst a = b.process' }, 'process').length, 0)
})
