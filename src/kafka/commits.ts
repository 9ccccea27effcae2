/**
 * Commits, one at a time, under the membership they belong to.
 *
 * The broker checks the member and the generation and never the ownership: a member may commit for a partition it has
 * just lost, and undo its new reader's progress. So each commit is held against the holding it was asked for at the
 * very moment it is sent (the generation is read in the same synchronous step), and none is ever repeated from here:
 * KafkaJS's own retrying commit would repeat it under the next generation.
 */
import type { TopicPartition } from '../core/record.ts'
import type { Commit, CommitOutcome } from '../core/seams.ts'
import type { Held } from './assignment.ts'
import type { TopicCommits } from './membership.ts'

/** More than the road ever has waiting: its own commits wait for each other. */
const MAX_WAITING = 16

export class Commits {
  readonly #holding: (partition: TopicPartition) => Held | undefined
  readonly #send: (topics: readonly TopicCommits[]) => Promise<void>
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** @param send sends one request under the membership of that moment. */
  constructor(
    holding: (partition: TopicPartition) => Held | undefined,
    send: (topics: readonly TopicCommits[]) => Promise<void>,
  ) {
    this.#holding = holding
    this.#send = send
  }

  async commit(commits: readonly Commit[]): Promise<CommitOutcome> {
    if (this.#waiting >= MAX_WAITING) return refused('too many commits are waiting for Kafka')
    const asked = commits.map((commit) => ({ commit, held: this.#holding(commit) }))
    this.#waiting += 1
    const outcome = this.#last.then(() => this.#sendAsked(asked))
    this.#last = outcome
    try {
      return await outcome
    } finally {
      this.#waiting -= 1
    }
  }

  async #sendAsked(
    asked: readonly { readonly commit: Commit; readonly held: Held | undefined }[],
  ): Promise<CommitOutcome> {
    const ours = asked.filter(({ commit, held }) => held !== undefined && this.#holding(commit) === held)
    if (ours.length === 0) return refused('the partitions are no longer ours')
    try {
      await this.#send(byTopic(ours.map(({ commit }) => commit)))
      return { kind: 'committed' }
    } catch (error) {
      return refused(whyRefused(error))
    }
  }
}

function byTopic(commits: readonly Commit[]): TopicCommits[] {
  const topics = new Map<string, TopicCommits>()
  for (const { topic, partition, offset, metadata } of commits) {
    const entry = topics.get(topic) ?? { topic, partitions: [] }
    topics.set(topic, entry)
    entry.partitions.push({ partition, offset: String(offset), metadata })
  }
  return [...topics.values()]
}

function refused(why: string): CommitOutcome {
  return { kind: 'refused', why }
}

function whyRefused(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { type } = error as { type?: unknown }
  return typeof type === 'string' ? `${type}: ${error.message}` : error.message
}
