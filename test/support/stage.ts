/**
 * An example app on a stage: a work API that takes down what it is told and answers as a test says, and a caller in the
 * bridge's place.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../src/clock.ts'
import { startApp } from '../../src/dev/app-process.ts'
import type { Example } from '../../src/dev/app-programs.ts'
import { missingToolchain } from '../../src/dev/app-programs.ts'
import type { Child } from '../../src/dev/children.ts'
import { Children } from '../../src/dev/children.ts'
import type { Environment } from '../../src/dev/kafka/run.ts'

export interface Call {
  readonly path: string
  readonly body: unknown
}

export interface Stage {
  /** What the work API was told since this was last asked. */
  taken(): Call[]
  /** Resolves when it has been told so many times in all since the start. */
  told(count: number): Promise<void>
  /** What the work API answers from here on. */
  status: number
  /** Called before the work API answers, which waits for it. */
  beforeAnswer: (call: Call) => Promise<void> | void
  /** The work API goes away, and comes back on the same port. */
  away(): Promise<void>
  back(): Promise<void>
  readonly child: Child
  readonly webhookUrl: string
  deliver(event: unknown, workId?: string): Promise<number>
}

interface Scope {
  teardown(what: () => unknown): void
}

/** A machine of a person may lack a language; the one that judges may not. @returns tap's options for a test of it. */
export async function skipWithout(example: Example, env: Environment = process.env): Promise<{ skip: string | false }> {
  const missing = await missingToolchain(example, env)
  if (missing === undefined) return { skip: false }
  if (env.CI === 'true') throw new Error(missing)
  return { skip: missing }
}

export async function stage(t: Scope, example: Example, env: Record<string, string> = {}): Promise<Stage> {
  const calls: Call[] = []
  const watchers = new Set<() => void>()
  let count = 0
  const workApi = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const call = {
        path: `${request.method ?? ''} ${request.url ?? ''}`,
        body: JSON.parse(Buffer.concat(chunks).toString()) as unknown,
      }
      calls.push(call)
      count += 1
      const { status } = staged
      void Promise.resolve(staged.beforeAnswer(call)).then(() => {
        response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
        for (const watcher of [...watchers]) watcher()
      })
    })
  })
  const listen = async (port: number): Promise<number> => {
    workApi.listen(port, '127.0.0.1')
    await once(workApi, 'listening')
    return (workApi.address() as AddressInfo).port
  }
  const close = async (): Promise<void> => {
    if (!workApi.listening) return
    const closed = once(workApi, 'close')
    workApi.close()
    workApi.closeAllConnections()
    await closed
  }
  const port = await listen(0)
  const children = new Children(systemClock)
  t.teardown(async () => {
    await children.stopAll(10_000)
    await close()
  })
  const { child, webhookUrl } = await startApp(children, {
    example,
    workApiUrl: `http://127.0.0.1:${port}`,
    env: { ...process.env, ...env },
  })
  const staged: Stage = {
    taken: () => calls.splice(0),
    told: async (wanted) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (count < wanted) return
          watchers.delete(look)
          resolve()
        }
        watchers.add(look)
        look()
      }),
    status: 202,
    beforeAnswer: () => undefined,
    away: close,
    back: async () => {
      await listen(port)
    },
    child,
    webhookUrl,
    async deliver(event: unknown, workId = '01J') {
      const body = typeof event === 'string' ? event : JSON.stringify(event)
      const response = await fetch(webhookUrl, { method: 'POST', headers: { 'work-id': workId }, body })
      await response.arrayBuffer()
      return response.status
    },
  }
  return staged
}
