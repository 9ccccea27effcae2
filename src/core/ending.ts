/**
 * The ending of a work, and what follows from it.
 *
 *   ended ─▶ reports told, a dead letter written ─▶ settled ─▶ its call is back ─▶ forgotten
 *              └─ XZepr does not take one ─▶ a dead letter, where there is a topic for them
 *
 * The ending is said once. The work settles when nothing is owed any more, or when an operator lets go of it; its record is
 * held until nobody can need it: where there are dead letters it may still become one.
 */
import type { DeadLetterReason } from './dead-letter.ts'
import type { Step } from './effects.ts'
import type { Ending } from './journal.ts'
import { NO_MEMBERS } from './json.ts'
import type { Told } from './report.ts'
import type { Moment } from './seams.ts'
import type { Work, WorkPolicy, WorkReport } from './work.ts'
import { coordinatesOf, failureDetails, hasEnded, tellOnce } from './work.ts'

/** Why the bridge itself reports a work as failed, and the `error_code` of the lifecycle event that says so. */
export const FAILURES = {
  rejected: 'answer_rejected',
  'attempts-spent': 'attempts_spent',
  'lease-expired': 'lease_expired',
} as const satisfies Partial<Record<DeadLetterReason, string>>

/** XZepr has a report of this work, or it is given up: then its record goes where somebody will find it. */
export function told(work: Work, report: WorkReport, outcome: Told, policy: WorkPolicy): Step[] {
  report.outcome = outcome
  // Let go of by hand before: nobody waits for it.
  if (work.settled) return []
  // While it has no ending it may still fail, which is the better reason.
  return close(work, hasEnded(work) ? buryRefused(work, policy) : [])
}

/** A record of which XZepr will not have a report becomes a letter, if nothing worse has made it one. */
function buryRefused(work: Work, policy: WorkPolicy): Step[] {
  for (const { status, outcome } of work.reports) {
    if (outcome?.kind !== 'given-up') continue
    return bury(work, 'report-refused', `XZepr does not take the report ${status}: ${outcome.why}`, policy)
  }
  return []
}

/** Its dead letter is written. */
export function buried(work: Work): Step[] {
  work.letter = 'written'
  return work.settled ? [] : close(work)
}

/** An operator lets go of it: whatever is still owed holds its record no more. */
export function letGo(work: Work, why: string): Step[] {
  work.callOut = false
  if (hasEnded(work)) return close(work, [], true)
  work.state = { name: 'passed-over' }
  return close(work, ended(work, 'passed-over', why), true)
}

export function fail(
  work: Work,
  reason: keyof typeof FAILURES,
  why: string,
  policy: WorkPolicy,
  { nowMs }: Moment,
): Step[] {
  const details = failureDetails({ details: NO_MEMBERS, error: why, errorCode: FAILURES[reason] })
  const letter = bury(work, reason, why, policy)
  return [...letter, ...tellOnce(work, 'failed', nowMs, details), ...end(work, 'failed', why, policy)]
}

/** Its record becomes a dead letter, once, where there is a topic for them. */
function bury(work: Work, reason: DeadLetterReason, error: string, policy: WorkPolicy): Step[] {
  const { record, answer, entry } = work
  if (!policy.deadLetters || record === undefined || work.letter !== undefined) return []
  // Of a partition that is ours no more the next reader makes the letter.
  if (work.settled || !work.ledger.open) return []
  work.letter = 'owed'
  return [{ kind: 'bury', work, letter: { record, reason, error, attempts: entry.attempts, answer } }]
}

export function end(work: Work, ending: 'completed' | 'failed', why: string, policy: WorkPolicy): Step[] {
  work.state = { name: ending }
  const steps = buryRefused(work, policy).concat(ended(work, ending, why))
  // With dead letters it may still become one: XZepr may refuse what is reported about it.
  if (!policy.deadLetters) release(work, steps)
  return close(work, steps)
}

function ended(work: Work, ending: Ending, why: string): Step[] {
  const entry = { name: 'work.ended', ...coordinatesOf(work), ending, attempt: work.entry.attempts, why } as const
  return [
    { kind: 'end', work },
    { kind: 'wake', work, atMs: undefined },
    { kind: 'note', entry },
  ]
}

function release(work: Work, steps: Step[]): void {
  if (work.record === undefined) return
  work.record = undefined
  steps.push({ kind: 'release', work })
}

/**
 * What may be let go of: the order lane at the ending, the offset when nothing is owed, the rest when the call is back.
 * @param steps that come before. @param letGo nothing is waited for any more.
 */
export function close(work: Work, steps: Step[] = [], letGo = false): Step[] {
  const { state } = work
  if (state.name !== 'completed' && state.name !== 'failed' && state.name !== 'passed-over') return steps
  if (!work.callOut) steps.push({ kind: 'let-pass', work })
  if (!work.settled && (letGo || !owes(work))) {
    work.settled = true
    release(work, steps)
    steps.push({ kind: 'settle', work, ending: state.name })
  }
  if (work.settled && !work.callOut) steps.push({ kind: 'forget', work })
  return steps
}

function owes({ letter, reports }: Work): boolean {
  return letter === 'owed' || reports.some((report) => report.outcome === undefined)
}
