/**
 * What an earlier reader left behind about a partition: what it had settled beyond the committed offset, and how often it
 * had attempted the rest.
 *
 * It is used up as the records come again, in the order of their offsets. What has not come yet is passed on with the
 * next commit, so that a second crash forgets nothing.
 */
import type { AttemptStep, OffsetMap, Run } from './offset-map.ts'

export class Known {
  #runs: readonly Run[]
  #runsUsed = 0
  #steps: readonly AttemptStep[]
  #stepsUsed = 0
  #attempts = 0
  #end: bigint

  constructor({ settled, attempts }: OffsetMap) {
    this.#runs = settled
    this.#steps = attempts
    this.#end = endOf({ settled, attempts })
  }

  /** The offset after the last that it had settled or attempted; 0 where it had done nothing. */
  get end(): bigint {
    return this.#end
  }

  /**
   * What it settled beyond the end of the log was settled in another log: nothing of it holds here.
   * @returns whether that is so.
   */
  see(highWatermark: bigint): boolean {
    const last = this.#runs.at(-1)
    if (last === undefined || last.to <= highWatermark) return false
    this.#runs = []
    this.#runsUsed = 0
    this.#steps = []
    this.#stepsUsed = 0
    this.#attempts = 0
    this.#end = 0n
    return true
  }

  /** The end of what it settled from here on without a gap; `next` itself where it settled nothing. */
  settledTo(next: bigint): bigint {
    let to = next
    for (let run = this.#runs[this.#runsUsed]; run !== undefined && run.from <= to; run = this.#runs[this.#runsUsed]) {
      this.#runsUsed += 1
      if (run.to > to) to = run.to
    }
    return to
  }

  /** How often it had attempted what stands here, if it had not settled it. */
  attemptsAt(offset: bigint): number {
    for (
      let step = this.#steps[this.#stepsUsed];
      step !== undefined && step.from <= offset;
      step = this.#steps[this.#stepsUsed]
    ) {
      this.#attempts = step.attempts
      this.#stepsUsed += 1
    }
    return this.#attempts
  }

  /** What was not used up. */
  get left(): OffsetMap {
    return { settled: this.#runs.slice(this.#runsUsed), attempts: this.#steps.slice(this.#stepsUsed) }
  }
}

function endOf({ settled, attempts }: OffsetMap): bigint {
  const settledTo = settled.at(-1)?.to ?? 0n
  const last = attempts.at(-1) ?? { from: 0n, attempts: 0 }
  const attemptedTo = last.attempts > 0 ? last.from + 1n : last.from
  return attemptedTo > settledTo ? attemptedTo : settledTo
}

export const NOTHING_KNOWN: OffsetMap = { settled: [], attempts: [] }
