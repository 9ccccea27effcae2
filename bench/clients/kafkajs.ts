/**
 * What a user would write: KafkaJS as it comes, and a request for each event.
 *
 * HOW=batch: `eachBatch` with `Promise.all` over undici's `request`. HOW=message: `eachMessage` with `fetch`. Neither
 * retries, bounds, reports or remembers anything; an answer that is not 2xx would be lost.
 */
import { Kafka, logLevel } from 'kafkajs'
import { Pool } from 'undici'

const { BROKERS = '', TOPIC = '', GROUP = '', URL: address = '', IN_FLIGHT = '64', HOW = 'batch' } = process.env
const url = new URL(address)
const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8' }

const kafka = new Kafka({ clientId: 'bench', brokers: BROKERS.split(','), logLevel: logLevel.ERROR })
const consumer = kafka.consumer({ groupId: GROUP })
consumer.on(consumer.events.GROUP_JOIN, () => process.stdout.write('joined\n'))
await consumer.connect()
await consumer.subscribe({ topics: [TOPIC], fromBeginning: true })

if (HOW === 'message') {
  await consumer.run({
    eachMessage: async ({ message }) => {
      const response = await fetch(url, { method: 'POST', headers, body: message.value })
      await response.arrayBuffer()
    },
  })
} else {
  const pool = new Pool(url.origin, { connections: Number(IN_FLIGHT), pipelining: 1 })
  await consumer.run({
    eachBatch: async ({ batch }) => {
      await Promise.all(
        batch.messages.map(async ({ value }) => {
          const response = await pool.request({ path: url.pathname, method: 'POST', headers, body: value })
          await response.body.dump()
        }),
      )
    },
  })
}
