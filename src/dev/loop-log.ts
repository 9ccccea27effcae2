/**
 * The log of the local loop: in memory, or a Kafka that the environment names or this machine can start.
 *
 * In a Kafka that was there before, a loop makes a topic and a group of its own and removes them. Only a topic that the person
 * names is used as it is; even there the group is a loop's own, for under the group of the service it would take
 * partitions away from the bridges that run.
 */
import { brokerList } from '../config/sound.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../core/seams.ts'
import { kafkaOptions } from '../edges.ts'
import { kafkaClient } from '../kafka/client.ts'
import { unlessAborted } from './demo-wait.ts'
import type { EventLog, LogNames } from './event-log.ts'
import { kafkaEventLog, memoryEventLog, namesIn, XZEPR_TOPIC } from './event-log.ts'
import { findKafka } from './kafka-broker.ts'
import type { Environment } from './kafka/run.ts'
import { given } from './loop-setup.ts'

/** Where the log will be, before it is opened: the bridge is set up by it. */
export interface LogPlace {
  readonly names: LogNames
  /** Undefined: the in-memory log. */
  readonly brokers: readonly string[] | undefined
  /** Ends a Kafka that was started for it. */
  stop(): Promise<void>
}

export interface Around {
  readonly env: Environment
  readonly clock: Clock
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

export function memoryPlace(env: Environment, service: string): LogPlace {
  const topic = given(env, 'XZEPR_KAFKA_TOPIC') ?? XZEPR_TOPIC
  const groupId = given(env, 'XZEPR_KAFKA_GROUP_ID') ?? `xzepr-consumer-${service}`
  return { names: { topic, groupId, transient: false }, brokers: undefined, stop: async () => undefined }
}

/** @throws Error with lines for people when no Kafka can be had. */
export async function kafkaPlace(service: string, { env, say, signal }: Around): Promise<LogPlace> {
  const named = brokerList(given(env, 'XZEPR_KAFKA_BROKERS') ?? '')
  const found = named.length > 0 ? undefined : await unlessAborted(findKafka({ env, progress: say }), signal)
  if (found?.kind === 'none') throw new Error(found.why)
  const ownGroup = `xzepr-bridge-dev-${service}`
  const topic = given(env, 'XZEPR_KAFKA_TOPIC')
  const groupId = given(env, 'XZEPR_KAFKA_GROUP_ID') ?? ownGroup
  return {
    names:
      topic === undefined
        ? namesIn(found?.node !== undefined, 'xzepr.loop', ownGroup)
        : { topic, groupId, transient: false },
    brokers: found?.brokers ?? named,
    stop: async () => found?.stop(),
  }
}

export async function openLog({ names, brokers }: LogPlace, config: Config, around: Around): Promise<EventLog> {
  const { clock, say, signal } = around
  if (brokers === undefined) return memoryEventLog(clock, names.groupId, names.topic)
  const { kafka } = kafkaClient(kafkaOptions(config), ({ level, message }) => {
    if (level === 'error') say(`Kafka: ${message}`)
  })
  return unlessAborted(kafkaEventLog({ ...names, kafka, brokers }), signal)
}
