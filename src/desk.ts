/**
 * The desk: where the app's reports come in.
 *
 * It finds the work that an id names and says what becomes of a report: held, a harmless repeat, a contradiction, no
 * room, never storable. An id that is not in hand (settled long ago, or taken from before a restart) is forwarded at
 * once on the caller's time, unless the operator wants it refused.
 */
import type { Bridge } from './bridge.ts'
import { UNKNOWN_PLATFORM } from './core/delivery.ts'
import type { Identity, LifecycleStatus } from './core/lifecycle.ts'
import { deliveryId, lifecycleEvent, unstorable } from './core/lifecycle.ts'
import { viewOf } from './core/registry.ts'
import type { Report, Told, Verdict, WorkView } from './core/report.ts'
import { detailsOf, namedBy, statusOf } from './core/reported.ts'
import type { Clock, Reporter, WorkDesk, WorkPage } from './core/seams.ts'
import type { Work } from './core/work.ts'
import { findReport, hasEnded } from './core/work.ts'

/** Beyond this no report is taken any more; deliveries have waited since half of it. */
export interface DeskBounds {
  readonly maxReports: number
  readonly maxReportBytes: number
}

export interface DeskOptions {
  readonly identity: Identity
  /** 0 = no end. */
  readonly attemptsMax: number
  readonly unknown: 'forward' | 'reject'
  readonly bounds: DeskBounds
}

const FULL_RETRY_AFTER_MS = 5000
/** How many reports of settled or unknown works may be on their way at once; each holds its caller's connection. */
const FORWARDS_MAX = 32

export class Desk implements WorkDesk {
  readonly #bridge: Bridge
  readonly #reporter: Reporter
  readonly #clock: Clock
  readonly #options: DeskOptions
  /** Reports that are being forwarded, by delivery id: a repeat meanwhile waits for the same answer. */
  readonly #forwarding = new Map<string, Promise<Told>>()

  constructor(bridge: Bridge, reporter: Reporter, clock: Clock, options: DeskOptions) {
    this.#bridge = bridge
    this.#reporter = reporter
    this.#clock = clock
    this.#options = options
  }

  report(workId: string, report: Report): Verdict {
    if (this.#bridge.sealed) return full('The bridge is stopping. Report again: another one takes over.')
    const work = this.#bridge.inHand.registry.find(workId)
    if (work === undefined) return this.#reportNotInHand(workId, report)
    const status = statusOf(report)
    const underWay = status && this.#forwardUnderWay(workId, status)
    // It was unknown when the report came, and is a repeat of it now: told once more, it would make a second event.
    if (underWay !== undefined) return { kind: 'unknown', told: underWay }
    if (status !== undefined && (!hasEnded(work) || work.state.name === status)) {
      const isRepeat = findReport(work, status) !== undefined
      // A repeated `started` may bring a new name, which counts for the ending: it is looked at like the first.
      const refusal = isRepeat && status !== 'started' ? undefined : this.#unstorable(work, status, report)
      if (refusal !== undefined) return refusal
      if (!isRepeat && this.#isFull()) return full('XZepr is behind with what the bridge holds already. Report again.')
    }
    const outcome = this.#bridge.report(work, report)
    if (outcome.kind === 'conflict') return { ...outcome, work: this.#view(work) }
    return { kind: 'held', work: this.#view(work), told: outcome.report?.told }
  }

  find(workId: string): WorkView | undefined {
    const { registry } = this.#bridge.inHand
    const work = registry.find(workId) ?? registry.recall(workId)
    return work && this.#view(work)
  }

  list(after: string | undefined, limit: number): WorkPage {
    const serial = Number(after ?? 0)
    const { works, more } = this.#bridge.inHand.registry.page(Number.isSafeInteger(serial) ? serial : 0, limit)
    return {
      works: works.map((work) => this.#view(work)),
      next: more ? String(works.at(-1)?.serial) : undefined,
    }
  }

  /** Is there no room for one more report? */
  #isFull(): boolean {
    const { events, bytes } = this.#reporter.backlog
    const { maxReports, maxReportBytes } = this.#options.bounds
    return events >= maxReports || bytes >= maxReportBytes
  }

  #unstorable(work: Work, status: LifecycleStatus, report: Report): Verdict | undefined {
    const why = unstorable(this.#event(work.event.id, work, status, report))
    return why === undefined ? undefined : { kind: 'unstorable', why }
  }

  /** A work that has settled is remembered for a while: what it was told before is a repeat, the rest is forwarded. */
  #reportNotInHand(workId: string, report: Report): Verdict {
    const work = this.#bridge.inHand.registry.recall(workId)
    const status = statusOf(report)
    if (work !== undefined) {
      const before = status && findReport(work, status)
      if (before !== undefined) return { kind: 'held', work: this.#view(work), told: before.told }
      const ending = endingOf(work)
      if (status === undefined || (ending !== undefined && status !== ending)) {
        const what = ending === undefined ? 'was let go of' : `has ${ending} and its record is settled`
        const why = `the work ${what}; it cannot be ${report.kind} any more`
        return { kind: 'conflict', work: this.#view(work), why }
      }
    }
    // A work that is remembered is known, whatever the operator wants of unknown ones.
    if (status === undefined || (work === undefined && this.#options.unknown === 'reject'))
      return { kind: 'unknown', told: undefined }
    const event = this.#event(workId, work, status, report)
    const why = unstorable(event)
    if (why !== undefined) return { kind: 'unstorable', why }
    const underWay = this.#forwardUnderWay(workId, status)
    if (underWay !== undefined) return { kind: 'unknown', told: underWay }
    if (this.#forwarding.size >= FORWARDS_MAX)
      return full('As many reports are being forwarded as may be. Report again.')
    const told = this.#reporter.forward(event).then((outcome) => {
      this.#forwarding.delete(event.deliveryId)
      if (outcome.kind !== 'stored') return outcome
      work?.reports.push({ status, atMs: event.atMs, outcome, told })
      // The record may have come in meanwhile, in a bridge that was started again: the app has said it, and will not again.
      const inHand = this.#bridge.inHand.registry.find(workId)
      // After the last commit it is named as left; to settle it then would be said of nothing that is kept.
      if (inHand !== undefined && !this.#bridge.sealed) this.#bridge.report(inHand, report)
      return outcome
    })
    this.#forwarding.set(event.deliveryId, told)
    return { kind: 'unknown', told }
  }

  #forwardUnderWay(workId: string, status: LifecycleStatus): Promise<Told> | undefined {
    return this.#forwarding.get(deliveryId(this.#options.identity.group, workId, status))
  }

  #event(
    workId: string,
    work: Work | undefined,
    status: LifecycleStatus,
    report: Report,
  ): ReturnType<typeof lifecycleEvent> {
    const named = namedBy(report)
    const facts = {
      id: workId,
      type: work?.event.type ?? '',
      platformId: work?.event.platformId ?? UNKNOWN_PLATFORM,
      name: named.name ?? work?.name,
      version: named.version ?? work?.version,
    }
    const said = { status, atMs: this.#clock.nowMs() }
    return lifecycleEvent(this.#options.identity, facts, said, detailsOf(report))
  }

  #view(work: Work): WorkView {
    return viewOf(work, this.#options.attemptsMax)
  }
}

/** How it ended; what was let go of ends as the app says first. */
function endingOf(work: Work): 'completed' | 'failed' | undefined {
  const { name } = work.state
  if (name === 'completed' || name === 'failed') return name
  return (['completed', 'failed'] as const).find((status) => findReport(work, status) !== undefined)
}

function full(why: string): Verdict {
  return { kind: 'full', why, retryAfterMs: FULL_RETRY_AFTER_MS }
}
