/**
 * A pod of one generation in a world: the bridge as it is shipped and the app beside it, run by the kubelet of the
 * rehearsal. They share the loopback of the machine, so their ports are the test's; all else is as in the chart.
 */
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../../src/clock.ts'
import type { BridgeProcess } from '../bridge-process.ts'
import { launchBridge } from '../bridge-process.ts'
import type { World } from '../world.ts'
import { freePort } from '../world.ts'
import type { Process } from './kubelet.ts'
import { Kubelet } from './kubelet.ts'
import type { PodForm } from './shape.ts'
import { podShapes } from './shape.ts'

/** Without what the test runner puts into every process of Node: it doubles what a start costs, and a pod has many. */
const PLAIN = { NODE_OPTIONS: '' }

interface Test {
  teardown(fn: () => unknown): unknown
}

const APP = fileURLToPath(new URL('app.mjs', import.meta.url))
/** What lies under /app in the image. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** What the app says of itself. */
interface AppLine {
  readonly delivered?: string
  readonly attempt?: number
  readonly begun?: string
  readonly reported?: string
  readonly what?: string
  readonly answered?: string
  readonly status?: number
  readonly told?: number
  readonly drained?: number
  readonly livez?: number
}

export interface PodOptions {
  readonly form: PodForm
  /** Variables of the bridge. */
  readonly env?: Record<string, string>
  /** Variables of the app; support/pod/app.mjs says which. */
  readonly appEnv?: Record<string, string>
}

export class RehearsedPod {
  readonly kubelet: Kubelet
  readonly opsUrl: string
  /** What the app has said, of all its runs. */
  readonly appLines: AppLine[] = []
  /** What the preStop hook has said. */
  hookSaid = ''
  #bridge: BridgeProcess | undefined

  constructor(world: World, { form, env, appEnv }: PodOptions, ports: readonly number[]) {
    const [workPort = 0, opsPort = 0, appPort = 0] = ports
    this.opsUrl = `http://127.0.0.1:${opsPort}`
    const bridgeEnv = world.bridgeEnv(
      `http://127.0.0.1:${appPort}/events`,
      { workPort, opsPort },
      { ...PLAIN, BRIDGE_EVENT_TYPES: 'build.*', ...env },
    )
    const workApi = { WORK_API_URL: `http://127.0.0.1:${workPort}`, OPS_URL: this.opsUrl, PORT: String(appPort) }
    const startApp = (): Process =>
      world.children.start({
        name: 'the app',
        program: process.execPath,
        args: [APP],
        env: { ...workApi, ...appEnv },
        line: (text) => {
          if (text.startsWith('{')) this.appLines.push(JSON.parse(text) as AppLine)
        },
      })
    this.kubelet = new Kubelet({
      shape: podShapes()[form],
      clock: systemClock,
      node: {
        start: (container) => {
          if (container === 'app') return startApp()
          this.#bridge = launchBridge(world.children, bridgeEnv)
          return this.#bridge
        },
        exec: async (_, command) => {
          const [program = '', ...args] = command.map((word) => word.replace(/^\/app\//, ROOT))
          const hook = world.children.start({
            name: 'preStop',
            program: program === 'node' ? process.execPath : program,
            args,
            env: bridgeEnv,
          })
          const { code } = await hook.exited
          this.hookSaid = hook.output
          return code
        },
        probe: async (_, path) => (await this.probe(path)) === 200,
      },
    })
  }

  /** The bridge that runs, or ran last. */
  get bridge(): BridgeProcess {
    if (this.#bridge === undefined) throw new Error('the bridge has not been started')
    return this.#bridge
  }

  /** @returns the status; 0 when nobody answers. */
  async probe(path: string): Promise<number> {
    return fetch(`${this.opsUrl}${path}`).then(
      async (answer) => {
        await answer.arrayBuffer()
        return answer.status
      },
      () => 0,
    )
  }

  /** What the app was given, in order. */
  get deliveries(): { readonly workId: string; readonly attempt: number }[] {
    return this.appLines.flatMap(({ delivered, attempt = 0 }) =>
      delivered === undefined ? [] : [{ workId: delivered, attempt }],
    )
  }

  /** Works that the app has begun, as often as it has. */
  get begun(): string[] {
    return this.appLines.flatMap(({ begun }) => begun ?? [])
  }

  /** Has the app been heard with a report? @returns the status of the answer that heard it. */
  heard(workId: string, what: string): number | undefined {
    return this.appLines.find((line) => line.reported === workId && line.what === what && (line.status ?? 0) >= 200)
      ?.status
  }

  /** Tells the app something, which answers when it is done. */
  async tell(what: 'finish' | 'end' | 'die'): Promise<void> {
    const port = this.appLines.flatMap(({ told }) => told ?? []).at(-1) ?? 0
    await fetch(`http://127.0.0.1:${port}/${what}`, { method: 'POST' }).catch(() => undefined)
  }
}

/** A pod that ends with its test, if it has not before. */
export async function makePod(t: Test, world: World, options: PodOptions): Promise<RehearsedPod> {
  const pod = new RehearsedPod(world, options, [await freePort(), await freePort(), await freePort()])
  t.teardown(() => {
    pod.kubelet.forget()
  })
  return pod
}

type Cue = 'done' | 'accepted' | 'held' | 'returned' | 'left' | 'cut'

/** Posts an event for each cue. @returns their ids, once the app has begun them all and the bridge has its answers. */
export async function handOver<C extends Cue>(
  world: World,
  pod: RehearsedPod,
  cues: readonly C[],
): Promise<Record<C, string>> {
  const ids = await world.postMany(cues.map((cue) => `build.${cue}`))
  const posted = cues.map((cue, at) => [cue, ids[at] ?? ''] as const)
  const isWithApp = ([cue, id]: readonly [Cue, string]): boolean => {
    if (cue === 'held' || cue === 'cut') return pod.heard(id, 'started') === 202
    const answer = cue === 'done' ? 'done' : 'accepted'
    return pod.bridge.lines.some((line) => line.workId === id && line.answer === answer)
  }
  await world.until('the app has them all', () => posted.every(isWithApp))
  return Object.fromEntries(posted) as Record<C, string>
}
