/**
 * The snapshot: how the bridge stands at one instant, in plain numbers.
 *
 * The road fills it when it is asked; metrics turn it into gauges, the status page into a picture. Taking one costs no
 * more than counting, so that a scrape never holds up a record.
 */
import type { Backlog } from './seams.ts'

export interface Snapshot {
  /** Requests to the webhook under way. */
  readonly inFlight: number
  /** Works that the app accepted and has not ended. */
  readonly running: number
  /** Works received and not yet attempted: held by lane, slot or gate. */
  readonly waiting: number
  /** Works that wait for their next attempt. */
  readonly resting: number
  /** What the held records cost in memory. */
  readonly heldBytes: number
  /** Reports that XZepr does not have yet. */
  readonly reportBacklog: Backlog
  readonly gateOpen: boolean
  /** How long the oldest unsettled record has been in hand; undefined when there is none. */
  readonly oldestUnsettledMs: number | undefined
  /** The partitions that are ours. */
  readonly partitions: readonly PartitionSnapshot[]
}

export interface PartitionSnapshot {
  readonly topic: string
  readonly partition: number
  /** Records of the partition that are not committed yet, in hand or still at Kafka; undefined before the first fetch. */
  readonly lag: bigint | undefined
  /** Records in hand and not settled. */
  readonly unsettled: number
  readonly paused: boolean
}
