/**
 * A report: what the app tells us about a work, and what became of it.
 *
 * These are the words between the work API and the road: the API parses HTTP into a Report, the bridge decides, the
 * API turns the verdict into HTTP again.
 */
import type { JsonMembers } from './json.ts'
import type { LifecycleStatus } from './lifecycle.ts'

export type Report =
  | { readonly kind: 'started'; readonly details: JsonMembers; readonly name?: string; readonly version?: string }
  | { readonly kind: 'progress'; readonly details: JsonMembers; readonly leaseMs?: number }
  | { readonly kind: 'completed'; readonly success: boolean; readonly details: JsonMembers }
  | {
      readonly kind: 'failed'
      readonly details: JsonMembers
      readonly error?: string
      readonly errorCode?: string
      readonly retry: boolean
      readonly retryAfterMs?: number
    }

/** How telling XZepr ended. `away`: it was not stored, and a later try may succeed. */
export type Told =
  | { readonly kind: 'stored'; readonly eventId: string }
  | { readonly kind: 'given-up'; readonly why: string }
  | { readonly kind: 'away'; readonly why: string; readonly retryAfterMs: number }

/** One report as a reader of `GET /work/<id>` sees it. `stored` has an event id, `given-up` a reason. */
export interface ReportView {
  readonly status: LifecycleStatus
  readonly atMs: number
  readonly told: 'held' | 'stored' | 'given-up'
  readonly eventId?: string
  readonly why?: string
}

export type WorkStateName = 'waiting' | 'attempting' | 'resting' | 'running' | 'completed' | 'failed' | 'passed-over'

/** A work as a reader of the work API sees it. */
export interface WorkView {
  readonly id: string
  readonly state: WorkStateName
  /** True once nothing more is owed for its record. */
  readonly settled: boolean
  /** Attempts made so far; the first delivery is 1. */
  readonly attempt: number
  /** 0 = no end. */
  readonly attemptsMax: number
  readonly eventType: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly receivedAtMs: number
  /** While running: when the lease runs out. */
  readonly leaseEndsAtMs?: number
  /** While resting: when the next attempt is due. */
  readonly nextAttemptAtMs?: number
  readonly reports: readonly ReportView[]
}

/** What the bridge says to a report. */
export type Verdict =
  /** Held (or a harmless repeat). `told` resolves when XZepr has it; undefined when nothing goes to XZepr. */
  | { readonly kind: 'held'; readonly work: WorkView; readonly told: Promise<Told> | undefined }
  /** It contradicts the work's ending. */
  | { readonly kind: 'conflict'; readonly work: WorkView; readonly why: string }
  /** XZepr could never store it. */
  | { readonly kind: 'unstorable'; readonly why: string }
  /** It cannot be held just now; `why` is a sentence for the caller. */
  | { readonly kind: 'full'; readonly why: string; readonly retryAfterMs: number }
  /** No work of this id is in hand. `told` is the answer when it was forwarded at once; undefined when that is off. */
  | { readonly kind: 'unknown'; readonly told: Promise<Told> | undefined }
