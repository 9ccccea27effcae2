/**
 * The composition root: from a Config to running parts. It decides nothing.
 *
 *   start   ops ▶ work API ▶ reporter ▶ source        nothing waits for Kafka, XZepr or the app to come up
 *   stop    drain ▶ source and reporter ▶ work API, webhook and ops
 *
 * The ops port opens first and closes last, so that the platform can ask at any time; the work API closes after the
 * drain, so that works in hand can report until the end.
 */
import { AppHealth } from './app-health.ts'
import { Bridge } from './bridge.ts'
import type { Config } from './config.ts'
import { SINGLE } from './core/batching.ts'
import { deliveryOf } from './core/delivery.ts'
import { createFilter } from './core/filter.ts'
import type { Journal } from './core/journal.ts'
import type { Identity } from './core/lifecycle.ts'
import type { Clock, Source } from './core/seams.ts'
import { Desk } from './desk.ts'
import { Drain } from './drain.ts'
import { deliveryFacts, kafkaDeadLetters, kafkaSource, webhookOf } from './edges.ts'
import { opsApi } from './http/ops.ts'
import { workApi } from './http/work-api.ts'
import { Operator } from './levers.ts'
import { createMetrics } from './metrics.ts'
import { Status } from './status.ts'
import { encodings } from './webhook/encodings.ts'
import { healthAsk } from './webhook/health.ts'
import { fixedToken, tokenFile } from './xzepr/credentials.ts'
import { XzeprReporter } from './xzepr/reporter.ts'

export interface AppOptions {
  readonly config: Config
  readonly version: string
  readonly clock: Clock
  /** Where the journal goes beside the metrics. */
  readonly log: Journal
  /** In place of Kafka: the local loop and tests hand in the in-memory log. */
  readonly source?: Source
}

export interface App {
  /** Resolves when both ports are open. @throws BridgeError XZB_HTTP_LISTEN, XZB_KAFKA_PATCH_MISMATCH */
  start(): Promise<{ readonly workApiPort: number; readonly opsPort: number }>
  /** Drains and stops. Called again, it ends the grace at once. */
  stop(): Promise<void>
}

/** Reports that may wait for XZepr before deliveries do, at the least. */
const REPORTS_MIN = 1000

export function createApp({ config, version, clock, log, source: given }: AppOptions): App {
  const { delivery } = config
  const startedAtMs = clock.nowMs()
  const metrics = createMetrics({ snapshot: () => status.snapshot() })
  const journal: Journal = (entry) => {
    metrics.journal(entry)
    log(entry)
  }
  const identity: Identity = {
    group: config.kafka.groupId,
    package: config.work.package,
    workName: config.work.name,
    workVersion: config.work.version,
  }
  const { receiver, credentials } = config.xzepr
  const reporter = new XzeprReporter({
    url: new URL(config.xzepr.url),
    timeoutMs: config.xzepr.timeoutMs,
    credentials:
      credentials.kind === 'token' ? fixedToken(credentials.token) : tokenFile({ path: credentials.path, clock }),
    receiver: { ...receiver, description: `Work of ${config.service}, reported by xzepr-bridge` },
    clock,
    journal,
    caPem: config.xzepr.ca,
  })
  const webhook = webhookOf(config, clock, delivery.maxInFlight)
  // A small app must not wait for XZepr more than a large one: its reports are small in number and bounded in bytes.
  const maxReports = Math.max(REPORTS_MIN, delivery.maxRunning)
  const source = given ?? kafkaSource(config, clock, journal)
  const filter = createFilter({
    eventTypes: delivery.eventTypes,
    expression: delivery.filter,
    group: identity.group,
    receiverName: receiver.name,
    receiverType: receiver.type,
  })
  const { format, batch } = config.webhook
  const facts = deliveryFacts(config)
  const deadLetters = kafkaDeadLetters(config, clock, journal)
  const bridge = new Bridge(
    {
      source,
      webhook,
      reporter,
      deadLetters,
      clock,
      journal,
      filter,
      decodeUtf8: encodings.decodeUtf8,
      deliver: (parcels) => deliveryOf(facts, parcels),
    },
    {
      identity,
      order: delivery.order,
      policy: { ...delivery, attemptsMax: delivery.maxAttempts, deadLetters: deadLetters !== undefined },
      bounds: { ...delivery, maxReports },
      batch: format === 'batch' ? { maxEvents: batch.max, waitMs: batch.waitMs } : SINGLE,
    },
  )
  const desk = new Desk(bridge, reporter, clock, {
    identity,
    attemptsMax: delivery.maxAttempts,
    unknown: config.workApi.unknown,
    // Each work that is out when deliveries begin to wait may still bring its start and its ending.
    bounds: { maxReports: 3 * maxReports, maxReportBytes: 2 * delivery.maxBufferedBytes },
  })
  const { healthUrl } = config.webhook
  if (healthUrl !== undefined) {
    const { gate } = bridge.calls
    const onChange = (): void => {
      bridge.step()
    }
    const ask = healthAsk({ url: new URL(healthUrl), clock })
    bridge.appHealth = new AppHealth({ gate, clock, journal, ask, onChange })
  }
  const drain = new Drain({ bridge, source, reporter, deadLetters, clock, journal, graceMs: config.shutdownGraceMs })
  const operator = new Operator({ bridge, drain, clock, journal })
  let started = false
  const status = new Status({
    service: config.service,
    version,
    bridge,
    source,
    reporter,
    deadLetters,
    clock,
    maxInFlight: delivery.maxInFlight,
    attemptTimeoutMs: config.webhook.timeoutMs,
    startedAtMs,
    drain,
    paused: () => operator.paused,
    started: () => started,
  })
  const onFault = (why: string): void => {
    journal({ name: 'http.fault', why })
  }
  const { token: opsToken } = config.ops
  const ops = opsApi({
    onFault,
    levers: operator,
    ...(opsToken !== undefined && { token: async () => opsToken }),
    host: config.ops.host,
    port: config.ops.port,
    clock,
    status: () => status.get(),
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
  })
  const { token } = config.workApi
  const work = workApi({
    onFault,
    desk,
    host: config.workApi.host,
    port: config.workApi.port,
    clock,
    ...(token !== undefined && { token: async () => token }),
  })
  let stopping: Promise<void> | undefined

  return {
    async start() {
      const { port: opsPort } = await ops.start()
      const { port: workApiPort } = await work.start()
      // Asked to stop while the ports were opening: no neighbour need hear of us.
      if (drain.stage !== 'running') return { workApiPort, opsPort }
      reporter.start()
      bridge.appHealth?.look()
      await source.start(bridge)
      started = true
      journal({ name: 'bridge.started', service: config.service, version, workApiPort, opsPort })
      return { workApiPort, opsPort }
    },
    async stop() {
      const stopped = drain.bySignal()
      stopping ??= stopped.then(async () => {
        await Promise.all([work.stop(), webhook.close(), ops.stop()])
      })
      return stopping
    },
  }
}
