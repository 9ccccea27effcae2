/**
 * The committer: what is settled becomes an offset and an offset map in Kafka, the last arrow of the road.
 *
 * Settlements wait a moment for company, so that one request carries what settled in all partitions meanwhile.
 * Commits are serialised: a slow one can never overtake a newer one and take the offset back. One that is refused is
 * tried again at the next turn, under the membership that holds then; until it succeeds only duplicates are at stake.
 */
import type { Journal } from './core/journal.ts'
import type { Due, Ledger } from './core/ledger.ts'
import type { Clock, Source, Wake } from './core/seams.ts'

const COMMIT_EVERY_MS = 200
const RETRY_EVERY_MS = 1000

export class Committer {
  readonly #source: Source
  readonly #clock: Clock
  readonly #journal: Journal
  readonly #ledgers: Iterable<Ledger>
  readonly #cut = new WeakSet<Ledger>()
  #wakeAtMs = 0
  #wakeAfterMs = 0
  #wake: Wake | undefined
  /** Is called after every turn. */
  afterTurn: () => void = () => undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(source: Source, clock: Clock, journal: Journal, ledgers: Iterable<Ledger>) {
    this.#source = source
    this.#clock = clock
    this.#journal = journal
    this.#ledgers = ledgers
  }

  /** Something may have become committable; the soonest of several wishes holds. */
  soon(afterMs = COMMIT_EVERY_MS): void {
    // Asked at every settlement: most often somebody before asked for no later a turn, and the clock need not be read.
    if (this.#wake !== undefined && afterMs >= this.#wakeAfterMs) return
    const atMs = this.#clock.nowMs() + afterMs
    if (this.#wake !== undefined && this.#wakeAtMs <= atMs) return
    this.#wake?.cancel()
    this.#wakeAtMs = atMs
    this.#wakeAfterMs = afterMs
    this.#wake = this.#clock.wake(atMs, () => {
      void this.now()
    })
  }

  /** Commits what can be, after any commit that is under way. */
  async now(): Promise<void> {
    this.#wake?.cancel()
    this.#wake = undefined
    this.#turn = this.#turn
      .then(() => this.#commit())
      .then(() => {
        this.afterTurn()
      })
    return this.#turn
  }

  /** No further turn comes by itself. */
  close(): void {
    this.#wake?.cancel()
    this.#wake = undefined
  }

  async #commit(): Promise<void> {
    const due: [Ledger, Due][] = []
    for (const ledger of this.#ledgers) {
      const one = ledger.uncommitted
      if (one === undefined) continue
      due.push([ledger, one])
      this.#noteCut(ledger, one)
    }
    if (due.length === 0) return
    const outcomes = await this.#source.commit(
      due.map(([{ topic, partition }, { offset, metadata }]) => ({ topic, partition, offset, metadata })),
    )
    for (const [index, [ledger, one]] of due.entries()) {
      // A partition that was lost meanwhile is its next reader's business.
      if (!ledger.open) continue
      const { topic, partition } = ledger
      const { offset } = one
      const outcome = outcomes[index]
      if (outcome?.kind === 'committed') {
        ledger.commit(one)
        this.#journal({ name: 'offset.committed', topic, partition, offset, mapChars: one.metadata.length })
      } else {
        // Once for as long as it lasts: it is tried every second.
        const isNews = ledger.commitRefusedSinceMs === undefined
        ledger.commitRefused(this.#clock.nowMs())
        if (isNews)
          this.#journal({ name: 'commit.refused', topic, partition, offset, why: outcome?.why ?? 'not answered' })
        this.soon(RETRY_EVERY_MS)
      }
    }
  }

  /** Once for as long as it lasts. */
  #noteCut(ledger: Ledger, { offset, complete }: Due): void {
    if (complete) this.#cut.delete(ledger)
    else if (!this.#cut.has(ledger)) {
      this.#cut.add(ledger)
      this.#journal({ name: 'offset-map.cut', topic: ledger.topic, partition: ledger.partition, offset })
    }
  }
}
