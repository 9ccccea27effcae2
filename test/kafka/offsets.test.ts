import type { Admin } from 'kafkajs'
import t from 'tap'
import { findStarts, lookForStarts } from '../../src/kafka/offsets.ts'
import { settingsOf } from '../../src/kafka/settings.ts'
import type { Held } from '../../src/kafka/assignment.ts'
import type { TopicCommits } from '../../src/kafka/membership.ts'
import { VirtualClock } from '../support/clock.ts'

/** A group's offsets on a topic of some partitions, each with records from 2 up to 9. */
class Offsets {
  readonly #group: Map<number, [offset: string, metadata: string | null]>
  readonly #partitions: number
  failures = 0
  admins = 0

  constructor(partitions: number, group: readonly (readonly [number, string, string | null])[] = []) {
    this.#partitions = partitions
    this.#group = new Map(group.map(([partition, offset, metadata]) => [partition, [offset, metadata]]))
  }

  /** The part of an admin that is asked here. */
  admin(): Admin {
    const all = [...Array(this.#partitions).keys()]
    this.admins += 1
    return {
      connect: () => (this.failures-- > 0 ? Promise.reject(new Error('no coordinator')) : Promise.resolve()),
      disconnect: () => Promise.resolve(),
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

  async commit(topics: readonly TopicCommits[]): Promise<void> {
    for (const { partitions } of topics) {
      for (const { partition, offset, metadata } of partitions) this.#group.set(partition, [offset, metadata])
    }
  }
}

const at = (partition: number): { topic: string; partition: number } => ({ topic: 't', partition })
const nothing = (): Promise<void> => Promise.resolve()

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
      commitEnds: nothing,
    },
  )
  t.same(starts(at(0)), { from: 5n, committed: 5n, metadata: 'done: 7' })
  t.same(starts(at(1)), { from: 0n, committed: 0n, metadata: '' })
  t.equal(starts(at(2)), undefined)
})

void t.test('a group without offsets begins at the earliest record there is', async (t) => {
  const query = { groupId: 'g', startFrom: 'earliest', partitions: [at(0)], commitEnds: nothing } as const
  t.same((await findStarts(new Offsets(1).admin(), query))(at(0)), { from: 2n, committed: undefined, metadata: '' })
})

void t.test('with latest the ends are committed first, and only what the group then holds counts', async (t) => {
  const offsets = new Offsets(2)
  const query = { groupId: 'g', startFrom: 'latest', partitions: [at(0)] } as const
  const follower = await findStarts(offsets.admin(), { ...query, commitEnds: nothing })
  t.equal(follower(at(0)), undefined, 'who does not lead waits for who does')
  const leader = await findStarts(offsets.admin(), { ...query, commitEnds: (ends) => offsets.commit(ends) })
  t.equal(leader(at(0)), undefined)
  const again = await findStarts(offsets.admin(), { ...query, partitions: [at(0), at(1)], commitEnds: nothing })
  t.same([again(at(0)), again(at(1))], Array(2).fill({ from: 9n, committed: 9n, metadata: '' }))
})

void t.test('a partition that is added later begins at its earliest record, also with latest', async (t) => {
  const query = { groupId: 'g', startFrom: 'latest', partitions: [at(1)], commitEnds: nothing } as const
  const starts = await findStarts(new Offsets(2, [[0, '9', null]]).admin(), query)
  t.same(starts(at(1)), { from: 2n, committed: undefined, metadata: '' })
})

void t.test('an offset that KafkaJS wrote for "earliest" is no offset, but the group is no new one', async (t) => {
  const query = { groupId: 'g', startFrom: 'latest', partitions: [at(0)], commitEnds: nothing } as const
  const starts = await findStarts(new Offsets(1, [[0, '-2', null]]).admin(), query)
  t.same(starts(at(0)), { from: 2n, committed: undefined, metadata: '' })
})

void t.test('the search goes on through failures until all is found, with new connections each time', async (t) => {
  const clock = new VirtualClock()
  const offsets = new Offsets(2)
  offsets.failures = 2
  const troubles: unknown[] = []
  const begun: string[] = []
  const held = [0, 1].map((partition): Held => ({ partition: at(partition), position: undefined, paused: false }))
  let ours = true
  const settings = settingsOf({
    kafka: { clientId: 'x', brokers: [], securityProtocol: 'PLAINTEXT' },
    groupId: 'g',
    topics: ['t'],
    startFrom: 'latest',
    clock,
    journal: () => undefined,
  })
  const search = lookForStarts(held, {
    settings,
    makeAdmin: () => offsets.admin(),
    ours: () => ours,
    begin: ({ partition }, { from }) => {
      begun.push(`${partition.partition} from ${from}`)
      if (partition.partition === 1) ours = false
    },
    commitEnds: (ends) => offsets.commit(ends),
    trouble: (error) => troubles.push(error),
  })
  await clock.advance(1000)
  await search
  t.same(begun, ['0 from 9', '1 from 9'])
  t.same([troubles.length, offsets.admins], [2, 4])
  t.equal(clock.pending, 0)
})
