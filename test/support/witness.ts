/**
 * The witness of one life of a bridge: it hears the journal, the letters and the reports, keeps books of its own that know
 * nothing of the bridge's, and writes down every law that is broken.
 *
 * It never throws: what it hears comes from deep within the road, where an error would be somebody else's.
 */
import type { Bridge, BridgeOptions } from '../../src/bridge.ts'
import type { DeadLetter } from '../../src/core/dead-letter.ts'
import type { Ending, JournalEntry } from '../../src/core/journal.ts'
import type { OffsetMap } from '../../src/core/offset-map.ts'
import { decodeOffsetMap } from '../../src/core/offset-map.ts'
import type { KafkaRecord } from '../../src/core/record.ts'
import { heldBytes } from '../../src/core/record.ts'
import type { Report, Told } from '../../src/core/report.ts'

/** A record of the log, and what it is. */
export interface Logged {
  readonly record: KafkaRecord
  readonly id: string
  readonly key: string | undefined
  readonly kind: 'event' | 'poison' | 'tombstone' | 'refused'
}

/** What Kafka has of a partition. */
export interface Stored {
  readonly offset: bigint | undefined
  readonly metadata: string
  /** The records that a successor will not see again. */
  readonly settled: ReadonlySet<Logged>
  readonly attemptsAt: (offset: bigint) => number
}

export const NOTHING_STORED: Stored = { offset: undefined, metadata: '', settled: new Set(), attemptsAt: () => 0 }

/** What became of one record under one assignment. */
interface Case {
  readonly of: Logged
  /** Order of arrival. */
  readonly nth: number
  attempts: number
  out: boolean
  /** What the app has answered, before the bridge has heard it. */
  expected: string | undefined
  /** Its batch is refused as a whole. */
  together: boolean
  retryAsked: boolean
  running: boolean
  /** What it must have come to, by all that was heard. */
  mustEnd: Ending | undefined
  ended: Ending | undefined
  letGo: boolean
  readonly statuses: string[]
  /** Lifecycle events that XZepr does not have yet. */
  owed: number
  needsLetter: boolean
  letter: 'owed' | 'written' | undefined
  settled: boolean
}

interface Holding {
  /** What Kafka had when it was assigned. */
  readonly base: Stored
  readonly cases: Map<bigint, Case>
  /** When something last changed that a commit tells of. */
  changedAtMs: number
}

export interface WitnessOptions {
  readonly options: BridgeOptions
  readonly logOf: (partition: number) => readonly Logged[]
  readonly storedOf: (partition: number) => Stored
  readonly nowMs: () => number
}

/** Ended the same way by whoever reads it: no map need tell of it. */
function passesOver({ kind }: Logged): boolean {
  return kind === 'tombstone' || kind === 'refused'
}

export class Witness {
  readonly broken: string[] = []
  readonly #options: WitnessOptions
  readonly #holdings = new Map<number, Holding>()
  readonly #threads = new Map<string, Case>()
  readonly #letters = new Map<DeadLetter, Case>()
  bridge: Bridge | undefined
  /** The report that is being made. */
  reporting: Report | undefined
  /** Why nothing may be sent, as those know who asked for it. */
  readonly silence = new Set<string>()
  /** A rejoin holds everything back until then. */
  quietUntilMs = 0
  /** A stopping bridge takes its calls back without a word. */
  stopping = false
  #nth = 0
  /** Works that came with all their attempts spent: they run without being asked. */
  #taken = 0

  constructor(options: WitnessOptions) {
    this.#options = options
  }

  hear(entry: JournalEntry): void {
    if (entry.name === 'partition.assigned') {
      const base = this.#options.storedOf(entry.partition)
      this.#holdings.set(entry.partition, { base, cases: new Map(), changedAtMs: this.#options.nowMs() })
    } else if (entry.name === 'partition.revoked') {
      this.#holdings.delete(entry.partition)
    } else if (entry.name === 'record.received') {
      this.#received(entry.partition, entry.offset)
    } else if (entry.name === 'offset-map.cut' || entry.name === 'offset-map.ignored') {
      this.#break(`${entry.name} at ${entry.partition}/${entry.offset}`)
    } else if ('offset' in entry && entry.name !== 'offset.committed' && entry.name !== 'commit.refused') {
      if (entry.name === 'work.left-unsettled' || entry.name === 'letter.left-unwritten') return
      const holding = this.#holdings.get(entry.partition)
      const one = holding?.cases.get(entry.offset)
      if (holding === undefined || one === undefined)
        this.#break(`${entry.name} of ${entry.partition}/${entry.offset}, which is not ours`)
      else this.#happened(one, holding, entry)
    }
  }

  #received(partition: number, offset: bigint): void {
    const holding = this.#holdings.get(partition)
    const of = this.#options.logOf(partition).find(({ record }) => record.offset === offset)
    if (holding === undefined || of === undefined) {
      this.#break(`${partition}/${offset} was taken, and is not ours`)
      return
    }
    const { base, cases } = holding
    if (cases.has(offset)) this.#break(`${partition}/${offset} was taken twice`)
    if (base.settled.has(of) && !passesOver(of))
      this.#break(`${partition}/${offset} came again, although a committed map says that it had settled`)
    const attempts = base.attemptsAt(offset)
    const running = of.kind === 'event' && this.#isSpent(attempts)
    if (running) this.#taken += 1
    const needsLetter = of.kind === 'poison'
    this.#nth += 1
    cases.set(offset, { of, nth: this.#nth, attempts, running, needsLetter, ...FRESH, statuses: [] })
  }

  #happened(one: Case, holding: Holding, entry: JournalEntry): void {
    switch (entry.name) {
      case 'record.poison':
      case 'record.passed-over': {
        const right = entry.name === 'record.poison' ? one.of.kind === 'poison' : passesOver(one.of)
        if (!right) this.#break(`${name(one)} is ${one.of.kind}, and became ${entry.name}`)
        return
      }
      case 'attempt.started':
        holding.changedAtMs = this.#options.nowMs()
        this.#sent(one, entry.attempt)
        return
      case 'attempt.answered':
        if (!one.out || one.expected !== entry.answer)
          this.#break(`${name(one)}: an answer ${entry.answer} is heard, and ${one.expected ?? 'none'} was given`)
        if (entry.answer === 'away' || one.together) holding.changedAtMs = this.#options.nowMs()
        this.#answered(one, entry.answer)
        return
      case 'work.lease-out':
        if (!one.running) this.#break(`${name(one)}: a lease runs out that it does not have`)
        this.#later(one)
        return
      case 'work.resting':
        if (one.ended !== undefined || one.out || one.running) this.#break(`${name(one)} rests, and is not free to`)
        return
      case 'work.reported':
        this.#reported(one)
        return
      case 'lever.settled':
        one.letGo = true
        one.out = one.running = false
        if (one.ended === undefined) one.mustEnd = 'passed-over'
        return
      case 'work.ended':
        if (one.ended !== undefined) this.#break(`${name(one)} ends twice`)
        if (one.mustEnd !== entry.ending)
          this.#break(`${name(one)} ends as ${entry.ending}, and by all that was heard ${one.mustEnd ?? 'goes on'}`)
        one.ended = entry.ending
        one.running = false
        return
      case 'record.settled':
        holding.changedAtMs = this.#options.nowMs()
        this.#settled(one, entry.ending)
        return
      default:
        // Nothing else is said of a record on the road.
        this.#break(`${name(one)}: ${entry.name}`)
    }
  }

  #sent(one: Case, attempt: number): void {
    const { attemptsMax } = this.#options.options.policy
    one.attempts += 1
    if (attempt !== one.attempts) this.#break(`${name(one)} goes out as attempt ${attempt}, and it is ${one.attempts}`)
    if (attemptsMax > 0 && attempt > attemptsMax) this.#break(`${name(one)} goes out as ${attempt} of ${attemptsMax}`)
    if (one.out || one.running || one.ended !== undefined || one.of.kind !== 'event')
      this.#break(`${name(one)} goes out, and is not free to`)
    if (this.#options.nowMs() < this.quietUntilMs) this.#break(`${name(one)} goes out, although the group rejoins`)
    for (const why of this.silence) this.#break(`${name(one)} goes out, although ${why}`)
    one.out = true
    for (const other of this.#cases()) {
      if (other === one || other.of.kind !== 'event') continue
      const before = other.nth < one.nth
      const sameLane = this.#lane(other) !== undefined && this.#lane(other) === this.#lane(one)
      const inOrderLane = other.ended === undefined || other.out
      if (sameLane && (before ? inOrderLane : other.out)) this.#break(`${name(one)} passes ${name(other)} in its lane`)
      const inIdLane = !other.settled || other.out
      if (other.of.id === one.of.id && (before ? inIdLane : other.out))
        this.#break(`${name(one)} goes out beside ${name(other)} with the same id`)
    }
  }

  #answered(one: Case, kind: string): void {
    one.out = false
    one.expected = undefined
    const { retryAsked, together } = one
    one.retryAsked = false
    one.together = false
    if (one.ended !== undefined) return
    // Refused for its company it has had no attempt of its own.
    if (kind === 'away' || (kind === 'later' && together && !retryAsked)) one.attempts -= 1
    else if (retryAsked || kind === 'later') this.#later(one)
    else if (kind === 'accepted') one.running = true
    else if (kind === 'done') one.mustEnd = 'completed'
    else this.#fails(one)
  }

  /** An attempt that failed: the last one is the end. */
  #later(one: Case): void {
    one.running = false
    if (this.#isSpent(one.attempts)) this.#fails(one)
  }

  #fails(one: Case): void {
    one.mustEnd = 'failed'
    one.needsLetter = true
  }

  #reported(one: Case): void {
    const { reporting } = this
    for (const other of this.#cases()) {
      if (
        other.of.id === one.of.id &&
        other.nth < one.nth &&
        other.of.kind === 'event' &&
        !(other.settled && !other.out)
      )
        this.#break(`${name(one)} takes a report that is meant for ${name(other)}`)
    }
    if (one.ended !== undefined || reporting === undefined) return
    if (reporting.kind === 'completed') one.mustEnd = reporting.success ? 'completed' : 'failed'
    else if (reporting.kind === 'failed' && !reporting.retry) one.mustEnd = 'failed'
    else if (reporting.kind === 'failed' && one.out) one.retryAsked = true
    else if (reporting.kind === 'failed' && one.running) this.#later(one)
  }

  #settled(one: Case, ending: Ending): void {
    const { policy } = this.#options.options
    if (one.settled) this.#break(`${name(one)} settles twice`)
    one.settled = true
    const { kind } = one.of
    const expected = kind === 'event' ? one.ended : kind === 'poison' ? 'poison' : 'passed-over'
    if (ending !== expected) this.#break(`${name(one)} settles as ${ending}, and ${expected ?? 'has not ended'}`)
    if (one.letGo) return
    if (one.owed > 0) this.#break(`${name(one)} settles, and XZepr is owed ${one.statuses.join()}`)
    const needsLetter = policy.deadLetters && one.needsLetter
    if (one.letter === 'owed' || (needsLetter && one.letter !== 'written'))
      this.#break(`${name(one)} settles before its letter is written`)
    if (kind !== 'event') return
    const told = one.statuses.at(-1)
    const mustTell = ending === 'failed' || (policy.lifecycle === 'auto' && ending === 'completed')
    if (mustTell && told !== ending) this.#break(`${name(one)} settles as ${ending}, and XZepr was told ${told ?? ''}`)
  }

  // ── what is owed ──────────────────────────────────────────────────────────────────────────────────────────────

  /** A lifecycle event is handed to the reporter. */
  tells(thread: string, status: string): void {
    const works = [...(this.bridge?.inHand.registry ?? [])]
    const work = works.find(({ serial }) => String(serial) === thread)
    const one = work && this.#holdings.get(work.ledger.partition)?.cases.get(work.entry.offset)
    if (one === undefined) {
      this.#break(`${status} is told of a work that is not in hand`)
      return
    }
    this.#threads.set(thread, one)
    const before = one.statuses.join()
    one.statuses.push(status)
    one.owed += 1
    if (!/^(started)?(,?\b(completed|failed))?$/.test(one.statuses.join()))
      this.#break(`${name(one)}: ${status} is told after ${before}`)
    if (one.settled) this.#break(`${name(one)}: ${status} is told after it has settled`)
  }

  told(thread: string, outcome: Told): void {
    const one = this.#threads.get(thread)
    if (one === undefined) return
    one.owed -= 1
    if (outcome.kind === 'given-up') one.needsLetter = true
  }

  writes(letter: DeadLetter): void {
    const { record } = letter
    const one = this.#holdings.get(record.partition)?.cases.get(record.offset)
    if (one === undefined) {
      this.#break(`a letter of ${record.partition}/${record.offset}, which is not ours`)
      return
    }
    if (one.letter !== undefined) this.#break(`${name(one)}: a second letter`)
    if (!one.needsLetter) this.#break(`${name(one)}: a letter, and nothing has failed`)
    if (one.settled) this.#break(`${name(one)}: a letter after it has settled`)
    const { value } = one.of.record
    if (Buffer.compare(value ?? Buffer.of(), record.value ?? Buffer.of()) !== 0)
      this.#break(`${name(one)}: its letter holds other bytes`)
    one.letter = 'owed'
    this.#letters.set(letter, one)
  }

  wrote(letter: DeadLetter): void {
    const one = this.#letters.get(letter)
    if (one !== undefined) one.letter = 'written'
  }

  /** The app answers; the bridge has not heard it yet. */
  /** @param together its batch is refused as a whole. */
  answers(partition: number, offset: bigint, kind: string, together: boolean): void {
    const one = this.#holdings.get(partition)?.cases.get(offset)
    if (one !== undefined) Object.assign(one, { expected: kind, together })
  }

  /** Is this record under way here? */
  isOut(partition: number, offset: bigint): boolean {
    return this.#holdings.get(partition)?.cases.get(offset)?.out ?? false
  }

  // ── what is committed ─────────────────────────────────────────────────────────────────────────────────────────

  /** A commit is made: it says all that is so, and nothing else. @returns what Kafka has if it takes it. */
  commits(partition: number, offset: bigint, metadata: string): Stored {
    const log = this.#options.logOf(partition)
    const reading = decodeOffsetMap(offset, metadata)
    if (reading.kind === 'foreign') this.#break(`a commit that nobody can read: ${reading.why}`)
    const map: OffsetMap = reading.kind === 'map' ? reading.map : { settled: [], attempts: [] }
    const settled = new Set(
      log.filter(
        ({ record: { offset: at } }) => at < offset || map.settled.some(({ from, to }) => from <= at && at < to),
      ),
    )
    const attemptsAt = (at: bigint): number => map.attempts.filter(({ from }) => from <= at).at(-1)?.attempts ?? 0
    const stored = { offset, metadata, settled, attemptsAt }
    this.#compare('is committed', partition, stored)
    return stored
  }

  /** All that is so and could be committed is committed. */
  holdUpToDate(sinceMs: number): void {
    for (const [partition, { changedAtMs }] of this.#holdings) {
      if (changedAtMs <= sinceMs) this.#compare('stays committed', partition, this.#options.storedOf(partition))
    }
  }

  #compare(what: string, partition: number, { settled, attemptsAt, offset }: Stored): void {
    const holding = this.#holdings.get(partition)
    if (holding === undefined) {
      this.#break(`${offset ?? ''} ${what} of ${partition}, which is not ours`)
      return
    }
    const { base, cases } = holding
    for (const of of this.#options.logOf(partition)) {
      const one = cases.get(of.record.offset)
      const at = `${partition}/${of.record.offset} ${what} at ${offset ?? ''}`
      if (passesOver(of)) {
        if (settled.has(of) && one === undefined && !base.settled.has(of) && of.record.offset < (offset ?? 0n))
          this.#break(`${at} before it came`)
        continue
      }
      const isSettled = one?.settled ?? base.settled.has(of)
      if (settled.has(of) !== isSettled) this.#break(`${at} as ${isSettled ? 'open, and has' : 'settled, and has not'}`)
      const attempts = one?.attempts ?? base.attemptsAt(of.record.offset)
      if (!isSettled && attemptsAt(of.record.offset) !== attempts)
        this.#break(`${at} with ${attemptsAt(of.record.offset)} attempts of ${attempts}`)
    }
  }

  // ── what is true after every step ─────────────────────────────────────────────────────────────────────────────

  hold(bridge: Bridge): void {
    const { policy, bounds, batch } = this.#options.options
    let inHand = 0
    let out = 0
    let running = 0
    let waitingBytes = 0
    for (const one of this.#cases()) {
      if (one.mustEnd !== undefined && one.ended === undefined) this.#break(`${name(one)} must be ${one.mustEnd}`)
      const isEvent = one.of.kind === 'event'
      const owes = one.owed > 0 || one.letter === 'owed'
      if (!isEvent && !one.settled && one.letter !== 'owed') this.#break(`${name(one)} is not settled`)
      if (isEvent && one.ended !== undefined && !owes && !one.settled)
        this.#break(`${name(one)} has ended, owes nothing and is not settled`)
      if (isEvent && !(one.settled && !one.out)) inHand += 1
      if (one.out) out += 1
      if (one.running) running += 1
      const released = policy.deadLetters && isEvent ? one.settled : isEvent ? one.ended !== undefined : !owes
      if (!released && !one.running) waitingBytes += heldBytes(one.of.record)
    }
    const { registry, line, buffers } = bridge.inHand
    if (this.stopping) out = bridge.calls.works
    this.#equal('works in hand', registry.size, inHand)
    this.#equal('works out', bridge.calls.works, out)
    this.#equal('works running', bridge.inHand.running, running)
    this.#equal('bytes waiting', buffers.waitingBytes, waitingBytes)
    if (bridge.calls.size > bounds.maxInFlight) this.#break(`${bridge.calls.size} requests are out`)
    if (running + out > bounds.maxRunning + this.#taken) this.#break(`${running} run and ${out} are out`)
    if (bridge.heldBack !== undefined || bridge.calls.gate.closedAtMs !== undefined) return
    // Nothing waits for what it need not wait for.
    if (line.next !== undefined && (batch.maxEvents === 1 || line.size >= batch.maxEvents))
      this.#break(`${line.next.event.id} may go and does not`)
    const free = [...registry].filter((work) => work.state.name === 'waiting' && line.before(work) === undefined)
    this.#equal('works in the line', line.size, free.length)
  }

  /** What is left when all has ended. */
  holdEmpty(bridge: Bridge, wakes: number): void {
    const { registry, line, buffers } = bridge.inHand
    this.#equal('works in hand at the end', registry.size, 0)
    this.#equal('works in the line at the end', line.size, 0)
    this.#equal('works running at the end', bridge.inHand.running, 0)
    this.#equal('requests out at the end', bridge.calls.size, 0)
    this.#equal('bytes held at the end', buffers.waitingBytes, 0)
    this.#equal('reports and letters owed at the end', bridge.debts.size, 0)
    this.#equal('wakes at the end', wakes, 0)
    for (const one of this.#cases()) if (!one.settled) this.#break(`${name(one)} has no ending`)
  }

  *#cases(): Generator<Case> {
    for (const { cases } of this.#holdings.values()) yield* cases.values()
  }

  #isSpent(attempts: number): boolean {
    const { attemptsMax } = this.#options.options.policy
    return attemptsMax > 0 && attempts >= attemptsMax
  }

  #lane({ of: { record, key } }: Case): string | undefined {
    const { order } = this.#options.options
    if (order === 'partition') return `${record.partition}`
    return order === 'key' && key !== undefined ? `${record.partition}/${key}` : undefined
  }

  #equal(what: string, got: number, expected: number): void {
    if (got !== expected) this.#break(`${what}: ${got}, and by all that was heard ${expected}`)
  }

  #break(law: string): void {
    this.broken.push(law)
  }
}

const FRESH = {
  out: false,
  expected: undefined,
  together: false,
  retryAsked: false,
  mustEnd: undefined,
  ended: undefined,
  letGo: false,
  owed: 0,
  letter: undefined,
  settled: false,
}

function name({ of }: Case): string {
  return `${of.record.partition}/${of.record.offset} (${of.id})`
}
