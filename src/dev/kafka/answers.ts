/**
 * Whether a Kafka is there: it is when it answers a metadata request.
 *
 * An open port is not enough: a forwarded port of a container is open before Kafka is, and any server has one.
 */
import { Kafka, logLevel } from 'kafkajs'

/** Asks once. @param timeoutMs bounds the connection and the request, each. */
export async function answers(brokers: readonly string[], timeoutMs: number): Promise<boolean> {
  const kafka = new Kafka({
    clientId: 'xzepr-bridge-dev',
    brokers: [...brokers],
    connectionTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    enforceRequestTimeout: true,
    // KafkaJS would wait and ask again by itself, on its own bounds.
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    return (await admin.describeCluster()).brokers.length > 0
  } catch {
    // Why it does not answer is in its log, if it is ours; here it is only a no.
    return false
  } finally {
    await admin.disconnect()
  }
}
