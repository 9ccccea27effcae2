import type { Admin } from 'kafkajs'
import t from 'tap'
import { findStarts, lookForStarts } from '../../src/kafka/offsets.ts'
import type { StartsNeeds } from '../../src/kafka/offsets.ts'
import { settingsOf } from '../../src/kafka/settings.ts'
import type { Held } from '../../src/kafka/assignment.ts'
import type { CommitAnswers, TopicCommits } from '../../src/kafka/offset-commit.ts'
import { Waits } from '../../src/kafka/wait.ts'
import { VirtualClock } from '../support/clock.ts'

/** A group's offsets on a topic of some partitions, each with records from 2 up to 9. */
class Offsets {
  readonly #group: Map<number, [offset: string, metadata: string | null]>
  readonly #partitions: number
  failures = 0
  connects = 0
  disconnects = 0
  /** What a goodbye does. */
  part: () => Promise<void> = () => Promise.resolve()

  constructor(partitions: number, group: readonly (readonly [number, string, string | null])[] = []) {
    this.#partitions = partitions
    this.#group = new Map(group.map(([partition, offset, metadata]) => [partition, [offset, metadata]]))
  }

  /** The part of an admin that is asked here. */
  admin(): Admin {
    const all = [...Array(this.#partitions).keys()]
    return {
      connect: () => {
        this.connects += 1
        return this.failures-- > 0 ? Promise.reject(new Error('no coordinator')) : Promise.resolve()
      },
      disconnect: () => {
        this.disconnects += 1
        return this.part()
      },
      fetchOffsets: async () => {
        const partitions = all.map((partition) => {
          const [offset, metadata] = this.#group.get(partition) ?? ['-1', null]
          return { partition, offset, metadata }
        })
        return [{ topic: 't', partitions }]
      },
      fetchTopicOffsets: async () => all.map((partition) => ({ partition, offset: '9', low: '2', high: '9' })),
    } as unknown as Admin
  }

  async commit(topics: readonly TopicCommits[]): Promise<CommitAnswers> {
    for (const { partitions } of topics) {
      for (const { partition, offset, metadata } of partitions) this.#group.set(partition, [offset, metadata])
    }
    return new Map()
  }
}

const at = (partition: number): { topic: string; partition: number } => ({ topic: 't', partition })

void t.test('what the group has committed is where to begin, metadata included', async (t) => {
  const starts = await findStarts(
    new Offsets(2, [
      [0, '5', 'done: 7'],
      [1, '0', null],
    ]).admin(),
    {
      groupId: 'g',
      startFrom: 'latest',
      partitions: [at(0), at(1)],
    },
  )
  t.same(starts(at(0)), { from: 5n, committed: 5n, metadata: 'done: 7' })
  t.same(starts(at(1)), { from: 0n, committed: 0n, metadata: '' })
  t.equal(starts(at(2)), undefined)
})

void t.test('a group without offsets begins at the earliest record there is', async (t) => {
  const query = { groupId: 'g', startFrom: 'earliest', partitions: [at(0)] } as const
  t.same((await findStarts(new Offsets(1).admin(), query))(at(0)), { from: 2n, committed: undefined, metadata: '' })
})

void t.test('a partition that is added later begins at its earliest record, also with latest', async (t) => {
  const query = { groupId: 'g', startFrom: 'latest', partitions: [at(1)] } as const
  const starts = await findStarts(new Offsets(2, [[0, '9', null]]).admin(), query)
  t.same(starts(at(1)), { from: 2n, committed: undefined, metadata: '' })
})

void t.test('an offset that KafkaJS wrote for "earliest" is no offset, but the group is no new one', async (t) => {
  const query = { groupId: 'g', startFrom: 'latest', partitions: [at(0)] } as const
  const starts = await findStarts(new Offsets(1, [[0, '-2', null]]).admin(), query)
  t.same(starts(at(0)), { from: 2n, committed: undefined, metadata: '' })
})

interface Search {
  readonly clock: VirtualClock
  readonly offsets: Offsets
  readonly begun: string[]
  readonly troubles: unknown[]
  /** How often the ends were asked to be committed. */
  readonly ends: unknown[]
  readonly run: (partitions: readonly number[], more?: Partial<StartsNeeds>) => { ended: boolean }
}

/** A search on a topic of two partitions, under `latest`, by a member that leads. */
function search(offsets = new Offsets(2)): Search {
  const clock = new VirtualClock()
  const begun: string[] = []
  const troubles: unknown[] = []
  const ends: unknown[] = []
  const settings = settingsOf({
    kafka: { clientId: 'x', brokers: [], securityProtocol: 'PLAINTEXT' },
    groupId: 'g',
    topics: ['t'],
    startFrom: 'latest',
    clock,
    journal: () => undefined,
  })
  const run: Search['run'] = (partitions, more) => {
    const state = { ended: false }
    const lost = new Set<Held>()
    const held = partitions.map((partition): Held => ({ partition: at(partition), position: undefined, paused: false }))
    void lookForStarts(held, {
      settings,
      waits: new Waits(clock),
      makeAdmin: () => offsets.admin(),
      ours: (each) => !lost.has(each),
      begin: (each, { from }) => {
        begun.push(`${each.partition.partition} from ${from}`)
        lost.add(each)
      },
      leads: () => true,
      commitEnds: (topics) => {
        ends.push(topics)
        return offsets.commit(topics)
      },
      trouble: (error) => troubles.push(error),
      ...more,
    }).then(() => (state.ended = true))
    return state
  }
  return { clock, offsets, begun, troubles, ends, run }
}

void t.test('with latest the leader commits the ends, and begins at what the group then holds', async (t) => {
  const { clock, offsets, begun, ends, run } = search()
  const state = run([0, 1])
  await clock.advance(0)
  t.same(begun, ['0 from 9', '1 from 9'])
  t.equal(ends.length, 1)
  t.same([state.ended, offsets.connects, offsets.disconnects, clock.pending], [true, 1, 1, 0])
})

void t.test('a leader without partitions still commits the ends', async (t) => {
  const { clock, begun, ends, run, offsets } = search()
  const follower = run([0, 1], { leads: () => false })
  await clock.advance(2000)
  t.same([begun, ends, follower.ended], [[], [], false], 'who does not lead waits for who does')
  const leader = run([])
  await clock.advance(0)
  t.same([ends.length, leader.ended], [1, true])
  await clock.advance(5000)
  t.same(begun, ['0 from 9', '1 from 9'])
  t.equal(follower.ended, true)
  t.equal(offsets.connects, offsets.disconnects)
})

void t.test('a leader whose group has offsets commits nothing, and one that leads no more neither', async (t) => {
  const { clock, ends, begun, run } = search(new Offsets(2, [[0, '5', null]]))
  t.match(run([1]), { ended: false })
  await clock.advance(0)
  t.same([ends, begun], [[], ['1 from 2']])

  const late = search()
  let leads = 2
  const state = late.run([], { leads: () => leads-- > 0 })
  await late.clock.advance(60_000)
  t.same([late.ends, state.ended], [[], true], 'another join came between the look and the commit')
})

void t.test('ends that are refused are trouble, and tried again', async (t) => {
  const { clock, offsets, troubles, begun, run } = search()
  let refusals = 2
  const refusal = new Error('REBALANCE_IN_PROGRESS')
  run([0], {
    commitEnds: (topics) => (refusals-- > 0 ? Promise.resolve(new Map([['t/0', refusal]])) : offsets.commit(topics)),
  })
  await clock.advance(60_000)
  t.same([troubles, begun], [[refusal, refusal], ['0 from 9']])
})

void t.test('the search goes on through failures until all is found, and leaves no connection behind', async (t) => {
  const { clock, offsets, troubles, begun, run } = search()
  offsets.failures = 2
  const state = run([0, 1])
  await clock.advance(60_000)
  t.same(begun, ['0 from 9', '1 from 9'])
  t.same([troubles.length, offsets.connects, offsets.disconnects], [2, 3, 3])
  t.same([state.ended, clock.pending], [true, 0])
})

void t.test('looks that fail come ever less often, down to one in some seconds', async (t) => {
  const { clock, offsets, run } = search()
  offsets.failures = Infinity
  run([0])
  await clock.advance(1000)
  t.equal(offsets.connects, 3, 'at 0, 300 and 700 ms, with chance in the middle')
  await clock.advance(599_000)
  t.ok(offsets.connects > 120 && offsets.connects < 320, `${offsets.connects} in ten minutes`)
})

void t.test(
  'a look or a goodbye that never ends is given up, and what it finds too late counts for nothing',
  async (t) => {
    const { clock, offsets, troubles, begun, ends, run } = search()
    offsets.part = () => new Promise(() => undefined)
    let answered = (): void => undefined
    let admins = 0
    // The first look hears that the group has no offset, and of the ends only when the second has long committed them.
    const makeAdmin = (): Admin => {
      const admin = offsets.admin()
      if (admins++ > 0) return admin
      const late = new Promise<void>((resolve) => (answered = resolve))
      return { ...admin, fetchTopicOffsets: (topic) => late.then(() => admin.fetchTopicOffsets(topic)) }
    }
    const state = run([0], { makeAdmin })
    await clock.advance(29_999)
    t.same([troubles, begun], [[], []])
    await clock.advance(5000)
    t.match(troubles, [{ message: /no answer within/ }])
    t.same([begun, ends.length], [['0 from 9'], 1])
    answered()
    await clock.advance(5000)
    t.same([begun.length, ends.length], [1, 1])
    t.same([state.ended, clock.pending], [true, 0])
  },
)

void t.test('a goodbye that fails is nobody’s trouble', async (t) => {
  const { clock, offsets, troubles, begun, run } = search()
  offsets.part = () => Promise.reject(new Error('already gone'))
  run([0])
  await clock.advance(0)
  t.same([troubles, begun], [[], ['0 from 9']])
})
