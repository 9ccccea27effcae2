/**
 * A Python with packages of its own, for tests that ask another language's libraries.
 *
 *   absent ─▶ <cache>.tmp-… (venv, pip) ─▶ renamed ─▶ complete
 *
 * It lies in the user's cache, outside any clone, under a name that its Python and its requirements make; so it is made
 * once and is whole or not there. Only wheels with the pinned hashes are taken: nothing is built.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from '../../src/dev/kafka/run.ts'

type Environment = Readonly<Record<string, string | undefined>>

export type Python = { readonly ok: true; readonly program: string } | { readonly ok: false; readonly why: string }

const TIMEOUT_MS = 180_000
/** The youngest version that the pinned packages run on. */
const SOUND = 'import sys, venv; assert sys.version_info >= (3, 10); print(sys.version)'

/** @param requirements a file of pip's, with a version and a hash for each package. */
export async function pythonWith(requirements: string, env: Environment): Promise<Python> {
  const system = await run('python3', ['-c', SOUND], { env, timeoutMs: TIMEOUT_MS })
  if (!system.ok) return { ok: false, why: `Python 3.10 or later with venv is needed: ${system.why}` }
  const pinned = await readFile(requirements, 'utf8')
  const made = createHash('sha256').update(system.output).update(pinned)
  const base = env.XDG_CACHE_HOME ?? join(env.HOME ?? homedir(), '.cache')
  const cache = join(base, 'xzepr-bridge', `python-${made.digest('hex').slice(0, 16)}`)
  const program = join('bin', 'python')
  if (await works(join(cache, program), pinned, env)) return { ok: true, program: join(cache, program) }

  await mkdir(dirname(cache), { recursive: true })
  const work = `${cache}.tmp-${randomUUID()}`
  try {
    const venv = await run('python3', ['-m', 'venv', work], { env, timeoutMs: TIMEOUT_MS })
    if (!venv.ok) return { ok: false, why: `no venv can be made: ${venv.why}` }
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:']
    const pip = await run(join(work, program), [...install, '--require-hashes', '-r', requirements], {
      env,
      timeoutMs: TIMEOUT_MS,
    })
    if (!pip.ok) return { ok: false, why: `pip cannot install ${requirements}: ${pip.why}` }
    // What stands there is broken: whatever works was taken above. Another run may have been faster.
    await rm(cache, { recursive: true, force: true })
    await rename(work, cache).catch(() => undefined)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  const ready = await works(join(cache, program), pinned, env)
  return ready ? { ok: true, program: join(cache, program) } : { ok: false, why: `${cache} does not work` }
}

/** A Python that was replaced under a venv leaves one behind that does not start. A package that is for others only may be absent. */
async function works(program: string, pinned: string, env: Environment): Promise<boolean> {
  const everywhere = [...pinned.matchAll(/^([\w-]+)==(\S+) (?!;)/gm)].map(([, name, version]) => [name, version])
  const look = 'import json, sys; from importlib.metadata import version'
  const all = 'all(version(name) == pin for name, pin in json.loads(sys.argv[1]))'
  return (
    await run(program, ['-c', `${look}\nassert ${all}`, JSON.stringify(everywhere)], { env, timeoutMs: TIMEOUT_MS })
  ).ok
}
