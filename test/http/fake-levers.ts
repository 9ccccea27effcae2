/** Levers that take down every pull. */
import type { Hand, Levers } from '../../src/core/seams.ts'

export class FakeLevers implements Levers {
  readonly pulls: (readonly [lever: string, hand: Hand, workId?: string])[] = []
  drained: Promise<void> = Promise.resolve()

  pause(hand: Hand): void {
    this.pulls.push(['pause', hand])
  }

  resume(hand: Hand): void {
    this.pulls.push(['resume', hand])
  }

  settle(workId: string, hand: Hand): 'settled' | 'unknown' {
    this.pulls.push(['settle', hand, workId])
    return workId === 'unknown' ? 'unknown' : 'settled'
  }

  async drain(hand: Hand): Promise<void> {
    this.pulls.push(['drain', hand])
    return this.drained
  }
}
