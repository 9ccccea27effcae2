/**
 * The producer of a steady trickle: an event every so often, each in a request of its own, as XZepr sends them.
 *
 * A process of its own, so that nothing else delays it. An event's instant is taken just before it is handed to
 * KafkaJS, whose share of the way is therefore counted with it, for every consumer alike.
 */
import { Kafka, logLevel } from 'kafkajs'
import { patchKafkaJs } from '../../dist/kafka/patches.js'
import { eventId, eventValue } from '../event.ts'
import { quantile } from '../figures.ts'

const { BROKERS = '', TOPIC = '', EVENTS = '0', PER_SECOND = '100' } = process.env

patchKafkaJs()
const kafka = new Kafka({ clientId: 'bench-producer', brokers: BROKERS.split(','), logLevel: logLevel.ERROR })
const producer = kafka.producer({ allowAutoTopicCreation: false })
await producer.connect()

/** The first number is another's: the topic may begin with an event. */
const FIRST = 1
const everyMs = 1000 / Number(PER_SECOND)
const startedAtMs = performance.now()
const sent: Promise<void>[] = []
const acknowledgedMs: number[] = []

async function send(number: number): Promise<void> {
  const value = eventValue(number)
  const sentAtMs = performance.now()
  await producer.send({ topic: TOPIC, acks: -1, messages: [{ key: eventId(number), value }] })
  acknowledgedMs.push(performance.now() - sentAtMs)
}

for (let count = 0; count < Number(EVENTS); count++) {
  const waitMs = startedAtMs + count * everyMs - performance.now()
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
  sent.push(send(FIRST + count))
}
await Promise.all(sent)
process.stdout.write(`acknowledged p50 ${quantile(acknowledgedMs, 0.5)} p99 ${quantile(acknowledgedMs, 0.99)}\n`)
await producer.disconnect()
