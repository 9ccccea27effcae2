/**
 * Several lives of bridges over one log: a Kafka, an app and an XZepr that do what a list of moves says, with a witness for
 * each bridge.
 *
 *   log ─ position ─▶ life (a Road with its witness) ─ commits ─▶ stored ─▶ the next life
 *
 * A life that crashes is never touched again: its clock stands still, its promises stay open, its last commit may or may
 * not have reached Kafka.
 */
import type { BridgeOptions } from '../../src/bridge.ts'
import type { Answer } from '../../src/core/answer.ts'
import type { KafkaRecord } from '../../src/core/record.ts'
import type { Report } from '../../src/core/report.ts'
import type { Commit, CommitOutcome } from '../../src/core/seams.ts'
import { Drain } from '../../src/drain.ts'
import { Operator } from '../../src/levers.ts'
import { settled, VirtualClock } from './clock.ts'
import type { Letter, Out, Owed } from './road.ts'
import { Road, TOPIC } from './road.ts'
import type { Logged, Stored } from './witness.ts'
import { NOTHING_STORED, Witness } from './witness.ts'

export const PARTITIONS = 2
const MEMBERS_MAX = 3
const HAND = { who: 'anna', why: 'to see' }
const GRACE_MS = 5000
/** As src/rejoin.ts has it. */
const HOLD_BACK_MS = 10_000
/** A change is committed after 200 ms, or a second after a refusal. */
const UP_TO_DATE_MS = 1300

export interface Given {
  readonly id: string
  readonly key: string | undefined
  readonly kind: Logged['kind']
  readonly gap: number
}

export type Move = { readonly atOnce?: boolean } & (
  | { readonly kind: 'produce'; readonly partition: number; readonly records: readonly Given[] }
  | { readonly kind: 'fetch'; readonly partition: number; readonly count: number; readonly markers: boolean }
  | { readonly kind: 'answer'; readonly pick: number; readonly answer: Answer; readonly results: readonly string[] }
  | { readonly kind: 'report'; readonly life: number; readonly pick: number; readonly report: Report }
  | { readonly kind: 'tell'; readonly pick: number; readonly stored: boolean }
  | { readonly kind: 'letter'; readonly pick: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'crash' | 'restart'; readonly life: number; readonly landed: boolean }
  | { readonly kind: 'join' }
  | { readonly kind: 'drain' }
  | { readonly kind: 'share'; readonly deal: readonly number[] }
  | { readonly kind: 'lose'; readonly partition: number }
  | { readonly kind: 'commits'; readonly mode: 'taken' | 'refused' | 'slow' }
  | { readonly kind: 'land'; readonly pick: number }
  | { readonly kind: 'pause' | 'resume'; readonly life: number }
  | { readonly kind: 'let go'; readonly life: number; readonly pick: number }
  | { readonly kind: 'stop'; readonly life: number; readonly by: 'lever' | 'signal' }
)

interface Life {
  readonly road: Road
  readonly witness: Witness
  readonly operator: Operator
  /** Where each of its partitions is read next, as a place in the log. */
  readonly positions: Map<number, number>
  draining: boolean
}

/** A commit that Kafka has not answered. */
interface Slow {
  readonly life: Life
  /** @returns when the bridge has heard of it. */
  land(): void
}

export interface LivesOptions extends BridgeOptions {
  readonly deadLetters: boolean
}

export class Lives {
  readonly #options: LivesOptions
  readonly #logs: Logged[][] = Array.from({ length: PARTITIONS }, () => [])
  readonly #stored: Stored[] = Array.from({ length: PARTITIONS }, () => NOTHING_STORED)
  readonly #owners: (Life | undefined)[] = Array.from({ length: PARTITIONS }, () => undefined)
  readonly #witnesses: Witness[] = []
  #lives: Life[] = []
  #slow: Slow[] = []
  #commits: 'taken' | 'refused' | 'slow' = 'taken'
  #takenSinceMs = 0
  #nowMs = Date.UTC(2026, 10, 23, 12)
  /** The group is sharing out its partitions anew. */
  #sharing = false

  constructor(options: LivesOptions) {
    this.#options = options
    this.#takenSinceMs = this.#nowMs
    this.#join()
    this.#share([0, 0])
  }

  /** Does one move. @throws when a law is broken. */
  async make(move: Move): Promise<void> {
    await this.#do(move)
    // Sometimes the next thing happens before any promise has gone on.
    if (move.atOnce === true) return
    await settled()
    for (const { witness, road } of this.#lives) {
      witness.hold(road.bridge)
      // A rejoin and a stop that are under way have reasons of their own.
      if (this.#commits === 'taken' && this.#slow.length === 0)
        witness.holdUpToDate(Math.min(this.#nowMs, this.#nowMs - UP_TO_DATE_MS, this.#upToDateFrom))
    }
    this.#hold()
  }

  /** No fault any more, and everybody does what is asked of him: all must come to an end. @throws when it does not. */
  async heal(reports: boolean): Promise<void> {
    await this.make({ kind: 'commits', mode: 'taken' })
    while (this.#slow.length > 0) await this.make({ kind: 'land', pick: 0 })
    for (const life of this.#lives.keys()) await this.make({ kind: 'resume', life })
    if (this.#lives.every(({ draining }) => draining)) this.#join()
    await this.make({ kind: 'share', deal: [0, 1] })
    for (let round = 0; round < 200 && !this.#isOver; round++) {
      for (let partition = 0; partition < PARTITIONS; partition++)
        await this.make({ kind: 'fetch', partition, count: 1000, markers: true })
      const answer: Answer = { kind: 'done', why: 'HTTP 200' }
      while (this.#outs.length > 0) await this.make({ kind: 'answer', pick: 0, answer, results: [] })
      while (this.#owed.length > 0) await this.make({ kind: 'tell', pick: 0, stored: true })
      while (this.#letters.length > 0) await this.make({ kind: 'letter', pick: 0 })
      if (reports) this.#reportRunning()
      await this.make({ kind: 'advance', ms: round < 20 ? 500 : 5000 })
    }
    // A work that was let go of is committed with its reports and its letter still under way: they are told all the same.
    while (this.#owed.length > 0) await this.make({ kind: 'tell', pick: 0, stored: true })
    while (this.#letters.length > 0) await this.make({ kind: 'letter', pick: 0 })
    await this.make({ kind: 'advance', ms: 60_000 })
    for (const { road, witness, draining } of this.#lives)
      if (!draining) witness.holdEmpty(road.bridge, road.clock.pending)
    if (!this.#isOver) {
      const ends = this.#stored.map(({ offset }, at) => `${offset ?? 'nothing'} of ${this.#end(at)}`)
      this.#lives[0]?.witness.broken.push(`at the end Kafka has ${ends.join(' and ')}`)
    }
    this.#hold()
  }

  get #isOver(): boolean {
    return this.#logs.every((log, at) => log.length === 0 || this.#stored[at]?.offset === this.#end(at))
  }

  get #outs(): Out[] {
    return this.#lives.flatMap(({ road }) => road.out)
  }

  get #owed(): { life: Life; owed: Owed }[] {
    return this.#lives.flatMap((life) => life.road.owed.map((owed) => ({ life, owed })))
  }

  get #letters(): { life: Life; letter: Letter }[] {
    return this.#lives.flatMap((life) => life.road.letters.map((letter) => ({ life, letter })))
  }

  /** What has changed since then may still be on its way to Kafka. */
  get #upToDateFrom(): number {
    return this.#takenSinceMs > this.#nowMs - UP_TO_DATE_MS ? -1 : this.#nowMs
  }

  async #do(move: Move): Promise<void> {
    switch (move.kind) {
      case 'produce':
        for (const given of move.records) this.#produce(move.partition, given)
        return
      case 'fetch':
        this.#fetch(move.partition, move.count, move.markers)
        return
      case 'answer':
        this.#answer(picked(this.#outs, move.pick), move.answer, move.results)
        return
      case 'report':
        this.#report(picked(this.#lives, move.life), this.#idFor(move), move.report)
        return
      case 'tell': {
        const { life, owed } = picked(this.#owed, move.pick) ?? {}
        if (life === undefined || owed === undefined) return
        const told = move.stored
          ? ({ kind: 'stored', eventId: 'E' } as const)
          : ({ kind: 'given-up', why: 'HTTP 400' } as const)
        life.witness.told(owed.thread, told)
        owed.end(told)
        return
      }
      case 'letter': {
        const { life, letter } = picked(this.#letters, move.pick) ?? {}
        if (life === undefined || letter === undefined) return
        life.witness.wrote(letter.letter)
        letter.written()
        return
      }
      case 'advance':
        await this.#advance(move.ms)
        return
      case 'crash':
        this.#crash(picked(this.#lives, move.life), move.landed)
        return
      case 'restart':
        this.#crash(picked(this.#lives, move.life), move.landed)
        this.#join()
        this.#share([this.#lives.length - 1, this.#lives.length - 1])
        return
      case 'join':
        if (this.#lives.length < MEMBERS_MAX) this.#join()
        return
      case 'drain':
        this.#drain()
        return
      case 'share':
        this.#share(move.deal)
        return
      case 'lose':
        this.#lose([move.partition])
        return
      case 'commits':
        if (move.mode === 'taken' && this.#commits !== 'taken') this.#takenSinceMs = this.#nowMs
        this.#commits = move.mode
        return
      case 'land':
        this.#takenSinceMs = this.#nowMs
        this.#slow.splice(move.pick % this.#slow.length, 1)[0]?.land()
        return
      case 'pause':
      case 'resume': {
        const { operator, witness } = picked(this.#lives, move.life) ?? {}
        if (move.kind === 'pause') witness?.silence.add('it is paused')
        else witness?.silence.delete('it is paused')
        operator?.[move.kind](HAND)
        return
      }
      case 'let go':
        picked(this.#lives, move.life)?.operator.settle(this.#idFor(move) ?? '', HAND)
        return
      case 'stop':
        this.#stop(picked(this.#lives, move.life), move.by)
        return
    }
  }

  // ── the log ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Mostly of a work in hand; now and then of any that ever was. */
  #idFor({ life, pick }: { readonly life: number; readonly pick: number }): string | undefined {
    const inHand = [...(picked(this.#lives, life)?.road.bridge.inHand.registry ?? [])].map(({ event }) => event.id)
    const all = this.#logs.flat().map(({ id }) => id)
    return pick % 4 === 0 || inHand.length === 0 ? picked(all, pick) : picked(inHand, pick)
  }

  #logOf(partition: number): Logged[] {
    return this.#logs[partition] ?? []
  }

  #storedOf(partition: number): Stored {
    return this.#stored[partition] ?? NOTHING_STORED
  }

  /** The offset after the last record. */
  #end(partition: number): bigint {
    return (this.#logOf(partition).at(-1)?.record.offset ?? -1n) + 1n
  }

  #produce(partition: number, { id, key, kind, gap }: Given): void {
    const type = kind === 'refused' ? 'other.done' : 'build.done'
    const text = JSON.stringify({ id, type, source: 'ci', specversion: '1.0', platform_id: 'x86' })
    const record: KafkaRecord = {
      topic: TOPIC,
      partition,
      offset: this.#end(partition) + BigInt(gap),
      timestampMs: 0,
      key: key === undefined ? null : Buffer.from(key),
      value: kind === 'tombstone' ? null : Buffer.from(kind === 'poison' ? `no JSON: ${id}` : text),
      headers: [],
    }
    this.#logOf(partition).push({ record, id, key, kind })
  }

  #fetch(partition: number, count: number, markers: boolean): void {
    const life = this.#owners[partition]
    const log = this.#logOf(partition)
    const from = life?.positions.get(partition)
    if (life === undefined || from === undefined || life.road.paused.has(partition)) return
    const records = log.slice(from, from + count).map(({ record }) => record)
    if (records.length === 0) return
    life.positions.set(partition, from + records.length)
    const after = log[from + records.length]?.record.offset
    const nextOffset = (markers ? after : undefined) ?? (records.at(-1)?.offset ?? 0n) + 1n
    life.road.bridge.received({ topic: TOPIC, partition, records, nextOffset, highWatermark: this.#end(partition) })
  }

  // ── the app and XZepr ─────────────────────────────────────────────────────────────────────────────────────────

  #answer(out: Out | undefined, answer: Answer, results: readonly string[]): void {
    if (out === undefined) return
    const life = this.#lives.find(({ road }) => road.out.includes(out))
    const named = out.delivery.wantsBody && answer.kind !== 'away' ? results.slice(0, out.events.length) : []
    const kinds: Readonly<Record<string, Answer['kind']>> = { done: 'done', accepted: 'accepted', failed: 'never' }
    // A batch that is refused as a whole is sent again, one by one.
    const together = answer.kind === 'never' && out.events.length > 1
    const unnamed = out.delivery.wantsBody && together ? 'later' : answer.kind
    for (const [at, { partition, offset }] of out.events.entries()) {
      const status = named[at]
      const alone = out.delivery.wantsBody && together && status === undefined
      life?.witness.answers(partition, offset, status === undefined ? unnamed : (kinds[status] ?? 'later'), alone)
    }
    const body = JSON.stringify({ results: named.map((status, at) => ({ id: out.events[at]?.workId, status })) })
    out.answer(named.length === 0 ? answer : { ...answer, body })
  }

  #report(life: Life | undefined, id: string | undefined, report: Report): void {
    if (life === undefined || id === undefined) return
    life.witness.reporting = report
    life.road.desk.report(id, report)
    life.witness.reporting = undefined
  }

  #reportRunning(): void {
    for (const life of this.#lives)
      for (const { state, event } of [...life.road.bridge.inHand.registry])
        if (state.name === 'running')
          this.#report(life, event.id, { kind: 'completed', success: true, details: new Map() })
  }

  // ── lives ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #join(): void {
    const { deadLetters } = this.#options
    const clock = new VirtualClock(this.#nowMs)
    const witness = new Witness({
      options: this.#options,
      logOf: this.#logOf.bind(this),
      storedOf: this.#storedOf.bind(this),
      nowMs: clock.nowMs.bind(clock),
    })
    const road = new Road({
      ...this.#options,
      deadLetters,
      eventTypes: 'build.*',
      clock,
      heard: witness.hear.bind(witness),
    })
    witness.bridge = road.bridge
    const { reporter, bridge, source } = road
    const drain = { byLever: () => Promise.resolve() }
    const operator = new Operator({ bridge, drain, clock, journal: witness.hear.bind(witness) })
    const life: Life = { road, witness, operator, positions: new Map(), draining: false }
    const { tell } = reporter
    reporter.tell = (thread, event) => {
      witness.tells(thread, event.status)
      return tell(thread, event)
    }
    const { write } = road.deadLetters
    road.deadLetters.write = (letter) => {
      witness.writes(letter)
      return write(letter)
    }
    source.commit = (commits) => this.#commit(life, commits)
    source.stop = async () => {
      for (const partition of life.positions.keys()) this.#owners[partition] = undefined
      life.positions.clear()
    }
    this.#lives.push(life)
    this.#witnesses.push(witness)
  }

  /** Kafka takes a commit from whoever has the partition when it arrives. */
  #commit(life: Life, commits: readonly Commit[]): Promise<CommitOutcome[]> {
    if (this.#slow.some((slow) => slow.life === life)) life.witness.broken.push('two commits are out at once')
    const made = commits
      .filter(({ partition }) => life.positions.has(partition))
      .map((commit) => ({ ...commit, stored: life.witness.commits(commit.partition, commit.offset, commit.metadata) }))
    const positions = new Map(
      [...life.positions.keys()].map((partition) => [partition, this.#holdingOf(life, partition)]),
    )
    const mode = this.#commits
    const outcomes = (): CommitOutcome[] =>
      commits.map(({ partition }) => {
        const stored = made.find((each) => each.partition === partition)?.stored
        const holding = this.#holdingOf(life, partition)
        if (mode === 'refused' || stored === undefined || holding === undefined || holding !== positions.get(partition))
          return { kind: 'refused', why: 'fenced' }
        const { offset } = this.#storedOf(partition)
        if (offset !== undefined && offset > (stored.offset ?? 0n))
          life.witness.broken.push(`the offset goes back from ${offset} to ${stored.offset ?? ''}`)
        this.#stored[partition] = stored
        return { kind: 'committed' }
      })
    if (mode !== 'slow') return Promise.resolve(outcomes())
    return new Promise((resolve) => {
      this.#slow.push({
        life,
        land: () => {
          resolve(outcomes())
        },
      })
    })
  }

  /** Which assignment of the partition this is. */
  #holdingOf({ road, positions }: Life, partition: number): object | undefined {
    return positions.has(partition) ? road.bridge.partitions.find({ topic: TOPIC, partition }) : undefined
  }

  #crash(life: Life | undefined, landed: boolean): void {
    if (life === undefined) return
    const [slow] = this.#slow.filter((each) => each.life === life)
    if (landed) slow?.land()
    this.#forget(life)
  }

  #forget(life: Life): void {
    life.positions.clear()
    this.#slow = this.#slow.filter((each) => each.life !== life)
    this.#lives = this.#lives.filter((each) => each !== life)
    for (const [partition, owner] of this.#owners.entries()) if (owner === life) this.#owners[partition] = undefined
  }

  /** A rejoin begins: nothing new is sent until it is over, or for ten seconds. */
  #drain(): void {
    this.#sharing = true
    for (const { road, witness } of this.#lives) {
      void road.bridge.drain()
      witness.quietUntilMs = this.#nowMs + HOLD_BACK_MS
    }
  }

  #share(deal: readonly number[]): void {
    if (!this.#sharing) this.#drain()
    this.#sharing = false
    const able = this.#lives.filter(({ draining }) => !draining)
    const next = this.#owners.map((_, partition) => picked(able, deal[partition] ?? 0))
    this.#lose([...next.keys()].filter((partition) => this.#owners[partition] !== next[partition]))
    for (const [partition, life] of next.entries()) {
      if (life === undefined || this.#owners[partition] === life) continue
      this.#owners[partition] = life
      const { offset, metadata } = this.#storedOf(partition)
      const at = this.#logOf(partition).findIndex(({ record }) => record.offset >= (offset ?? 0n))
      life.positions.set(partition, at === -1 ? this.#logOf(partition).length : at)
      // As the source does: what was paused before is not paused in a new assignment.
      life.road.paused.delete(partition)
      life.road.assign(partition, offset, metadata)
    }
    for (const { road, witness } of this.#lives) {
      witness.quietUntilMs = 0
      road.bridge.rejoined()
    }
  }

  /** Partitions go from whoever has them. */
  #lose(partitions: readonly number[]): void {
    for (const life of this.#lives) {
      const lost = partitions.filter((partition) => this.#owners[partition] === life)
      for (const partition of lost) {
        this.#owners[partition] = undefined
        life.positions.delete(partition)
      }
      if (lost.length === 0) continue
      life.road.bridge.revoked(lost.map((partition) => ({ topic: TOPIC, partition })))
      for (const { events } of life.road.out)
        if (!events.some(({ partition, offset }) => life.witness.isOut(partition, offset)))
          life.witness.broken.push('a call is not taken back whose partition has gone')
    }
  }

  #stop(life: Life | undefined, by: 'lever' | 'signal'): void {
    if (life === undefined || life.draining) return
    life.draining = life.witness.stopping = true
    life.witness.silence.add('it is draining')
    const { bridge, source, reporter, clock, deadLetters } = life.road
    const journal = life.witness.hear.bind(life.witness)
    const parts = { bridge, source, reporter, clock, journal, graceMs: GRACE_MS }
    const drain = new Drain({ ...parts, ...(this.#options.deadLetters && { deadLetters }) })
    void (by === 'lever' ? drain.byLever() : drain.bySignal()).then(() => {
      this.#forget(life)
    })
  }

  async #advance(ms: number): Promise<void> {
    this.#nowMs += ms
    for (const { road } of [...this.#lives]) await road.clock.advance(this.#nowMs - road.clock.nowMs())
  }

  #hold(): void {
    const broken = this.#witnesses.flatMap((witness) => witness.broken)
    if (broken.length > 0) throw new Error([...new Set(broken)].slice(0, 5).join('\n'))
  }
}

function picked<T>(from: readonly T[], pick: number): T | undefined {
  return from[pick % from.length]
}
