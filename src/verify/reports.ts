/**
 * The work API that verify-app opens for the app: the bridge's own edge, with a desk behind it that takes everything down.
 *
 *   app ─▶ node:http ─▶ work API (the bridge's) ─▶ this desk        a call that is refused is kept, with its problem
 *
 * What the bridge would refuse is refused here with the same words, because the same code says them.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Report, Verdict, WorkStateName, WorkView } from '../core/report.ts'
import { statusOf } from '../core/reported.ts'
import type { Clock, WorkDesk, WorkPage } from '../core/seams.ts'
import type { WorkApi } from '../http/work-api.ts'
import { workApi } from '../http/work-api.ts'
import { ATTEMPTS_MAX } from './events.ts'

/** How the app says that a work has ended; `retry` asks for the event again. */
export type AppEnding = 'completed' | 'failed' | 'retry'

/** A call that was not taken. */
export interface RefusedCall {
  readonly call: string
  readonly status: number
  /** What the bridge would say. */
  readonly detail: string
}

interface TrialWork {
  readonly id: string
  state: WorkStateName
  attempt: number
  readonly reports: string[]
  readonly views: WorkView['reports'][number][]
  ending: AppEnding | undefined
  heardAtMs: number
}

/** A report is small; past this the bridge's own edge refuses it. */
const BODY_MAX_BYTES = 2 * 1_048_576

export class Reports implements WorkDesk {
  readonly #clock: Clock
  readonly #works = new Map<string, TrialWork>()
  readonly #watchers = new Set<() => void>()
  readonly #api: WorkApi
  readonly #server: Server
  #refused: RefusedCall[] = []

  constructor(clock: Clock) {
    this.#clock = clock
    this.#api = workApi({ desk: this, host: '127.0.0.1', port: 0, clock })
    this.#server = createServer((request, response) => {
      // A caller that breaks off leaves nothing to answer.
      this.#pass(request, response).catch(() => response.destroy())
    })
  }

  /** @returns the port. @throws the platform's error when it is taken. */
  async start(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', () => {
        this.#server.removeListener('error', reject)
        resolve()
      })
    })
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.#api.stop()
  }

  /** The event goes to the app now: what is reported from here on is about this attempt. */
  begin(id: string, attempt: number): void {
    const work: TrialWork = {
      id,
      state: 'attempting',
      attempt,
      reports: [],
      views: [],
      ending: undefined,
      heardAtMs: this.#clock.nowMs(),
    }
    this.#works.set(id, work)
  }

  /** What was reported so far. */
  of(id: string): { readonly reports: readonly string[]; readonly ending: AppEnding | undefined } {
    return this.#works.get(id) ?? { reports: [], ending: undefined }
  }

  /** Calls that were refused since this was last asked. */
  takeRefused(): readonly RefusedCall[] {
    const refused = this.#refused
    this.#refused = []
    return refused
  }

  /** Waits for the ending; undefined when the app was silent for so long. */
  async ending(id: string, leaseMs: number): Promise<AppEnding | undefined> {
    const work = this.#works.get(id)
    if (work === undefined) return undefined
    work.heardAtMs = this.#clock.nowMs()
    return new Promise((resolve) => {
      const look = (): void => {
        const dueAtMs = work.heardAtMs + leaseMs
        if (work.ending === undefined && this.#clock.nowMs() < dueAtMs) {
          wake.cancel()
          wake = this.#clock.wake(dueAtMs, look)
          return
        }
        wake.cancel()
        this.#watchers.delete(look)
        resolve(work.ending)
      }
      let wake = this.#clock.wake(work.heardAtMs + leaseMs, look)
      this.#watchers.add(look)
      look()
    })
  }

  report(workId: string, report: Report): Verdict {
    const work = this.#works.get(workId)
    if (work === undefined) return { kind: 'unknown', told: undefined }
    work.heardAtMs = this.#clock.nowMs()
    const status = statusOf(report)
    const isRepeat = status !== undefined && work.views.some((each) => each.status === status)
    const ending: AppEnding | undefined =
      status === 'completed' || status === 'failed' ? status : report.kind === 'failed' ? 'retry' : undefined
    if (work.ending !== undefined && !isRepeat && ending !== work.ending) {
      return { kind: 'conflict', work: viewOf(work), why: `the work has ${work.ending}; now it is ${report.kind}` }
    }
    if (!isRepeat) work.reports.push(report.kind)
    work.ending ??= ending
    if (work.ending === 'completed' || work.ending === 'failed') work.state = work.ending
    const eventId = `01J0000000000000000000000${work.views.length}`
    const told = status && ({ kind: 'stored', eventId } as const)
    if (status !== undefined && !isRepeat) {
      work.views.push({ status, atMs: work.heardAtMs, told: 'stored', eventId })
    }
    for (const watcher of [...this.#watchers]) watcher()
    return { kind: 'held', work: viewOf(work), told: told && Promise.resolve(told) }
  }

  find(workId: string): WorkView | undefined {
    const work = this.#works.get(workId)
    return work && viewOf(work)
  }

  list(_after: string | undefined, limit: number): WorkPage {
    const inHand = [...this.#works.values()].filter(({ ending }) => ending === undefined)
    return { works: inHand.slice(0, limit).map(viewOf), next: undefined }
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes <= BODY_MAX_BYTES) chunks.push(chunk)
    }
    const { method = 'GET', url = '/', headers } = request
    const answer = await this.#api.inject({
      method: method as 'GET',
      url,
      headers: headers,
      payload: Buffer.concat(chunks),
    })
    if (answer.statusCode >= 400) {
      const { detail } = JSON.parse(answer.payload) as { detail?: string }
      this.#refused.push({ call: `${method} ${url}`, status: answer.statusCode, detail: detail ?? '' })
    }
    response.writeHead(answer.statusCode, answer.headers as Record<string, string>).end(answer.rawPayload)
  }
}

function viewOf(work: TrialWork): WorkView {
  return {
    id: work.id,
    state: work.state,
    settled: work.ending !== undefined,
    attempt: work.attempt,
    attemptsMax: ATTEMPTS_MAX,
    eventType: '',
    topic: 'xzepr.dev.events',
    partition: 0,
    offset: 0n,
    receivedAtMs: work.heardAtMs,
    reports: work.views,
  }
}
