/**
 * The example apps as child processes: what stands beside the bridge in the demo and in tests of the whole road.
 *
 * They are run as they lie in examples/, with the language's own program, so what is shown is what a reader copies.
 */
import { fileURLToPath } from 'node:url'
import type { Child, Children } from './children.ts'
import type { Environment } from './kafka/run.ts'
import { run } from './kafka/run.ts'

export const APP_LANGUAGES = ['node', 'python'] as const
export type AppLanguage = (typeof APP_LANGUAGES)[number]

/** From src/dev and from dist/dev alike. */
const EXAMPLES = new URL('../../examples/', import.meta.url)

const PROGRAMS: Record<AppLanguage, { readonly program: string; readonly file: string }> = {
  node: { program: process.execPath, file: 'node/app.mjs' },
  python: { program: 'python3', file: 'python/app.py' },
}

export interface AppOptions {
  readonly language: AppLanguage
  readonly workApiUrl: string
  /** 0 = any free one. */
  readonly port?: number
  readonly env: Environment
  readonly line?: (line: string) => void
}

export interface AppProcess {
  readonly child: Child
  /** Where it takes events. */
  readonly webhookUrl: string
}

/** Why this language cannot be run here, or undefined. */
export async function missingToolchain(language: AppLanguage, env: Environment): Promise<string | undefined> {
  const { program } = PROGRAMS[language]
  const { ok, why } = await run(program, ['--version'], { env, timeoutMs: 10_000 })
  return ok ? undefined : `The ${language} app cannot run: ${why}.`
}

/** Starts an example app; it listens when this resolves. */
export async function startApp(children: Children, options: AppOptions): Promise<AppProcess> {
  const { language, workApiUrl, port = 0, env, line } = options
  const { program, file } = PROGRAMS[language]
  const child = children.start({
    name: `The ${language} app`,
    program,
    args: [fileURLToPath(new URL(file, EXAMPLES))],
    env: { ...env, PORT: String(port), WORK_API_URL: workApiUrl },
    ...(line === undefined ? {} : { line }),
  })
  const [, chosen] = await child.line(/^listening on port (\d+)$/, 30_000)
  return { child, webhookUrl: `http://127.0.0.1:${chosen ?? ''}/events` }
}
