/**
 * Carries out a Dockerfile's stages in directories instead of images: the same commands, on the Node that the image has.
 *
 *   <root>/<stage>/…   what the stage would hold, from its `/` on
 *
 * What a base image brings is not there, so nothing may need more of it than Node and a shell.
 */
import { cp, mkdir, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Environment } from '../kafka/run.ts'
import { run } from '../kafka/run.ts'
import type { Instruction, Stage } from './dockerfile.ts'

const RUN_TIMEOUT_MS = 300_000

export interface BuildOptions {
  readonly context: string
  /** Names in the context that .dockerignore lets in. */
  readonly letIn: readonly string[]
  readonly root: string
  /** PATH begins with the image's Node. */
  readonly env: Environment
  readonly step: (what: string) => void
}

export interface Built {
  readonly dir: string
  readonly workdir: string
  readonly variables: Readonly<Record<string, string>>
  readonly user: { readonly uid: number; readonly gid: number }
  readonly command: readonly string[]
  readonly healthcheck: readonly string[]
}

/** @returns the last stage. @throws Error with the step that failed. */
export async function buildStages(stages: readonly Stage[], options: BuildOptions): Promise<Built> {
  let last: Built | undefined
  for (const stage of stages) last = await buildStage(stage, options)
  if (last === undefined) throw new Error('The Dockerfile has no stage.')
  return last
}

async function buildStage({ name, image, instructions }: Stage, options: BuildOptions): Promise<Built> {
  const dir = join(options.root, name === '' ? 'image' : name)
  await mkdir(dir, { recursive: true })
  options.step(`FROM ${image}`)
  let workdir = '/'
  const variables: Record<string, string> = {}
  for (const instruction of instructions) {
    if (instruction.kind === 'workdir') await mkdir(join(dir, (workdir = instruction.path)), { recursive: true })
    else if (instruction.kind === 'copy') await copy(instruction, dir, workdir, options)
    else if (instruction.kind === 'env') Object.assign(variables, instruction.variables)
    else if (instruction.kind === 'run') await runScript(instruction.script, join(dir, workdir), variables, options)
  }
  // Docker takes the last of each.
  const of = (kind: 'entrypoint' | 'cmd' | 'healthcheck'): readonly string[] =>
    instructions.flatMap((each) => (each.kind === kind && 'command' in each ? [each.command] : [])).at(-1) ?? []
  const [user = { uid: 0, gid: 0 }] = instructions.filter((each) => each.kind === 'user').reverse()
  return { dir, workdir, variables, user, command: [...of('entrypoint'), ...of('cmd')], healthcheck: of('healthcheck') }
}

async function copy(
  { from, sources, to }: Extract<Instruction, { kind: 'copy' }>,
  dir: string,
  workdir: string,
  { context, letIn, root, step }: BuildOptions,
): Promise<void> {
  step(`COPY ${from === undefined ? '' : `--from=${from} `}${sources.join(' ')} ${to}`)
  const target = to.startsWith('/') ? join(dir, to) : join(dir, workdir, to)
  for (const source of sources) {
    const [top = ''] = source.split('/')
    if (from === undefined && !letIn.includes(top)) throw new Error(`.dockerignore keeps ${source} from the build.`)
    const path = join(from === undefined ? context : join(root, from), source)
    // A directory's content is copied, a file keeps its name where the target is a directory.
    const isInto = to.endsWith('/') && !(await stat(path)).isDirectory()
    const place = isInto ? join(target, basename(source)) : target
    await mkdir(dirname(place), { recursive: true })
    await cp(path, place, { recursive: true, verbatimSymlinks: true })
  }
}

async function runScript(
  script: string,
  cwd: string,
  variables: Built['variables'],
  { env, step }: BuildOptions,
): Promise<void> {
  step(`RUN ${script}`)
  const { ok, why, output } = await run('/bin/sh', ['-c', `cd "$0" && ${script}`, cwd], {
    env: { ...env, ...variables },
    timeoutMs: RUN_TIMEOUT_MS,
  })
  if (!ok) throw new Error(`RUN ${script}\n${output}\n${why}`)
}

/** Bytes of all files under a path. */
export async function bytesOf(path: string): Promise<number> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
