/**
 * The journal: what happened on the road, as a closed union.
 *
 * The road says each thing once; log.ts turns it into a line, metrics.ts into numbers, the demo into a picture. Fields
 * are an allow-list by their type: no request, no header bag, nothing secret can be put into an entry. The entry's
 * name is the stable event name of its log line.
 */
import type { Answer } from './answer.ts'
import type { DeadLetterReason, LeftOut } from './dead-letter.ts'
import type { LifecycleStatus } from './lifecycle.ts'
import type { Hand } from './seams.ts'

/** How a record ended; every record has exactly one ending. */
export type Ending = 'completed' | 'failed' | 'passed-over' | 'poison'

/** Where a record stands and which work it is. */
interface OfRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}
interface OfWork extends OfRecord {
  readonly workId: string
}
/** What a partition holds when it is paused or goes on. */
interface OfStock {
  readonly topic: string
  readonly partition: number
  readonly waitingBytes: number
  /** How many of its works may go. */
  readonly readyWorks: number
}

export type JournalEntry =
  | {
      readonly name: 'bridge.started'
      readonly service: string
      readonly version: string
      readonly workApiPort: number
      readonly opsPort: number
    }
  | { readonly name: 'bridge.draining'; readonly inHand: number }
  | {
      readonly name: 'bridge.drained'
      readonly unsettled: number
      readonly works: number
      readonly reports: number
    }
  | { readonly name: 'bridge.stopped'; readonly unsettled: number; readonly owed: number }
  | ({ readonly name: 'letter.left-unwritten' } & OfRecord)
  | ({ readonly name: 'work.left-unsettled' } & OfWork & { readonly state: string; readonly attempt: number })
  | {
      readonly name: 'partition.assigned'
      readonly topic: string
      readonly partition: number
      readonly committed: bigint | undefined
    }
  | {
      readonly name: 'partition.revoked'
      readonly topic: string
      readonly partition: number
      readonly unsettled: number
    }
  | ({ readonly name: 'partition.paused' } & OfStock)
  | ({ readonly name: 'partition.resumed' } & OfStock)
  | ({ readonly name: 'record.received' } & OfRecord)
  | ({ readonly name: 'record.poison'; readonly why: string } & OfRecord)
  | ({ readonly name: 'record.passed-over'; readonly why: string } & OfRecord)
  | ({ readonly name: 'attempt.started'; readonly attempt: number; readonly eventType: string } & OfWork)
  | ({
      readonly name: 'attempt.answered'
      readonly attempt: number
      readonly answer: Answer['kind']
      readonly why: string
      readonly tookMs: number
    } & OfWork)
  | ({
      readonly name: 'work.resting'
      readonly attempt: number
      readonly why: string
      readonly restMs: number
    } & OfWork)
  | ({ readonly name: 'work.lease-out'; readonly attempt: number } & OfWork)
  | ({ readonly name: 'work.reported'; readonly report: string } & OfWork)
  | ({ readonly name: 'work.ended'; readonly ending: Ending; readonly attempt: number; readonly why: string } & OfWork)
  | {
      readonly name: 'report.stored'
      readonly workId: string
      readonly status: LifecycleStatus
      readonly eventId: string
    }
  | {
      readonly name: 'report.given-up'
      readonly workId: string
      readonly status: LifecycleStatus
      readonly why: string
    }
  | ({
      readonly name: 'record.dead-lettered'
      readonly reason: DeadLetterReason
      readonly attempts: number
      readonly why: string
      readonly letterTopic: string
      readonly letterPartition: number
      readonly letterOffset: bigint
    } & OfRecord)
  /** The letter of this record had to be written without a part of it. */
  | ({ readonly name: 'dead-letter.cut'; readonly leftOut: LeftOut; readonly why: string } & OfRecord)
  | ({ readonly name: 'record.settled'; readonly ending: Ending } & OfRecord)
  | { readonly name: 'gate.closed'; readonly why: string }
  | { readonly name: 'gate.opened'; readonly closedMs: number }
  | ({ readonly name: 'offset.committed'; readonly mapChars: number } & OfRecord)
  /** The map did not fit into the commit's metadata: what is left out comes again after a crash. */
  | ({ readonly name: 'offset-map.cut' } & OfRecord)
  /** The metadata beside the committed offset is not ours, or is damaged. */
  | ({ readonly name: 'offset-map.ignored'; readonly why: string } & OfRecord)
  | ({ readonly name: 'lever.paused' } & Hand)
  | ({ readonly name: 'lever.resumed' } & Hand)
  | ({ readonly name: 'lever.settled' } & Hand & OfWork)
  | ({ readonly name: 'lever.drain' } & Hand)
  | ({ readonly name: 'commit.refused'; readonly why: string } & OfRecord)
  | { readonly name: 'kafka.joined'; readonly partitions: number }
  | { readonly name: 'kafka.problem'; readonly code: string; readonly why: string; readonly hint: string }
  | ({ readonly name: 'kafka.records-missing'; readonly expected: bigint } & OfRecord)
  | {
      readonly name: 'xzepr.receiver'
      readonly receiverId: string
      readonly receiver: string
      readonly created: boolean
    }
  | { readonly name: 'xzepr.problem'; readonly code: string; readonly why: string; readonly hint: string }
  /** What the last problem with XZepr was about is over. */
  | { readonly name: 'xzepr.recovered'; readonly code: string }
  /** A request to one of the bridge's own ports failed by the bridge's own fault. */
  | { readonly name: 'http.fault'; readonly why: string }
  | { readonly name: 'config.warning'; readonly why: string }

export type JournalName = JournalEntry['name']

/** Takes down what happened. Never throws, never waits. */
export type Journal = (entry: JournalEntry) => void
