/** A desk that answers what a test says and remembers what it was told. */
import type { Report, Verdict, WorkView } from '../../src/core/report.ts'
import type { WorkDesk, WorkPage } from '../../src/core/seams.ts'

export const WORK: WorkView = {
  id: 'w1',
  state: 'running',
  settled: false,
  attempt: 2,
  attemptsMax: 10,
  eventType: 'deployment.success',
  topic: 'xzepr.dev.events',
  partition: 1,
  offset: 9_007_199_254_740_993n,
  receivedAtMs: Date.UTC(2026, 10, 23, 12),
  leaseEndsAtMs: Date.UTC(2026, 10, 23, 12, 5),
  reports: [],
}

export class FakeDesk implements WorkDesk {
  readonly reports: { workId: string; report: Report }[] = []
  readonly found: string[] = []
  readonly listed: { after: string | undefined; limit: number }[] = []
  verdict: (workId: string, report: Report) => Verdict = () => ({ kind: 'held', work: WORK, told: undefined })
  work: (workId: string) => WorkView | undefined = () => WORK
  page: WorkPage = { works: [WORK], next: undefined }

  report(workId: string, report: Report): Verdict {
    this.reports.push({ workId, report })
    return this.verdict(workId, report)
  }

  find(workId: string): WorkView | undefined {
    this.found.push(workId)
    return this.work(workId)
  }

  list(after: string | undefined, limit: number): WorkPage {
    this.listed.push({ after, limit })
    return this.page
  }
}
