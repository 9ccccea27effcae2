/**
 * The status: how the bridge stands now, for probes, metrics and people.
 *
 * It reads the road's books and changes nothing. Counting walks over the works in hand, which costs a millisecond or
 * two with tens of thousands of them; nobody asks more than every few seconds.
 */
import type { Bridge } from './bridge.ts'
import type { Paused } from './core/hand.ts'
import type { Facts, PartitionFacts } from './core/health.ts'
import { health } from './core/health.ts'
import type { Ledger } from './core/ledger.ts'
import type { WorkStateName } from './core/report.ts'
import type { Clock, DeadLetters, Reporter, Source } from './core/seams.ts'
import type { Snapshot } from './core/snapshot.ts'
import type { Drain } from './drain.ts'
import type { OpsStatus } from './http/ops.ts'

export interface StatusParts {
  readonly service: string
  readonly version: string
  readonly bridge: Bridge
  readonly source: Source
  readonly reporter: Reporter & { readonly problem: string | undefined }
  readonly deadLetters: Pick<DeadLetters, 'problem'> | undefined
  readonly clock: Clock
  readonly maxInFlight: number
  /** When an attempt gives up by itself. */
  readonly attemptTimeoutMs: number
  readonly startedAtMs: number
  readonly drain: Pick<Drain, 'stage' | 'graceEndsAtMs' | 'left'>
  /** Who has paused the deliveries; undefined while nobody has. */
  paused(): Paused | undefined
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
    const { service, version, bridge, source, reporter, deadLetters, startedAtMs, drain } = this.#parts
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
      paused: this.#parts.paused(),
      drain: drain.stage === 'running' ? undefined : drain,
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
      deadLetters: deadLetters && { owed: bridge.debts.letters, problem: deadLetters.problem },
      xzepr: { receiverId: reporter.receiverId, problem: reporter.problem },
    }
  }

  /** For the metrics. */
  snapshot(): Snapshot {
    const { bridge, reporter, clock } = this.#parts
    const { inHand, calls, partitions } = bridge
    const oldestAtMs = oldestUnsettledAtMs(bridge)
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
    const { bridge, source, reporter, clock, maxInFlight, attemptTimeoutMs, startedAtMs } = this.#parts
    const { gate, size, oldestAtMs } = bridge.calls
    const nowMs = clock.nowMs()
    return {
      nowMs,
      phase: this.#phase,
      source: source.health(),
      gate: { open: gate.closedAtMs === undefined, sinceMs: gate.closedAtMs ?? gate.openedAtMs ?? startedAtMs },
      partitions: this.#partitionFacts(),
      oldestUnsettledAtMs: oldestUnsettledAtMs(bridge),
      slotsFree: maxInFlight - size,
      longestAttemptMs: oldestAtMs === undefined ? undefined : nowMs - oldestAtMs,
      attemptTimeoutMs,
      heldBack: bridge.heldBack,
      xzeprProblem: reporter.problem,
    }
  }

  get #phase(): Facts['phase'] {
    const { drain } = this.#parts
    if (drain.stage === 'running') return this.#parts.started() ? 'running' : 'starting'
    return ['drained', 'ending', 'stopped'].includes(drain.stage) ? 'drained' : 'draining'
  }

  #partitionFacts(): PartitionFacts[] {
    const { bridge } = this.#parts
    const { registry, line } = bridge.inHand
    const waiting = new Map<Ledger, number>()
    for (const work of registry) {
      if (work.state.name !== 'waiting') continue
      // Behind another it waits for that one; behind one that is not in hand any more it would wait for ever.
      const before = line.before(work)
      if (before !== undefined && registry.has(before)) continue
      // Held for its offset map it goes on when works end, at the latest with their leases.
      if (!work.ledger.hasRoom && work.entry.offset >= work.ledger.touchedTo) continue
      waiting.set(work.ledger, (waiting.get(work.ledger) ?? 0) + 1)
    }
    return [...bridge.partitions].map((ledger) => ({
      topic: ledger.topic,
      partition: ledger.partition,
      waiting: waiting.get(ledger) ?? 0,
      lastProgressAtMs: ledger.movedAtMs,
      commitRefusedSinceMs: ledger.commitRefusedSinceMs,
    }))
  }
}

/** When the oldest record that is not settled was received: a work, or one whose dead letter is not written. */
function oldestUnsettledAtMs({ inHand, debts }: Bridge): number | undefined {
  // Works are in order of arrival, so the first that is not settled is the oldest.
  for (const work of inHand.registry) {
    if (!work.settled) return Math.min(work.receivedAtMs, debts.oldestLetterAtMs ?? Infinity)
  }
  return debts.oldestLetterAtMs
}
