/**
 * Blocks of program text: each is read by its own language. What a program does is a test of its page.
 */
import ts from 'typescript'
import { missingToolchain } from '../../../src/dev/app-programs.ts'
import { run } from '../../../src/dev/kafka/run.ts'
import type { Block } from '../../support/pages.ts'

/** What TypeScript finds in the form of a module; it reads JavaScript too. */
export function moduleFaults(text: string): string[] {
  const { diagnostics = [] } = ts.transpileModule(text, {
    reportDiagnostics: true,
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, allowJs: true },
  })
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

/** Compiles each in one Python. */
const COMPILE = `
import json, sys
for place, text in json.loads(sys.argv[1]):
    try:
        compile(text, place, "exec")
    except SyntaxError as error:
        print(f"{place}: {error}")
`

/** @returns undefined where there is no Python and nobody judges. */
export async function pythonFaults(
  blocks: readonly Pick<Block, 'path' | 'line' | 'text'>[],
): Promise<string[] | undefined> {
  const missing = await missingToolchain('python', process.env)
  if (missing !== undefined) return process.env.CI === 'true' ? [missing] : undefined
  const given = blocks.map(({ path, line, text }) => [`${path}:${line}`, text])
  const lines: string[] = []
  const { ok, why } = await run('python3', ['-c', COMPILE, JSON.stringify(given)], {
    env: process.env,
    timeoutMs: 120_000,
    line: (line) => lines.push(line),
  })
  return ok ? lines : [why]
}
