/**
 * Kafka's jars, fetched once by Maven into the user's cache, outside any clone.
 *
 *   absent ─▶ <cache>.tmp-… (Maven copies) ─▶ marker written ─▶ renamed ─▶ complete
 *
 * The cache is whole or not there: Maven works in a directory of its own, and a rename, which is atomic, makes it the
 * cache. Two runs at once both fetch, and the first rename wins. The marker lists every jar with its size, so that a
 * cache that lost something is noticed and made again.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { randomUUID } from 'node:crypto'
import type { Environment } from './run.ts'
import { run } from './run.ts'
import { KAFKA_VERSION, POM_XML } from './settings.ts'

const MARKER = 'complete.json'
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000
/** What an interrupted run left; a living one is younger than its own bound. */
const LEFTOVER_AFTER_MS = 2 * DOWNLOAD_TIMEOUT_MS

export type Jars = { readonly ok: true; readonly dir: string } | { readonly ok: false; readonly why: string }

/** Where the jars are kept. */
export function jarsCache(env: Environment): string {
  const base = env.XDG_CACHE_HOME ?? join(env.HOME ?? homedir(), '.cache')
  return join(base, 'xzepr-bridge', `kafka-${KAFKA_VERSION}`)
}

/** The directory that holds Kafka's jars, fetched when it is not there yet. */
export async function findJars(env: Environment, progress: (sentence: string) => void): Promise<Jars> {
  const cache = jarsCache(env)
  if (await isComplete(cache)) return { ok: true, dir: cache }
  progress(`Maven fetches Kafka ${KAFKA_VERSION} (once, about 45 MB) into\n${cache}`)
  await mkdir(dirname(cache), { recursive: true })
  await sweep(cache)
  const work = `${cache}.tmp-${randomUUID()}`
  await mkdir(work)
  try {
    const pom = join(work, 'pom.xml')
    await writeFile(pom, POM_XML)
    let fetched = 0
    const fetching = await run(
      'mvn',
      ['-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${work}`],
      {
        env,
        timeoutMs: DOWNLOAD_TIMEOUT_MS,
        line: (line) => {
          if (!/Downloaded from .*\.jar/.test(line)) return
          fetched += 1
          if (fetched % 20 === 0) progress(`Maven has fetched ${fetched} files`)
        },
      },
    )
    if (!fetching.ok)
      return { ok: false, why: `Maven could not fetch Kafka: ${reason(fetching.output) ?? fetching.why}` }
    const jars = await sizes(work)
    if (Object.keys(jars).length === 0) return { ok: false, why: 'Maven fetched no jars' }
    await writeFile(join(work, MARKER), JSON.stringify({ kafka: KAFKA_VERSION, jars }))
    await takePlace(work, cache)
    return { ok: true, dir: cache }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Maven's own last error line says more than its exit code. */
function reason(output: string): string | undefined {
  return output.split('\n').find((line) => line.startsWith('[ERROR]'))
}

/** Whether every jar that the marker lists is there, in its size. */
export async function isComplete(cache: string): Promise<boolean> {
  try {
    const marker: unknown = JSON.parse(await readFile(join(cache, MARKER), 'utf8'))
    if (typeof marker !== 'object' || marker === null || !('jars' in marker)) return false
    const there = await sizes(cache)
    return Object.entries(marker.jars as Record<string, number>).every(([jar, bytes]) => there[jar] === bytes)
  } catch (error) {
    // No cache, no marker, or one that cannot be read: it is fetched anew.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function sizes(dir: string): Promise<Record<string, number>> {
  const jars: Record<string, number> = {}
  for (const name of (await readdir(dir)).filter((file) => file.endsWith('.jar')).sort()) {
    jars[name] = (await stat(join(dir, name))).size
  }
  return jars
}

async function takePlace(work: string, cache: string): Promise<void> {
  // rename(2) replaces no directory that holds something: what stands there is broken, or another run was faster.
  if (await isComplete(cache)) return
  await rm(cache, { recursive: true, force: true })
  try {
    await rename(work, cache)
  } catch (error) {
    if (!(await isComplete(cache))) throw error
  }
}

async function sweep(cache: string): Promise<void> {
  const parent = dirname(cache)
  for (const name of await readdir(parent)) {
    const path = join(parent, name)
    if (!path.startsWith(`${cache}.tmp-`)) continue
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > LEFTOVER_AFTER_MS) await rm(path, { recursive: true, force: true })
  }
}
