/**
 * What a KafkaSource is made from, and the defaults of what need not be said.
 *
 * The times are KafkaJS's own where it has them; those it does not have are the bridge's. Tests shorten them.
 */
import type { Journal } from '../core/journal.ts'
import type { Clock } from '../core/seams.ts'
import type { KafkaOptions } from './client.ts'

export interface KafkaSourceOptions {
  readonly kafka: KafkaOptions
  readonly groupId: string
  readonly topics: readonly string[]
  /** Where a group begins that has no offset on a topic yet. */
  readonly startFrom: 'earliest' | 'latest'
  readonly clock: Clock
  readonly journal: Journal
  /** What one answer of a broker may hold: it is decoded in one go, and no heartbeat is sent meanwhile. */
  readonly maxBytes?: number
  readonly maxBytesPerPartition?: number
  /** How long the group waits for a heartbeat before it takes our partitions away. */
  readonly sessionTimeoutMs?: number
  /** How long the group waits for its members to join again. */
  readonly rebalanceTimeoutMs?: number
  readonly heartbeatIntervalMs?: number
  /** How long a broker holds a fetch with nothing to answer. A rejoin and the end wait for it. */
  readonly maxWaitMs?: number
  /** How often the topics are looked at for new partitions. */
  readonly metadataMaxAgeMs?: number
  /** How long a rejoin waits for what can be finished; far below the rebalance timeout, for the whole group waits too. */
  readonly drainMs?: number
  /** How long Kafka may be silent while there is something to read. */
  readonly stallMs?: number
  /** How long leaving the group may take. */
  readonly stopMs?: number
  /** The longest pause between two tries to reach Kafka. */
  readonly retryMaxMs?: number
}

export type Settings = Required<KafkaSourceOptions>

export function settingsOf(options: KafkaSourceOptions): Settings {
  return {
    maxBytes: 4 * 1024 * 1024,
    maxBytesPerPartition: 1024 * 1024,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 60_000,
    heartbeatIntervalMs: 3_000,
    maxWaitMs: 300,
    metadataMaxAgeMs: 60_000,
    drainMs: 5_000,
    stallMs: 30_000,
    stopMs: 5_000,
    retryMaxMs: 5_000,
    ...options,
  }
}
