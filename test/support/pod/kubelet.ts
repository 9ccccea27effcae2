/**
 * The kubelet of the rehearsal: it starts, restarts and ends the containers of a pod, which are processes here, in the order
 * that Kubernetes has. As of 1.29 to 1.37, in the words of the sources:
 *
 *   start    A sidecar is an init container with restartPolicy Always; the next one starts once its startupProbe has
 *            succeeded. Then the containers start in the order of the list, none waits for another.
 *            (kubernetes.io, Sidecar Containers; kuberuntime_container.go, computeInitContainerActions)
 *   delete   The preStop hooks of ALL containers run at once, the sidecars' too; with it the grace begins. A container gets
 *            SIGTERM when its own hook is back. A sidecar's waits besides until all main containers have ended, and the
 *            sidecars that started after it. (KEP-753, Termination of containers; killContainer and waitForTurn)
 *   grace    What runs when terminationGracePeriodSeconds are over gets SIGKILL. Who got no SIGTERM by then gets it, and
 *            two seconds. (Pod Lifecycle, Pod Termination Flow; killContainer, minimumGracePeriodInSeconds)
 *   Job      Once all main containers have ended for good, what still runs is ended as at a deletion, preStop first; a
 *            sidecar's exit code counts for nothing. (Jobs with sidecar containers; computePodActions, KillPod)
 */
import type { ChildExit } from '../../../src/dev/children.ts'
import type { Clock } from '../../../src/core/seams.ts'
import type { ContainerShape, PodShape } from './shape.ts'

/** A container that runs. */
export interface Process {
  readonly exited: Promise<ChildExit>
  signal(signal: NodeJS.Signals): void
}

/** What the node does for the kubelet. */
export interface Node {
  start(container: string): Process
  /** Runs a command in a container. @returns its exit code. */
  exec(container: string, command: readonly string[]): Promise<number | null>
  /** Has a probe succeeded? */
  probe(container: string, path: string): Promise<boolean>
}

const WINDOW_MS = 2000
/** In a pod it is the probe's `periodSeconds`; here nobody waits longer than needed. */
const PROBE_EVERY_MS = 50

export interface KubeletParts {
  readonly shape: PodShape
  readonly node: Node
  readonly clock: Clock
}

export class Kubelet {
  /** What happened, in order: `xzepr-bridge: preStop`, `app: SIGTERM`, `app: ended (exit code 0)`. */
  readonly events: string[] = []
  /** Resolves when nothing of the pod runs any more. */
  readonly gone: Promise<void>
  readonly #parts: KubeletParts
  readonly #running = new Map<string, Process>()
  readonly #lastRuns = new Map<string, Promise<void>>()
  readonly #watchers = new Set<() => void>()
  readonly #graceOver: Promise<void>
  #endGrace: () => void = () => undefined
  #ending: Promise<void> | undefined
  #isGone: () => void = () => undefined

  constructor(parts: KubeletParts) {
    this.#parts = parts
    this.gone = new Promise((resolve) => {
      this.#isGone = resolve
    })
    this.#graceOver = new Promise((resolve) => {
      this.#endGrace = resolve
    })
  }

  /** Resolves when the first run of every container has begun. */
  async start(): Promise<void> {
    await this.startSidecars()
    this.startMains()
  }

  /** The sidecars alone: the app's image, say, is still being pulled. */
  async startSidecars(): Promise<void> {
    for (const container of this.#parts.shape.initContainers) {
      this.#run(container)
      const path = container.startupProbe?.httpGet.path
      while (path !== undefined && this.#ending === undefined) {
        if (await this.#parts.node.probe(container.name, path)) break
        await this.#pass(PROBE_EVERY_MS)
      }
      this.#say(container, 'started')
    }
  }

  startMains(): void {
    for (const container of this.#parts.shape.containers) this.#run(container)
  }

  /** Deletes the pod. @returns when nothing of it runs any more. */
  async delete(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  /** terminationGracePeriodSeconds are over: no test waits for them. */
  timeIsUp(): void {
    this.#endGrace()
  }

  /** Starts nothing again from here on: whoever ended the pod's processes wants them ended. */
  forget(): void {
    this.#ending ??= Promise.resolve()
  }

  /** Resolves when an event has happened. */
  async until(event: string): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!this.events.includes(event)) return
        this.#watchers.delete(look)
        resolve()
      }
      this.#watchers.add(look)
      look()
    })
  }

  #run(container: ContainerShape): void {
    const process = this.#parts.node.start(container.name)
    this.#running.set(container.name, process)
    const ended = process.exited.then((exit) => {
      this.#running.delete(container.name)
      this.#say(container, `ended (${exit.how})`)
      if (this.#ending !== undefined) return
      if (this.#restarts(container, exit)) this.#run(container)
      else if (this.#mains.every(({ name }) => !this.#running.has(name))) void this.delete()
    })
    this.#lastRuns.set(container.name, ended)
    this.#say(container, 'runs')
  }

  get #mains(): readonly ContainerShape[] {
    return this.#parts.shape.containers
  }

  /** At once: from the second time on Kubernetes waits ten seconds and more, which proves nothing here. */
  #restarts({ restartPolicy }: ContainerShape, { code }: ChildExit): boolean {
    const policy = restartPolicy ?? this.#parts.shape.restartPolicy
    return policy === 'Always' || (policy === 'OnFailure' && code !== 0)
  }

  async #end(): Promise<void> {
    const { shape, clock } = this.#parts
    const wake = clock.wake(clock.nowMs() + shape.terminationGracePeriodSeconds * 1000, this.#endGrace)
    const mains = this.#mains.map(({ name }) => this.#lastRuns.get(name))
    // In the order of the list: each sidecar waits for the mains, and for the sidecars that come after it.
    const sidecars = shape.initContainers.map((container, at) => {
      const later = shape.initContainers.slice(at + 1).map(({ name }) => this.#lastRuns.get(name))
      return { container, after: Promise.all([...mains, ...later]) }
    })
    const all = [...shape.containers.map((container) => ({ container, after: undefined })), ...sidecars]
    await Promise.all(all.map(async ({ container, after }) => this.#endOne(container, after)))
    wake.cancel()
    this.#isGone()
  }

  async #endOne(container: ContainerShape, turn: Promise<unknown> | undefined): Promise<void> {
    const process = this.#running.get(container.name)
    if (process === undefined) return
    const { node } = this.#parts
    const command = container.lifecycle?.preStop.exec.command
    if (command !== undefined) {
      this.#say(container, 'preStop')
      const hook = node.exec(container.name, command).then((code) => {
        this.#say(container, `preStop ended (exit code ${code ?? 'none'})`)
      })
      await Promise.race([hook, this.#graceOver])
    }
    if (turn !== undefined) await Promise.race([turn, this.#graceOver])
    this.#say(container, 'SIGTERM')
    process.signal('SIGTERM')
    const ended = this.#lastRuns.get(container.name)
    await Promise.race([ended, Promise.all([this.#graceOver, this.#pass(WINDOW_MS)])])
    if (this.#running.has(container.name)) {
      this.#say(container, 'SIGKILL')
      process.signal('SIGKILL')
    }
    await ended
  }

  async #pass(ms: number): Promise<void> {
    const { clock } = this.#parts
    await new Promise<void>((resolve) => clock.wake(clock.nowMs() + ms, resolve))
  }

  #say({ name }: ContainerShape, what: string): void {
    this.events.push(`${name}: ${what}`)
    for (const watcher of [...this.#watchers]) watcher()
  }
}
