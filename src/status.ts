/**
 * The status: how the bridge stands now, for probes, metrics and people.
 *
 * It reads the road's books and changes nothing. Counting walks over the works in hand, which costs a millisecond or
 * two with tens of thousands of them; nobody asks more than every few seconds.
 */
import type { Bridge } from './bridge.ts'
import type { Facts, PartitionFacts } from './core/health.ts'
import { health } from './core/health.ts'
import type { WorkStateName } from './core/report.ts'
import type { Clock, Reporter, Source } from './core/seams.ts'
import type { Snapshot } from './core/snapshot.ts'
import type { Work } from './core/work.ts'
import type { OpsStatus } from './http/ops.ts'

export interface StatusParts {
  readonly service: string
  readonly version: string
  readonly bridge: Bridge
  readonly source: Source
  readonly reporter: Reporter & { readonly problem: string | undefined }
  readonly clock: Clock
  readonly maxInFlight: number
  readonly startedAtMs: number
  /** Have the listeners opened? */
  started(): boolean
}

export class Status {
  readonly #parts: StatusParts

  constructor(parts: StatusParts) {
    this.#parts = parts
  }

  /** For the ops port. */
  get(): OpsStatus {
    const { service, version, bridge, source, reporter, startedAtMs } = this.#parts
    const works: Partial<Record<WorkStateName, number>> = {}
    for (const work of bridge.inHand.registry) works[work.state.name] = (works[work.state.name] ?? 0) + 1
    const facts = this.#facts()
    return {
      service,
      version,
      nowMs: facts.nowMs,
      startedAtMs,
      phase: facts.phase,
      health: health(facts),
      kafka: source.health(),
      gate: facts.gate,
      works,
      oldestUnsettledAtMs: facts.oldestUnsettledAtMs,
      partitions: [...bridge.partitions].map((ledger) => ({
        topic: ledger.topic,
        partition: ledger.partition,
        committed: ledger.committed,
        highWatermark: ledger.highWatermark,
        unsettled: ledger.pending,
        heldBytes: bridge.inHand.buffers.waitingBytesOf(ledger),
        paused: bridge.inHand.buffers.isPaused(ledger),
      })),
      reports: reporter.backlog,
      xzepr: { receiverId: reporter.receiverId, problem: reporter.problem },
    }
  }

  /** For the metrics. */
  snapshot(): Snapshot {
    const { bridge, reporter, clock } = this.#parts
    const { inHand, calls, partitions } = bridge
    const oldestAtMs = oldest(bridge)?.receivedAtMs
    let waiting = 0
    let resting = 0
    for (const { state } of inHand.registry) {
      if (state.name === 'waiting') waiting += 1
      if (state.name === 'resting') resting += 1
    }
    return {
      inFlight: calls.size,
      running: inHand.running,
      waiting,
      resting,
      heldBytes: inHand.buffers.waitingBytes,
      reportBacklog: reporter.backlog,
      gateOpen: calls.gate.closedAtMs === undefined,
      oldestUnsettledMs: oldestAtMs === undefined ? undefined : clock.nowMs() - oldestAtMs,
      partitions: [...partitions].map((ledger) => ({
        topic: ledger.topic,
        partition: ledger.partition,
        lag: ledger.next === undefined ? undefined : ledger.lag,
        unsettled: ledger.pending,
        paused: inHand.buffers.isPaused(ledger),
      })),
    }
  }

  #facts(): Facts {
    const { bridge, source, reporter, clock, maxInFlight, startedAtMs } = this.#parts
    const { gate, size } = bridge.calls
    const phase = bridge.draining ? 'draining' : this.#parts.started() ? 'running' : 'starting'
    return {
      nowMs: clock.nowMs(),
      phase,
      source: source.health(),
      gate: { open: gate.closedAtMs === undefined, sinceMs: gate.closedAtMs ?? gate.openedAtMs ?? startedAtMs },
      partitions: this.#partitionFacts(),
      oldestUnsettledAtMs: oldest(bridge)?.receivedAtMs,
      slotsFree: maxInFlight - size,
      heldBack: bridge.heldBack,
      xzeprProblem: reporter.problem,
    }
  }

  #partitionFacts(): PartitionFacts[] {
    const { bridge } = this.#parts
    const facts = new Map(
      [...bridge.partitions].map((ledger) => {
        const { topic, partition, movedAtMs: lastProgressAtMs } = ledger
        return [ledger, { topic, partition, lastProgressAtMs, waiting: 0, attempting: 0, resting: 0, running: 0 }]
      }),
    )
    for (const work of bridge.inHand.registry) {
      const of = facts.get(work.ledger)
      const { name } = work.state
      if (of === undefined || name === 'completed' || name === 'failed') continue
      // A work behind one of the same id in another partition waits for that partition, not for this one.
      if (name === 'waiting' && bridge.inHand.registry.find(work.event.id)?.ledger !== work.ledger) continue
      of[name] += 1
    }
    return [...facts.values()]
  }
}

/** The works are in order of arrival, so the first that is not settled is the oldest. */
function oldest(bridge: Bridge): Work | undefined {
  for (const work of bridge.inHand.registry) if (!work.settled) return work
  return undefined
}
