/**
 * The road with neighbours that do as a test says: no socket, no Kafka, a clock that stands still.
 */
import type { Answer } from '../../src/core/answer.ts'
import type { BridgeOptions } from '../../src/bridge.ts'
import { Bridge } from '../../src/bridge.ts'
import { SINGLE } from '../../src/core/batching.ts'
import type { DeadLetter } from '../../src/core/dead-letter.ts'
import { deliveryOf } from '../../src/core/delivery.ts'
import type { OwnReport } from '../../src/core/filter.ts'
import { createFilter } from '../../src/core/filter.ts'
import type { JournalEntry, JournalName } from '../../src/core/journal.ts'
import type { LifecycleEvent } from '../../src/core/lifecycle.ts'
import type { KafkaRecord } from '../../src/core/record.ts'
import type { Told } from '../../src/core/report.ts'
import type { Commit, CommitOutcome, Delivery } from '../../src/core/seams.ts'
import { Desk } from '../../src/desk.ts'
import type { WorkPolicy } from '../../src/core/work.ts'
import { encodings } from '../../src/webhook/encodings.ts'
import { settled, VirtualClock } from './clock.ts'

export const TOPIC = 'events'
export const DONE = { kind: 'done', why: 'HTTP 200' } as const satisfies Answer
export const ACCEPTED = { kind: 'accepted', why: 'HTTP 202' } as const satisfies Answer
export const LATER = { kind: 'later', why: 'HTTP 503', responded: true } as const satisfies Answer
export const NEVER = { kind: 'never', why: 'HTTP 422', responded: true } as const satisfies Answer
export const AWAY = { kind: 'away', why: 'ECONNREFUSED' } as const satisfies Answer

/** A request that is out at the app. */
export interface Out {
  readonly workId: string
  readonly attempt: number
  /** All that are in it: a batch carries several. */
  readonly events: readonly Delivered[]
  readonly delivery: Delivery
  aborted: boolean
  answer(answer: Answer): void
}

/** One event of a delivery, as the app reads it. */
export interface Delivered {
  readonly workId: string
  readonly attempt: number
  readonly partition: number
  readonly offset: bigint
}

/** A lifecycle event that waits for XZepr. */
export interface Owed {
  /** The serial of its work. */
  readonly thread: string
  readonly event: LifecycleEvent
  end(told: Told): void
}

/** A dead letter that Kafka does not have yet. */
export interface Letter {
  readonly letter: DeadLetter
  written(): void
}

/** An event to hand over: its offset, its id, and what is not as usual. */
type Received = readonly [offset: number, id: string, extra?: { key?: string; value?: string | null; type?: string }]

/** How works are treated where a test says nothing else. */
export const POLICY = {
  attemptsMax: 3,
  retryInitialMs: 1000,
  retryMaxMs: 60_000,
  leaseMs: 300_000,
  lifecycle: 'explicit',
  deadLetters: false,
} as const satisfies WorkPolicy

const IDENTITY = { group: 'xzepr-consumer-svc', package: 'svc', workName: 'svc', workVersion: '1.0.0' }

export class Road {
  readonly clock: VirtualClock
  readonly entries: JournalEntry[] = []
  /** Requests at the app that are not answered yet. */
  readonly out: Out[] = []
  /** Every delivery that was made, as `id#attempt`. */
  readonly sent: string[] = []
  readonly owed: Owed[] = []
  readonly letters: Letter[] = []
  /** Ids of events that cannot be written as a request. */
  readonly unwritable = new Set<string>()
  readonly commits: Commit[] = []
  readonly paused = new Set<number>()
  commitOutcome: CommitOutcome = { kind: 'committed' }
  forwardOutcome: Told = { kind: 'stored', eventId: 'F' }
  readonly forwarded: LifecycleEvent[] = []
  /** Reports of ours that came round. */
  readonly heard: OwnReport[] = []
  stopped: string[] = []
  readonly deadLetters = {
    problem: undefined,
    write: (letter: DeadLetter) =>
      new Promise<void>((resolve) => {
        const one: Letter = {
          letter,
          written: () => {
            this.letters.splice(this.letters.indexOf(one), 1)
            resolve()
          },
        }
        this.letters.push(one)
      }),
    stop: async () => void this.stopped.push('dead letters'),
  }
  readonly bridge: Bridge
  readonly desk: Desk
  readonly source
  readonly reporter

  constructor(
    options: Partial<BridgeOptions> & {
      unknown?: 'forward' | 'reject'
      maxReports?: number
      eventTypes?: string
      deadLetters?: boolean
      clock?: VirtualClock
      /** Hears each entry of the journal as it is made. */
      heard?: (entry: JournalEntry) => void
    } = {},
  ) {
    this.clock = options.clock ?? new VirtualClock()
    this.source = {
      start: async () => undefined,
      pause: (partitions: readonly { partition: number }[]) => {
        for (const { partition } of partitions) this.paused.add(partition)
      },
      resume: (partitions: readonly { partition: number }[]) => {
        for (const { partition } of partitions) this.paused.delete(partition)
      },
      commit: async (commits: readonly Commit[]) => {
        if (this.commitOutcome.kind === 'committed') this.commits.push(...commits)
        return commits.map(() => this.commitOutcome)
      },
      health: () => ({ joined: true, partitions: 1, fetchedAtMs: undefined, problem: undefined }),
      stop: async () => void this.stopped.push('source'),
    }
    const { owed, forwarded } = this
    this.reporter = {
      receiverId: '01R' as string | undefined,
      problem: undefined as string | undefined,
      get backlog() {
        return { events: owed.length, bytes: owed.length * 100 }
      },
      tell: (thread: string, event: LifecycleEvent) =>
        new Promise<Told>((resolve) => {
          const one: Owed = {
            thread,
            event,
            end: (told) => {
              owed.splice(owed.indexOf(one), 1)
              resolve(told)
            },
          }
          owed.push(one)
        }),
      heard: (report: OwnReport) => void this.heard.push(report),
      forward: async (event: LifecycleEvent) => {
        forwarded.push(event)
        return this.forwardOutcome
      },
      stop: async () => void this.stopped.push('reporter'),
    }
    const identity = IDENTITY
    const policy = { ...POLICY, deadLetters: options.deadLetters ?? false }
    const bounds = { maxInFlight: 64, maxRunning: 10_000, maxBufferedBytes: 1 << 20, maxReports: 1000 }
    const filter = createFilter({
      eventTypes: options.eventTypes ?? '*',
      group: identity.group,
      receiverName: 'svc-receiver',
      receiverType: 'worker',
    })
    this.bridge = new Bridge(
      {
        source: this.source,
        webhook: { attempt: (delivery) => this.#attempt(delivery) },
        reporter: this.reporter,
        deadLetters: options.deadLetters === true ? this.deadLetters : undefined,
        deliver: (parcels) => {
          if (parcels.some(({ event }) => this.unwritable.has(event.id))) throw new RangeError('too deep')
          return deliveryOf(
            {
              format: options.batch === undefined ? 'verbatim' : 'batch',
              group: identity.group,
              attemptsMax: (options.policy ?? policy).attemptsMax,
              encodings,
            },
            parcels,
          )
        },
        clock: this.clock,
        journal: (entry) => {
          this.entries.push(entry)
          options.heard?.(entry)
        },
        filter,
        decodeUtf8: (bytes) => new TextDecoder().decode(bytes),
      },
      { identity, order: 'key', policy, bounds, batch: SINGLE, ...options },
    )
    this.desk = new Desk(this.bridge, this.reporter, this.clock, {
      identity,
      attemptsMax: (options.policy ?? policy).attemptsMax,
      unknown: options.unknown ?? 'forward',
      bounds: { maxReports: options.maxReports ?? 1000, maxReportBytes: 1 << 20 },
    })
  }

  assign(partition = 0, committed?: bigint, metadata = ''): void {
    this.bridge.assigned({ topic: TOPIC, partition }, committed, metadata)
  }

  revoke(partition = 0): void {
    this.bridge.revoked([{ topic: TOPIC, partition }])
  }

  /** Hands over events by id; a bare id stands at the offset that is its place in the list. */
  receive(events: readonly (string | Received)[], partition = 0): void {
    const placed = events.map((event, n): Received => (typeof event === 'string' ? [n, event] : event))
    const records = placed.map(([offset, id, { key = id, value, type = 'build.done' } = {}]): KafkaRecord => {
      const text =
        value === undefined ? JSON.stringify({ id, type, source: 'ci', specversion: '1.0', platform_id: 'x86' }) : value
      return {
        topic: TOPIC,
        partition,
        offset: BigInt(offset),
        timestampMs: 0,
        key: Buffer.from(key),
        value: text === null ? null : Buffer.from(text),
        headers: [],
      }
    })
    const nextOffset = (records.at(-1)?.offset ?? -1n) + 1n
    this.bridge.received({ topic: TOPIC, partition, records, nextOffset, highWatermark: nextOffset })
  }

  /** Answers the request that is out for a work, and lets the road go on. */
  async answer(workId: string, answer: Answer): Promise<void> {
    const out = this.out.find((each) => each.workId === workId && !each.aborted)
    if (out === undefined) throw new Error(`${workId} is not out`)
    out.answer(answer)
    await settled()
  }

  /** XZepr takes all that is owed, or ends it otherwise. */
  async tellAll(told?: Told): Promise<void> {
    for (const owed of [...this.owed]) owed.end(told ?? { kind: 'stored', eventId: `E-${owed.event.deliveryId}` })
    await settled()
  }

  /** Ids that are out at the app. */
  get outIds(): string[] {
    return this.out.map(({ workId }) => workId)
  }

  /** The last offset committed, by partition 0. */
  get committed(): bigint | undefined {
    return this.commits.at(-1)?.offset
  }

  names(name: JournalName): JournalEntry[] {
    return this.entries.filter((entry) => entry.name === name)
  }

  #attempt(delivery: Delivery): { answer: Promise<Answer>; abort: () => void } {
    const events = eventsOf(delivery)
    this.sent.push(...events.map(({ workId, attempt }) => `${workId}#${attempt}`))
    const { workId = '', attempt = 0 } = events[0] ?? {}
    let resolve: (answer: Answer) => void = () => undefined
    const answer = new Promise<Answer>((settle) => (resolve = settle))
    const out: Out = {
      workId,
      attempt,
      events,
      delivery,
      aborted: false,
      answer: (got) => {
        this.out.splice(this.out.indexOf(out), 1)
        resolve(got)
      },
    }
    this.out.push(out)
    const abort = (): void => {
      const at = this.out.indexOf(out)
      // The answer is on its way already.
      if (at === -1) return
      out.aborted = true
      this.out.splice(at, 1)
      resolve({ kind: 'later', why: 'aborted', responded: false })
    }
    return { answer, abort }
  }
}

/** The events of a delivery; of a batch from within its body. */
function eventsOf({ headers, body, wantsBody }: Delivery): readonly Delivered[] {
  if (!wantsBody) {
    const workId = decodeURIComponent(headers['work-id'] ?? '')
    const { 'work-attempt': attempt, 'kafka-partition': partition, 'kafka-offset': offset } = headers
    return [{ workId, attempt: Number(attempt), partition: Number(partition), offset: BigInt(offset ?? '') }]
  }
  const events = JSON.parse(new TextDecoder().decode(body)) as {
    workid: string
    workattempt: number
    kafkapartition: number
    kafkaoffset: string
  }[]
  return events.map(({ workid, workattempt, kafkapartition, kafkaoffset }) => ({
    workId: workid,
    attempt: workattempt,
    partition: kafkapartition,
    offset: BigInt(kafkaoffset),
  }))
}
