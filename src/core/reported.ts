/**
 * What a report of the app does to its work.
 *
 * A report wins over the answer, at any time: before the first attempt (the app may still be at work from before a
 * crash), while the call is out, and after it. A report that says what was said before changes nothing; one that
 * contradicts the ending is refused.
 */
import type { Step } from './effects.ts'
import type { JsonMembers } from './json.ts'
import type { LifecycleStatus } from './lifecycle.ts'
import type { Report } from './report.ts'
import type { Moment } from './seams.ts'
import type { Work, WorkPolicy, WorkReport } from './work.ts'
import { end } from './ending.ts'
import { SEND_AGAIN, failureDetails, findReport, hasEnded, renew, rest, tell } from './work.ts'

/** What a report came to. */
export type Reported =
  | { readonly kind: 'held'; readonly report: WorkReport | undefined; readonly steps: readonly Step[] }
  | { readonly kind: 'conflict'; readonly why: string }

/** Takes a report of a work in hand. */
export function reported(work: Work, report: Report, policy: WorkPolicy, moment: Moment): Reported {
  switch (report.kind) {
    case 'started': {
      const before = findReport(work, 'started')
      // The bridge may have told the start itself (`auto`); what the app calls its work still counts for the ending.
      if (!hasEnded(work)) {
        work.name ??= report.name
        work.version ??= report.version
      }
      if (before !== undefined) return { kind: 'held', report: before, steps: [] }
      if (hasEnded(work)) return conflict(work, 'started')
      const steps = tell(work, 'started', moment.nowMs, report.details)
      return {
        kind: 'held',
        report: findReport(work, 'started'),
        steps: steps.concat(signOfLife(work, policy, moment)),
      }
    }
    case 'progress':
      if (hasEnded(work)) return conflict(work, 'in progress')
      work.leaseMs = report.leaseMs ?? work.leaseMs
      return { kind: 'held', report: undefined, steps: signOfLife(work, policy, moment) }
    case 'completed':
      return reportEnding(work, report.success ? 'completed' : 'failed', report.details, policy, moment)
    case 'failed':
      if (!report.retry) return reportEnding(work, 'failed', failureDetails(report), policy, moment)
      if (hasEnded(work)) return conflict(work, 'to be sent again')
      if (work.callOut) work.retryAsked = { retryAfterMs: report.retryAfterMs }
      else if (work.state.name === 'running') {
        const steps = rest(work, SEND_AGAIN, report.retryAfterMs, policy, moment)
        return { kind: 'held', report: undefined, steps }
      }
      return { kind: 'held', report: undefined, steps: [] }
  }
}

function reportEnding(
  work: Work,
  ending: 'completed' | 'failed',
  details: JsonMembers,
  policy: WorkPolicy,
  { nowMs }: Moment,
): Reported {
  if (hasEnded(work) && work.state.name !== ending) return conflict(work, ending)
  const before = findReport(work, ending)
  if (before !== undefined) return { kind: 'held', report: before, steps: [] }
  const steps = tell(work, ending, nowMs, details)
  const report = findReport(work, ending)
  if (!hasEnded(work)) steps.push(...end(work, ending, 'reported by the app', policy))
  return { kind: 'held', report, steps }
}

/** Which lifecycle event a report asks for; undefined when nothing goes to XZepr. */
export function statusOf(report: Report): LifecycleStatus | undefined {
  switch (report.kind) {
    case 'started':
      return 'started'
    case 'progress':
      return undefined
    case 'completed':
      return report.success ? 'completed' : 'failed'
    case 'failed':
      return report.retry ? undefined : 'failed'
  }
}

/** The name and version that a report gives its work. */
export function namedBy(report: Report): { readonly name?: string | undefined; readonly version?: string | undefined } {
  return report.kind === 'started' ? { name: report.name, version: report.version } : {}
}

/** What a report's lifecycle event says in `details`. */
export function detailsOf(report: Report): JsonMembers {
  return report.kind === 'failed' ? failureDetails(report) : report.details
}

function signOfLife(work: Work, policy: WorkPolicy, moment: Moment): Step[] {
  return work.state.name === 'running' ? [renew(work, policy, moment)] : []
}

function conflict(work: Work, claim: string): Reported {
  return { kind: 'conflict', why: `the work has ${work.state.name}; it cannot be ${claim} any more` }
}
