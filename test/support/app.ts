/**
 * The app beside a bridge, as a test writes it: a webhook that takes down every delivery and behaves as told.
 */
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request that came in. */
export interface Delivered {
  readonly workId: string
  readonly attempt: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly app: TestApp
}

/** An answer that is more than a status. */
export interface AppAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** What the app does about a delivery. @returns the status to answer with, or the whole answer. */
export type Behaviour = (delivered: Delivered) => Promise<number | AppAnswer> | number | AppAnswer

export class TestApp {
  /** Every delivery, in order of arrival. */
  readonly deliveries: Delivered[] = []
  /** Where it reports; set once the bridge's port is known. */
  workApiUrl = ''
  behave: Behaviour
  readonly #server: Server
  readonly #watchers = new Set<() => void>()
  #port = 0

  constructor(behave: Behaviour = () => 200) {
    this.behave = behave
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        )
        const workId = decodeURIComponent(headers['work-id'] ?? '')
        const attempt = Number(headers['work-attempt'])
        const delivered = { workId, attempt, headers, body: Buffer.concat(chunks).toString(), app: this }
        this.deliveries.push(delivered)
        for (const watcher of [...this.#watchers]) watcher()
        void Promise.resolve(this.behave(delivered)).then(
          (answer) => {
            const { status, headers, body }: AppAnswer = typeof answer === 'number' ? { status: answer } : answer
            response.writeHead(status, headers).end(body === undefined ? undefined : JSON.stringify(body))
          },
          // The app failed to report: as a real one would, it lets the bridge deliver again.
          () => response.writeHead(503).end(),
        )
      })
    })
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/events`
  }

  async up(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Connections are refused from here on; those that stand are cut. */
  async down(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve)
      this.#server.closeAllConnections()
    })
  }

  /** Resolves when a condition on the deliveries holds; looked at with each of them. */
  async until(condition: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!condition()) return
        this.#watchers.delete(look)
        resolve()
      }
      this.#watchers.add(look)
      look()
    })
  }

  /** Calls the work API. @returns the answer's status and JSON. */
  async report(
    workId: string,
    report: string,
    body?: unknown,
  ): Promise<{ status: number; json: Record<string, unknown> }> {
    const response = await fetch(`${this.workApiUrl}/work/${encodeURIComponent(workId)}/${report}`, {
      method: 'POST',
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    return { status: response.status, json: (await response.json()) as Record<string, unknown> }
  }
}

/** The common app: reports started and completed, then answers 200. */
export const reportsAndAnswers: Behaviour = async ({ app, workId }) => {
  for (const report of ['started', 'completed']) {
    const { status } = await app.report(workId, report)
    if (status !== 202 && status !== 200) throw new Error(`${report} was answered ${status}`)
  }
  return 200
}
