import t from 'tap'
import { withQuickResume } from '../../src/kafka/patches/waits.ts'
import type { Group, GroupMethods } from '../../src/kafka/patches/waits.ts'

const MAX_WAIT_MS = 60_000

/** A consumer group of one topic, whose fetches are seen by how long each would wait. */
class OneTopic implements Group {
  maxWaitTime = MAX_WAIT_MS
  readonly waitsMs: number[] = []
  readonly #methods: GroupMethods
  /** By partition: whose broker it is. */
  readonly #leaders: Readonly<Record<number, string>>
  readonly #paused = new Set<number>()
  #answers: readonly boolean[] = []

  constructor(leaders: Readonly<Record<number, string>>) {
    const { waitsMs } = this
    const answers = (): readonly boolean[] => this.#answers
    this.#leaders = leaders
    this.#methods = withQuickResume({
      async fetch() {
        waitsMs.push(this.maxWaitTime)
        return answers().map((isEmpty) => ({ isEmpty: () => isEmpty }))
      },
      pause: ([named]) => {
        for (const partition of named?.partitions ?? []) this.#paused.add(partition)
      },
      resume: ([named]) => {
        for (const partition of named?.partitions ?? []) this.#paused.delete(partition)
      },
    })
  }

  get subscriptionState(): Group['subscriptionState'] {
    const all = Object.keys(this.#leaders).map(Number)
    return {
      active: () => [{ topic: 't', partitions: all.filter((each) => !this.#paused.has(each)) }],
      paused: () => [{ topic: 't', partitions: [...this.#paused] }],
    }
  }

  filterPartitionsByNode: Group['filterPartitionsByNode'] = (nodeId, topics) =>
    topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.filter((each) => this.#leaders[each] === nodeId),
    }))

  /** @param answers for each partition of the answer, whether it is empty. */
  fetch(nodeId: string, answers: readonly boolean[] = []): Promise<unknown> {
    this.#answers = answers
    return this.#methods.fetch.call(this, nodeId)
  }

  pause(partition: number): void {
    this.#methods.pause.call(this, [{ topic: 't', partitions: [partition] }])
  }

  resume(partition: number): void {
    this.#methods.resume.call(this, [{ topic: 't', partitions: [partition] }])
  }
}

void t.test('with nothing paused a fetch waits as long as it is set to', async (t) => {
  const group = new OneTopic({ 0: 'a' })
  await group.fetch('a', [true])
  await group.fetch('a', [false])
  t.same(group.waitsMs, [MAX_WAIT_MS, MAX_WAIT_MS])
})

void t.test('who has nothing to read from a broker sleeps until something is resumed', async (t) => {
  const group = new OneTopic({ 0: 'a', 1: 'b' })
  group.pause(0)
  group.pause(1)
  let over = 0
  const fetches = ['a', 'b'].map(async (nodeId) => {
    await group.fetch(nodeId)
    over += 1
  })
  await new Promise(setImmediate)
  t.equal(over, 0)
  t.same(group.waitsMs, [0, 0], 'KafkaJS itself sleeps no longer')
  group.resume(1)
  await Promise.all(fetches)
  t.equal(over, 2)
})

void t.test('what is resumed while a fetch finds nothing to read is read without a sleep', async (t) => {
  const group = new OneTopic({ 0: 'a' })
  group.pause(0)
  const fetched = group.fetch('a')
  group.resume(0)
  await fetched
  t.same(group.waitsMs, [0])
})

void t.test('while something is paused a fetch waits little, and longer while nothing comes or changes', async (t) => {
  const group = new OneTopic({ 0: 'a', 1: 'a' })
  group.pause(0)
  for (let n = 0; n < 60; n++) await group.fetch('a', [true])
  const { waitsMs } = group
  t.equal(waitsMs[0], 10)
  let waitedMs = 0
  for (const waitMs of waitsMs) {
    t.ok(waitMs <= 10 + waitedMs / 4 + 0.001, `no more than a quarter of what was waited before: ${waitMs} ms`)
    waitedMs += waitMs
  }
  t.equal(waitsMs.at(-1), 100, 'and never so long that a resume would wait for it')

  group.resume(0)
  group.pause(1)
  await group.fetch('a', [true])
  t.equal(waitsMs.at(-1), 10, 'what changes may change again soon')
  await group.fetch('a', [true, false])
  await group.fetch('a', [true])
  t.same(waitsMs.slice(-2), [12.5, 12.5], 'an answer with something in it was no wait')
})

void t.test('a pause changes something, and so does a resume', async (t) => {
  const group = new OneTopic({ 0: 'a', 1: 'a', 2: 'a' })
  const wait = async (): Promise<number | undefined> => {
    await group.fetch('a', [true])
    return group.waitsMs.at(-1)
  }
  group.pause(0)
  t.same([await wait(), await wait()], [10, 12.5])
  group.pause(1)
  t.same([await wait(), await wait()], [10, 12.5])
  group.resume(0)
  t.same([await wait(), await wait()], [10, 12.5])
})

void t.test('each broker waits for its own, however many there are', async (t) => {
  const group = new OneTopic({ 0: 'a', 1: 'a', 2: 'b', 3: 'c' })
  group.pause(0)
  for (const nodeId of ['a', 'b', 'c', 'a', 'b', 'c']) await group.fetch(nodeId, [true])
  t.same(group.waitsMs, [10, 10, 10, 12.5, 12.5, 12.5])
})

void t.test('what a broker has begun to lead just now is read without a sleep', async (t) => {
  const group = new OneTopic({ 0: 'a' })
  await group.fetch('b', [false])
  t.same(group.waitsMs, [0])
})

void t.test('where the leaders are not known the fetch finds out', async (t) => {
  const group = new OneTopic({ 0: 'a' })
  group.filterPartitionsByNode = () => {
    throw new Error('no metadata')
  }
  await group.fetch('a', [true])
  t.same(group.waitsMs, [MAX_WAIT_MS])
})

void t.test('who sleeps wakes up by itself after the longest wait', async (t) => {
  const group = new OneTopic({ 0: 'a' })
  group.maxWaitTime = 1
  group.pause(0)
  await group.fetch('a')
  t.same(group.waitsMs, [0])
})
