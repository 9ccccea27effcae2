/**
 * A bridge as a process of its own, as it is shipped: `dist/main.js`, so build first.
 *
 * Its log is read line by line, to know when to go on; what it did is read from its neighbours.
 */
import { fileURLToPath } from 'node:url'
import type { Child, ChildExit, Children } from '../../src/dev/children.ts'
import { unwatched } from './unwatched.ts'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
/** No test waits longer for one condition: what takes this long has stopped. */
export const PATIENCE_MS = 60_000

type LogLine = Readonly<Record<string, unknown>> & { readonly event: string }

/** Starts a bridge; nothing is waited for. With no NODE_OPTIONS (`''`) the test runner does not look into it. */
export function launchBridge(children: Children, env: Readonly<Record<string, string>>): BridgeProcess {
  const lines: LogLine[] = []
  const watchers = new Set<() => void>()
  const child = children.start({
    name: 'the bridge',
    ...(env.NODE_OPTIONS === '' ? unwatched(process.execPath, [MAIN]) : { program: process.execPath, args: [MAIN] }),
    env,
    line: (text) => {
      if (!text.startsWith('{')) return
      lines.push(JSON.parse(text) as LogLine)
      for (const watcher of [...watchers]) watcher()
    },
  })
  return new BridgeProcess(child, lines, watchers, `http://127.0.0.1:${env.BRIDGE_OPS_PORT ?? ''}`)
}

/** The part of `/status` that tests look at. */
export interface BridgeStatus {
  readonly works: Readonly<Record<string, number>>
  readonly partitions: readonly {
    readonly partition: number
    readonly unsettled: number
    readonly held_bytes: number
    readonly paused: boolean
  }[]
}

/** A bridge as a process of its own. */
export class BridgeProcess {
  readonly lines: readonly LogLine[]
  readonly opsUrl: string
  readonly #child: Child
  readonly #watchers: Set<() => void>

  constructor(child: Child, lines: readonly LogLine[], watchers: Set<() => void>, opsUrl: string) {
    this.#child = child
    this.lines = lines
    this.#watchers = watchers
    this.opsUrl = opsUrl
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get exited(): Promise<ChildExit> {
    return this.#child.exited
  }

  get output(): string {
    return this.#child.output
  }

  /** How often it has logged an event. */
  count(event: string): number {
    return this.lines.reduce((sum, line) => sum + (line.event === event ? 1 : 0), 0)
  }

  /** Resolves when a condition on its log holds. */
  async until(what: string, condition: () => boolean): Promise<void> {
    let stop = (): void => undefined
    const held = new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (condition()) resolve()
      }
      const timer = setTimeout(() => {
        reject(new Error(`not within ${PATIENCE_MS} ms: ${what}. Its last lines:\n${this.output}`))
      }, PATIENCE_MS)
      stop = () => {
        clearTimeout(timer)
        this.#watchers.delete(look)
      }
      this.#watchers.add(look)
      void this.#child.exited.then(({ how }) => {
        reject(new Error(`the bridge ended (${how}) before ${what}. Its last lines:\n${this.output}`))
      })
      look()
    })
    await held.finally(() => {
      stop()
    })
  }

  /** What it says of itself on its ops port. */
  async status(): Promise<BridgeStatus> {
    return (await (await fetch(`${this.opsUrl}/status`)).json()) as BridgeStatus
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.signal(signal)
  }

  async kill9(): Promise<void> {
    this.signal('SIGKILL')
    await this.#child.exited
  }

  /** SIGTERM, and how it ended. */
  async terminate(): Promise<ChildExit> {
    return this.#child.stop(PATIENCE_MS)
  }
}
