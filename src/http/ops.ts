/**
 * The ops listener: what the platform and people ask. Contract section 6. Reading only: GET and HEAD.
 *
 *   /livez  /readyz  /startupz      200 or 503, with the reasons as JSON
 *   /metrics                        what prom-client writes
 *   /status                         the whole picture as JSON
 *   /                               which paths there are
 *
 * Probes reach the pod's own address, so it listens on all interfaces, knows no Host check, and gives away nothing
 * that is secret. It decides nothing: verdicts are core/health.ts's.
 */
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Health, HealthVerdict } from '../core/health.ts'
import type { WorkStateName } from '../core/report.ts'
import type { Backlog, SourceHealth } from '../core/seams.ts'
import type { ListenerOptions } from './listener.ts'
import { listener } from './listener.ts'

/** The whole picture, taken when asked for. Closed on purpose: what is not named here cannot get out. */
export interface OpsStatus {
  readonly service: string
  readonly version: string
  readonly nowMs: number
  readonly startedAtMs: number
  readonly phase: 'starting' | 'running' | 'draining'
  readonly health: Health
  readonly kafka: SourceHealth
  readonly gate: { readonly open: boolean; readonly sinceMs: number }
  /** Works in hand, by state. */
  readonly works: Readonly<Partial<Record<WorkStateName, number>>>
  readonly oldestUnsettledAtMs: number | undefined
  readonly partitions: readonly PartitionStatus[]
  /** Reports that XZepr does not have yet. */
  readonly reports: Backlog
  readonly xzepr: { readonly receiverId: string | undefined; readonly problem: string | undefined }
}

export interface PartitionStatus {
  readonly topic: string
  readonly partition: number
  /** The next offset to read, as committed; undefined when the group has none. */
  readonly committed: bigint | undefined
  readonly highWatermark: bigint | undefined
  /** Received and not settled. */
  readonly unsettled: number
  readonly heldBytes: number
  readonly paused: boolean
}

export interface OpsApiOptions extends ListenerOptions {
  status(): OpsStatus
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
}

export interface OpsApi {
  /** @throws BridgeError XZB_HTTP_LISTEN */
  start(): Promise<{ port: number }>
  stop(): Promise<void>
  /** Answers a request without a socket. */
  inject(request: InjectOptions): Promise<LightMyRequestResponse>
}

const PROBES = { '/livez': 'live', '/readyz': 'ready', '/startupz': 'started' } as const

const INDEX = `xzepr-bridge

/livez     is it making progress
/readyz    may the pod take traffic
/startupz  has it started
/metrics   numbers for Prometheus
/status    the whole picture as JSON
`

export function opsApi(options: OpsApiOptions): OpsApi {
  const { app, ...life } = listener(options)
  for (const [path, name] of Object.entries(PROBES)) {
    app.get(path, async (_request, reply) => {
      const verdict: HealthVerdict = options.status().health[name]
      return reply.code(verdict.ok ? 200 : 503).send(verdict)
    })
  }
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await options.metrics()
    return reply.type(contentType).send(text)
  })
  app.get('/status', async () => statusJson(options.status()))
  app.get('/', async (_request, reply) => reply.type('text/plain; charset=utf-8').send(INDEX))
  return { ...life, inject: async (request) => app.inject(request) }
}

/** In snake_case, instants as RFC 3339, offsets as strings: a JSON number holds 2^53 in most languages. */
function statusJson(status: OpsStatus): unknown {
  return {
    service: status.service,
    version: status.version,
    now: instant(status.nowMs),
    started_at: instant(status.startedAtMs),
    phase: status.phase,
    live: status.health.live,
    ready: status.health.ready,
    started: status.health.started,
    kafka: {
      joined: status.kafka.joined,
      partitions: status.kafka.partitions,
      fetched_at: instant(status.kafka.fetchedAtMs),
      problem: status.kafka.problem,
    },
    gate: { open: status.gate.open, since: instant(status.gate.sinceMs) },
    works: status.works,
    oldest_unsettled_at: instant(status.oldestUnsettledAtMs),
    partitions: status.partitions.map((one) => ({
      topic: one.topic,
      partition: one.partition,
      committed: one.committed?.toString(),
      high_watermark: one.highWatermark?.toString(),
      unsettled: one.unsettled,
      held_bytes: one.heldBytes,
      paused: one.paused,
    })),
    reports: status.reports,
    xzepr: { receiver_id: status.xzepr.receiverId, problem: status.xzepr.problem },
  }
}

function instant(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString()
}
