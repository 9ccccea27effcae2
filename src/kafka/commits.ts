/**
 * Commits, one at a time, under the membership they belong to.
 *
 * The broker checks the member and the generation and never the ownership: a member may commit for a partition it has
 * just lost, and undo its new reader's progress. So each commit is held against the holding it was asked for at the
 * very moment it is sent (the generation is read in the same synchronous step), and none is ever repeated from here:
 * KafkaJS's own retrying commit would repeat it under the next generation. Each has an end, counted from when it was
 * asked for; one that was given up on is not sent any more, for it would then undo a later one.
 */
import { partitionName } from '../core/record.ts'
import type { TopicPartition } from '../core/record.ts'
import type { Clock, Commit, CommitOutcome } from '../core/seams.ts'
import type { Held } from './assignment.ts'
import type { CommitAnswers, TopicCommits } from './offset-commit.ts'
import type { Waits } from './wait.ts'

/** More than the road ever has waiting: its own commits wait for each other. */
const MAX_WAITING = 16

export interface CommitsNeeds {
  readonly clock: Clock
  readonly waits: Waits
  /** How long after it was asked for a commit has its outcome. */
  readonly boundMs: number
  readonly holding: (partition: TopicPartition) => Held | undefined
  /** Sends one request under the membership of that moment, unless it is wanted no more when it could go out. */
  readonly send: (topics: readonly TopicCommits[], wanted: () => boolean) => Promise<CommitAnswers>
}

interface Asked {
  readonly commit: Commit
  readonly held: Held | undefined
}

export class Commits {
  readonly #needs: CommitsNeeds
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(needs: CommitsNeeds) {
    this.#needs = needs
  }

  /** @returns an outcome for each, in order. Never rejects. */
  async commit(commits: readonly Commit[]): Promise<readonly CommitOutcome[]> {
    if (this.#waiting >= MAX_WAITING) return refuseAll(commits, 'too many commits are waiting for Kafka')
    const asked = commits.map((commit): Asked => ({ commit, held: this.#needs.holding(commit) }))
    const untilMs = this.#needs.clock.nowMs() + this.#needs.boundMs
    this.#waiting += 1
    const outcomes = this.#last.then(() => this.#sendAsked(asked, untilMs))
    this.#last = outcomes
    try {
      return await outcomes
    } finally {
      this.#waiting -= 1
    }
  }

  async #sendAsked(asked: readonly Asked[], untilMs: number): Promise<readonly CommitOutcome[]> {
    const { holding } = this.#needs
    const ours = asked.filter(({ commit, held }) => held !== undefined && holding(commit) === held)
    const answered = await this.#sent(
      ours.map(({ commit }) => commit),
      untilMs,
    )
    return asked.map((each) => {
      const outcome = answered[ours.indexOf(each)]
      return outcome ?? refused('the partition is no longer ours')
    })
  }

  async #sent(commits: readonly Commit[], untilMs: number): Promise<readonly CommitOutcome[]> {
    const { clock, waits, send } = this.#needs
    const leftMs = untilMs - clock.nowMs()
    if (commits.length === 0) return []
    if (leftMs <= 0) return refuseAll(commits, LATE)
    let wanted = true
    try {
      const answers = await waits.within(
        leftMs,
        send(byTopic(commits), () => wanted),
      )
      return answers === undefined ? refuseAll(commits, LATE) : commits.map((commit) => outcomeOf(commit, answers))
    } catch (error) {
      return refuseAll(commits, whyRefused(error))
    } finally {
      wanted = false
    }
  }
}

const LATE = 'Kafka has not answered in time'

function byTopic(commits: readonly Commit[]): TopicCommits[] {
  const topics = new Map<string, TopicCommits>()
  for (const { topic, partition, offset, metadata } of commits) {
    const entry = topics.get(topic) ?? { topic, partitions: [] }
    topics.set(topic, entry)
    entry.partitions.push({ partition, offset: String(offset), metadata })
  }
  return [...topics.values()]
}

function outcomeOf(partition: TopicPartition, answers: CommitAnswers): CommitOutcome {
  const name = partitionName(partition)
  if (!answers.has(name)) return refused('Kafka’s answer says nothing of the partition')
  const error = answers.get(name)
  return error === undefined ? { kind: 'committed' } : refused(whyRefused(error))
}

export function refuseAll(commits: readonly Commit[], why: string): readonly CommitOutcome[] {
  return commits.map(() => refused(why))
}

function refused(why: string): CommitOutcome {
  return { kind: 'refused', why }
}

function whyRefused(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { type } = error as { type?: unknown }
  return typeof type === 'string' ? `${type}: ${error.message}` : error.message
}
