/**
 * From a Config to the edges that it speaks of, for the processes that are composed of them: the bridge (app.ts) and
 * the replay of dead letters (replay.ts). It decides nothing: what is on or off stands in the Config, how an edge behaves in
 * the edge.
 */
import type { Config } from './config.ts'
import type { Journal } from './core/journal.ts'
import type { DecodeUtf8 } from './core/message.ts'
import type { Clock, DeadLetters } from './core/seams.ts'
import type { KafkaOptions } from './kafka/client.ts'
import { KafkaDeadLetters } from './kafka/dead-letter.ts'
import { KafkaSource } from './kafka/source.ts'

export function kafkaOptions({ service, kafka }: Config): KafkaOptions {
  const { brokers, securityProtocol, tls, sasl } = kafka
  return {
    clientId: `xzepr-bridge-${service}`,
    brokers,
    securityProtocol,
    ...(sasl && { saslMechanism: sasl.mechanism, username: sasl.username, password: sasl.password }),
    ...tls,
  }
}

export function kafkaSource(config: Config, clock: Clock, journal: Journal): KafkaSource {
  const { topic, groupId, startFrom } = config.kafka
  return new KafkaSource({ kafka: kafkaOptions(config), groupId, topics: [topic], startFrom, clock, journal })
}

/** Undefined where no topic is set for them. */
export function kafkaDeadLetters(config: Config, clock: Clock, journal: Journal): DeadLetters | undefined {
  const { deadLetterTopic: topic, groupId: group } = config.kafka
  return topic === undefined
    ? undefined
    : new KafkaDeadLetters({ kafka: kafkaOptions(config), topic, group, clock, journal })
}

/** Strict: a text with bytes that are not UTF-8 is no text. */
export const decodeUtf8: DecodeUtf8 = (bytes) => {
  try {
    return UTF8.decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
const UTF8 = new TextDecoder('utf-8', { fatal: true })
