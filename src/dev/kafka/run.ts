/**
 * Runs another program to its end and says how it went, as a value.
 *
 * It is how the dev room asks Docker, Java and Maven who they are and lets them work. Every run has a bound in time;
 * past it the program is killed. What a program prints is kept only as its last lines.
 */
import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

export type Environment = Readonly<Record<string, string | undefined>>

export interface RunOptions {
  readonly env: Environment
  readonly timeoutMs: number
  /** Hears every line that the program prints, on either stream. */
  readonly line?: (line: string) => void
}

/** How a program ended. `ok` is exit code 0 in time; `why` is a sentence for when it was not. */
export interface RunResult {
  readonly ok: boolean
  readonly why: string
  /** The last lines that it printed. */
  readonly output: string
}

/** The last lines of something that may print for ever. */
export class Tail {
  readonly #lines: string[] = []
  readonly #max: number

  constructor(max = 20) {
    this.#max = max
  }

  add(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length > this.#max) this.#lines.shift()
  }

  /** The last line, or a word for none. */
  get last(): string {
    return this.#lines.at(-1) ?? 'it printed nothing'
  }

  get text(): string {
    return this.#lines.join('\n')
  }
}

/** What is printed without a line's end, by a progress bar or of a binary file, is heard in pieces of this length. */
export const LINE_MAX_CHARS = 65_536
/** A return at the end may be one half of a line's end. */
const LINE_END = /\r\n|\n|\r(?!$)/

/** Hears a stream line by line. Not node:readline, which holds a line of any length until it has its end. */
export function eachLine(stream: Readable, line: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split(LINE_END)
    rest = lines.pop() ?? ''
    for (const whole of lines) line(whole)
    while (rest.length > LINE_MAX_CHARS) {
      line(rest.slice(0, LINE_MAX_CHARS))
      rest = rest.slice(LINE_MAX_CHARS)
    }
  })
  stream.on('end', () => {
    if (rest !== '') line(rest.replace(/\r$/, ''))
  })
}

/** Runs a program to its end. Never rejects: a program that is not there is a result too. */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  return new Promise((resolve) => {
    const tail = new Tail()
    const hear = (line: string): void => {
      tail.add(line)
      options.line?.(line)
    }
    const end = (ok: boolean, why: string): void => {
      clearTimeout(bound)
      resolve({ ok, why, output: tail.text })
    }
    const child = spawn(program, args, { env: options.env, stdio: ['ignore', 'pipe', 'pipe'] })
    // Not spawn's own timeout: its timer outlives a program that could not be started.
    const bound = setTimeout(() => {
      child.kill('SIGKILL')
      end(false, `${program} did not end within ${options.timeoutMs} ms`)
    }, options.timeoutMs)
    eachLine(child.stdout, hear)
    eachLine(child.stderr, hear)
    child.once('error', (error: NodeJS.ErrnoException) => {
      end(false, error.code === 'ENOENT' ? `${program} is not installed` : error.message)
    })
    child.once('close', (code, signal) => {
      if (code === 0) end(true, '')
      else if (signal !== null) end(false, `${program} was ended by ${signal}`)
      else end(false, `${program} ended with exit code ${code ?? '?'}: ${tail.last}`)
    })
  })
}
