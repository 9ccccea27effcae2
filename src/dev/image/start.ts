/**
 * Starts what the Dockerfile made, as a container of it would: its command, its user, and a file system that takes nothing.
 *
 * Node's own permissions refuse every write (a read-only root), and the files are another user's. Kafka and XZepr are not
 * there; a bridge comes up without them.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Tail, eachLine } from '../kafka/run.ts'
import type { Built } from './build.ts'

const HEALTHY_WITHIN_MS = 20_000
const COMMAND_TIMEOUT_MS = 40_000

export interface StartOptions {
  readonly opsPort: number
  readonly tokenFile: string
  readonly say: (line: string) => void
}

interface Ended {
  readonly code: number | null
  readonly text: string
}

/** @throws Error with what the bridge said. */
export async function rehearseStart(built: Built, { opsPort, tokenFile, say }: StartOptions): Promise<void> {
  const env = {
    ...built.variables,
    BRIDGE_SERVICE: 'rehearsal',
    XZEPR_API_TOKEN_FILE: tokenFile,
    XZEPR_KAFKA_BROKERS: '127.0.0.1:1',
    XZEPR_API_URL: 'http://127.0.0.1:1',
    BRIDGE_OPS_PORT: String(opsPort),
    BRIDGE_WORK_API_PORT: '0',
  }
  const { who, options } = asItsUser(built)
  const start = (command: readonly string[]) => {
    const [program = '', ...args] = placed(command, built)
    // --permission without --allow-fs-write: whoever writes anything fails.
    const child = spawn(program, ['--permission', '--allow-fs-read=*', ...args], {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
      cwd: join(built.dir, built.workdir),
    })
    const tail = new Tail()
    for (const stream of [child.stdout, child.stderr]) {
      eachLine(stream, (line) => {
        tail.add(line)
      })
    }
    const ended = once(child, 'close').then(([code]): Ended => ({ code: code as number | null, text: tail.text }))
    return { child, ended, tail }
  }
  const ran = async (command: readonly string[]): Promise<Ended> => {
    const { child, ended } = start(command)
    const bound = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIMEOUT_MS)
    return ended.finally(() => {
      clearTimeout(bound)
    })
  }

  say(`  ${built.command.join(' ')}, ${who}, nothing may be written`)
  const bridge = start(built.command)
  try {
    const asked = await healthy(() => ran(built.healthcheck), bridge.ended)
    say(`  ${built.healthcheck.slice(2).join(' ')}: ${asked.text}`)
    say(`  It takes ${await residentMegabytes(bridge.child.pid)} MB of memory`)
    const drained = await ran(['node', '/app/dist/main.js', 'drain', '--reason', 'rehearsal'])
    if (drained.code !== 0) throw new Error(`drain ended with exit code ${drained.code ?? '?'}: ${drained.text}`)
    say(`  drain: ${drained.text.split('\n').at(-1) ?? ''}`)
    bridge.child.kill('SIGTERM')
    const { code, text } = await bridge.ended
    if (code !== 0) throw new Error(`The bridge ended with exit code ${code ?? '?'}:\n${text}`)
    if (/ERR_ACCESS_DENIED|EACCES|EROFS/.test(text)) throw new Error(`The bridge wanted to write:\n${text}`)
    say('  SIGTERM: exit code 0')
  } finally {
    bridge.child.kill('SIGKILL')
  }
}

/** Only root may become somebody else; anybody else at least is not root. */
function asItsUser({ user }: Built): { who: string; options: { uid?: number; gid?: number } } {
  if (process.getuid?.() !== 0) return { who: 'as yourself (root could be the image’s user)', options: {} }
  return { who: `as user ${user.uid}`, options: { uid: user.uid, gid: user.gid } }
}

/** The image's paths under its directory, and `node` as its PATH finds it. */
function placed([program = '', ...args]: readonly string[], { dir }: Built): string[] {
  if (program !== 'node') throw new Error(`The rehearsal starts node alone, not ${program}.`)
  return [join(dir, 'nodejs', 'bin', 'node'), ...args.map((word) => (word.startsWith('/') ? join(dir, word) : word))]
}

/** Asks until the answer is yes, as Docker does while an image starts. */
async function healthy(check: () => Promise<Ended>, bridge: Promise<Ended>): Promise<Ended> {
  const untilMs = Date.now() + HEALTHY_WITHIN_MS
  for (;;) {
    const asked = await check()
    if (asked.code === 0) return asked
    const ended = await Promise.race([bridge, sleep(500, undefined)])
    if (ended !== undefined) throw new Error(`The bridge ended with exit code ${ended.code ?? '?'}:\n${ended.text}`)
    if (Date.now() > untilMs)
      throw new Error(`The health check ended with exit code ${asked.code ?? '?'}: ${asked.text}`)
  }
}

async function residentMegabytes(pid: number | undefined): Promise<string> {
  const status = await readFile(`/proc/${pid ?? 0}/status`, 'utf8').catch(() => '')
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(status) ?? []
  return kilobytes === undefined ? '?' : String(Math.round(Number(kilobytes) / 1000))
}
