/**
 * A work as the work API writes it: JSON in snake_case, instants as RFC 3339, offsets as strings.
 *
 * A JSON number holds 2^53 in most languages and a Kafka offset 2^63: hence the string. What a report's `details` held
 * is not part of a work's view, so it cannot come back here.
 */
import type { Told, WorkView } from '../core/report.ts'

export interface WorkJson {
  readonly id: string
  readonly state: string
  readonly settled: boolean
  readonly attempt: number
  /** 0 = no end. */
  readonly attempts_max: number
  readonly event_type: string
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly received_at: string
  readonly lease_expires_at?: string
  readonly next_attempt_at?: string
  readonly reports: readonly {
    readonly status: string
    readonly reported_at: string
    readonly told: Told['kind'] | 'held'
    readonly event_id?: string
    readonly error?: string
  }[]
}

export function workJson(work: WorkView): WorkJson {
  return {
    id: work.id,
    state: work.state,
    settled: work.settled,
    attempt: work.attempt,
    attempts_max: work.attemptsMax,
    event_type: work.eventType,
    topic: work.topic,
    partition: work.partition,
    offset: work.offset.toString(),
    received_at: instant(work.receivedAtMs),
    ...(work.leaseEndsAtMs === undefined ? {} : { lease_expires_at: instant(work.leaseEndsAtMs) }),
    ...(work.nextAttemptAtMs === undefined ? {} : { next_attempt_at: instant(work.nextAttemptAtMs) }),
    reports: work.reports.map((report) => ({
      status: report.status,
      reported_at: instant(report.atMs),
      told: report.told,
      ...(report.eventId === undefined ? {} : { event_id: report.eventId }),
      ...(report.why === undefined ? {} : { error: report.why }),
    })),
  }
}

function instant(atMs: number): string {
  return new Date(atMs).toISOString()
}
