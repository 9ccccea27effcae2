/**
 * The seams between the road and its edges: shapes only, nothing here runs.
 *
 * bridge.ts knows its neighbours by these; kafka, webhook, xzepr, http and dev each fill one and know no other. What
 * stands in for an edge in a test fills the same shape.
 */
import type { Answer } from './answer.ts'
import type { DeadLetter } from './dead-letter.ts'
import type { OwnReport } from './filter.ts'
import type { LifecycleEvent } from './lifecycle.ts'
import type { KafkaRecord, TopicPartition } from './record.ts'
import type { Report, Told, Verdict, WorkView } from './report.ts'

/** The only seam for time and chance. */
export interface Clock {
  nowMs(): number
  /** Calls `what` once, at or after `atMs`. */
  wake(atMs: number, what: () => void): Wake
  /** A number from 0 (included) to 1 (excluded). */
  chance(): number
}

/** Time and chance at one step: what the core is told of them. */
export interface Moment {
  readonly nowMs: number
  readonly chance: number
}

export interface Wake {
  cancel(): void
}

// ── where records come from: kafka/source.ts, dev/memory-log.ts ──────────────────────────────────────────────────────

export interface Source {
  /**
   * Joins the group and begins to hand over records. Resolves when the consumer is being run, not when it has joined:
   * nothing waits for Kafka to come up.
   */
  start(events: SourceEvents): Promise<void>
  /** Stops fetching these partitions. What is already fetched may still arrive. */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /**
   * Writes offsets under the membership in which they were received. Never retries by itself, never rejects, and
   * always resolves within a bound of its own.
   * @returns an outcome for each commit, in their order: one partition that is refused says nothing of the others.
   */
  commit(commits: readonly Commit[]): Promise<readonly CommitOutcome[]>
  health(): SourceHealth
  /** Leaves the group. Commit first: nothing is committed here. */
  stop(): Promise<void>
}

/** What a source tells the road. Every call is synchronous; `drain` alone is awaited. */
export interface SourceEvents {
  /**
   * A partition is ours from here on, from `committed` (the next offset to read; undefined when the group has none).
   * Also said again, after `revoked`, when the log itself was made anew.
   */
  assigned(partition: TopicPartition, committed: bigint | undefined, metadata: string): void
  /** Partitions are no longer ours, all that went at once: nothing may settle there any more. */
  revoked(partitions: readonly TopicPartition[]): void
  /** Records of an assigned partition, offsets strictly ascending, none twice within one assignment. */
  received(batch: Batch): void
  /** The group is about to rejoin: finish and commit what can be, within a bound that the source keeps. */
  drain(): Promise<void>
  /** The rejoin is over; said after every `revoked` that it brought, and before any `received`. */
  rejoined(): void
}

export interface Batch extends TopicPartition {
  readonly records: readonly KafkaRecord[]
  /** The offset after this batch; past the last record where the log holds markers or compacted gaps. */
  readonly nextOffset: bigint
  /** The offset after the newest record of the partition when the batch was fetched: for lag. */
  readonly highWatermark: bigint
}

export interface Commit extends TopicPartition {
  /** The next offset to read. */
  readonly offset: bigint
  /** ASCII, 4096 characters at most. */
  readonly metadata: string
}

export type CommitOutcome = { readonly kind: 'committed' } | { readonly kind: 'refused'; readonly why: string }

export interface SourceHealth {
  /** A member of the group, with or without partitions. */
  readonly joined: boolean
  readonly partitions: number
  /** When Kafka last answered a fetch; undefined before the first. */
  readonly fetchedAtMs: number | undefined
  /** What is wrong just now, in a sentence for the operator; undefined when nothing is. */
  readonly problem: string | undefined
}

// ── the app beside us: webhook/client.ts ─────────────────────────────────────────────────────────────────────────────

/** One request on its way to the app: one event, or the several of a batch. */
export interface Delivery {
  /** Names and values that HTTP can carry: already percent-encoded. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Names what is delivered: the same on every attempt, another for everything else. A signature covers it. */
  readonly id: string
  /** Is the body of the answer read? It may name single events of a batch. */
  readonly wantsBody: boolean
}

export interface Webhook {
  /** One attempt, one answer: never retries, never throws. */
  attempt(delivery: Delivery): Attempt
}

export interface Attempt {
  /** Always resolves; after `abort` with `later`. */
  readonly answer: Promise<Answer>
  abort(): void
}

// ── XZepr: xzepr/reporter.ts ─────────────────────────────────────────────────────────────────────────────────────────

export interface Reporter {
  /** Our receiver's id, once it is known. */
  readonly receiverId: string | undefined
  /**
   * Holds a lifecycle event until XZepr has it, in order with the others that have the same `thread`, and says how it
   * ended: `stored` or `given-up`. Retried with backoff until then.
   * @param thread names the work; events of one thread are never out at once.
   */
  tell(thread: string, event: LifecycleEvent): Promise<Told>
  /** A report of ours came round on the topic: XZepr has it, whatever became of the request that told it. */
  heard(report: OwnReport): void
  /** Tries once, at once, on the caller's time: `stored`, `given-up` or `away`. */
  forward(event: LifecycleEvent): Promise<Told>
  readonly backlog: Backlog
  /** No new request starts; what is still held stays untold. */
  stop(): Promise<void>
}

/** Reports that XZepr does not have yet. */
export interface Backlog {
  readonly events: number
  readonly bytes: number
}

// ── where records go that came to nothing: kafka/dead-letter.ts ──────────────────────────────────────────────────────

export interface DeadLetters {
  /** Writes a letter until all in-sync replicas have it; retried with backoff, never rejects. After `stop` it never resolves. */
  write(letter: DeadLetter): Promise<void>
  /** What keeps letters from Kafka just now, in a sentence for the operator; undefined when nothing does. */
  readonly problem: string | undefined
  stop(): Promise<void>
}

// ── the operator's hand: filled by levers.ts for http/levers.ts ──────────────────────────────────────────────────────

/** Whose hand it was, and what for: goes into the log. */
export interface Hand {
  readonly who: string
  readonly why: string
}

export interface Levers {
  /** Nothing more is sent; works in hand may answer and report. Again: the newest hand holds. */
  pause(hand: Hand): void
  resume(hand: Hand): void
  /** Lets go of one work: its record settles as passed over. `unknown`: no work of this id is in hand. */
  settle(workId: string, hand: Hand): 'settled' | 'unknown'
  /** Takes nothing new from here on; resolves when the group is left: all has ended, or the grace is over. */
  drain(hand: Hand): Promise<void>
}

// ── the app's calls: filled by desk.ts for http/work-api.ts ──────────────────────────────────────────────────────────

export interface WorkDesk {
  report(workId: string, report: Report): Verdict
  find(workId: string): WorkView | undefined
  /** Works in hand, oldest first. @param after the cursor of the page before. */
  list(after: string | undefined, limit: number): WorkPage
}

export interface WorkPage {
  readonly works: readonly WorkView[]
  /** Asks for the page after this one; undefined on the last. */
  readonly next: string | undefined
}
