/**
 * The programs of examples/, each with the toolchain it needs and the command that runs it.
 *
 * They are run as they lie there, with the language's own program, so what is shown is what a reader copies. Go and Rust
 * are compiled once for each version of their source, into the user's cache: nothing of a build lies in the clone.
 */
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheRoot, inCache, ranWell } from './cache.ts'
import type { Environment } from './kafka/run.ts'
import { run } from './kafka/run.ts'

/** A machine that is busy is not one without a language. */
const PROBE_TIMEOUT_MS = 60_000

/** What the demo takes. */
export const APP_LANGUAGES = ['node', 'python', 'go', 'rust', 'java', 'bash'] as const
export type AppLanguage = (typeof APP_LANGUAGES)[number]

export const EXAMPLES = [...APP_LANGUAGES, 'downstream-python', 'downstream-rust'] as const
export type Example = (typeof EXAMPLES)[number]

export interface Command {
  readonly program: string
  readonly args: readonly string[]
}

export type Prepared = { readonly ok: true; readonly command: Command } | { readonly ok: false; readonly why: string }

/** A compiler's command, and where it leaves the program. */
interface Compilation extends Command {
  readonly built: string
}

interface Program {
  /** Ends well where the toolchain is there. */
  readonly probe: Command
  readonly run: Command | { readonly sources: readonly string[]; readonly compile: (place: Place) => Compilation }
  /** It asks the work API instead of taking deliveries. */
  readonly asks?: true
}

interface Place {
  readonly dir: string
  /** Where the program belongs. */
  readonly app: string
  /** One directory for all that Cargo compiles: the examples share their crates. */
  readonly cargoTarget: string
}

/** From src/dev and from dist/dev alike. */
const DIR = fileURLToPath(new URL('../../examples/', import.meta.url))
const PYTHON: Program = {
  probe: { program: 'python3', args: ['--version'] },
  run: { program: 'python3', args: ['app.py'] },
}

/** @param name of the package: it is the program's, too. */
function cargo(name: string): Program {
  return {
    probe: { program: 'cargo', args: ['--version'] },
    run: {
      sources: ['Cargo.toml', 'Cargo.lock', 'src/main.rs'],
      compile: ({ dir, cargoTarget }) => ({
        program: 'cargo',
        args: [
          ...['build', '--release', '--locked', '--manifest-path', join(dir, 'Cargo.toml')],
          ...['--target-dir', cargoTarget],
        ],
        built: join(cargoTarget, 'release', name),
      }),
    },
  }
}

const PROGRAMS: Record<Example, Program> = {
  node: {
    probe: { program: process.execPath, args: ['--version'] },
    run: { program: process.execPath, args: ['app.mjs'] },
  },
  python: PYTHON,
  go: {
    probe: { program: 'go', args: ['version'] },
    run: {
      sources: ['app.go'],
      compile: ({ dir, app }) => ({ program: 'go', args: ['build', '-o', app, join(dir, 'app.go')], built: app }),
    },
  },
  rust: cargo('app'),
  // A JRE alone cannot run a source file.
  java: { probe: { program: 'javac', args: ['--version'] }, run: { program: 'java', args: ['App.java'] } },
  bash: {
    probe: { program: 'bash', args: ['-c', 'exec curl --version'] },
    run: { program: 'bash', args: ['app.sh'] },
    asks: true,
  },
  'downstream-python': PYTHON,
  'downstream-rust': cargo('downstream'),
}

/** Does it ask the work API for works, and listen nowhere? */
export function asksForWorks(example: Example): boolean {
  return PROGRAMS[example].asks === true
}

/** Why this example cannot be run here, or undefined. */
export async function missingToolchain(example: Example, env: Environment): Promise<string | undefined> {
  const { program, args } = PROGRAMS[example].probe
  const { ok, why } = await run(program, args, { env, timeoutMs: PROBE_TIMEOUT_MS })
  return ok ? undefined : `The ${example} app cannot run: ${why}.`
}

/** Compiles an example where it has to be and has not been, and says how it is run. */
export async function prepareApp(
  example: Example,
  env: Environment,
  progress: (sentence: string) => void = () => undefined,
): Promise<Prepared> {
  const { probe, run: how } = PROGRAMS[example]
  const dir = join(DIR, example)
  if ('program' in how) {
    return { ok: true, command: { program: how.program, args: how.args.map((arg) => join(dir, arg)) } }
  }
  const toolchain = await run(probe.program, probe.args, { env, timeoutMs: PROBE_TIMEOUT_MS })
  const texts = await Promise.all(how.sources.map(async (file) => readFile(join(dir, file))))
  const cached = await inCache(`example-${example}`, [toolchain.output, ...texts], env, async (work) => {
    progress(`is compiled by ${probe.program} (once)`)
    const app = join(work, APP)
    const { program, args, built } = how.compile({ dir, app, cargoTarget: join(cacheRoot(env), 'cargo-target') })
    const why = await ranWell(program, args, env)
    if (why === undefined && built !== app) await copyFile(built, app)
    return why
  })
  return cached.ok ? { ok: true, command: { program: join(cached.dir, APP), args: [] } } : cached
}

const APP = 'app'
