/**
 * Is the bridge alive, ready, started? Verdicts for the platform's probes, from facts. Contract section 6.
 *
 *   started   the process has opened its listeners; waits for neither app, Kafka nor XZepr
 *   live      it makes progress: what could be delivered is being delivered. A restart is the cure for a no
 *   ready     neither starting nor draining. Kafka or XZepr away is told, but takes no pod out of service unless asked:
 *             a sidecar's readiness is the pod's, and the app may well serve others
 *
 * A neighbour that is away never fails `live`: a restart would not bring it back.
 */
import type { TopicPartition } from './record.ts'
import { partitionName } from './record.ts'
import type { SourceHealth } from './seams.ts'

/** What stands in one assigned partition. */
export interface PartitionFacts extends TopicPartition {
  /** Received records that nothing of their lanes holds up: their attempt could start. */
  readonly waiting: number
  /** Since when Kafka has refused every commit of it; undefined when the last one succeeded. */
  readonly commitRefusedSinceMs: number | undefined
  /** When an attempt of it last started or ended, a record settled, or it was assigned. */
  readonly lastProgressAtMs: number
}

export interface Facts {
  readonly nowMs: number
  readonly phase: 'starting' | 'running' | 'draining' | 'drained'
  readonly source: SourceHealth
  /** Is the app there; since when it is so. */
  readonly gate: { readonly open: boolean; readonly sinceMs: number }
  readonly partitions: readonly PartitionFacts[]
  /** When the oldest record that is not settled was received; undefined when all are. */
  readonly oldestUnsettledAtMs: number | undefined
  /** Attempts that may still start beside those that are out. */
  readonly slotsFree: number
  /** How long the longest attempt has been out; undefined when none is. */
  readonly longestAttemptMs: number | undefined
  /** When an attempt gives up by itself. */
  readonly attemptTimeoutMs: number
  /** No attempt may start for a reason that passes without a restart, such as a full report queue; a sentence. */
  readonly heldBack: string | undefined
  /** What is wrong with XZepr just now, in a sentence for the operator; undefined when nothing is. */
  readonly xzeprProblem: string | undefined
}

export interface HealthOptions {
  /** How long a partition may have work to do and do none. */
  readonly stuckAfterMs: number
  /** Whether an outage takes the pod out of service. */
  readonly readyNeedsKafka: boolean
  readonly readyNeedsXzepr: boolean
}

export const HEALTH_OPTIONS: HealthOptions = { stuckAfterMs: 60_000, readyNeedsKafka: false, readyNeedsXzepr: false }

/** `reasons` say what is wrong; with `ok` they are remarks that change nothing. */
export interface HealthVerdict {
  readonly ok: boolean
  readonly reasons: readonly string[]
}

export interface Health {
  readonly live: HealthVerdict
  readonly ready: HealthVerdict
  readonly started: HealthVerdict
}

export function health(facts: Facts, options: HealthOptions = HEALTH_OPTIONS): Health {
  return { live: live(facts, options), ready: ready(facts, options), started: started(facts) }
}

function started({ phase }: Facts): HealthVerdict {
  return phase === 'starting' ? { ok: false, reasons: ['The bridge is starting.'] } : { ok: true, reasons: [] }
}

function live(facts: Facts, { stuckAfterMs }: HealthOptions): HealthVerdict {
  if (facts.phase !== 'running') return OK
  const reasons = [...overdue(facts, stuckAfterMs), ...uncommitted(facts, stuckAfterMs), ...stuck(facts, stuckAfterMs)]
  return { ok: reasons.length === 0, reasons }
}

/** Every attempt ends by its own clock; one that does not has lost it. */
function overdue({ longestAttemptMs, attemptTimeoutMs }: Facts, stuckAfterMs: number): string[] {
  if (longestAttemptMs === undefined || longestAttemptMs < attemptTimeoutMs + stuckAfterMs) return []
  return [`A request to the app has been out for ${seconds(longestAttemptMs)}, ${seconds(attemptTimeoutMs)} at most.`]
}

/** Kafka that is away refuses commits too, and a restart would not bring it back: only without a problem it counts. */
function uncommitted({ nowMs, source, partitions }: Facts, stuckAfterMs: number): string[] {
  if (!source.joined || source.problem !== undefined) return []
  return partitions.flatMap((partition) => {
    const forMs = nowMs - (partition.commitRefusedSinceMs ?? nowMs)
    if (forMs < stuckAfterMs) return []
    return [`Partition ${partitionName(partition)} is stuck: its commits have been refused for ${seconds(forMs)}.`]
  })
}

function stuck(facts: Facts, stuckAfterMs: number): string[] {
  const { gate, heldBack, nowMs, slotsFree } = facts
  // Whatever stands still here has a cause that ends by itself, and a restart would lose what is in hand.
  if (!gate.open || heldBack !== undefined || slotsFree <= 0) return []
  return facts.partitions.flatMap((partition) => {
    const idleMs = nowMs - Math.max(partition.lastProgressAtMs, gate.sinceMs)
    if (partition.waiting === 0 || idleMs < stuckAfterMs) return []
    return [
      `Partition ${partitionName(partition)} is stuck: ${partition.waiting} received records wait, ` +
        `slots are free and the app is there, yet nothing has moved for ${seconds(idleMs)}${oldest(facts)}.`,
    ]
  })
}

function ready(facts: Facts, options: HealthOptions): HealthVerdict {
  const reasons: string[] = []
  let ok = facts.phase === 'running'
  if (facts.phase === 'starting') reasons.push('The bridge is starting.')
  if (facts.phase === 'draining') reasons.push('The bridge is draining: it takes no new work.')
  if (facts.phase === 'drained') {
    reasons.push('The bridge has drained and left the group: it only takes late reports, and ends at SIGTERM.')
    return { ok, reasons }
  }
  const kafka = facts.source.problem ?? (facts.source.joined ? undefined : 'not yet a member of the group')
  if (kafka !== undefined) {
    reasons.push(`Kafka: ${kafka}`)
    if (options.readyNeedsKafka) ok = false
  }
  if (facts.xzeprProblem !== undefined) {
    reasons.push(`XZepr: ${facts.xzeprProblem}`)
    if (options.readyNeedsXzepr) ok = false
  }
  if (!facts.gate.open) {
    reasons.push(`The app has been away for ${seconds(facts.nowMs - facts.gate.sinceMs)}${oldest(facts)}.`)
  }
  if (facts.heldBack !== undefined) reasons.push(facts.heldBack)
  return { ok, reasons }
}

const OK: HealthVerdict = { ok: true, reasons: [] }

function oldest({ nowMs, oldestUnsettledAtMs }: Facts): string {
  return oldestUnsettledAtMs === undefined
    ? ''
    : `; the oldest unsettled record was received ${seconds(nowMs - oldestUnsettledAtMs)} ago`
}

function seconds(ms: number): string {
  return `${Math.max(0, Math.round(ms / 1000))} s`
}
