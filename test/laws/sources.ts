/** The source files of the project as the laws read them. */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export interface Source {
  /** From src on, with slashes: `core/ledger.ts`. */
  readonly path: string
  readonly text: string
}

const SRC = fileURLToPath(new URL('../../src/', import.meta.url))

export const SOURCES: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts'))
  .sort()
  .map((path) => ({ path, text: readFileSync(`${SRC}${path}`, 'utf8') }))

/** What a file imports, as written, with the line it stands on. */
export function importsOf({ text }: Source): { readonly from: string; readonly line: number }[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName, pos }) => ({
    from: fileName,
    line: text.slice(0, pos).split('\n').length,
  }))
}

/** The file as it runs: without what only the compiler reads. */
export function emitted({ path, text }: Source): Source {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
  })
  return { path, text: outputText }
}

export function parsed({ path, text }: Source): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)
}

/** Every node of a file. */
export function* nodes(node: ts.Node): Generator<ts.Node> {
  yield node
  const children: ts.Node[] = []
  ts.forEachChild(node, (child) => void children.push(child))
  for (const child of children) yield* nodes(child)
}

export function lineOf(file: ts.SourceFile, node: ts.Node): number {
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
}
