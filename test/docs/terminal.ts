/**
 * A terminal in which a page's commands are typed, and what the page shows of it.
 *
 * A command is a process group of its own, so that Ctrl-C reaches all of it, as it does in a terminal.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

interface Test {
  teardown(fn: () => unknown): unknown
}

interface Place {
  readonly dir: string
  readonly env: Readonly<Record<string, string>>
}

/** What does not come within this does not come. */
const PATIENCE_MS = 30_000

/** A line without what differs from run to run. */
export function plain(line: string): string {
  return line
    .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'INSTANT')
    .replace(/\b\d\d:\d\d:\d\d\.\d{3}\b/g, 'TIME')
    .replace(/\b01[0-9A-HJKMNP-TV-Z]{24}\b/g, 'ID')
    .replace(/(127\.0\.0\.1|localhost):\d+/g, '$1:PORT')
    .replace(/\bdev \d+\.\d+\.\d+\b/g, 'dev VERSION')
    .replace(/\b\d+(?:\.\d+)? (m?s)\b/g, 'N $1')
    .replace(/\bprocess \d+\b/g, 'process N')
    .replace(/\s+/g, ' ')
    .trim()
}

/** A block that shows what comes: its lines come, in this order; between them others may, as between an app's and its bridge's. */
export class Shown {
  readonly #lines: readonly string[]

  constructor(text: string) {
    this.#lines = text
      .split('\n')
      .map(plain)
      .filter((line) => line !== '' && line !== '…')
  }

  /** The first line that did not come; undefined when all did. */
  missingFrom(lines: readonly string[]): string | undefined {
    const came = lines.map(plain)
    // An app's output comes by a pipe of its own, so it keeps no order with the bridge's.
    const [apps, others] = [this.#lines.filter(isOfApp), this.#lines.filter((line) => !isOfApp(line))]
    return firstMissing(others, came) ?? firstMissing(apps, came)
  }
}

const isOfApp = (line: string): boolean => line.includes(' app │')

function firstMissing(wanted: readonly string[], came: readonly string[]): string | undefined {
  let at = 0
  for (const line of wanted) {
    const escaped = line.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    const pattern = new RegExp(`^${escaped.join('.*')}$`)
    const found = came.findIndex((each, nth) => nth >= at && pattern.test(each))
    if (found === -1) return line
    at = found + 1
  }
  return undefined
}

export interface Outcome {
  readonly ok: boolean
  readonly why: string
  /** What stood on standard output. */
  readonly text: string
  /** What a person saw of both. */
  readonly seen: string
}

export class Terminal {
  readonly ended: Promise<Outcome>
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  readonly #watchers = new Set<() => void>()

  constructor(t: Test, script: string, { dir, env }: Place) {
    const child = spawn('bash', ['-euc', script], { cwd: dir, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    let [text, err, seen] = ['', '', '']
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      seen += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString()
      seen += chunk.toString()
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#lines.push(line)
      for (const watcher of [...this.#watchers]) watcher()
    })
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        resolve({ ok: code === 0, why: `exit code ${code ?? signal ?? ''}. ${err}`, text, seen })
      })
    })
    t.teardown(() => {
      this.#signal('SIGKILL')
    })
  }

  /** Waits until all of it has come. */
  async shows(shown: Shown): Promise<void> {
    const stays = new AbortController()
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (shown.missingFrom(this.#lines) === undefined) resolve()
      }
      const give = (why: string): void => {
        reject(new Error(`${why}: ${shown.missingFrom(this.#lines) ?? ''}\n${this.#lines.join('\n')}`))
      }
      const bound = setTimeout(give, PATIENCE_MS, 'it does not come')
      this.#watchers.add(look)
      stays.signal.addEventListener('abort', () => {
        clearTimeout(bound)
        this.#watchers.delete(look)
      })
      void this.ended.then(({ why }) => {
        give(`it has ended (${why}) without`)
      })
      look()
    }).finally(() => {
      stays.abort()
    })
  }

  /** Ctrl-C. @returns the exit code. */
  async interrupt(): Promise<number | null> {
    this.#signal('SIGINT')
    await this.ended
    return this.#child.exitCode
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    process.kill(-pid, signal)
  }
}
