/**
 * Child processes that leave nothing behind.
 *
 *   start ─▶ running ─▶ exited
 *               └─ stop: SIGTERM ─▶ grace ─▶ SIGKILL
 *
 * Each child stands in a process group of its own, so Ctrl-C at a terminal reaches us alone and we stop them in our
 * order. A signal goes to the whole group: a command such as `npm start` is a shell, and the app is its child. Whatever
 * else ends this process, its exit kills those that are left. A child's output has a bound: its last lines are kept for
 * the sentence that says why it failed.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import type { Clock, Wake } from '../core/seams.ts'
import type { Environment } from './kafka/run.ts'
import { eachLine, Tail } from './kafka/run.ts'

/** For what stands in its pipes when it has ended. */
const OUTPUT_GRACE_MS = 1000

export interface ChildOptions {
  /** For people. */
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly env: Environment
  /** Hears every line of its output, on either stream. */
  readonly line?: (line: string) => void
}

/** How a child ended: `exit code 0`, `SIGKILL`, or why it could not even start. */
export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly how: string
}

export class Child {
  readonly name: string
  /** Resolves once it has ended and its own output is read; never rejects. */
  readonly exited: Promise<ChildExit>
  readonly #clock: Clock
  readonly #process: ChildProcess
  readonly #tail = new Tail()
  readonly #listeners = new Set<(line: string) => void>()
  #ended: ChildExit | undefined

  constructor(clock: Clock, options: ChildOptions) {
    this.name = options.name
    this.#clock = clock
    const { program, args, env, line } = options
    if (line !== undefined) this.#listeners.add(line)
    const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = child
    for (const stream of [child.stdout, child.stderr]) {
      eachLine(stream, (text) => {
        this.#tail.add(text)
        for (const listener of [...this.#listeners]) listener(text)
      })
    }
    this.exited = new Promise((resolve) => {
      let over: Wake | undefined
      const end = (exit: ChildExit): void => {
        this.#ended ??= exit
        resolve(this.#ended)
      }
      child.once('error', (error) => {
        end({ code: null, signal: null, how: error.message })
      })
      child.once('exit', () => {
        // What it leaves behind would hold its output open, and its port.
        this.#signalGroup('SIGKILL')
        // A daemon has left the group and may hold the output for ever.
        over = clock.wake(clock.nowMs() + OUTPUT_GRACE_MS, () => {
          child.stdout.destroy()
          child.stderr.destroy()
        })
      })
      child.once('close', (code, signal) => {
        over?.cancel()
        end({ code, signal, how: signal ?? `exit code ${code ?? '?'}` })
      })
    })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Its last lines. */
  get output(): string {
    return this.#tail.text
  }

  /** The first line that matches, from now on. Rejects when the child ends or the time runs out before. */
  async line(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const listener = (line: string): void => {
        const found = pattern.exec(line)
        if (found === null) return
        finish()
        resolve(found)
      }
      const give = (why: string): void => {
        finish()
        reject(new Error(`${this.name} ${why}. Its last lines:\n${this.output}`))
      }
      const wake = this.#clock.wake(this.#clock.nowMs() + timeoutMs, () => {
        give(`was not ready within ${timeoutMs} ms`)
      })
      const finish = (): void => {
        wake.cancel()
        this.#listeners.delete(listener)
      }
      this.#listeners.add(listener)
      void this.exited.then(({ how }) => {
        give(`ended too early (${how})`)
      })
    })
  }

  /** Asks it to end, and after the grace makes it. */
  async stop(graceMs: number): Promise<ChildExit> {
    this.signal('SIGTERM')
    const wake = this.#clock.wake(this.#clock.nowMs() + graceMs, () => {
      this.signal('SIGKILL')
    })
    const exit = await this.exited
    wake.cancel()
    return exit
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#ended === undefined) this.#signalGroup(signal)
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const { pid } = this.#process
    if (pid === undefined) return
    try {
      process.kill(-pid, signal)
    } catch (error) {
      // ESRCH: nobody of the group is left.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

/** All children of this process, so that they can be ended together. */
export class Children {
  readonly #clock: Clock
  readonly #all: Child[] = []
  readonly #killAll = (): void => {
    for (const child of this.#all) child.signal('SIGKILL')
  }

  constructor(clock: Clock) {
    this.#clock = clock
    process.on('exit', this.#killAll)
  }

  start(options: ChildOptions): Child {
    const child = new Child(this.#clock, options)
    this.#all.push(child)
    return child
  }

  /** Ends every child, the youngest first. */
  async stopAll(graceMs: number): Promise<void> {
    // One that is being waited for is still on the list: this process may end meanwhile, and must not leave it behind.
    for (let child = this.#all.at(-1); child !== undefined; child = this.#all.at(-1)) {
      await child.stop(graceMs)
      this.#all.splice(this.#all.indexOf(child), 1)
    }
    process.removeListener('exit', this.#killAll)
  }
}
