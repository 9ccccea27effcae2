/**
 * From a Config to the edges that it speaks of, for the processes that are composed of them: the bridge (app.ts) and
 * the replay of dead letters (replay.ts). It decides nothing: what is on or off stands in the Config, how an edge behaves in
 * the edge.
 */
import type { Config } from './config.ts'
import type { DeliveryFacts } from './core/delivery.ts'
import type { Journal } from './core/journal.ts'
import type { Clock, DeadLetters } from './core/seams.ts'
import type { KafkaOptions } from './kafka/client.ts'
import { KafkaDeadLetters } from './kafka/dead-letter.ts'
import { KafkaSource } from './kafka/source.ts'
import type { WebhookClient } from './webhook/client.ts'
import { webhookClient } from './webhook/client.ts'
import { encodings } from './webhook/encodings.ts'
import { signingKeys } from './webhook/signature.ts'

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

/** @param connections requests that may be out at once. */
export function webhookOf({ webhook }: Config, clock: Clock, connections: number): WebhookClient {
  const { url, timeoutMs, secrets } = webhook
  const keys = secrets === undefined ? undefined : signingKeys(secrets)
  return webhookClient({
    url: new URL(url),
    timeoutMs,
    connections,
    clock,
    ...(keys !== undefined && { signingKeys: () => keys }),
  })
}

/** What is the same for every delivery to the app. */
export function deliveryFacts({ webhook, kafka, delivery }: Config): DeliveryFacts {
  return { format: webhook.format, group: kafka.groupId, attemptsMax: delivery.maxAttempts, encodings }
}
