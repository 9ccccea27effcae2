/**
 * One running Kafka node: a child process that dies with us, whatever happens to us.
 *
 *   start ─▶ (formatted once) ─▶ java ─▶ answers metadata: ready ─┬─ stop ───▶ gone, directory removed
 *                                  ▲                              └─ kill9 ──▶ dead, directory kept
 *                                  └────────────── start ◀────────────────────────┘
 *
 * Java runs below a shell that reads a pipe which we hold open and never write to. When we end, even by kill -9, the
 * kernel closes the pipe; the shell then kills Java and removes the directory. Both stand in a process group of their
 * own, so Ctrl-C at a terminal reaches us alone and we stop it in our order.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { answers } from './answers.ts'
import type { Environment } from './run.ts'
import { eachLine, Tail } from './run.ts'
import type { BrokerLayout } from './settings.ts'
import { LOG4J2_XML, scramArguments, serverProperties } from './settings.ts'

/**
 * $1 the directory, $2 java, $3 its class path, then the arguments for SCRAM users. The reader holds descriptor 3: a
 * job in the background loses its standard input (POSIX, Shell Command Language, section 2.9.3.1). It looks for `rm`
 * where every Unix has it, then on the PATH: with a poor PATH the data would stay behind.
 */
export const SCRIPT = `
dir=$1 java=$2 cp=$3
shift 3
exec 3<&0 </dev/null
(
  [ -f "$dir/log/meta.properties" ] ||
    "$java" -XX:TieredStopAtLevel=1 -cp "$cp" "-Dlog4j2.configurationFile=file:$dir/log4j2.xml" \\
      kafka.tools.StorageTool format --standalone -t AAAAAAAAAAAAAAAAAAAAAQ -c "$dir/server.properties" "$@" || exit
  exec "$java" -Xms256m -Xmx512m -XX:+UseSerialGC -cp "$cp" "-Dlog4j2.configurationFile=file:$dir/log4j2.xml" \\
    kafka.Kafka "$dir/server.properties"
) 3<&- &
kafka=$!
(
  trap '' TERM
  PATH=/usr/bin:/bin:$PATH
  read -r _ <&3
  kill -TERM 0
  kill -KILL "$kafka" 2>/dev/null
  rm -rf "$dir"
) >/dev/null 2>&1 &
watcher=$!
wait "$kafka"
code=$?
kill -KILL "$watcher"
exit "$code"
`

/** What to run the script with: this machine's shell, or one in a container. */
export interface Launch {
  readonly program: string
  /** Arguments before the script's own. @param script is for `sh -c`. */
  readonly args: (script: string) => readonly string[]
  readonly java: string
  readonly classPath: string
  /** Kills what the child's own death leaves behind, such as a container. */
  readonly killRest?: () => Promise<void>
}

export interface NodeOptions {
  readonly layout: BrokerLayout
  readonly launch: Launch
  readonly env: Environment
  readonly readyTimeoutMs: number
}

/** A Kafka that did not come up: why, and what it printed last. */
export class KafkaDidNotStart extends Error {
  /** The same in one line. */
  readonly brief: string

  constructor(why: string, { text, last }: Tail) {
    super(`Kafka did not start: ${why}. Its last lines:\n${text}`)
    this.brief = `Kafka did not start: ${why} (${last})`
  }
}

export class KafkaNode {
  readonly #options: NodeOptions
  #child: ChildProcess | undefined
  #tail = new Tail()

  constructor(options: NodeOptions) {
    this.#options = options
  }

  /** The leader of the process group that Kafka runs in; undefined while it is dead. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Its last log lines. */
  get log(): string {
    return this.#tail.text
  }

  /** Starts it on its ports and its data, and waits until it answers. Throws with its last log lines when it does not. */
  async start(): Promise<void> {
    if (this.#child !== undefined) return
    const { layout, launch, env, readyTimeoutMs } = this.#options
    await writeFile(join(layout.dir, 'server.properties'), serverProperties(layout))
    await writeFile(join(layout.dir, 'log4j2.xml'), LOG4J2_XML)
    this.#tail = new Tail()
    const own = [layout.dir, launch.java, launch.classPath, ...scramArguments(layout.sasl)]
    const child = spawn(launch.program, [...launch.args(SCRIPT), ...own], {
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    // Nobody writes to the pipe; its end going away with the child is no error of ours.
    child.stdin.on('error', () => undefined)
    for (const stream of [child.stdout, child.stderr]) {
      eachLine(stream, (line) => {
        this.#tail.add(line)
      })
    }
    let failed: string | undefined
    child.once('error', (error) => (failed = error.message))
    child.once('exit', (code, signal) => {
      failed ??= `it ended with ${signal ?? `exit code ${code ?? '?'}`}`
      if (this.#child === child) this.#child = undefined
    })
    const untilMs = Date.now() + readyTimeoutMs
    const broker = `127.0.0.1:${layout.ports.plain}`
    while (!(await answers([broker], 1000))) {
      if (Date.now() > untilMs) failed ??= `it did not answer within ${readyTimeoutMs} ms`
      if (failed !== undefined) {
        await this.kill9()
        throw new KafkaDidNotStart(failed, this.#tail)
      }
      await sleep(100)
    }
  }

  /** Ends it as a power cut would. Its data stays. */
  async kill9(): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined) return
    const gone = once(child, 'exit')
    await this.#options.launch.killRest?.()
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch (error) {
      // ESRCH: it was faster than we.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    if (child.exitCode === null && child.signalCode === null) await gone
    this.#child = undefined
  }

  /** Ends it and removes its data. Nothing in it is worth an orderly end. */
  async stop(): Promise<void> {
    await this.kill9()
    await rm(this.#options.layout.dir, { recursive: true, force: true, maxRetries: 5 })
  }
}
