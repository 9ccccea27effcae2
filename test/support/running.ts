/**
 * The whole app in this process: real sockets to the app beside it and the XZepr stand-in, the in-memory log in place of
 * Kafka.
 */
import type { Test } from 'tap'
import type { App } from '../../src/app.ts'
import { createApp } from '../../src/app.ts'
import { systemClock } from '../../src/clock.ts'
import type { Config } from '../../src/config.ts'
import { readConfig } from '../../src/config.ts'
import type { JournalEntry } from '../../src/core/journal.ts'
import { MemoryLog } from '../../src/dev/memory-log.ts'
import { XzeprStandIn } from '../../src/dev/xzepr-stand-in.ts'
import { reportsAndAnswers, TestApp } from './app.ts'

export const TOPIC = 'xzepr.dev.events'

export interface Running {
  readonly app: App
  readonly beside: TestApp
  readonly log: MemoryLog
  readonly xzepr: XzeprStandIn
  readonly entries: JournalEntry[]
  readonly opsUrl: string
  /** Resolves when the journal holds so many entries of a name. */
  readonly until: (name: JournalEntry['name'], count: number) => Promise<void>
}

export function configOf(env: Record<string, string>): Config {
  const reading = readConfig(
    {
      BRIDGE_SERVICE: 'svc',
      BRIDGE_WORK_API_PORT: '0',
      BRIDGE_OPS_PORT: '0',
      BRIDGE_OPS_HOST: '127.0.0.1',
      XZEPR_API_TOKEN: 'x',
      ...env,
    },
    () => 'secret-of-the-work-api',
  )
  if (reading.kind === 'errors') throw new Error(JSON.stringify(reading.errors))
  return reading.config
}

export async function running(t: Test, env: Record<string, string> = {}): Promise<Running> {
  const log = new MemoryLog(systemClock)
  log.createTopic(TOPIC, 3)
  const xzepr = new XzeprStandIn({
    clock: systemClock,
    rateLimits: 'off',
    publish: async ({ topic, key, value }) =>
      void log.append(topic, { key: Buffer.from(key), value: Buffer.from(value) }),
  })
  await xzepr.start()
  const beside = new TestApp(reportsAndAnswers)
  await beside.up()
  const token = xzepr.token({ sub: '01M847EM8NHNJ6Z68G7PRA7Z92', lifetimeMs: 600_000 })
  const config = configOf({ BRIDGE_WEBHOOK_URL: beside.url, XZEPR_API_URL: xzepr.url, XZEPR_API_TOKEN: token, ...env })
  const entries: JournalEntry[] = []
  const watchers = new Set<() => void>()
  const app = createApp({
    config,
    version: '1.2.3',
    clock: systemClock,
    source: log.source({ groupId: config.kafka.groupId, topics: [TOPIC], startFrom: 'earliest' }),
    log: (entry) => {
      entries.push(entry)
      for (const watcher of [...watchers]) watcher()
    },
  })
  const { workApiPort, opsPort } = await app.start()
  beside.workApiUrl = `http://127.0.0.1:${workApiPort}`
  t.teardown(async () => {
    await app.stop()
    await beside.down()
    await xzepr.stop()
  })
  const until = async (name: JournalEntry['name'], count: number): Promise<void> => {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (entries.filter((entry) => entry.name === name).length < count) return
        watchers.delete(look)
        resolve()
      }
      watchers.add(look)
      look()
    })
  }
  return { app, beside, log, xzepr, entries, opsUrl: `http://127.0.0.1:${opsPort}`, until }
}

export function message(id: string): { key: Buffer; value: Buffer } {
  const value = { id, type: 'build.done', source: 'ci', specversion: '1.0.1', platform_id: 'x86' }
  return { key: Buffer.from(id), value: Buffer.from(JSON.stringify(value)) }
}
