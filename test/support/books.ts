/**
 * The books of the road without its edges: what the core decides is applied as bridge.ts does, and every work is held
 * to its laws at each step. A law that is broken throws, with the history of the work.
 */
import assert from 'node:assert/strict'
import type { Answer } from '../../src/core/answer.ts'
import type { DeadLetter } from '../../src/core/dead-letter.ts'
import type { Step } from '../../src/core/effects.ts'
import { buried, letGo, told } from '../../src/core/ending.ts'
import { InHand } from '../../src/core/in-hand.ts'
import type { Ending } from '../../src/core/journal.ts'
import { Ledger } from '../../src/core/ledger.ts'
import type { KafkaRecord } from '../../src/core/record.ts'
import type { Report, Told } from '../../src/core/report.ts'
import type { Reported } from '../../src/core/reported.ts'
import { reported } from '../../src/core/reported.ts'
import type { Moment } from '../../src/core/seams.ts'
import type { Work, WorkPolicy, WorkReport } from '../../src/core/work.ts'
import { answered, begin, hasEnded, newWork, taken, wakeUp } from '../../src/core/work.ts'

export const TOPIC = 'xzepr.dev.events'

export const POLICY: WorkPolicy = {
  attemptsMax: 2,
  retryInitialMs: 500,
  retryMaxMs: 60_000,
  leaseMs: 300_000,
  lifecycle: 'explicit',
  deadLetters: false,
}

export function recordOf(change: Partial<KafkaRecord> = {}): KafkaRecord {
  return { topic: TOPIC, partition: 0, offset: 0n, timestampMs: 0, key: null, value: null, headers: [], ...change }
}

export interface WorkOf {
  readonly id?: string
  readonly orderLane?: string | undefined
  readonly ledger?: Ledger
  readonly serial?: number
  readonly valueBytes?: number
}

let serials = 0

/** A work of a record that was received into its ledger. */
export function workOf({
  id = 'w',
  orderLane,
  ledger = ledgerOf(0),
  serial = ++serials,
  valueBytes = 0,
}: WorkOf): Work {
  const entry = ledger.receive(ledger.next ?? 0n)
  if (entry === undefined) throw new Error('the ledger takes nothing')
  const { topic, partition } = ledger
  const record = recordOf({ topic, partition, offset: entry.offset, value: new Uint8Array(valueBytes) })
  const event = {
    id,
    type: 'deployment.success',
    platformId: 'linux',
    contentType: 'application/json',
    traceparent: '',
    attributes: undefined,
  }
  return newWork({ serial, event, ledger, entry, record, orderLane, receivedAtMs: 0 })
}

export function ledgerOf(partition: number): Ledger {
  return new Ledger({ topic: TOPIC, partition }, undefined)
}

/** What happened to one work so far. */
interface History {
  sends: number
  aways: number
  ends: number
  forgotten: boolean
  /** An operator let go of it. */
  letGo: boolean
  /** Attempts from before it was taken in. */
  readonly known: number
  readonly letters: DeadLetter[]
  ending: Ending | undefined
  readonly tells: WorkReport[]
  readonly details: Map<WorkReport, Readonly<Record<string, unknown>>>
  readonly notes: string[]
  readonly inputs: string[]
}

export class Books {
  readonly inHand: InHand
  readonly policy: WorkPolicy
  readonly wakes = new Map<Work, number>()
  readonly out = new Set<Work>()
  /** Reports that XZepr does not have yet. */
  readonly owed: { readonly work: Work; readonly report: WorkReport }[] = []
  /** Works whose dead letter is not written yet. */
  readonly unwritten = new Set<Work>()
  readonly #histories = new Map<Work, History>()
  nowMs = 1_000_000
  chance = 0.5
  /** Steps that were held to the laws before are played again without. */
  replaying = false

  constructor(policy: Partial<WorkPolicy> = {}, inHand?: InHand) {
    this.policy = { ...POLICY, ...policy }
    this.inHand =
      inHand ?? new InHand({ maxInFlight: 64, maxRunning: 10_000, maxBufferedBytes: 1 << 25, maxReports: 10_000 }, 1)
  }

  take(of: WorkOf): Work {
    const work = workOf(of)
    this.#histories.set(work, {
      sends: 0,
      aways: 0,
      ends: 0,
      forgotten: false,
      letGo: false,
      known: work.entry.attempts,
      letters: [],
      ending: undefined,
      tells: [],
      details: new Map(),
      notes: [],
      inputs: [],
    })
    this.inHand.take(work)
    this.#input(work, 'taken', () => taken(work, this.policy, this.#moment))
    return work
  }

  historyOf(work: Work): History {
    const history = this.#histories.get(work)
    if (history === undefined) throw new Error('the work never came this way')
    return history
  }

  begin(work: Work, probe = false): void {
    this.#input(work, probe ? 'probe' : 'begin', () => begin(work, probe, this.policy, this.#moment))
  }

  answer(work: Work, answer: Answer): void {
    this.out.delete(work)
    if (answer.kind === 'away' && !hasEnded(work)) this.historyOf(work).aways += 1
    this.#input(work, answer.kind, () => answered(work, answer, this.policy, this.#moment))
  }

  report(work: Work, report: Report): Reported {
    let outcome: Reported | undefined
    this.#input(work, `report ${report.kind}`, () => {
      outcome = reported(work, report, this.policy, this.#moment)
      return outcome.kind === 'held' ? outcome.steps : []
    })
    if (outcome === undefined) throw new Error('unreachable')
    return outcome
  }

  wake(work: Work): void {
    const atMs = this.wakes.get(work)
    if (atMs === undefined) throw new Error('nobody asked to be woken')
    this.nowMs = Math.max(this.nowMs, atMs)
    this.wakes.delete(work)
    this.#input(work, 'wake', () => wakeUp(work, this.policy, this.#moment))
  }

  /** XZepr has the report that this work has owed longest, or it is given up. */
  tell(work: Work, outcome: Told = { kind: 'stored', eventId: 'e' }): void {
    const at = this.owed.findIndex((each) => each.work === work)
    const [each] = this.owed.splice(at, 1)
    if (at === -1 || each === undefined) throw new Error('nothing is owed')
    this.#input(work, `told ${outcome.kind}`, () => told(work, each.report, outcome, this.policy))
  }

  /** Its dead letter is written. */
  bury(work: Work): void {
    if (!this.unwritten.delete(work)) throw new Error('no letter is owed')
    this.#input(work, 'buried', () => buried(work))
  }

  /** An operator lets go of it. */
  letGo(work: Work): void {
    this.out.delete(work)
    this.historyOf(work).letGo = true
    this.#input(work, 'let go', () => letGo(work, 'by hand'))
  }

  owes(work: Work): boolean {
    return this.owed.some((each) => each.work === work)
  }

  drop(ledger: Ledger): Work[] {
    ledger.close()
    const works = this.inHand.drop([ledger])
    for (const work of works) {
      this.wakes.delete(work)
      this.out.delete(work)
    }
    return works
  }

  /** What a willing app and a willing XZepr do until nothing is left to do about a work. */
  finish(work: Work): void {
    for (let turn = 0; turn < 20 && this.inHand.registry.has(work); turn++) {
      if (this.out.has(work)) this.answer(work, { kind: 'done', why: '200' })
      else if (this.owes(work)) this.tell(work)
      else if (this.unwritten.has(work)) this.bury(work)
      else if (work.state.name === 'running')
        this.report(work, { kind: 'completed', success: true, details: new Map() })
      else if (this.wakes.has(work)) this.wake(work)
      else if (work.state.name === 'waiting' && this.inHand.line.next === work) this.begin(work)
    }
    assert.equal(this.inHand.registry.has(work), false, `it can always end: ${this.historyOf(work).inputs.join(', ')}`)
  }

  get #moment(): Moment {
    return { nowMs: this.nowMs, chance: this.chance }
  }

  #input(work: Work, name: string, decide: () => readonly Step[]): void {
    const history = this.historyOf(work)
    history.inputs.push(name)
    const { state } = work
    const ended = hasEnded(work)
    try {
      for (const step of decide()) this.#carryOut(work, history, step)
      if (ended) assert.equal(work.state, state, 'an ending is for ever')
      if (!this.replaying) this.#hold(work)
    } catch (cause) {
      throw new Error(`after ${history.inputs.join(', ')}: ${String(cause)}`, { cause })
    }
  }

  #carryOut(work: Work, history: History, step: Step): void {
    if (step.kind === 'note') {
      history.notes.push(step.entry.name)
      return
    }
    assert.equal(step.work, work)
    assert.ok(!history.forgotten, `nothing follows forget, but ${step.kind}`)
    switch (step.kind) {
      case 'send':
        assert.ok(work.state.name === 'attempting' && !this.out.has(work) && work.record !== undefined)
        history.sends += 1
        this.out.add(work)
        this.inHand.line.step(work)
        break
      case 'tell': {
        assert.equal(history.ending, undefined, 'nothing is told after it settled')
        history.tells.push(step.report)
        const details = [...step.details].map(([name, json]) => [name, JSON.parse(json) as unknown])
        history.details.set(step.report, Object.fromEntries(details) as Record<string, unknown>)
        this.owed.push(step)
        break
      }
      case 'wake':
        if (step.atMs === undefined) this.wakes.delete(work)
        else this.wakes.set(work, step.atMs)
        break
      case 'settle':
        assert.equal(history.ending, undefined, 'it settles once')
        assert.equal(step.ending, work.state.name)
        assert.ok(hasEnded(work))
        assert.ok(
          history.letGo || (!this.owes(work) && !this.unwritten.has(work)),
          'it settles when nothing is owed, or by hand',
        )
        history.ending = step.ending
        work.ledger.settle(work.entry)
        break
      case 'bury':
        assert.equal(history.ending, undefined, 'a letter is written before the offset moves')
        assert.ok(this.policy.deadLetters && history.letters.length === 0, 'at most one letter')
        assert.equal(step.letter.record, work.record, 'it holds the record')
        history.letters.push(step.letter)
        this.unwritten.add(work)
        break
      case 'forget':
        assert.ok(!this.out.has(work) && history.ending !== undefined, 'forgotten when settled and no call is out')
        history.forgotten = true
        this.inHand.book(step)
        break
      default:
        if (step.kind === 'end') history.ends += 1
        this.inHand.book(step)
    }
  }

  /** What is true of a work after every step. */
  #hold(work: Work): void {
    const history = this.historyOf(work)
    const { state, reports } = work
    const { attempts } = work.entry
    const { inHand, policy } = this
    assert.equal(history.ends, hasEnded(work) ? 1 : 0, 'exactly one ending')
    assert.equal(work.callOut, this.out.has(work), 'the call is out')
    assert.ok(work.callOut || state.name !== 'attempting')
    assert.equal(attempts, history.known + history.sends - history.aways, 'away burns no attempt')
    assert.ok(policy.attemptsMax === 0 || attempts <= policy.attemptsMax, 'attempts have an end')
    const released = policy.deadLetters ? work.settled : hasEnded(work)
    assert.equal(work.record === undefined, released, 'the bytes are let go when nobody can need them')
    const statuses = reports.map(({ status }) => status).join()
    assert.ok(/^(started)?(,?\b(completed|failed))?$/.test(statuses), 'started first, one ending, each status once')
    assert.ok(history.tells.length === reports.length && history.tells.every((told, at) => told === reports[at]))
    const due = state.name === 'resting' ? state.untilMs : state.name === 'running' ? state.leaseEndsAtMs : undefined
    assert.equal(this.wakes.get(work), due, 'who rests or runs is woken')
    assert.equal(work.settled, history.ending !== undefined)
    assert.equal(work.entry.settled, work.settled, 'the offset settles with its work')
    assert.equal(inHand.registry.has(work), !history.forgotten)
    assert.equal(history.forgotten, work.settled && !work.callOut, 'settled and no call out: nothing is left of it')
  }
}
