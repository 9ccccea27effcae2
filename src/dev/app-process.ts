/**
 * The example apps as child processes: what stands beside the bridge in the demo and in tests of the whole road.
 *
 * One that listens says on which port; one that asks the work API says where it asks, and gets a webhook for its bridge at
 * which nobody listens.
 */
import type { Example } from './app-programs.ts'
import { asksForWorks, prepareApp } from './app-programs.ts'
import type { Child, Children } from './children.ts'
import type { Environment } from './kafka/run.ts'

export interface AppOptions {
  readonly example: Example
  readonly workApiUrl: string
  /** 0 = any free one. */
  readonly port?: number
  readonly env: Environment
  readonly line?: (line: string) => void
  /** Hears what takes its time before the start. */
  readonly progress?: (sentence: string) => void
}

export interface AppProcess {
  readonly child: Child
  /** Where it takes events. */
  readonly webhookUrl: string
}

/** The discard port (RFC 863): whoever offers nothing there refuses, and that is what the asking program wants. */
const NOBODY = 'http://127.0.0.1:9/events'

/** Starts an example app; it listens, or asks, when this resolves. @throws when it cannot be compiled. */
export async function startApp(children: Children, options: AppOptions): Promise<AppProcess> {
  const { example, workApiUrl, port = 0, env, line, progress } = options
  const prepared = await prepareApp(example, env, progress)
  if (!prepared.ok) throw new Error(`The ${example} app cannot be compiled: ${prepared.why}`)
  const child = children.start({
    name: `The ${example} app`,
    ...prepared.command,
    env: { ...env, PORT: String(port), WORK_API_URL: workApiUrl },
    ...(line === undefined ? {} : { line }),
  })
  if (asksForWorks(example)) {
    await child.line(/^asking /, 30_000)
    return { child, webhookUrl: NOBODY }
  }
  const [, chosen] = await child.line(/^listening on port (\d+)$/, 30_000)
  return { child, webhookUrl: `http://127.0.0.1:${chosen ?? ''}/events` }
}
