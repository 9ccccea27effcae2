/**
 * KafkaJS's consumer, as the bridge sets it up, and its batches in the assignment's words.
 *
 * Nothing is decided here: which way a setting is turned and why, and where KafkaJS's types say less than is there.
 */
import type { Consumer, ConsumerEndBatchProcessEvent, EachBatchPayload, Kafka, PartitionAssigner } from 'kafkajs'
import { PartitionAssigners } from 'kafkajs'
import type { TopicPartition } from '../core/record.ts'
import type { Arrival, Reader } from './assignment.ts'
import { RETRY } from './client.ts'
import type { Undecodable } from './patches/batches.ts'
import { recordOf } from './records.ts'
import type { Settings } from './settings.ts'

export function makeConsumer(kafka: Kafka, settings: Settings, sticky: PartitionAssigner): Consumer {
  return kafka.consumer({
    groupId: settings.groupId,
    // The second is there for a group that other software shares, or a rolling change away from the first.
    partitionAssigners: [sticky, PartitionAssigners.roundRobin],
    sessionTimeout: settings.sessionTimeoutMs,
    rebalanceTimeout: settings.rebalanceTimeoutMs,
    heartbeatInterval: settings.heartbeatIntervalMs,
    maxWaitTimeInMs: settings.maxWaitMs,
    maxBytes: settings.maxBytes,
    maxBytesPerPartition: settings.maxBytesPerPartition,
    metadataMaxAge: settings.metadataMaxAgeMs,
    // Reading must never make a topic; KafkaJS would by default.
    allowAutoTopicCreation: false,
    // Never KafkaJS's own restart: it can follow a disconnect, and bring a consumer that was stopped back to life.
    retry: { ...RETRY, restartOnFailure: () => Promise.resolve(false) },
  })
}

/**
 * The consumer's levers. Between a crash and its event there is no group, and KafkaJS throws at each of them: the
 * partitions are as good as lost then, and every lever is set again at the next join.
 */
export function readerOf(consumer: Consumer): Reader {
  const steer = (what: () => void): void => {
    try {
      what()
    } catch (error) {
      if (!(error instanceof Error && error.name === 'KafkaJSNonRetriableError')) throw error
    }
  }
  return {
    // Always by partition: a pause of a whole topic is undone by the next pause of one partition.
    pause: ({ topic, partition }) => {
      steer(() => {
        consumer.pause([{ topic, partitions: [partition] }])
      })
    },
    resume: ({ topic, partition }) => {
      steer(() => {
        consumer.resume([{ topic, partitions: [partition] }])
      })
    },
    seek: ({ topic, partition }, offset) => {
      steer(() => {
        consumer.seek({ topic, partition, offset: String(offset) })
      })
    },
  }
}

/** A batch with records in it. */
export function arrivalOf(batch: EachBatchPayload['batch']): Arrival {
  const partition: TopicPartition = { topic: batch.topic, partition: batch.partition }
  // The types leave out what was asked for.
  const { fetchedOffset } = batch as typeof batch & { readonly fetchedOffset: string }
  return {
    partition,
    from: BigInt(fetchedOffset),
    // The last offset counts markers and what compaction took; the last record's would leave the group lagging by one.
    next: BigInt(batch.lastOffset()) + 1n,
    highWatermark: BigInt(batch.highWatermark),
    tellsGaps: true,
    records: (from) => {
      // They ascend: what was seen before stands in front.
      const first = batch.messages.findIndex(({ offset }) => BigInt(offset) >= from)
      return first < 0 ? [] : batch.messages.slice(first).map((message) => recordOf(partition, message))
    },
    undecodable: (from) => {
      const found: Undecodable[] = []
      for (const message of batch.messages) {
        const { undecodable } = message as typeof message & { readonly undecodable?: Undecodable }
        if (undecodable !== undefined && undecodable.last >= from) found.push(undecodable)
      }
      return found
    },
  }
}

/** A batch that KafkaJS has filtered empty (markers, aborted records): it is told by an event alone. */
export function emptyArrivalOf(payload: ConsumerEndBatchProcessEvent['payload']): Arrival {
  const { topic, partition, lastOffset, highWatermark } = payload
  // Null, against its type, where nothing is left at or after the offset that was asked for.
  const firstOffset = payload.firstOffset as string | null
  return {
    partition: { topic, partition },
    from: BigInt(firstOffset ?? lastOffset),
    next: BigInt(lastOffset) + 1n,
    highWatermark: BigInt(highWatermark),
    // It says where its first marker is, not what was asked for: a gap before it may be compaction's.
    tellsGaps: false,
    records: () => [],
    undecodable: () => [],
  }
}
