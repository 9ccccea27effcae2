/**
 * Where the local loop that runs on this machine stands, for `xzepr-bridge emit` in another terminal.
 *
 *   dev ─▶ <runtime directory>/xzepr-bridge-<user>/dev-<pid>.json ─▶ emit
 *
 * The file holds a token, so nobody else may read it, and nobody else may have laid it: the directory is the user's own,
 * with no rights for others, and no link; what is not so is neither written to nor read. A file that a killed loop has
 * left is known by its process and passed over.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Environment } from './kafka/run.ts'

export interface Whereabouts {
  readonly pid: number
  readonly startedAtMs: number
  readonly service: string
  readonly xzeprUrl: string
  /** Of a user who may send events for the receiver. */
  readonly token: string
  readonly receiverId: string
  readonly workApiUrl: string
  /** Undefined when the work API asks for none. */
  readonly workApiToken?: string | undefined
}

/** An address that can be called from here: who listens on all interfaces is reached on loopback. */
export function calledAt(host: string | undefined, port: number): string {
  const reached = host === undefined || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}

/** The user's own directory for such files; systemd clears XDG_RUNTIME_DIR at logout. */
export function whereaboutsDir(env: Environment): string {
  const { uid } = userInfo()
  const runtime = env.XDG_RUNTIME_DIR ?? ''
  return join(runtime.startsWith('/') ? runtime : tmpdir(), `xzepr-bridge-${uid}`)
}

/** @returns how to take it away again. @throws Error when the directory is somebody else's. */
export function leaveWhereabouts(env: Environment, where: Whereabouts): () => void {
  const dir = whereaboutsDir(env)
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  } catch (error) {
    // No directory has the name: what has it is judged below.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const foreign = foreignDir(dir)
  if (foreign !== undefined) throw new Error(foreign)
  const path = join(dir, `dev-${where.pid}.json`)
  // Written aside and renamed: a reader finds all of it or nothing.
  writeFileSync(`${path}.new`, JSON.stringify(where), { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return () => {
    rmSync(path, { force: true })
  }
}

export type Found =
  | { readonly kind: 'found'; readonly where: Whereabouts; readonly others: number }
  | { readonly kind: 'none'; readonly why?: string }

/** The loop that was started last, of those that still run. */
export function findWhereabouts(env: Environment): Found {
  const dir = whereaboutsDir(env)
  let names: string[]
  try {
    // Before it is read: another user's may not even be.
    const foreign = foreignDir(dir)
    if (foreign !== undefined) return { kind: 'none', why: foreign }
    names = readdirSync(dir).filter((name) => /^dev-\d+\.json$/.test(name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'none' }
    throw error
  }
  const running = names
    .map((name) => readWhereabouts(join(dir, name)))
    .filter((where) => where !== undefined && isRunning(where.pid))
    .sort((a, b) => (b?.startedAtMs ?? 0) - (a?.startedAtMs ?? 0))
  const [newest] = running
  return newest === undefined ? { kind: 'none' } : { kind: 'found', where: newest, others: running.length - 1 }
}

function readWhereabouts(path: string): Whereabouts | undefined {
  try {
    // Written by this program's own version or another one: what is read must be whole.
    const where = JSON.parse(readFileSync(path, 'utf8')) as Partial<Whereabouts> | null
    const texts = [where?.xzeprUrl, where?.token, where?.receiverId, where?.workApiUrl]
    return texts.every((text) => typeof text === 'string') && typeof where?.pid === 'number'
      ? (where as Whereabouts)
      : undefined
  } catch (error) {
    // Just taken away by the loop that ends.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Why a directory is not ours alone, as a sentence; undefined when it is. */
function foreignDir(dir: string): string | undefined {
  const found = lstatSync(dir)
  const isOurs = found.isDirectory() && found.uid === userInfo().uid && (found.mode & 0o077) === 0
  return isOurs ? undefined : `${dir} is not this user's alone, so it is neither read nor written: remove it.`
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: there is a process of that number, and it is another user's.
    if (['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}
