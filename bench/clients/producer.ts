/**
 * The producer of a steady trickle: an event every so often, each in a request of its own, as XZepr sends them.
 *
 * A process of its own, so that nothing else delays it. An event's instant is taken just before it is handed to
 * KafkaJS, whose share of the way is therefore counted with it, for every consumer alike.
 */
import { Kafka, logLevel } from 'kafkajs'
import { patchKafkaJs } from '../../dist/kafka/patches.js'
import { eventId, eventValue } from '../event.ts'

const { BROKERS = '', TOPIC = '', EVENTS = '0', PER_SECOND = '100' } = process.env

patchKafkaJs()
const kafka = new Kafka({ clientId: 'bench-producer', brokers: BROKERS.split(','), logLevel: logLevel.ERROR })
const producer = kafka.producer({ allowAutoTopicCreation: false })
await producer.connect()

const everyMs = 1000 / Number(PER_SECOND)
const startedAtMs = performance.now()
const sent: Promise<unknown>[] = []
for (let number = 0; number < Number(EVENTS); number++) {
  const waitMs = startedAtMs + number * everyMs - performance.now()
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
  sent.push(producer.send({ topic: TOPIC, acks: -1, messages: [{ key: eventId(number), value: eventValue(number) }] }))
}
await Promise.all(sent)
await producer.disconnect()
