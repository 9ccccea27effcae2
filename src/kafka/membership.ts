/**
 * Our membership in the group, by member and generation, and what is said to the coordinator under it.
 *
 * KafkaJS hands its unretried commit only to a reader of a batch, and with it the batch's memory; its public one is
 * retried, under whatever generation is the next. What both send is known at the join: the coordinator, the member and
 * the generation. So the join is overheard here, and commits go out as one request each, bound to the generation that
 * was current when they were asked for. The broker refuses it when that one is over.
 *
 * KafkaJS looks for the coordinator before every join, so this is also the one place that can hold a join back.
 */

import { commitOffsets } from './offset-commit.ts'
import type { CommitAnswers, CommitBroker, OffsetCommit, TopicCommits } from './offset-commit.ts'

/** What is used of KafkaJS's broker and cluster, beyond what its types admit. */
interface Coordinator extends CommitBroker {
  readonly nodeId: string
  isConnected(): boolean
  joinGroup(request: unknown): Promise<{ readonly memberId: string; readonly generationId: number }>
  heartbeat(request: Member): Promise<unknown>
}
export interface Coordinated {
  findGroupCoordinator(of: { readonly groupId: string }): Promise<Coordinator>
  findBroker(node: { readonly nodeId: string }): Promise<Coordinator>
}

type Member = Omit<OffsetCommit, 'topics'>

export class Membership {
  readonly #groupId: string
  readonly #beforeJoin: () => Promise<void>
  readonly #overheard = new WeakSet<Coordinator>()
  #cluster: Coordinated | undefined
  #coordinator: Coordinator | undefined
  /** The latest answer to a join; ours only once the partitions are known. */
  #answered: Member | undefined
  #member: Member | undefined

  /** @param beforeJoin is awaited before each join. */
  constructor(groupId: string, beforeJoin: () => Promise<void>) {
    this.#groupId = groupId
    this.#beforeJoin = beforeJoin
  }

  /** Grows with every join of the group; 0 before the first. */
  get generation(): number {
    return this.#member?.groupGenerationId ?? 0
  }

  /** Listens to the joins of a consumer through its cluster. */
  listen(cluster: Coordinated): void {
    const find = cluster.findGroupCoordinator.bind(cluster)
    this.#cluster = cluster
    cluster.findGroupCoordinator = async (of) => {
      await this.#beforeJoin()
      this.#coordinator = await find(of)
      this.#overhear(this.#coordinator)
      return this.#coordinator
    }
  }

  /**
   * The partitions of the latest join are known. Not before: a commit under the new generation for a partition that
   * it takes away would be accepted, and undo what its next reader commits.
   * @returns whether this join follows directly on the last one, under the same name. Where it does not, the group was
   * without us, or shared its partitions out unheard by us: another may have read, worked and committed meanwhile.
   */
  joined(): boolean {
    const last = this.#member
    const now = this.#answered
    this.#member = now
    return last?.memberId === now?.memberId && last?.groupGenerationId === (now?.groupGenerationId ?? 0) - 1
  }

  /**
   * One request, never repeated. The generation is read before anything is awaited.
   * @param wanted is asked once more when the coordinator has been reached: that may take longer than anyone waits.
   */
  async commit(topics: readonly TopicCommits[], wanted: () => boolean): Promise<CommitAnswers> {
    const member = this.#member
    if (member === undefined) throw new Error('not a member of the group')
    const coordinator = await this.#connected()
    if (!wanted()) throw new Error('the commit was given up before the coordinator was reached')
    return commitOffsets(coordinator, { ...member, topics })
  }

  /** Says that we are there. While the group rejoins the answer is an error by design, and counts all the same. */
  async beat(): Promise<void> {
    const member = this.#member
    if (member !== undefined) await (await this.#connected()).heartbeat(member)
  }

  async #connected(): Promise<Coordinator> {
    if (this.#coordinator === undefined || this.#cluster === undefined) throw new Error('no coordinator was found yet')
    if (!this.#coordinator.isConnected()) this.#coordinator = await this.#cluster.findBroker(this.#coordinator)
    return this.#coordinator
  }

  #overhear(coordinator: Coordinator): void {
    if (this.#overheard.has(coordinator)) return
    this.#overheard.add(coordinator)
    const join = coordinator.joinGroup.bind(coordinator)
    coordinator.joinGroup = async (request) => {
      const answer = await join(request)
      const { memberId, generationId } = answer
      this.#answered = { groupId: this.#groupId, memberId, groupGenerationId: generationId }
      return answer
    }
  }
}
