/**
 * The levers: what a person may pull while the bridge runs, beside the road that knows nothing of persons.
 *
 *   pause, resume   nothing more is sent, works in hand may end     drain    nothing new, then the group is left
 *   settle          one work is let go of: nothing more is owed
 *
 * Each pull is said in the journal with who and why, the useless ones too.
 */
import type { Bridge } from './bridge.ts'
import type { Paused } from './core/hand.ts'
import { pausedSentence } from './core/hand.ts'
import type { Journal } from './core/journal.ts'
import { letGo } from './core/ending.ts'
import type { Clock, Hand, Levers } from './core/seams.ts'
import { coordinatesOf } from './core/work.ts'

export interface OperatorParts {
  readonly bridge: Pick<Bridge, 'pausedWhy' | 'inHand' | 'calls' | 'step'>
  readonly drain: { byLever(): Promise<void> }
  readonly clock: Clock
  readonly journal: Journal
}

export class Operator implements Levers {
  readonly #parts: OperatorParts
  #paused: Paused | undefined

  constructor(parts: OperatorParts) {
    this.#parts = parts
  }

  get paused(): Paused | undefined {
    return this.#paused
  }

  pause(hand: Hand): void {
    const { bridge, clock, journal } = this.#parts
    journal({ name: 'lever.paused', who: hand.who, why: hand.why })
    this.#paused = { ...hand, sinceMs: this.#paused?.sinceMs ?? clock.nowMs() }
    // What waits is simply not sent: nothing need be taken back.
    bridge.pausedWhy = pausedSentence(hand)
  }

  resume({ who, why }: Hand): void {
    const { bridge, journal } = this.#parts
    journal({ name: 'lever.resumed', who, why })
    this.#paused = undefined
    bridge.pausedWhy = undefined
    bridge.step()
  }

  settle(workId: string, { who, why }: Hand): 'settled' | 'unknown' {
    const { bridge, journal } = this.#parts
    const work = bridge.inHand.registry.find(workId)
    if (work === undefined || work.settled) return 'unknown'
    journal({ name: 'lever.settled', ...coordinatesOf(work), who, why })
    bridge.calls.abort(work)
    bridge.step(letGo(work, `let go of by ${who}`))
    return 'settled'
  }

  async drain({ who, why }: Hand): Promise<void> {
    const { drain, journal } = this.#parts
    journal({ name: 'lever.drain', who, why })
    return drain.byLever()
  }
}
