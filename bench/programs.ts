/**
 * The processes of a benchmark: each is started here, and none outlives it.
 *
 * What is measured runs as a process of its own, so that nothing of the benchmark is counted with it.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { FromApp, Tally, ToApp } from './app-words.ts'

/** What has not happened after so long will not happen. */
const PATIENCE_MS = 120_000
const TAIL_LINES = 20

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export class Program {
  readonly name: string
  readonly pid: number
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  readonly #watchers = new Set<() => void>()

  /** @param channel whether it speaks with the benchmark. @param flags Node's own. */
  constructor(name: string, script: string, env: NodeJS.ProcessEnv, channel = false, flags: readonly string[] = []) {
    this.name = name
    const child = spawn(process.execPath, [...flags, script], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...(channel ? (['ipc'] as const) : [])],
    })
    this.#child = child
    this.pid = child.pid ?? -1
    running.add(child)
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line)
        for (const watcher of [...this.#watchers]) watcher()
      })
    }
    this.exited = once(child, 'close').then(() => {
      running.delete(child)
      for (const watcher of [...this.#watchers]) watcher()
    })
  }

  get hasExited(): boolean {
    return !running.has(this.#child)
  }

  /** Undefined while it runs. */
  get exitCode(): number | null | undefined {
    return this.hasExited ? this.#child.exitCode : undefined
  }

  get lastLines(): string {
    return this.#lines.slice(-TAIL_LINES).join('\n')
  }

  /** The first line of its output that matches, also when it was said before. */
  async says(pattern: RegExp): Promise<string> {
    let said = ''
    await until(`${this.name} says ${String(pattern)}`, this.#watchers, () => {
      said = this.#lines.find((line) => pattern.test(line)) ?? ''
      if (said !== '') return true
      if (this.hasExited) throw new Error(`${this.name} has ended. Its last lines:\n${this.lastLines}`)
      return false
    })
    return said
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#child.on('message', listener)
  }

  send(message: ToApp): void {
    this.#child.send(message)
  }

  /** Asks it to end; makes it when it does not. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.hasExited) return
    this.#child.kill(signal)
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await this.exited
    clearTimeout(late)
  }
}

/** The app, and what it has counted. */
export class App {
  readonly program = new Program('the app', here('app.js'), {}, true)
  #port = 0
  #first = false
  #all = false
  #onTally: (tally: Tally) => void = () => undefined
  readonly #watchers = new Set<() => void>()

  constructor() {
    this.program.onMessage((message) => {
      const word = message as FromApp
      if (word.kind === 'up') this.#port = word.port
      else if (word.kind === 'tally') this.#onTally(word)
      else if (word.kind === 'first') this.#first = true
      else this.#all = true
      for (const watcher of [...this.#watchers]) watcher()
    })
  }

  async up(): Promise<void> {
    await until('the app is up', this.#watchers, () => this.#port > 0)
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.#port}${path}`
  }

  /** A new tally, which is full at so many events. */
  async expect(events: number): Promise<void> {
    this.#first = this.#all = false
    await this.#ask({ kind: 'expect', events })
    // What the tally before had still to say.
    this.#first = this.#all = false
  }

  async read(): Promise<Tally> {
    return this.#ask({ kind: 'read' })
  }

  async first(by: Program): Promise<void> {
    await until(`a first event comes from ${by.name}`, this.#watchers, () => this.#first || ended(by))
  }

  async all(by: Program): Promise<void> {
    await until(`all events come from ${by.name}`, this.#watchers, () => this.#all || ended(by))
  }

  async #ask(word: ToApp): Promise<Tally> {
    const tally = new Promise<Tally>((resolve) => (this.#onTally = resolve))
    this.program.send(word)
    return tally
  }
}

function ended(program: Program): false {
  if (program.hasExited) throw new Error(`${program.name} has ended. Its last lines:\n${program.lastLines}`)
  return false
}

/** The path of a script of this room. */
export function here(script: string): string {
  return fileURLToPath(new URL(script, import.meta.url))
}

async function until(what: string, watchers: Set<() => void>, condition: () => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const finish = (): void => {
      watchers.delete(look)
      clearInterval(second)
    }
    const startedAtMs = performance.now()
    const look = (): void => {
      try {
        if (condition()) {
          finish()
          resolve()
        } else if (performance.now() - startedAtMs > PATIENCE_MS) {
          throw new Error(`not within ${PATIENCE_MS} ms: ${what}`)
        }
      } catch (error) {
        finish()
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    }
    // Ends of processes and the end of patience come without a word.
    const second = setInterval(look, 1000)
    watchers.add(look)
    look()
  })
}
