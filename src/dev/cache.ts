/**
 * The user's cache, outside any clone: what is fetched or built once lies there, whole or not at all.
 *
 *   absent ─▶ <name>-<hash>.tmp-… (filled) ─▶ renamed ─▶ complete
 *
 * A place is named after all that makes its content, so another version is another place and nobody waits for a lock:
 * of two that fill at once the faster one wins, and the other's work is thrown away.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Environment } from './kafka/run.ts'
import { run } from './kafka/run.ts'

export type Cached = { readonly ok: true; readonly dir: string } | { readonly ok: false; readonly why: string }

/** Puts the content into a directory that is there. @returns why it could not. */
export type Fill = (work: string) => Promise<string | undefined>

/** What takes longer, on a loaded machine of two cores too, has stopped. */
const TIMEOUT_MS = 300_000

/** Where all of it lies. */
export function cacheRoot(env: Environment): string {
  return join(env.XDG_CACHE_HOME ?? join(env.HOME ?? homedir(), '.cache'), 'xzepr-bridge')
}

/** @param made everything that the content depends on. */
export async function inCache(
  name: string,
  made: readonly (string | Uint8Array)[],
  env: Environment,
  fill: Fill,
): Promise<Cached> {
  const hash = createHash('sha256')
  for (const part of made) hash.update(part)
  const dir = join(cacheRoot(env), `${name}-${hash.digest('hex').slice(0, 16)}`)
  const marker = 'complete'
  if (await isThere(join(dir, marker))) return { ok: true, dir }

  await mkdir(dirname(dir), { recursive: true })
  const work = `${dir}.tmp-${randomUUID()}`
  try {
    await mkdir(work)
    const why = await fill(work)
    if (why !== undefined) return { ok: false, why }
    await writeFile(join(work, marker), '')
    // What another run has put there meanwhile stays: rename(2) replaces no directory that holds something.
    if (!(await wasMoved(work, dir)) && !(await isThere(join(dir, marker)))) {
      // Without its marker it is broken.
      await rm(dir, { recursive: true, force: true })
      await wasMoved(work, dir)
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return (await isThere(join(dir, marker))) ? { ok: true, dir } : { ok: false, why: `${dir} could not be put in place` }
}

/** Runs a program that fills. @returns why it did not end well, with its last lines. */
export async function ranWell(program: string, args: readonly string[], env: Environment): Promise<string | undefined> {
  const { ok, why, output } = await run(program, args, { env, timeoutMs: TIMEOUT_MS })
  return ok ? undefined : `${why}\n${output}`.trim()
}

async function wasMoved(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    () => false,
  )
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
