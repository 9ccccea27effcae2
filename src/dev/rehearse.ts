/**
 * `npm run rehearse`: the image without Docker. Its Dockerfile is carried out step by step in a clean directory, and what
 * that makes is started as the image would start it.
 *
 *   steps ─▶ size ─▶ start, as another user, nothing may be written ─▶ healthcheck ─▶ drain ─▶ SIGTERM, exit 0
 *
 * With `--tests` the unit tests run on the image's Node, too. It proves all but the base images.
 */
import { chmod, copyFile, mkdir, mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Built } from './image/build.ts'
import { buildStages, bytesOf } from './image/build.ts'
import { letIn, parseDockerfile } from './image/dockerfile.ts'
import { rehearseStart } from './image/start.ts'
import { run } from './kafka/run.ts'
import { imageNode } from './toolchain.ts'

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))
const MAX_MEGABYTES = 40
const TESTS_TIMEOUT_MS = 900_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function rehearse(withTests: boolean): Promise<void> {
  const node = await imageNode(process.env, say)
  if (!node.ok) throw new Error(`The image's Node cannot be had: ${node.why}`)
  const bin = join(node.dir, 'node_modules', '.bin')
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` }
  const { output: version } = await run('node', ['--version'], { env, timeoutMs: 10_000 })
  const stages = parseDockerfile(await readFile(join(PROJECT, 'Dockerfile'), 'utf8'))
  checkMajor(
    stages.map(({ image }) => image),
    version,
  )

  const root = await mkdtemp(join(tmpdir(), 'xzepr-image-'))
  try {
    say(`The Dockerfile is carried out in ${root}, with Node ${version}`)
    const built = await buildStages(stages, {
      context: PROJECT,
      letIn: letIn(await readFile(join(PROJECT, '.dockerignore'), 'utf8')),
      root,
      env: Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('npm_'))),
      step: (what) => {
        say(`  ${what.length > 110 ? `${what.slice(0, 109)}…` : what}`)
      },
    })
    await checkSize(built)
    await checkName(built)
    // The base image's own: Node where distroless has it.
    await mkdir(join(built.dir, 'nodejs', 'bin'), { recursive: true })
    await copyFile(await nodeBinary(bin), join(built.dir, 'nodejs', 'bin', 'node'))
    await chmod(root, 0o755)
    await writeFile(join(built.dir, 'token'), 'a-token')
    await rehearseStart(built, { opsPort: await freePort(), tokenFile: join(built.dir, 'token'), say })
  } finally {
    await rm(root, { recursive: true, force: true })
  }
  if (!withTests) return
  say(`Unit tests on Node ${version}`)
  const tests = join(PROJECT, 'test', 'unit.ts')
  const { ok, why } = await run('node', [tests], { env, timeoutMs: TESTS_TIMEOUT_MS, line: failuresAndTotals })
  if (!ok) throw new Error(`On Node ${version}: ${why}`)
}

function failuresAndTotals(line: string): void {
  if (/^\s*not ok|^# \{ total/.test(line)) say(line)
}

/** The rehearsal is of the image's Node only if the majors agree. */
function checkMajor(images: readonly string[], version: string): void {
  const majors = images.map((image) => /node(?:js|:)(\d+)/.exec(image)?.[1])
  const own = /^v(\d+)/.exec(version)?.[1]
  if (majors.some((major) => major !== own))
    throw new Error(`The Dockerfile's Node is ${majors.join(', ')}, not ${version}.`)
}

async function checkSize({ dir, workdir }: Built): Promise<void> {
  const [modules, dist] = await Promise.all(['node_modules', 'dist'].map((name) => bytesOf(join(dir, workdir, name))))
  const megabytes = (bytes = 0): number => Math.round(bytes / 1e5) / 10
  const whole = megabytes((modules ?? 0) + (dist ?? 0))
  say(`  It copies ${whole} MB: node_modules ${megabytes(modules)}, dist ${megabytes(dist)}`)
  if (whole > MAX_MEGABYTES) throw new Error(`The image may copy ${MAX_MEGABYTES} MB of node_modules and dist.`)
}

/** `xzepr-bridge` is found by PATH in the image; here only its first line and its link can be looked at. */
async function checkName({ dir, workdir, variables }: Built): Promise<void> {
  const [first] = (await readFile(join(dir, workdir, 'dist', 'main.js'), 'utf8')).split('\n')
  const link = await readlink(join(dir, workdir, 'bin', 'xzepr-bridge'))
  const onPath = (variables.PATH ?? '').split(':').includes(`${workdir}/bin`)
  if (first !== '#!/nodejs/bin/node' || link !== '../dist/main.js' || !onPath)
    throw new Error('`xzepr-bridge` would not be found in the image.')
}

async function nodeBinary(bin: string): Promise<string> {
  return join(bin, await readlink(join(bin, 'node')))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

try {
  await rehearse(process.argv.includes('--tests'))
  say('Rehearsed. No image was built: the base images were not there.')
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
