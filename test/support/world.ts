/**
 * A world for tests of the whole road: a topic on a real Kafka, the XZepr stand-in that publishes to it, and bridges as
 * processes of their own, each with an app beside it.
 *
 * What happened is read from the neighbours (the topic, the app's deliveries, XZepr's journal, the group's offsets),
 * never from the bridge's word; its log is used to know when to go on.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../src/clock.ts'
import { Children } from '../../src/dev/children.ts'
import { XzeprStandIn } from '../../src/dev/xzepr-stand-in.ts'
import type { TestApp } from './app.ts'
import type { BridgeProcess } from './bridge-process.ts'
import { PATIENCE_MS, launchBridge } from './bridge-process.ts'
import type { TestKafka } from './kafka.ts'
import { kafkaForTests } from './kafka.ts'

interface Test {
  teardown(fn: () => unknown): unknown
}

/** A ULID, as XZepr's users have. */
const USER = '01M847EM8NHNJ6Z68G7PRA7Z92'
export class World {
  readonly kafka: TestKafka
  readonly xzepr: XzeprStandIn
  readonly topic: string
  readonly service: string
  /** Whatever runs in this world ends with it. */
  readonly children: Children
  /** Where what XZepr has published stands, by its id. */
  readonly places = new Map<string, { readonly partition: number; readonly offset: bigint }>()
  /** XZepr publishes what it has stored, best effort; while false none of it reaches the topic. */
  publishes = true
  #receiverId = ''

  constructor(kafka: TestKafka, xzepr: XzeprStandIn, topic: string, children: Children) {
    this.kafka = kafka
    this.xzepr = xzepr
    this.topic = topic
    this.service = kafka.name('svc')
    this.children = children
  }

  get group(): string {
    return `xzepr-consumer-${this.service}`
  }

  /** Starts a bridge beside an app; it is a member of the group when this resolves, unless `joined` is false. */
  async startBridge(app: TestApp, env: Record<string, string> = {}, joined = true): Promise<BridgeProcess> {
    const ports = { workPort: await freePort(), opsPort: await freePort() }
    const bridge = launchBridge(this.children, this.bridgeEnv(app.url, ports, env))
    app.workApiUrl = `http://127.0.0.1:${ports.workPort}`
    await bridge.until(
      'it joins',
      () => !joined || bridge.count('kafka.joined') > 0 || bridge.count('bridge.started') < 0,
    )
    return bridge
  }

  /** The environment of a bridge in this world. */
  bridgeEnv(
    webhookUrl: string,
    { workPort, opsPort }: { readonly workPort: number; readonly opsPort: number },
    env: Record<string, string> = {},
  ): Record<string, string> {
    return {
      ...(process.env.NODE_OPTIONS !== undefined && { NODE_OPTIONS: process.env.NODE_OPTIONS }),
      BRIDGE_SERVICE: this.service,
      BRIDGE_WEBHOOK_URL: webhookUrl,
      BRIDGE_WORK_API_PORT: String(workPort),
      BRIDGE_OPS_HOST: '127.0.0.1',
      BRIDGE_OPS_PORT: String(opsPort),
      BRIDGE_LOG_LEVEL: 'debug',
      XZEPR_KAFKA_BROKERS: this.kafka.brokers.join(','),
      XZEPR_KAFKA_TOPIC: this.topic,
      XZEPR_API_URL: this.xzepr.url,
      XZEPR_API_TOKEN: this.token(),
      ...env,
    }
  }

  token(): string {
    return this.xzepr.token({ sub: USER, lifetimeMs: 3_600_000 })
  }

  /** Posts an event as a user of XZepr would. @returns its id, which is the record's key and the work's id. */
  async post(name: string, extra: Record<string, unknown> = {}): Promise<string> {
    if (this.#receiverId === '') {
      this.#receiverId = await this.#create('receivers', {
        name: `${this.service}-source`,
        type: 'ci',
        version: '1.0.0',
        description: 'where the test posts from',
        schema: {},
      })
    }
    return this.#create('events', {
      name,
      version: '1.2.3',
      release: '2026.11',
      platform_id: 'x86_64-oci-linux-2',
      package: 'docker',
      description: 'd é',
      payload: { build: 7 },
      success: true,
      event_receiver_id: this.#receiverId,
      ...extra,
    })
  }

  /** Posts many, several at a time. */
  async postMany(names: readonly string[], width = 16): Promise<string[]> {
    const ids: string[] = new Array<string>(names.length)
    // The receiver is made once, by the first.
    let next = 1
    ids[0] = await this.post(names[0] ?? 'build.done')
    const worker = async (): Promise<void> => {
      for (let at = next++; at < names.length; at = next++) ids[at] = await this.post(names[at] ?? 'build.done')
    }
    await Promise.all(Array.from({ length: width }, worker))
    return ids
  }

  /** Ids of works that XZepr has this lifecycle event of, as often as it has it. */
  told(status: 'started' | 'completed' | 'failed'): string[] {
    return this.xzepr.journal.events
      .filter(({ name }) => name.endsWith(`.${status}`))
      .map(({ payload }) => (JSON.parse(payload) as { work_id?: string }).work_id ?? '')
      .filter((id) => id !== '')
  }

  /** True when the group has committed all that the topic holds. */
  async allCommitted(): Promise<boolean> {
    const admin = await this.kafka.admin()
    const committed = await this.kafka.committed(this.group, this.topic)
    const ends = await admin.fetchTopicOffsets(this.topic)
    return ends.every(({ partition, high }) => high === '0' || committed.get(partition)?.offset === BigInt(high))
  }

  /** Asks until it is so. Between two questions the asked one has its own round trip. */
  async until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
    const untilMs = Date.now() + PATIENCE_MS
    while (!(await condition())) {
      if (Date.now() > untilMs) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async #create(what: 'receivers' | 'events', body: unknown): Promise<string> {
    const response = await fetch(`${this.xzepr.url}/api/v1/${what}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.token()}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`XZepr answered ${response.status}: ${await response.text()}`)
    return ((await response.json()) as { data: string }).data
  }
}

/** A world of three partitions that ends with its test. @param shared a Kafka that outlives it. */
export async function makeWorld(t: Test, partitions = 3, shared?: TestKafka): Promise<World> {
  const kafka = shared ?? (await kafkaForTests(t))
  const topic = await kafka.createTopic(partitions)
  const producer = await kafka.producer()
  const xzepr = new XzeprStandIn({
    clock: systemClock,
    topic,
    rateLimits: 'off',
    publish: async ({ key, value }) => {
      if (!world.publishes) return
      const [sent] = await producer.send({ topic, acks: -1, messages: [{ key, value }] })
      world.places.set(key, { partition: sent?.partition ?? -1, offset: BigInt(sent?.baseOffset ?? -1) })
    },
  })
  const children = new Children(systemClock)
  const world = new World(kafka, xzepr, topic, children)
  await xzepr.start()
  t.teardown(async () => {
    await children.stopAll(5000)
    await xzepr.stop()
  })
  return world
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
