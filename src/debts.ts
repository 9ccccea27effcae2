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
import type { Told } from './core/report.ts'
import type { Backlog, DeadLetters, Reporter } from './core/seams.ts'
import type { Work, WorkReport } from './core/work.ts'

export class Debts {
  readonly #identity: Identity
  readonly #reporter: Reporter
  readonly #deadLetters: DeadLetters | undefined
  readonly #changed: () => void
  #letters = 0

  /** @param changed is called after every payment: there may be room again. */
  constructor(identity: Identity, reporter: Reporter, deadLetters: DeadLetters | undefined, changed: () => void) {
    this.#changed = changed
    this.#identity = identity
    this.#reporter = reporter
    this.#deadLetters = deadLetters
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
    return this.#letters
  }

  get size(): number {
    return this.reports.events + this.#letters
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
    this.#letters += 1
    void this.#deadLetters.write(letter).then(() => {
      this.#letters -= 1
      paid()
      this.#changed()
    })
  }
}
