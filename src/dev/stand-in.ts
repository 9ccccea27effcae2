/**
 * XZepr's stand-in as a process of its own, for compose.yaml: its REST API on a port, its events on a Kafka that is there.
 *
 *   node dist/dev/stand-in.js     PORT (8042), KAFKA_BROKERS (localhost:9092), TOKEN_FILE
 *
 * It makes the topic as XZepr does, takes the user demo with the password demo, and keeps a token for the bridge in
 * TOKEN_FILE, as an agent beside a real XZepr would. Not for production: what it stores is gone when it ends.
 */
import { rename, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { Kafka, Partitioners, logLevel } from 'kafkajs'
import { systemClock } from '../clock.ts'
import { XzeprStandIn } from './xzepr-stand-in.ts'

const TOPIC = 'xzepr.dev.events'
/** As many as XZepr's own topic has. */
const PARTITIONS = 3
const USER = { username: 'demo', password: 'demo', sub: '01J0000000000000000000DEM0', role: 'event_manager' } as const
const BRIDGE_SUB = '01J0000000000000000BR1DGE0'
const TOKEN_LIFETIME_MS = 15 * 60_000
const RENEW_EVERY_MS = 10 * 60_000

const { PORT = '8042', KAFKA_BROKERS = 'localhost:9092', TOKEN_FILE } = process.env
const say = (line: string): void => void process.stdout.write(`${line}\n`)

// First of all: as process 1 of a container a signal without a handler is ignored, and Kafka may take its time.
let end = async (): Promise<unknown> => undefined
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void end().finally(() => process.exit(0))
  })
}

const kafka = new Kafka({ clientId: 'xzepr', brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.ERROR })
const admin = kafka.admin()
await admin.connect()
await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }], waitForLeaders: true })
await admin.disconnect()
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
await producer.connect()

const xzepr = new XzeprStandIn({
  clock: systemClock,
  topic: TOPIC,
  users: [USER],
  publish: async ({ topic, key, value }) => {
    await producer.send({ topic, messages: [{ key, value }] })
  },
  onEvent: ({ id, name }) => {
    say(`stored ${id} ${name}`)
  },
})

/** Renamed into place: whoever reads it finds a whole token. */
async function renew(path: string): Promise<void> {
  await writeFile(`${path}.new`, xzepr.token({ sub: BRIDGE_SUB, lifetimeMs: TOKEN_LIFETIME_MS }), { mode: 0o644 })
  await rename(`${path}.new`, path)
}

if (TOKEN_FILE !== undefined) {
  await renew(TOKEN_FILE)
  setInterval(() => {
    // A token that cannot be renewed is told by whoever needs it; the next turn tries again.
    renew(TOKEN_FILE).catch((error: unknown) => {
      say(`The token was not renewed: ${String(error)}`)
    })
  }, RENEW_EVERY_MS)
}
await xzepr.start({ port: Number(PORT), host: '0.0.0.0' })
say(`XZepr's stand-in listens on port ${PORT}`)

end = () => Promise.all([xzepr.stop(), producer.disconnect()])
