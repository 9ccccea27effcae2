/**
 * The program as it is shipped, in a test's hands: its lines as they come, its end, and nothing left of it afterwards.
 *
 * `tsc -b` comes first. No variable of the bridge's of whoever runs the tests reaches it, and what it leaves for others of
 * this user lies in a directory of the test's own.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

interface Test {
  teardown(fn: () => unknown): unknown
}

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
/** What takes this long has stopped. */
const PATIENCE_MS = 60_000

/** The shell's own variables, without any that a command reads. */
export function bareEnv(): Record<string, string> {
  const named = Object.entries(process.env).filter(([name]) => !/^(?:BRIDGE_|XZEPR_|KAFKA_|OTEL_|PORT$)/.test(name))
  return Object.fromEntries(named.map(([name, value]) => [name, value ?? '']))
}

/** A directory that goes with the test. */
export function tempDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'xzepr-bridge-test-'))
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true })
  })
  return dir
}

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Lines as they come, and waiting for one. */
export class Lines {
  readonly #lines: string[] = []
  readonly #watchers = new Set<() => void>()
  #ended = new Promise<Ended>(() => undefined)

  add(line: string): void {
    this.#lines.push(line)
    for (const watcher of [...this.#watchers]) watcher()
  }

  /** Nothing comes after this. */
  endWith(ended: Promise<Ended>): void {
    this.#ended = ended
  }

  /** The first line that matches, whether it was there before or comes yet. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.#lines.map((line) => pattern.exec(line)).find((match) => match !== null)
        if (found === undefined) return
        finish()
        resolve(found)
      }
      const finish = (): void => {
        clearTimeout(bound)
        this.#watchers.delete(look)
      }
      const give = (why: string): void => {
        finish()
        reject(new Error(`${why} before ${String(pattern)} came:\n${this.#lines.join('\n')}`))
      }
      const bound = setTimeout(() => {
        give(`${PATIENCE_MS} ms went by`)
      }, PATIENCE_MS)
      this.#watchers.add(look)
      void this.#ended.then(({ code, err }) => {
        look()
        give(`it ended with ${code ?? 'a signal'} (${err})`)
      })
      look()
    })
  }
}

export class Program {
  readonly lines = new Lines()
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess

  constructor(t: Test, args: readonly string[], env: Readonly<Record<string, string>>) {
    const child = spawn(process.execPath, [MAIN, ...args], { env: { ...bareEnv(), ...env } })
    this.#child = child
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.add(line)
      })
    }
    this.ended = new Promise((resolve) => {
      child.once('close', (code) => {
        resolve({ code, out, err })
      })
    })
    this.lines.endWith(this.ended)
    t.teardown(() => child.kill('SIGKILL'))
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}
