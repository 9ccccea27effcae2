/**
 * A work: what the app does about one record, and every step it can take.
 *
 *              send                  202                     report
 *   waiting ─────────▶ attempting ─────────▶ running ─────────────────────▶ completed | failed
 *      ▲                │      │                │ lease out                    ▲
 *      │ away           │ later│                ▼                              │
 *      ├────────────────┘      └───────────▶ resting ── attempts spent ────────┤
 *      └──────────────── rest over ────────────┘                               │
 *                     done, never, or a report at any time ────────────────────┘
 *
 * A report wins over the answer. The ending is said once; the work settles when XZepr has every report made until
 * then, and is forgotten when its call has come back too. Every function here changes one work and returns what must
 * be done about it; what a report of the app does is in reported.ts.
 */
import type { Answer } from './answer.ts'
import type { EventFacts } from './delivery.ts'
import type { Step } from './effects.ts'
import type { JsonMembers } from './json.ts'
import { NO_MEMBERS } from './json.ts'
import type { Entry, Ledger } from './ledger.ts'
import type { LifecycleStatus } from './lifecycle.ts'
import type { KafkaRecord } from './record.ts'
import { heldBytes } from './record.ts'
import type { Told } from './report.ts'
import { restMs } from './retry.ts'
import type { Moment } from './seams.ts'

export type WorkState =
  | { readonly name: 'waiting' | 'attempting' }
  | { readonly name: 'resting'; readonly untilMs: number }
  | { readonly name: 'running'; readonly leaseEndsAtMs: number }
  | { readonly name: 'completed' | 'failed' }

/** One lifecycle event that this work owes or has told. */
export interface WorkReport {
  readonly status: LifecycleStatus
  readonly atMs: number
  /** How it ended; undefined while it is held. */
  outcome: Told | undefined
  /** Resolves with the outcome. The core only carries it. */
  told: Promise<Told> | undefined
}

export interface Work {
  /** Order of arrival. */
  readonly serial: number
  event: EventFacts
  readonly ledger: Ledger
  readonly entry: Entry
  readonly receivedAtMs: number
  readonly heldBytes: number
  /** The lane of the order setting; undefined when nothing must stay in order. */
  orderLane: string | undefined
  /** Let go at the ending: nobody will send it again. */
  record: KafkaRecord | undefined
  state: WorkState
  attempts: number
  /** A call to the app is out. */
  callOut: boolean
  settled: boolean
  reports: WorkReport[]
  /** From the app's `started` report; else the configuration's. */
  name: string | undefined
  version: string | undefined
  /** From the app's `progress` report; else the configuration's. */
  leaseMs: number | undefined
  /** `failed` with `retry` came while the call was out: it outweighs the answer. */
  retryAsked: { readonly retryAfterMs: number | undefined } | undefined
}

/** A work of a record that has just been received. */
export function newWork(
  received: Pick<Work, 'serial' | 'event' | 'ledger' | 'entry' | 'receivedAtMs' | 'orderLane'> & {
    readonly record: KafkaRecord
  },
): Work {
  // Written out: spreading the argument first costs a hundred times as much, for every record.
  const { serial, event, ledger, entry, receivedAtMs, orderLane, record } = received
  return {
    serial,
    event,
    ledger,
    entry,
    receivedAtMs,
    orderLane,
    record,
    heldBytes: heldBytes(record),
    state: { name: 'waiting' },
    attempts: 0,
    callOut: false,
    settled: false,
    reports: [],
    name: undefined,
    version: undefined,
    leaseMs: undefined,
    retryAsked: undefined,
  }
}

export interface WorkPolicy {
  /** 0 = no end. */
  readonly attemptsMax: number
  readonly retryInitialMs: number
  readonly retryMaxMs: number
  readonly leaseMs: number
  /** `auto`: the bridge reports started and completed for an app that does not. */
  readonly lifecycle: 'explicit' | 'auto'
}

/** Why a work rests that the app gave back with `failed` and `retry`. */
export const SEND_AGAIN = 'the app asked to be sent it again'

/** Why the bridge itself reports a work as failed; `error_code` of the lifecycle event. */
type FailureCode = 'attempts_spent' | 'answer_rejected'

export function hasEnded(work: Work): boolean {
  return work.state.name === 'completed' || work.state.name === 'failed'
}

/** It goes out. @param probe a try whether the app is there: `started` is not reported on a guess. */
export function begin(work: Work, probe: boolean, policy: WorkPolicy, { nowMs }: Moment): Step[] {
  work.state = { name: 'attempting' }
  work.attempts += 1
  work.callOut = true
  const started = policy.lifecycle === 'auto' && !probe ? tellOnce(work, 'started', nowMs) : []
  return [...started, { kind: 'send', work }]
}

/** The app has answered, or could not be reached. */
export function answered(work: Work, answer: Answer, policy: WorkPolicy, moment: Moment): Step[] {
  work.callOut = false
  const { retryAsked } = work
  work.retryAsked = undefined
  if (hasEnded(work)) return close(work)
  if (answer.kind === 'away') {
    work.attempts -= 1
    work.state = { name: 'waiting' }
    return [{ kind: 'line-up', work }]
  }
  const effects = policy.lifecycle === 'auto' ? tellOnce(work, 'started', moment.nowMs) : []
  if (retryAsked !== undefined) {
    return effects.concat(rest(work, SEND_AGAIN, retryAsked.retryAfterMs, policy, moment))
  }
  switch (answer.kind) {
    case 'done':
      if (policy.lifecycle === 'auto') effects.push(...tellOnce(work, 'completed', moment.nowMs))
      return effects.concat(end(work, 'completed', answer.why))
    case 'accepted':
      return effects.concat({ kind: 'run', work }, renew(work, policy, moment))
    case 'later':
      return effects.concat(rest(work, answer.why, answer.retryAfterMs, policy, moment))
    case 'never':
      return effects.concat(fail(work, 'answer_rejected', `the app rejected the event: ${answer.why}`, moment))
  }
}

/** Its wake has come: a rest is over, or a lease has run out. */
export function wakeUp(work: Work, policy: WorkPolicy, moment: Moment): Step[] {
  if (work.state.name === 'resting') {
    work.state = { name: 'waiting' }
    return [{ kind: 'line-up', work }]
  }
  if (work.state.name !== 'running') return []
  const entry = { name: 'work.lease-out', ...coordinatesOf(work), attempt: work.attempts } as const
  const noted: Step[] = [{ kind: 'note', entry }]
  return noted.concat(rest(work, 'the lease ran out', undefined, policy, moment))
}

/** XZepr has a report of this work, or it is given up. */
export function told(work: Work, report: WorkReport, outcome: Told): Step[] {
  report.outcome = outcome
  return close(work)
}

export function rest(
  work: Work,
  why: string,
  retryAfterMs: number | undefined,
  policy: WorkPolicy,
  moment: Moment,
): Step[] {
  if (policy.attemptsMax > 0 && work.attempts >= policy.attemptsMax) {
    return fail(work, 'attempts_spent', `${work.attempts} attempts are spent; the last one: ${why}`, moment)
  }
  const { retryInitialMs: initialMs, retryMaxMs: maxMs } = policy
  const forMs = restMs({ attempt: work.attempts, initialMs, maxMs, chance: moment.chance, retryAfterMs })
  const untilMs = moment.nowMs + forMs
  work.state = { name: 'resting', untilMs }
  const entry = { name: 'work.resting', ...coordinatesOf(work), attempt: work.attempts, why, restMs: forMs } as const
  return [
    { kind: 'rest', work },
    { kind: 'wake', work, atMs: untilMs },
    { kind: 'note', entry },
  ]
}

export function renew(work: Work, policy: WorkPolicy, { nowMs }: Moment): Step {
  const leaseEndsAtMs = nowMs + (work.leaseMs ?? policy.leaseMs)
  work.state = { name: 'running', leaseEndsAtMs }
  return { kind: 'wake', work, atMs: leaseEndsAtMs }
}

function fail(work: Work, code: FailureCode, why: string, { nowMs }: Moment): Step[] {
  const details = failureDetails({ details: NO_MEMBERS, error: why, errorCode: code })
  return [...tellOnce(work, 'failed', nowMs, details), ...end(work, 'failed', why)]
}

export function end(work: Work, ending: 'completed' | 'failed', why: string): Step[] {
  work.state = { name: ending }
  work.record = undefined
  const entry = { name: 'work.ended', ...coordinatesOf(work), ending, attempt: work.attempts, why } as const
  const ended: Step[] = [
    { kind: 'end', work },
    { kind: 'wake', work, atMs: undefined },
    { kind: 'note', entry },
  ]
  return ended.concat(close(work))
}

/** What may be let go of: the order lane at the ending, the offset when nothing is owed, the rest when the call is back. */
function close(work: Work): Step[] {
  const { state } = work
  if (state.name !== 'completed' && state.name !== 'failed') return []
  const effects: Step[] = []
  if (!work.callOut) effects.push({ kind: 'let-pass', work })
  const owed = work.reports.some((report) => report.outcome === undefined)
  if (!owed && !work.settled) {
    work.settled = true
    effects.push({ kind: 'settle', work, ending: state.name })
  }
  if (work.settled && !work.callOut) effects.push({ kind: 'forget', work })
  return effects
}

export function tell(work: Work, status: LifecycleStatus, atMs: number, details: JsonMembers): Step[] {
  const report: WorkReport = { status, atMs, outcome: undefined, told: undefined }
  work.reports.push(report)
  return [{ kind: 'tell', work, report, details }]
}

function tellOnce(work: Work, status: LifecycleStatus, atMs: number, details: JsonMembers = NO_MEMBERS): Step[] {
  return findReport(work, status) === undefined ? tell(work, status, atMs, details) : []
}

export function findReport(work: Work, status: LifecycleStatus): WorkReport | undefined {
  return work.reports.find((report) => report.status === status)
}

/** The app's details with `error` and `error_code` in them, as the contract's section 4 has it. */
export function failureDetails(failure: { details: JsonMembers; error?: string; errorCode?: string }): JsonMembers {
  const details = new Map(failure.details)
  if (failure.error !== undefined) details.set('error', JSON.stringify(failure.error))
  if (failure.errorCode !== undefined) details.set('error_code', JSON.stringify(failure.errorCode))
  return details
}

/** Lets go of what only a delivery needs: a remembered work must not hold a producer's long key or headers. */
export function lighten(work: Work): void {
  work.orderLane = undefined
  const { id, type, platformId, traceparent } = work.event
  work.event = { id, type, platformId, traceparent, contentType: '', attributes: undefined }
}

/** How a journal entry names a work. */
export function coordinatesOf({
  event,
  ledger,
  entry,
}: Work): { readonly workId: string } & ReturnType<Ledger['place']> {
  return { workId: event.id, ...ledger.place(entry) }
}
