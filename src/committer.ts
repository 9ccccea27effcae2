/**
 * The committer: what is settled becomes an offset in Kafka, the last arrow of the road.
 *
 * Settlements wait a moment for company, so that one request carries what settled in all partitions meanwhile.
 * Commits are serialised: a slow one can never overtake a newer one and take the offset back. One that is refused is
 * tried again at the next turn, under the membership that holds then; until it succeeds only duplicates are at stake.
 */
import type { Journal } from './core/journal.ts'
import type { Ledger } from './core/ledger.ts'
import type { Clock, Source, Wake } from './core/seams.ts'

const COMMIT_EVERY_MS = 200
const RETRY_EVERY_MS = 1000

export class Committer {
  readonly #source: Source
  readonly #clock: Clock
  readonly #journal: Journal
  readonly #ledgers: Iterable<Ledger>
  #wake: Wake | undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(source: Source, clock: Clock, journal: Journal, ledgers: Iterable<Ledger>) {
    this.#source = source
    this.#clock = clock
    this.#journal = journal
    this.#ledgers = ledgers
  }

  /** Something may have become committable. */
  soon(afterMs = COMMIT_EVERY_MS): void {
    this.#wake ??= this.#clock.wake(this.#clock.nowMs() + afterMs, () => {
      void this.now()
    })
  }

  /** Commits what can be, after any commit that is under way. */
  async now(): Promise<void> {
    this.#wake?.cancel()
    this.#wake = undefined
    this.#turn = this.#turn.then(() => this.#commit())
    return this.#turn
  }

  /** No further turn comes by itself. */
  close(): void {
    this.#wake?.cancel()
    this.#wake = undefined
  }

  async #commit(): Promise<void> {
    const due: { ledger: Ledger; offset: bigint }[] = []
    for (const ledger of this.#ledgers) {
      const offset = ledger.uncommitted
      if (offset !== undefined) due.push({ ledger, offset })
    }
    if (due.length === 0) return
    const outcomes = await this.#source.commit(
      due.map(({ ledger: { topic, partition }, offset }) => ({ topic, partition, offset, metadata: '' })),
    )
    for (const [index, { ledger, offset }] of due.entries()) {
      // A partition that was lost meanwhile is its next reader's business.
      if (!ledger.open) continue
      const { topic, partition } = ledger
      const outcome = outcomes[index]
      if (outcome?.kind === 'committed') {
        ledger.commit(offset)
        this.#journal({ name: 'offset.committed', topic, partition, offset })
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
}
