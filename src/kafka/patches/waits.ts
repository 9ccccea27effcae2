/**
 * How long KafkaJS waits before it reads on, so that a partition that is resumed is read at once.
 *
 * ```
 *   nothing to read from a broker ──▶ until something is resumed, at most maxWait       (KafkaJS: always maxWait)
 *   others of ours are paused ──────▶ a fetch waits little at first, and longer the longer nothing changes
 *   nothing is paused ──────────────▶ a fetch waits maxWait
 * ```
 *
 * A fetch that is out cannot be told of a partition that was resumed meanwhile, and one broker answers one at a time. So
 * a partition with a backlog, paused and resumed many times a second, would stand still for maxWait each time that the
 * others have nothing new; and the larger maxWait, the larger a stock it would need to bridge that.
 */

/** What of a KafkaJS consumer group is used. */
export interface Group {
  maxWaitTime: number
  readonly subscriptionState: {
    active(): readonly TopicPartitions[]
    paused(): readonly TopicPartitions[]
  }
  filterPartitionsByNode(nodeId: string, partitions: readonly TopicPartitions[]): readonly TopicPartitions[]
}
interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}
interface Fetched {
  isEmpty(): boolean
}
export interface GroupMethods {
  readonly fetch: (this: Group, nodeId: string) => Promise<readonly Fetched[]>
  readonly pause: (this: Group, partitions: readonly TopicPartitions[]) => void
  readonly resume: (this: Group, partitions: readonly TopicPartitions[]) => void
}

/** While something is paused: the first wait, and by how much the next is longer. Together they bound what a resume waits for. */
const FIRST_WAIT_MS = 10
const GROWTH = 1.25
/** The longest, however long nothing has changed: ten questions a second cost less than half a percent of a core. */
const LAST_WAIT_MS = 100

interface GroupWaits {
  readonly maxMs: number
  /** By broker, its next fetch's while something is paused; the first wait where nothing is said. */
  readonly nextMs: Map<string, number>
  /** How often anything was resumed. */
  resumes: number
  /** Fetchers that have nothing to read. */
  readonly sleepers: Set<() => void>
}

/** @returns the methods to put in the place of these. */
export function withQuickResume({ fetch, pause, resume }: GroupMethods): GroupMethods {
  const known = new WeakMap<Group, GroupWaits>()
  const waitsOf = (group: Group): GroupWaits => {
    let waits = known.get(group)
    if (waits === undefined) {
      waits = { maxMs: group.maxWaitTime, nextMs: new Map(), resumes: 0, sleepers: new Set() }
      known.set(group, waits)
    }
    return waits
  }

  return {
    async fetch(nodeId) {
      const waits = waitsOf(this)
      const { resumes, nextMs, maxMs } = waits
      const nextOf = (): number => nextMs.get(nodeId) ?? FIRST_WAIT_MS
      const idle = !isReadFrom(this, nodeId)
      const isPaused = this.subscriptionState.paused().some(({ partitions }) => partitions.length > 0)
      // With nothing to read KafkaJS sleeps for this long and cannot be woken: the sleep is here instead.
      this.maxWaitTime = idle ? 0 : isPaused ? Math.min(nextOf(), maxMs) : maxMs
      const batches = await fetch.call(this, nodeId)
      // What was resumed meanwhile was seen by nobody; what a new leader had was read all the same.
      if (idle && batches.length === 0 && waits.resumes === resumes) await sleep(waits)
      else if (!idle && isPaused && batches.every((batch) => batch.isEmpty())) {
        nextMs.set(nodeId, Math.min(nextOf() * GROWTH, LAST_WAIT_MS))
      }
      return batches
    },
    pause(partitions) {
      waitsOf(this).nextMs.clear()
      pause.call(this, partitions)
    },
    resume(partitions) {
      const waits = waitsOf(this)
      waits.nextMs.clear()
      waits.resumes += 1
      resume.call(this, partitions)
      for (const wake of [...waits.sleepers]) wake()
    },
  }
}

function isReadFrom(group: Group, nodeId: string): boolean {
  try {
    const here = group.filterPartitionsByNode(nodeId, group.subscriptionState.active())
    return here.some(({ partitions }) => partitions.length > 0)
  } catch {
    // Where the leaders are not known, the fetch itself finds out and says so.
    return true
  }
}

function sleep({ sleepers, maxMs }: GroupWaits): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer)
      sleepers.delete(wake)
      resolve()
    }
    // KafkaJS's sleep, which nothing but its own timers drives, with an end of its own.
    const timer = setTimeout(wake, maxMs)
    sleepers.add(wake)
  })
}
