/**
 * The program in bash, which asks for works: over the bridge's own work API, with a desk behind it that keeps the list.
 */
import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { Report, Verdict, WorkStateName, WorkView } from '../../src/core/report.ts'
import type { WorkDesk, WorkPage } from '../../src/core/seams.ts'
import { startApp } from '../../src/dev/app-process.ts'
import type { Child } from '../../src/dev/children.ts'
import { Children } from '../../src/dev/children.ts'
import { freePorts } from '../../src/dev/kafka/ports.ts'
import { workApi } from '../../src/http/work-api.ts'
import { WORK } from '../http/fake-desk.ts'
import { skipWithout } from '../support/stage.ts'

interface Listed {
  readonly id: string
  readonly type: string
  state: WorkStateName
  reports: string[]
}

/** Two works on a page, so that every list has several. */
const PAGE = 2

/** Keeps works until they are reported completed or failed. */
class Desk implements WorkDesk {
  readonly works: Listed[] = []
  readonly lists: (string | undefined)[] = []
  /** Every report, in order. */
  readonly told: string[] = []
  /** Called before a report is taken. @returns what is said instead. */
  before: (id: string, report: Report) => Verdict | undefined = () => undefined
  readonly #watchers = new Set<() => void>()

  add(id: string, type = 'deployment.success', state: WorkStateName = 'waiting'): void {
    this.works.push({ id, type, state, reports: [] })
  }

  /** Resolves when a condition holds; looked at with every call. */
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

  report(workId: string, report: Report): Verdict {
    const work = this.works.find(({ id }) => id === workId)
    const instead = this.before(workId, report)
    if (instead !== undefined) return instead
    if (work === undefined) return { kind: 'unknown', told: undefined }
    this.told.push(`${report.kind} ${workId}`)
    const error = report.kind === 'failed' ? ` ${report.error ?? ''}` : ''
    const details = report.kind === 'completed' ? ` ${String(report.details.get('handled'))}` : ''
    work.reports.push(`${report.kind}${error}${details}`)
    if (report.kind === 'completed' || report.kind === 'failed') work.state = report.kind
    this.#look()
    return { kind: 'held', work: view(work), told: Promise.resolve({ kind: 'stored', eventId: '01J' }) }
  }

  find(): undefined {
    return undefined
  }

  /** The cursor is opaque: here it needs percent-encoding. */
  list(after: string | undefined): WorkPage {
    this.lists.push(after)
    const from = after === undefined ? 0 : Number(/^&(\d+)"$/.exec(after)?.[1] ?? NaN)
    const works = this.works.slice(from, from + PAGE).map(view)
    const next = from + PAGE < this.works.length ? `&${from + PAGE}"` : undefined
    this.#look()
    return { works, next }
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }
}

function view({ id, type, state }: Listed): WorkView {
  return { ...WORK, id, eventType: type, state, settled: false }
}

const { skip } = await skipWithout('bash')

void t.test('the bash app', { skip }, async (t) => {
  async function onDesk(t: Test): Promise<{ desk: Desk; child: Child; start: () => Promise<void>; lines: string[] }> {
    const desk = new Desk()
    const [port = 0] = await freePorts(1)
    const api = workApi({ desk, clock: systemClock, host: '127.0.0.1', port })
    const children = new Children(systemClock)
    t.teardown(async () => {
      await children.stopAll(5000)
      await api.stop()
    })
    const lines: string[] = []
    const { child } = await startApp(children, {
      example: 'bash',
      workApiUrl: `http://127.0.0.1:${port}`,
      env: { ...process.env, POLL_SECONDS: '0.05' },
      line: (line) => lines.push(line),
    })
    return {
      desk,
      child,
      lines,
      start: async () => {
        await api.start()
      },
    }
  }
  interface Test {
    teardown(fn: () => unknown): unknown
  }

  await t.test('is there before the bridge, and works through every page of the list', async (t) => {
    const { desk, start } = await onDesk(t)
    for (const nth of [1, 2, 3, 4]) desk.add(`w${nth}`)
    desk.add('w5', 'deployment.failure')
    await start()
    await desk.until(() => desk.works.every(({ state }) => state === 'completed' || state === 'failed'))
    t.same(
      desk.told,
      [1, 2, 3, 4].flatMap((nth) => [`started w${nth}`, `completed w${nth}`]).concat('started w5', 'failed w5'),
    )
    t.same(desk.works[0]?.reports, ['started', 'completed "deployment.success"'])
    t.same(desk.works[4]?.reports, ['started', 'failed deployment.failure did not succeed'])
    t.ok(desk.lists.includes('&2"') && desk.lists.includes('&4"'), 'page after page')
  })

  await t.test('brings any id and any type back as it is', async (t) => {
    const { desk, start } = await onDesk(t)
    const ids = [
      'a b/c?d%2Fe#f',
      'größe ✓ 😀',
      'q"u\\o\\"te',
      '"},{"id":"x","state":"waiting',
      'line\nfeed\ttab\u0001',
      '$(id)`*',
    ]
    for (const id of ids) desk.add(id, `t"y\\p/é ${id}`)
    await start()
    await desk.until(() => desk.works.every(({ state }) => state === 'completed'))
    t.same(
      desk.told,
      ids.flatMap((id) => [`started ${id}`, `completed ${id}`]),
    )
    t.same(
      desk.works.map(({ reports }) => JSON.parse(reports[1]?.replace('completed ', '') ?? '') as string),
      ids.map((id) => `t"y\\p/é ${id}`),
    )
  })

  await t.test('takes only what waits: not what an app has accepted, nor what has ended', async (t) => {
    const { desk, start } = await onDesk(t)
    desk.add('w1', 'a', 'running')
    desk.add('w2', 'a', 'completed')
    desk.add('w3', 'a', 'failed')
    desk.add('w4', 'a', 'resting')
    desk.add('w5', 'a', 'attempting')
    await start()
    await desk.until(() => desk.works.slice(3).every(({ state }) => state === 'completed'))
    t.same(desk.told, ['started w4', 'completed w4', 'started w5', 'completed w5'])
  })

  await t.test('what the bridge does not take stays in the list and is done again', async (t) => {
    const { desk, start, lines } = await onDesk(t)
    desk.add('w1')
    let refusals = 0
    desk.before = (_id, { kind }) => {
      if (kind !== 'completed' || refusals++ > 0) return undefined
      return { kind: 'full', why: 'XZepr is behind.', retryAfterMs: 1000 }
    }
    await start()
    await desk.until(() => desk.works[0]?.state === 'completed')
    t.same(desk.told, ['started w1', 'started w1', 'completed w1'])
    t.ok(
      lines.some((line) => line.includes('503')),
      'and it says so',
    )
  })

  await t.test('finishes the work in hand on SIGTERM, begins no other, and ends with exit code 0', async (t) => {
    const { desk, child, start } = await onDesk(t)
    desk.add('w1')
    desk.add('w2')
    desk.before = (_id, { kind }) => {
      if (kind === 'started') child.signal('SIGTERM')
      return undefined
    }
    await start()
    t.same(await child.exited, { code: 0, signal: null, how: 'exit code 0' })
    t.same(desk.told, ['started w1', 'completed w1'])
  })

  await t.test('ends at once on SIGTERM while there is nothing to do', async (t) => {
    const { desk, child, start } = await onDesk(t)
    await start()
    await desk.until(() => desk.lists.length > 1)
    t.same(await child.stop(5000), { code: 0, signal: null, how: 'exit code 0' })
  })
})
