/**
 * One KafkaJS consumer from its connection to its end; the source makes the next.
 *
 * ```
 *   open: look (can Kafka be reached, may we, is the topic there) ─▶ connect ─▶ run ─▶ joined ─▶ … ─▶ failed
 * ```
 *
 * KafkaJS restarts some crashed consumers by itself, into the same broken connections, and others not at all. Here
 * there is one way: a session that fails has lost its partitions at once, says so once, and is never used again.
 */
import type { Consumer } from 'kafkajs'
import type { TopicPartition } from '../core/record.ts'
import type { Commit, CommitOutcome, SourceEvents } from '../core/seams.ts'
import { Assignment } from './assignment.ts'
import type { Held } from './assignment.ts'
import { REQUEST_TIMEOUT_MS, kafkaClient } from './client.ts'
import type { KafkaClient, KafkaLine } from './client.ts'
import { Commits } from './commits.ts'
import { arrivalOf, emptyArrivalOf, makeConsumer, readerOf } from './consumer.ts'
import { Membership } from './membership.ts'
import type { Coordinated } from './membership.ts'
import { lookForStarts } from './offsets.ts'
import { problemOf } from './problem.ts'
import type { Problem } from './problem.ts'
import { Pulse } from './pulse.ts'
import type { Settings } from './settings.ts'
import { stickyAssigner } from './sticky.ts'
import type { Claim } from './sticky.ts'
import { Waits } from './wait.ts'

/** What a session tells the source. */
export interface SessionEvents {
  joined(partitions: number): void
  /** Kafka answered a fetch. */
  fetched(): void
  /** Something is wrong, and KafkaJS is still trying. */
  trouble(problem: Problem): void
  /** It is over. Said once. */
  failed(problem: Problem): void
}

/** KafkaJS gives up on an answer by itself, and knows better why: it comes first. */
const COMMIT_SLACK_MS = 1000
/** How often a rejoin that waits for the drain says that we are still there. */
const BEAT_MS = 500

export class Session {
  readonly #settings: Settings
  readonly #events: SourceEvents
  readonly #tell: SessionEvents
  readonly #client: KafkaClient
  readonly #consumer: Consumer
  readonly #assignment: Assignment
  readonly #membership: Membership
  readonly #commits: Commits
  readonly #pulse: Pulse
  readonly #waits: Waits
  #joined = false
  #over = false

  constructor(settings: Settings, events: SourceEvents, tell: SessionEvents) {
    this.#settings = settings
    this.#events = events
    this.#tell = tell
    this.#waits = new Waits(settings.clock)
    this.#client = kafkaClient(settings.kafka, (line) => {
      this.#said(line)
    })
    this.#membership = new Membership(settings.groupId, () => this.#drain())
    const claim = (): Claim => ({ partitions: this.#assignment.partitions, at: this.#membership.generation })
    const sticky = stickyAssigner(claim, (cluster) => {
      // What the types leave out of a cluster is there (patches.ts holds the version).
      this.#membership.listen(cluster as unknown as Coordinated)
    })
    this.#consumer = makeConsumer(this.#client.kafka, settings, sticky)
    this.#assignment = new Assignment(readerOf(this.#consumer), events, settings.journal)
    this.#commits = new Commits({
      clock: settings.clock,
      waits: this.#waits,
      boundMs: (settings.kafka.requestTimeoutMs ?? REQUEST_TIMEOUT_MS) + COMMIT_SLACK_MS,
      holding: (partition) => this.#assignment.holding(partition),
      send: (topics, wanted) => this.#membership.commit(topics, wanted),
    })
    this.#pulse = new Pulse(settings.clock.nowMs(), settings.stallMs, settings.rebalanceTimeoutMs)
    this.#listen()
  }

  get joined(): boolean {
    return this.#joined && !this.#over
  }

  get partitions(): number {
    return this.#assignment.size
  }

  /** Connects and joins; resolves when joined or failed, and tells which. */
  async open(): Promise<void> {
    const { topics, kafka, groupId, clock } = this.#settings
    let during = `reaching ${kafka.brokers.join(', ')}`
    try {
      // KafkaJS's consumer would keep what is wrong to itself for many tries; one look says it at once.
      const admin = this.#client.impatient.admin()
      await admin.connect()
      during = `looking for ${topics.join(', ')}`
      await admin.fetchTopicMetadata({ topics: [...topics] })
      await admin.disconnect()
      during = `joining group ${groupId}`
      await this.#consumer.connect()
      // Earliest also where the group is to begin at the latest: that offset is committed before anything is read.
      await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true })
      if (this.#over) return
      this.#pulse.joining(clock.nowMs())
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: true,
        eachBatch: async (payload) => {
          this.#guarded(() => {
            // Stale: a seek is waiting, and will set what this batch would move.
            if (!payload.isStale()) this.#assignment.arrived(arrivalOf(payload.batch))
          })
        },
      })
    } catch (error) {
      this.#fail(problemOf(error, during))
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#assignment.pause(partition)
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#assignment.resume(partition)
  }

  commit(commits: readonly Commit[]): Promise<readonly CommitOutcome[]> {
    return this.#commits.commit(commits)
  }

  /** Looks at the pulse; a session that has stalled is over. */
  check(): void {
    if (this.#over || !this.#pulse.stalled(this.#settings.clock.nowMs(), this.#assignment.reading)) return
    this.#fail({ code: 'XZB_KAFKA_STALLED', why: 'no answer to a fetch or a join in time' })
  }

  /** Leaves the group, and tells nothing more. Resolves within `stopMs`, whatever Kafka does. */
  async close(): Promise<void> {
    this.#over = true
    // A failure to say goodbye is no news: the group takes the partitions back when the session times out.
    const left = this.#consumer.disconnect().catch((error: unknown) => error)
    await new Waits(this.#settings.clock).within(this.#settings.stopMs, left)
    this.#client.sockets.close()
    this.#waits.end()
  }

  #listen(): void {
    const { clock } = this.#settings
    const { GROUP_JOIN, REQUEST, REQUEST_TIMEOUT, END_BATCH_PROCESS, CRASH } = this.#consumer.events
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      this.#guarded(() => {
        // What was ours under a membership that has ended is read anew from what is committed: its old calls find no taker.
        if (!this.#membership.joined()) this.#assignment.loseAll()
        this.#joined = true
        this.#pulse.joined(clock.nowMs())
        const fresh = this.#assignment.join(payload.memberAssignment)
        this.#events.rejoined()
        this.#tell.joined(this.#assignment.size)
        void this.#begin(fresh, payload.isLeader)
      })
    })
    this.#consumer.on(REQUEST, ({ payload }) => {
      if (payload.apiName !== 'Fetch' || this.#over) return
      this.#pulse.fetched(clock.nowMs())
      this.#tell.fetched()
    })
    // KafkaJS goes on writing into a connection that has lost an answer; most often nothing will ever come from it.
    this.#consumer.on(REQUEST_TIMEOUT, ({ payload }) => {
      this.#client.sockets.destroy(payload.broker)
    })
    this.#consumer.on(END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize > 0) return
      this.#guarded(() => {
        this.#assignment.arrived(emptyArrivalOf(payload))
      })
    })
    this.#consumer.on(CRASH, ({ payload }) => {
      this.#fail(problemOf(payload.error, 'consuming'))
    })
  }

  #begin(fresh: readonly Held[], leading: boolean): Promise<void> {
    const { generation } = this.#membership
    return lookForStarts(fresh, {
      settings: this.#settings,
      waits: this.#waits,
      makeAdmin: () => this.#client.kafka.admin(),
      // Bound to this join: the next leader commits the ends itself, and what was seen here is old by then.
      leads: () => leading && !this.#over && this.#membership.generation === generation,
      ours: (held) => !this.#over && this.#assignment.holding(held.partition) === held,
      begin: (held, start) => {
        this.#guarded(() => {
          this.#assignment.begin(held, start)
        })
      },
      commitEnds: (ends, wanted) => this.#membership.commit(ends, wanted),
      trouble: (error) => {
        if (!this.#over) this.#tell.trouble(problemOf(error, `reading the offsets of ${this.#settings.groupId}`))
      },
    })
  }

  /** Awaited by KafkaJS before each join: what is finished can be committed while the membership still counts. */
  async #drain(): Promise<void> {
    const { clock, drainMs } = this.#settings
    this.#pulse.joining(clock.nowMs())
    if (this.#over || !this.#assignment.begun) return
    await this.#waits.within(drainMs, this.#events.drain(), {
      everyMs: BEAT_MS,
      // The answer is an error by design (REBALANCE_IN_PROGRESS); that it was asked keeps the membership.
      beat: () => void this.#membership.beat().catch((error: unknown) => error),
    })
  }

  /** Of KafkaJS's lines only those about a broken connection say what no event says; before the join, `open` does. */
  #said({ level, from, message }: KafkaLine): void {
    if (!this.joined || level !== 'error' || from !== 'Connection' || !message.startsWith('Connection ')) return
    this.#tell.trouble({ code: 'XZB_KAFKA_CONNECT', why: `consuming: ${message}` })
  }

  /** Runs what must not throw into KafkaJS, which would take it for a failure of its own and hand the batch over again. */
  #guarded(what: () => void): void {
    if (this.#over) return
    try {
      what()
    } catch (error) {
      this.#fail(problemOf(error, 'handing over what Kafka said'))
    }
  }

  #fail(problem: Problem): void {
    if (this.#over) return
    this.#over = true
    try {
      this.#assignment.loseAll()
    } finally {
      this.#tell.failed(problem)
    }
  }
}
