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
 * A report wins over the answer. Every function here changes one work and returns what must be done about it; what a
 * report of the app does is in reported.ts, what follows from an ending in ending.ts.
 */
import type { Answer } from './answer.ts'
import type { EventFacts } from './delivery.ts'
import type { Step } from './effects.ts'
import { close, end, fail } from './ending.ts'
import type { JsonMembers } from './json.ts'
import { NO_MEMBERS } from './json.ts'
import type { Ledger } from './ledger.ts'
import type { Stand } from './line.ts'
import type { Entry } from './unsettled.ts'
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
  /** `passed-over`: an operator let go of it. */
  | { readonly name: 'completed' | 'failed' | 'passed-over' }

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
  /** Let go when nobody can need it any more: at the ending, or, where there are dead letters, with the last debt. */
  record: KafkaRecord | undefined
  state: WorkState
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
  /** The app's last answer, in HTTP's words. */
  answer: string | undefined
  letter: 'owed' | 'written' | undefined
  /** It goes alone from now on: a batch with it was refused as a whole. */
  alone: boolean
  /** Its record's bytes share memory with no other's. */
  isOnItsOwn: boolean
  /** Its place in the line; undefined while it is not in it. */
  stand: Stand | undefined
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
    callOut: false,
    settled: false,
    reports: [],
    name: undefined,
    version: undefined,
    leaseMs: undefined,
    retryAsked: undefined,
    answer: undefined,
    letter: undefined,
    alone: false,
    isOnItsOwn: false,
    stand: undefined,
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
  /** Is there a topic for records that came to nothing? */
  readonly deadLetters: boolean
}

/** Why a work rests that the app gave back with `failed` and `retry`. */
export const SEND_AGAIN = 'the app asked to be sent it again'
const LEASE_OUT = 'the lease ran out'

export function hasEnded({ state }: Work): boolean {
  return state.name === 'completed' || state.name === 'failed' || state.name === 'passed-over'
}

/**
 * It was taken in. All its attempts may be spent already, before a crash or under another reader; what became of the last
 * one nobody knows. The app may still be at it, so it is waited for like an accepted work: not sent, not forgotten.
 */
export function taken(work: Work, policy: WorkPolicy, moment: Moment): Step[] {
  if (policy.attemptsMax === 0 || work.entry.attempts < policy.attemptsMax) return []
  return [{ kind: 'run', work }, renew(work, policy, moment)]
}

/** It goes out. @param probe a try whether the app is there: `started` is not reported on a guess. */
export function begin(work: Work, probe: boolean, policy: WorkPolicy, { nowMs }: Moment): Step[] {
  work.state = { name: 'attempting' }
  work.ledger.attempt(work.entry)
  work.callOut = true
  const started = policy.lifecycle === 'auto' && !probe ? tellOnce(work, 'started', nowMs) : []
  return [...started, { kind: 'send', work }]
}

/** The app has answered, or could not be reached. */
export function answered(work: Work, answer: Answer, policy: WorkPolicy, moment: Moment): Step[] {
  work.callOut = false
  const { retryAsked } = work
  work.retryAsked = undefined
  if (answer.kind !== 'away') work.answer = answer.why
  if (hasEnded(work)) return close(work)
  if (answer.kind === 'away') return takeBack(work)
  const effects = policy.lifecycle === 'auto' ? tellOnce(work, 'started', moment.nowMs) : []
  if (retryAsked !== undefined) {
    return effects.concat(rest(work, SEND_AGAIN, retryAsked.retryAfterMs, policy, moment))
  }
  switch (answer.kind) {
    case 'done':
      if (policy.lifecycle === 'auto') effects.push(...tellOnce(work, 'completed', moment.nowMs))
      return effects.concat(end(work, 'completed', answer.why, policy))
    case 'accepted':
      return effects.concat({ kind: 'run', work }, renew(work, policy, moment))
    case 'later':
      if (answer.alone === true && !work.alone) {
        // Refused for its company, it has had no attempt of its own.
        work.alone = true
        return effects.concat(takeBack(work))
      }
      return effects.concat(rest(work, answer.why, answer.retryAfterMs, policy, moment))
    case 'never':
      return effects.concat(fail(work, 'rejected', `the app rejected the event: ${answer.why}`, policy, moment))
  }
}

/** The attempt was none: it waits as before. */
function takeBack(work: Work): Step[] {
  work.ledger.takeBack(work.entry)
  work.state = { name: 'waiting' }
  return [{ kind: 'line-up', work }]
}

/** Its wake has come: a rest is over, or a lease has run out. */
export function wakeUp(work: Work, policy: WorkPolicy, moment: Moment): Step[] {
  if (work.state.name === 'resting') {
    work.state = { name: 'waiting' }
    return [{ kind: 'line-up', work }]
  }
  if (work.state.name !== 'running') return []
  const entry = { name: 'work.lease-out', ...coordinatesOf(work), attempt: work.entry.attempts } as const
  const noted: Step[] = [{ kind: 'note', entry }]
  return noted.concat(rest(work, LEASE_OUT, undefined, policy, moment))
}

export function rest(
  work: Work,
  why: string,
  retryAfterMs: number | undefined,
  policy: WorkPolicy,
  moment: Moment,
): Step[] {
  const { attempts } = work.entry
  // Twice is enough to find out that it may be another of its batch that fails.
  if (attempts >= 2) work.alone = true
  if (policy.attemptsMax > 0 && attempts >= policy.attemptsMax) {
    const reason = why === LEASE_OUT ? 'lease-expired' : 'attempts-spent'
    const spent = attempts === 1 ? '1 attempt is' : `${attempts} attempts are`
    return fail(work, reason, `${spent} spent; the last one: ${why}`, policy, moment)
  }
  const { retryInitialMs: initialMs, retryMaxMs: maxMs } = policy
  const forMs = restMs({ attempt: attempts, initialMs, maxMs, chance: moment.chance, retryAfterMs })
  const untilMs = moment.nowMs + forMs
  work.state = { name: 'resting', untilMs }
  const entry = { name: 'work.resting', ...coordinatesOf(work), attempt: attempts, why, restMs: forMs } as const
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

export function tell(work: Work, status: LifecycleStatus, atMs: number, details: JsonMembers): Step[] {
  const report: WorkReport = { status, atMs, outcome: undefined, told: undefined }
  work.reports.push(report)
  return [{ kind: 'tell', work, report, details }]
}

export function tellOnce(work: Work, status: LifecycleStatus, atMs: number, details: JsonMembers = NO_MEMBERS): Step[] {
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
