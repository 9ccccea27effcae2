/**
 * Arrivals: what becomes of a record that has come from Kafka.
 *
 *   received ─▶ decode ─▶ filter ─▶ lane          a work, in hand from here on
 *                  │         └────▶ passed over   settled at once; a successor would pass it over again
 *                  └────▶ poison                  settled when its dead letter is written, where there is a topic for them
 */
import type { Debts } from './debts.ts'
import type { Filter } from './core/filter.ts'
import type { Intake, IntakeOptions } from './core/intake.ts'
import { takeIn } from './core/intake.ts'
import type { Ending, Journal } from './core/journal.ts'
import type { Ledger } from './core/ledger.ts'
import type { Identity } from './core/lifecycle.ts'
import type { Order } from './core/line.ts'
import type { DecodeUtf8 } from './core/message.ts'
import type { KafkaRecord } from './core/record.ts'
import { heldBytes } from './core/record.ts'
import type { Clock, Reporter } from './core/seams.ts'
import type { Entry } from './core/unsettled.ts'
import type { Work } from './core/work.ts'
import { newWork } from './core/work.ts'

export interface ArrivalsOptions {
  readonly decodeUtf8: DecodeUtf8
  readonly filter: Filter
  readonly order: Order
  readonly clock: Clock
  readonly journal: Journal
  readonly reporter: Pick<Reporter, 'receiverId' | 'heard'>
  readonly identity: Pick<Identity, 'group'>
  readonly debts: Debts
  /** A new work is in hand. */
  readonly take: (work: Work) => void
  /** A record has ended without becoming a work. @param again it would end the same way again. */
  readonly settle: (ledger: Ledger, entry: Entry, ending: Ending, again: boolean) => void
  /** Counts bytes that are held beside those of works. */
  readonly hold: (ledger: Ledger, bytes: number) => void
}

export class Arrivals {
  readonly #options: ArrivalsOptions
  readonly #intake: IntakeOptions
  #serial = 0

  constructor(options: ArrivalsOptions) {
    const { decodeUtf8, filter, order, clock, identity } = options
    this.#options = options
    this.#intake = { decodeUtf8, filter, group: identity.group, order, chance: () => clock.chance() }
  }

  /** Takes in a record that its ledger has received. */
  take(record: KafkaRecord, ledger: Ledger, entry: Entry): void {
    const { journal, reporter } = this.#options
    journal({ name: 'record.received', ...ledger.place(entry) })
    const intake = takeIn(record, this.#intake, reporter.receiverId)
    if (intake.kind === 'event') this.#lane(record, intake, ledger, entry)
    else this.#leaveOut(record, intake, ledger, entry)
  }

  #lane(record: KafkaRecord, { event, lane }: Extract<Intake, { kind: 'event' }>, ledger: Ledger, entry: Entry): void {
    const { clock, take } = this.#options
    this.#serial += 1
    const serial = this.#serial
    take(newWork({ serial, event, record, ledger, entry, orderLane: lane, receivedAtMs: clock.nowMs() }))
  }

  #leaveOut(
    record: KafkaRecord,
    { kind, why, report }: Exclude<Intake, { kind: 'event' }>,
    ledger: Ledger,
    entry: Entry,
  ): void {
    const { journal, reporter, debts, settle } = this.#options
    if (report !== undefined) reporter.heard(report)
    journal({ name: `record.${kind}`, ...ledger.place(entry), why })
    if (kind === 'poison' && debts.takesLetters) this.#bury(record, ledger, entry, why)
    else settle(ledger, entry, kind, kind === 'passed-over')
  }

  /** Its bytes are held, and bounded with those of all that wait, until the letter is written. */
  #bury(record: KafkaRecord, ledger: Ledger, entry: Entry, error: string): void {
    const { debts, settle, hold } = this.#options
    const bytes = heldBytes(record)
    hold(ledger, bytes)
    debts.write({ record, reason: 'poison', error, attempts: 0, answer: undefined }, () => {
      hold(ledger, -bytes)
      settle(ledger, entry, 'poison', false)
    })
  }
}
