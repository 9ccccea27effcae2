/**
 * Records from Kafka: where the road begins, and where its commits end.
 *
 * ```
 *   start ─▶ session ─── failed ───▶ partitions lost, the problem noted ─▶ a pause that grows ─▶ a new session
 *              └─ joined: records flow, commits go through the membership that received them
 * ```
 *
 * The laws: nothing waits for Kafka to come up, and nothing gives up on it; whatever is wrong is said in one sentence
 * for the operator, once; a record is handed over once per assignment; a commit is never retried from here.
 */
import type { TopicPartition } from '../core/record.ts'
import { backoffMs } from '../core/retry.ts'
import type { Commit, CommitOutcome, Source, SourceEvents, SourceHealth, Wake } from '../core/seams.ts'
import { refuseAll } from './commits.ts'
import { ProblemBook } from './problem.ts'
import type { Problem } from './problem.ts'
import { Session } from './session.ts'
import { settingsOf } from './settings.ts'
import type { KafkaSourceOptions, Settings } from './settings.ts'

/** The first pause before a new session, and the least. */
const RETRY_INITIAL_MS = 250
/** A session that was joined for so long was a good one: the next failure is a new one, not the same again. */
const STEADY_MS = 60_000

export class KafkaSource implements Source {
  readonly #settings: Settings
  readonly #problems = new ProblemBook()
  #events: SourceEvents | undefined
  #session: Session | undefined
  #failures = 0
  #joinedAtMs: number | undefined
  #fetchedAtMs: number | undefined
  /** The next look at the session, or the next session. */
  #wake: Wake | undefined
  #closing: Promise<void> = Promise.resolve()
  #stopping = false

  constructor(options: KafkaSourceOptions) {
    this.#settings = settingsOf(options)
  }

  /** Resolves at once. Rejects with a BridgeError when the installed KafkaJS is not the one that is patched here. */
  async start(events: SourceEvents): Promise<void> {
    // The process may be told to go while it is still opening its ports: a session from then on would never be closed,
    // and the group would wait for its ghost.
    if (this.#stopping) return
    this.#events = events
    this.#openSession(events)
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#session?.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#session?.resume(partitions)
  }

  async commit(commits: readonly Commit[]): Promise<readonly CommitOutcome[]> {
    return (await this.#session?.commit(commits)) ?? refuseAll(commits, 'not connected to Kafka')
  }

  health(): SourceHealth {
    return {
      joined: this.#session?.joined ?? false,
      partitions: this.#session?.partitions ?? 0,
      fetchedAtMs: this.#fetchedAtMs,
      problem: this.#problems.sentence,
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#wake?.cancel()
    const session = this.#session
    this.#session = undefined
    // Whoever stops it again waits for the same end.
    this.#closing = Promise.all([session?.close(), this.#closing]).then(() => undefined)
    await this.#closing
  }

  #openSession(events: SourceEvents): void {
    const { clock, journal } = this.#settings
    const session = new Session(this.#settings, events, {
      joined: (partitions) => {
        this.#joinedAtMs ??= clock.nowMs()
        this.#problems.mended(clock.nowMs())
        journal({ name: 'kafka.joined', partitions })
      },
      fetched: () => {
        this.#fetchedAtMs = clock.nowMs()
        this.#problems.mended(clock.nowMs())
      },
      trouble: (problem) => {
        this.#note(problem)
      },
      failed: (problem) => {
        this.#note(problem)
        this.#replace(session)
      },
    })
    this.#session = session
    void session.open()
    this.#lookIn(session)
  }

  /** A session that has failed is closed first, so that the group is not left waiting for its ghost. */
  #replace(session: Session): void {
    const { clock, retryMaxMs } = this.#settings
    if (this.#joinedAtMs !== undefined && clock.nowMs() - this.#joinedAtMs >= STEADY_MS) this.#failures = 0
    this.#failures += 1
    this.#joinedAtMs = undefined
    this.#session = undefined
    this.#wake?.cancel()
    this.#closing = session.close().then(() => {
      if (this.#stopping) return
      const jitterMs = backoffMs({
        attempt: this.#failures,
        initialMs: RETRY_INITIAL_MS,
        maxMs: retryMaxMs,
        chance: clock.chance(),
      })
      this.#wake = clock.wake(clock.nowMs() + RETRY_INITIAL_MS + jitterMs, () => {
        if (this.#events !== undefined) this.#openSession(this.#events)
      })
    })
  }

  #lookIn(session: Session): void {
    const { clock, stallMs } = this.#settings
    this.#wake = clock.wake(clock.nowMs() + stallMs / 4, () => {
      session.check()
      if (this.#session === session) this.#lookIn(session)
    })
  }

  #note(problem: Problem): void {
    const news = this.#problems.appeared(problem, this.#settings.clock.nowMs())
    if (news !== undefined) this.#settings.journal(news)
  }
}
