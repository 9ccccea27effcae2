/**
 * Bounds of a bridge as a process: neither an app that hangs in front of a backlog nor ten thousand held works make it
 * grow.
 */
import { execFileSync } from 'node:child_process'
import t from 'tap'
import { TestApp } from '../support/app.ts'
import type { BridgeProcess, BridgeStatus } from '../support/bridge-process.ts'
import { eventRecord, produceEvents } from '../support/events.ts'
import { settledBy } from '../support/group.ts'
import { kafkaForTests } from '../support/kafka.ts'
import { makeWorld } from '../support/world.ts'

/** Without what the test runner puts into every process of Node: it would be measured too. */
const QUIET = { NODE_OPTIONS: '', BRIDGE_LOG_LEVEL: 'info', BRIDGE_EVENT_TYPES: 'build.done' }
const PARTITIONS = 3
const MEGABYTE = 1_048_576

const kafka = await kafkaForTests(t)

function rssMegabytes({ pid }: BridgeProcess): number {
  const kilobytes = execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })
  return Math.round(Number(kilobytes) / 1024)
}

function heldBytes({ partitions }: BridgeStatus): number {
  return partitions.reduce((sum, one) => sum + one.held_bytes, 0)
}

/** `BACKLOG_RECORDS=1000000` for a longer look. */
const BACKLOG = Number(process.env.BACKLOG_RECORDS ?? 100_000)

for (const { order, records, out, heldMb } of [
  // Any may go: past a stock of 512 works a partition is read no further; what is fetched by then, a megabyte, still comes.
  { order: 'key', records: BACKLOG, out: 64, heldMb: [2, 16] },
  // One of each may go: it is read on for others that may, until its share of bytes is full.
  { order: 'partition', records: 60_000, out: PARTITIONS, heldMb: [32, 32 + 4 * PARTITIONS] },
] as const) {
  const name = `an app that hangs in front of a backlog of ${records} records leaves the memory flat (order: ${order})`
  void t.test(name, async (t) => {
    const world = await makeWorld(t, PARTITIONS, kafka)
    const app = new TestApp(() => new Promise(() => undefined))
    await app.up()
    t.teardown(() => app.down())
    let produced = 0
    const produce = async (count: number): Promise<void> => {
      for (const end = produced + count; produced < end; produced += 1000) {
        const ids = Array.from({ length: 1000 }, (_, n) => `event-${produced + n}`)
        await kafka.produceMany(
          world.topic,
          ids.map((id) => eventRecord({ id, filling: 'x'.repeat(920) })),
        )
      }
    }
    await produce(records / 2)
    const bridge = await world.startBridge(app, {
      ...QUIET,
      BRIDGE_ORDER: order,
      BRIDGE_WEBHOOK_TIMEOUT_MS: '3600000',
    })
    const isFull = async (): Promise<boolean> => {
      const status = await bridge.status()
      return status.partitions.length === PARTITIONS && status.partitions.every(({ paused }) => paused)
    }
    await world.until('every partition is paused', isFull)
    await app.until(() => app.deliveries.length >= out)
    const samples = [rssMegabytes(bridge)]
    for (let look = 1; look <= 10; look++) {
      await produce(records / 20)
      samples.push(rssMegabytes(bridge))
      t.ok(await isFull(), `all are paused in front of ${produced} records`)
    }
    t.equal(app.deliveries.length, out, 'as many deliveries are out as may be, and not one more')
    const status = await bridge.status()
    t.equal(status.works.attempting, out)
    const heldMegabytes = Math.round(heldBytes(status) / MEGABYTE)
    t.comment(`held: ${heldMegabytes} MB; RSS while the backlog doubles: ${samples.join(', ')} MB`)
    const [least, most] = heldMb
    t.ok(heldMegabytes >= least && heldMegabytes <= most, `${heldMegabytes} MB are held`)
    // At the first look the collector may not have been through what filling up took.
    const [, settled = 0] = samples
    t.ok(Math.max(...samples) <= settled + 16, 'the memory does not grow')
    t.ok(Math.max(...samples) <= 256)
    await bridge.kill9()
  })
}

void t.test('10,000 works are held at once in bounded memory, and others of their partitions pass by', async (t) => {
  const held = 10_000
  const passing = 1000
  const world = await makeWorld(t, PARTITIONS, kafka)
  const app = new TestApp(({ workId }) => (workId.startsWith('held') ? 202 : 200))
  await app.up()
  t.teardown(() => app.down())
  const bridge = await world.startBridge(app, { ...QUIET, BRIDGE_MAX_RUNNING: '11000' })
  await produceEvents(kafka, world.topic, held + passing, (n) => ({
    id: n % 11 === 5 ? `passing-${n}` : `held-${n}`,
    filling: 'x'.repeat(920),
  }))
  const settledRecords = async (): Promise<number> => {
    const settled = await settledBy(kafka, world.group, world.topic)
    return Array.from({ length: PARTITIONS }, (_, at) => settled.of(at)).reduce(
      (sum, { offset, beyond }) => sum + Number(offset) + beyond,
      0,
    )
  }
  await world.until('those that pass are settled in Kafka, beyond those that are held', async () => {
    const status = await bridge.status()
    return status.works.running === held && (await settledRecords()) >= passing
  })
  const status = await bridge.status()
  t.equal(status.works.running, held)
  t.ok(heldBytes(status) < MEGABYTE, 'what the app holds does not count as waiting')
  t.notOk(status.partitions.some(({ paused }) => paused))
  const rss = rssMegabytes(bridge)
  t.comment(`RSS with ${held} works of 1 KiB held: ${rss} MB`)
  t.ok(rss <= 300)

  const late = await kafka.produce(
    world.topic,
    Array.from({ length: PARTITIONS }, (_, partition) => eventRecord({ id: `late-${partition}`, partition })),
  )
  await world.until('what comes now is settled', async () => {
    const settled = await settledBy(kafka, world.group, world.topic)
    return late.every(({ partition, offset }) => settled.of(partition).has(offset))
  })
  t.equal((await bridge.status()).works.running, held, 'while all are still held')

  world.publishes = false
  const ids = app.deliveries.map(({ workId }) => workId).filter((id) => id.startsWith('held'))
  const statuses = new Set<number>()
  const report = async (): Promise<void> => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) statuses.add((await app.report(id, 'completed')).status)
  }
  await Promise.all(Array.from({ length: 32 }, report))
  t.strictSame(statuses, new Set([202]), 'every report is taken')
  await world.until('all is committed', () => world.allCommitted())
  t.equal(new Set(world.told('completed')).size, held, 'and told')
  t.equal(world.told('completed').length, held)
  t.equal(app.deliveries.length, held + passing + PARTITIONS, 'nothing came twice')
  t.equal((await bridge.status()).works.running, undefined)
})
