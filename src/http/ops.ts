/**
 * The ops listener: what the platform and people ask. Contract section 6. Reading, but for the operator's levers.
 *
 *   /livez  /readyz  /startupz      200 or 503, with the reasons as JSON
 *   /metrics                        what prom-client writes
 *   /status                         the whole picture as JSON
 *   /                               which paths there are
 *   POST /pause /resume /drain      levers.ts: for whoever has the right
 *   POST /works/<id>/settle
 *
 * Probes reach the pod's own address, so it listens on all interfaces, knows no Host check, and gives away nothing
 * that is secret. It decides nothing: verdicts are core/health.ts's.
 */
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Paused } from '../core/hand.ts'
import type { Health, HealthVerdict } from '../core/health.ts'
import type { WorkStateName } from '../core/report.ts'
import type { Backlog, Levers, SourceHealth } from '../core/seams.ts'
import { addLevers } from './levers.ts'
import type { ListenerOptions } from './listener.ts'
import { listener } from './listener.ts'

/** The whole picture, taken when asked for. Closed on purpose: what is not named here cannot get out. */
export interface OpsStatus {
  readonly service: string
  readonly version: string
  readonly nowMs: number
  readonly startedAtMs: number
  readonly phase: 'starting' | 'running' | 'draining' | 'drained'
  readonly health: Health
  readonly kafka: SourceHealth
  readonly gate: { readonly open: boolean; readonly sinceMs: number }
  /** Somebody has paused the deliveries. */
  readonly paused: Paused | undefined
  /** Undefined while nothing is drained. */
  readonly drain: DrainStatus | undefined
  /** Works in hand, by state. */
  readonly works: Readonly<Partial<Record<WorkStateName, number>>>
  readonly oldestUnsettledAtMs: number | undefined
  readonly partitions: readonly PartitionStatus[]
  /** Reports that XZepr does not have yet. */
  readonly reports: Backlog
  /** Dead letters that are not written yet, and why; undefined where there is no topic for them. */
  readonly deadLetters: { readonly owed: number; readonly problem: string | undefined } | undefined
  readonly xzepr: { readonly receiverId: string | undefined; readonly problem: string | undefined }
}

export interface DrainStatus {
  readonly stage: string
  readonly graceEndsAtMs: number | undefined
  /** What the last commit did not cover; all 0 before it. */
  readonly left: {
    readonly unsettled: number
    readonly works: number
    readonly reports: number
    readonly letters: number
  }
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
  readonly levers: Levers
  /** What opens the levers to callers beyond loopback, read anew for each call; without it nothing does. */
  readonly token?: (() => Promise<string | undefined>) | undefined
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

For an operator, from inside the pod or with the token of BRIDGE_OPS_TOKEN_FILE:

POST /pause                send nothing more; works in hand may end
POST /resume               go on
POST /works/<id>/settle    let go of one work; the body must say why: {"why":"…"}
POST /drain                take nothing new, then leave the group
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
  addLevers(app, { ...options, state: () => statusJson(options.status()) })
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
    paused: status.paused && {
      who: status.paused.who,
      why: status.paused.why,
      since: instant(status.paused.sinceMs),
    },
    drain: status.drain && {
      stage: status.drain.stage,
      grace_ends_at: instant(status.drain.graceEndsAtMs),
      left: {
        unsettled: status.drain.left.unsettled,
        works: status.drain.left.works,
        reports: status.drain.left.reports,
        letters: status.drain.left.letters,
      },
    },
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
    dead_letters: status.deadLetters,
    xzepr: { receiver_id: status.xzepr.receiverId, problem: status.xzepr.problem },
  }
}

function instant(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString()
}
