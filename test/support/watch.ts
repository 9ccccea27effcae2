/**
 * A watch over a group while bridges come and go: it feeds the topic, keeps what Kafka has as settled, and holds every
 * delivery against it. Nothing here waits for a time: there is always a little to do, however fast the machine is.
 */
import type { Behaviour, Delivered } from './app.ts'
import { TestApp } from './app.ts'
import { eventRecord } from './events.ts'
import { Settled, settledBy } from './group.ts'
import type { BridgeProcess } from './bridge-process.ts'
import type { World } from './world.ts'

const LOOK_EVERY_MS = 20

export interface WatchOptions {
  readonly world: World
  /** How many keys the events share out among them. */
  readonly keys: number
  /** How many events wait for their first delivery at most. */
  readonly ahead: number
  readonly behave: Behaviour
}

export interface Owner {
  readonly app: TestApp
  readonly bridge: BridgeProcess
}

export class Watch {
  /** Deliveries at all apps, in the order of their arrival. */
  readonly deliveries: Delivered[] = []
  /** Deliveries of what was settled in Kafka before they came: there must be none. */
  readonly broken: Delivered[] = []
  readonly owners: Owner[] = []
  readonly #options: WatchOptions
  readonly #seen = new Set<string>()
  #settled = new Settled(new Map())
  #produced = 0
  #watching = true
  #feeding = true
  #goOn: () => void = () => undefined

  constructor(options: WatchOptions) {
    this.#options = options
  }

  get produced(): number {
    return this.#produced
  }

  get distinct(): number {
    return this.#seen.size
  }

  /** Which key the event has. */
  keyOf(id: string): string {
    return `key-${Number(id) % this.#options.keys}`
  }

  /** Starts a bridge with an app of its own. */
  async start(t: { teardown(fn: () => unknown): unknown }, env: Record<string, string>): Promise<Owner> {
    const app = new TestApp((delivered) => {
      this.deliveries.push(delivered)
      this.#seen.add(delivered.workId)
      this.#goOn()
      if (this.#settled.has(delivered.headers)) this.broken.push(delivered)
      return this.#options.behave(delivered)
    })
    await app.up()
    t.teardown(() => app.down())
    const owner = { app, bridge: await this.#options.world.startBridge(app, env) }
    this.owners.push(owner)
    return owner
  }

  /** Resolves when so many events were fed and `enough` has been called. */
  async feed(atLeast: number): Promise<void> {
    const { world, ahead } = this.#options
    while (this.#feeding || this.#produced < atLeast) {
      const room = ahead - (this.#produced - this.#seen.size)
      if (room > 0) {
        const ids = Array.from({ length: room }, () => String(this.#produced++))
        await world.kafka.produceMany(
          world.topic,
          ids.map((id) => eventRecord({ id, key: this.keyOf(id) })),
        )
      } else {
        await new Promise<void>((resolve) => {
          this.#goOn = resolve
        })
      }
    }
  }

  /** Reads the group's commits, again and again until `end`. */
  async look(): Promise<void> {
    const { kafka, group, topic } = this.#options.world
    while (this.#watching) {
      this.#settled = await settledBy(kafka, group, topic)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  enough(): void {
    this.#feeding = false
    this.#goOn()
  }

  end(): void {
    this.#watching = false
  }

  /** Resolves when these bridges have so many partitions, each. */
  async shared(owners: readonly Owner[], partitions: number): Promise<void> {
    await this.#options.world.until(`${owners.length} bridges have ${partitions} partitions each`, async () => {
      const statuses = await Promise.all(owners.map(({ bridge }) => bridge.status()))
      return statuses.every((status) => status.partitions.length === partitions)
    })
  }

  /** Records that came more than once: each with the delivery before the one that repeats it. */
  get repeats(): { readonly before: Delivered; readonly again: Delivered }[] {
    const last = new Map<string, Delivered>()
    const repeats: { before: Delivered; again: Delivered }[] = []
    for (const again of this.deliveries) {
      const before = last.get(again.workId)
      if (before !== undefined) repeats.push({ before, again })
      last.set(again.workId, again)
    }
    return repeats
  }

  /** Keys whose events came for the first time in another order than they were written in. */
  get disordered(): string[] {
    const last = new Map<string, number>()
    const firsts = new Set<string>()
    const disordered: string[] = []
    for (const { workId } of this.deliveries) {
      if (firsts.has(workId)) continue
      firsts.add(workId)
      const key = this.keyOf(workId)
      if (Number(workId) < (last.get(key) ?? -1)) disordered.push(`${workId} of ${key}`)
      last.set(key, Number(workId))
    }
    return disordered
  }
}

/**
 * What a bridge had said of a record when it let go of the partition.
 *
 * `open`: it had not settled, because its call was out or the app held it. `late`: it had settled behind the last commit
 * that Kafka took. `committed`: that commit covers it.
 */
export function stood({ bridge }: Owner, { headers }: Delivered): 'open' | 'late' | 'committed' {
  const partition = Number(headers['kafka-partition'])
  const its = bridge.lines.filter((line) => line.partition === partition)
  const settledAt = its.findIndex((line) => line.event === 'record.settled' && line.offset === headers['kafka-offset'])
  if (settledAt < 0) return 'open'
  const revokedAt = its.findIndex((line, at) => at > settledAt && line.event === 'partition.revoked')
  const until = its.slice(settledAt, revokedAt < 0 ? undefined : revokedAt)
  return until.some(({ event }) => event === 'offset.committed') ? 'committed' : 'late'
}
