/**
 * A source on the in-memory log: one member of a group, reading what it is assigned.
 *
 *   fetch ─▶ in flight ─▶ received ─▶ fetch …      a fetch and its arrival are two wakes of the clock, so a batch that
 *                                                  was in flight when its partition was paused still arrives
 *
 * A position moves only when a batch is handed over: what is in flight when the group rejoins is fetched again, and a
 * partition that is kept sees no record twice. A new group begins at the earliest record, or, with `latest`, at the end,
 * which is committed at once, so that what comes before the first commit of the road is not skipped on a rejoin.
 */
import type { TopicPartition } from '../../core/record.ts'
import { partitionName } from '../../core/record.ts'
import type { Batch, Clock, Commit, CommitOutcome, Source, SourceEvents, SourceHealth, Wake } from '../../core/seams.ts'
import type { Member, MemoryGroup } from './group.ts'
import type { MemoryPartition } from './partition.ts'

export interface MemorySourceOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  /** Where a group without offsets begins. */
  readonly startFrom: 'earliest' | 'latest'
  /** How long a rejoin waits for the road to drain. */
  readonly drainTimeoutMs?: number
  /** After how long the group misses a member that crashed. */
  readonly sessionTimeoutMs?: number
  readonly maxBatchRecords?: number
}

/** What a source needs from its log. */
export interface Shelf {
  readonly clock: Clock
  readonly group: MemoryGroup
  readonly partition: (name: TopicPartition) => MemoryPartition | undefined
  /** Why the log cannot be reached just now; undefined when it can. */
  readonly away: () => string | undefined
  /** Is told of sources that want to hear when there is something new. */
  readonly readers: Set<MemorySource>
}

interface Reading {
  readonly name: TopicPartition
  readonly log: MemoryPartition
  position: bigint
  paused: boolean
}

export class MemorySource implements Source, Member {
  readonly id: string
  readonly topics: readonly string[]
  readonly #shelf: Shelf
  readonly #options: MemorySourceOptions
  readonly #readings = new Map<string, Reading>()
  #events: SourceEvents | undefined
  #generation = 0
  #joined = false
  #stopped = false
  #preparing = false
  #fetch: Wake | undefined
  #fetchedAtMs: number | undefined
  #lost: () => void = () => undefined

  constructor(id: string, shelf: Shelf, options: MemorySourceOptions) {
    this.id = id
    this.#shelf = shelf
    this.#options = options
    this.topics = options.topics
  }

  async start(events: SourceEvents): Promise<void> {
    if (this.#stopped) return
    this.#events = events
    this.#shelf.readers.add(this)
    this.#shelf.group.join(this)
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#setPaused(partition, true)
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#setPaused(partition, false)
    this.look()
  }

  async commit(commits: readonly Commit[]): Promise<readonly CommitOutcome[]> {
    const { clock, group, away } = this.#shelf
    const generation = this.#generation
    return new Promise((resolve) => {
      clock.wake(clock.nowMs(), () => {
        const why = this.#events === undefined ? 'the source has stopped' : away()
        const refuse = (reason: string): CommitOutcome[] => commits.map(() => ({ kind: 'refused', why: reason }))
        resolve(why === undefined ? group.commit(this, generation, commits) : refuse(why))
      })
    })
  }

  health(): SourceHealth {
    return {
      joined: this.#joined,
      partitions: this.#readings.size,
      fetchedAtMs: this.#fetchedAtMs,
      problem: this.#shelf.away(),
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#end()
    this.#shelf.group.leave(this)
    this.#lost()
  }

  /** Vanishes as a killed process does: nothing is told, and the group misses it only when its session is over. */
  crash(): void {
    this.#end()
    const { clock, group } = this.#shelf
    clock.wake(clock.nowMs() + (this.#options.sessionTimeoutMs ?? 10_000), () => {
      group.leave(this)
      this.#lost()
    })
  }

  /** There may be something new. */
  look(): void {
    if (this.#events === undefined || this.#preparing || this.#fetch !== undefined) return
    const { clock } = this.#shelf
    this.#fetch = clock.wake(clock.nowMs(), () => {
      const batches = this.#fetched()
      if (batches.length === 0) this.#fetch = undefined
      else
        this.#fetch = clock.wake(clock.nowMs(), () => {
          this.#arrive(batches)
        })
    })
  }

  async prepare(): Promise<void> {
    this.#preparing = true
    this.#fetch?.cancel()
    this.#fetch = undefined
    const lost = new Promise<void>((resolve) => (this.#lost = resolve))
    const { clock } = this.#shelf
    // A member that crashed answers nothing: the group waits until its session is over.
    if (!this.#alive()) return lost
    if (this.#readings.size === 0) return
    let bound: Wake | undefined
    const patience = new Promise<void>((resolve) => {
      bound = clock.wake(clock.nowMs() + (this.#options.drainTimeoutMs ?? 5000), resolve)
    })
    await Promise.race([this.#events?.drain(), patience, lost])
    bound?.cancel()
    // Crashed while it drained.
    if (!this.#alive()) await lost
  }

  assign(generation: number, partitions: readonly TopicPartition[]): void {
    if (this.#events === undefined) return
    this.#generation = generation
    this.#joined = true
    this.#preparing = false
    const now = new Set(partitions.map(partitionName))
    this.#revoke([...this.#readings.values()].filter(({ name }) => !now.has(partitionName(name))))
    for (const name of partitions) if (!this.#readings.has(partitionName(name))) this.#take(name)
    this.#events.rejoined()
    this.look()
  }

  #take(name: TopicPartition): void {
    const log = this.#shelf.partition(name)
    if (log === undefined) return
    const { group } = this.#shelf
    if (group.committed(name) === undefined && this.#options.startFrom === 'latest') {
      group.commit(this, this.#generation, [{ ...name, offset: log.end, metadata: '' }])
    }
    const committed = group.committed(name)
    this.#readings.set(partitionName(name), { name, log, position: committed?.offset ?? log.start, paused: false })
    this.#events?.assigned(name, committed?.offset, committed?.metadata ?? '')
  }

  #revoke(gone: readonly Reading[]): void {
    const names = gone.map(({ name }) => name)
    for (const name of names) this.#readings.delete(partitionName(name))
    if (names.length > 0) this.#events?.revoked(names)
  }

  #setPaused(partition: TopicPartition, paused: boolean): void {
    const reading = this.#readings.get(partitionName(partition))
    if (reading !== undefined) reading.paused = paused
  }

  #fetched(): [Reading, Batch][] {
    if (this.#shelf.away() !== undefined) return []
    this.#fetchedAtMs = this.#shelf.clock.nowMs()
    const batches: [Reading, Batch][] = []
    // The topic was deleted and made again: other records stand at the same offsets.
    const anew = [...this.#readings.values()].filter(({ name, log }) => {
      const there = this.#shelf.partition(name)
      return there !== undefined && there !== log
    })
    this.#revoke(anew)
    for (const { name } of anew) this.#take(name)
    for (const reading of this.#readings.values()) {
      if (reading.paused) continue
      const batch = reading.log.read(reading.position, this.#options.maxBatchRecords ?? 500)
      if (batch !== undefined) batches.push([reading, batch])
    }
    return batches
  }

  #arrive(batches: readonly [Reading, Batch][]): void {
    this.#fetch = undefined
    for (const [reading, batch] of batches) {
      // A listener may have stopped us, or the log may have been made anew, since the batch before.
      if (this.#events === undefined || this.#readings.get(partitionName(reading.name)) !== reading) continue
      reading.position = batch.nextOffset
      this.#events.received(batch)
    }
    this.look()
  }

  #alive(): boolean {
    return this.#events !== undefined
  }

  #end(): void {
    this.#events = undefined
    this.#joined = false
    this.#fetch?.cancel()
    this.#fetch = undefined
    this.#readings.clear()
    this.#shelf.readers.delete(this)
  }
}
