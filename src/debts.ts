/**
 * Debts: what is still owed for works and records: lifecycle events to XZepr, letters to the dead letter topic.
 *
 * Each is told or written at the edge, which retries for as long as it takes; the debt is paid when the edge says so, and
 * only then may the record settle.
 */
import type { DeadLetter } from './core/dead-letter.ts'
import type { JsonMembers } from './core/json.ts'
import type { Identity } from './core/lifecycle.ts'
import { lifecycleEvent } from './core/lifecycle.ts'
import type { KafkaRecord } from './core/record.ts'
import type { Told } from './core/report.ts'
import type { Backlog, Clock, DeadLetters, Reporter } from './core/seams.ts'
import type { Work, WorkReport } from './core/work.ts'

export interface DebtsOptions {
  readonly identity: Identity
  readonly reporter: Reporter
  readonly deadLetters: DeadLetters | undefined
  readonly clock: Clock
  /** Is called after every payment: there may be room again. */
  readonly changed: () => void
}

interface Owed {
  readonly letter: DeadLetter
  readonly sinceMs: number
}

export class Debts {
  readonly #identity: Identity
  readonly #reporter: Reporter
  readonly #deadLetters: DeadLetters | undefined
  readonly #changed: () => void
  readonly #clock: Clock
  /** Letters that are not written yet, the oldest first. */
  readonly #letters = new Set<Owed>()

  constructor({ identity, reporter, deadLetters, clock, changed }: DebtsOptions) {
    this.#identity = identity
    this.#reporter = reporter
    this.#deadLetters = deadLetters
    this.#clock = clock
    this.#changed = changed
  }

  /** Is there a topic for records that came to nothing? */
  get takesLetters(): boolean {
    return this.#deadLetters !== undefined
  }

  /** Reports that XZepr does not have yet. */
  get reports(): Backlog {
    return this.#reporter.backlog
  }

  /** Dead letters that are not written yet. */
  get letters(): number {
    return this.#letters.size
  }

  /** The records they are about, the oldest first. */
  get letterRecords(): readonly KafkaRecord[] {
    return [...this.#letters].map(({ letter }) => letter.record)
  }

  /** Since when the oldest letter is owed. */
  get oldestLetterAtMs(): number | undefined {
    return this.#letters.values().next().value?.sinceMs
  }

  get size(): number {
    return this.reports.events + this.#letters.size
  }

  /** Tells XZepr about a work. @param paid hears how it ended. */
  tell(work: Work, report: WorkReport, details: JsonMembers, paid: (outcome: Told) => void): void {
    const { name, version, event, serial } = work
    const lifecycle = lifecycleEvent(this.#identity, { ...event, name, version }, report, details)
    report.told = this.#reporter.tell(String(serial), lifecycle)
    void report.told.then((outcome) => {
      paid(outcome)
      this.#changed()
    })
  }

  /** Writes a dead letter. @param paid is called when all replicas have it. */
  write(letter: DeadLetter, paid: () => void): void {
    if (this.#deadLetters === undefined) throw new Error('there is no topic for dead letters')
    const owed = { letter, sinceMs: this.#clock.nowMs() }
    this.#letters.add(owed)
    void this.#deadLetters.write(letter).then(() => {
      this.#letters.delete(owed)
      paid()
      this.#changed()
    })
  }
}
