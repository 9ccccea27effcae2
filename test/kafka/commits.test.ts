import t from 'tap'
import { partitionName } from '../../src/core/record.ts'
import type { Commit } from '../../src/core/seams.ts'
import type { Held } from '../../src/kafka/assignment.ts'
import { Commits } from '../../src/kafka/commits.ts'
import type { TopicCommits } from '../../src/kafka/membership.ts'

const commit = (partition: number, offset: bigint, topic = 't'): Commit => ({
  topic,
  partition,
  offset,
  metadata: `m${offset}`,
})
const hold = (partition: number): Held => ({ partition: { topic: 't', partition }, position: undefined, paused: false })

/** A broker that answers when it is told to. */
function broker(): {
  sent: (readonly TopicCommits[])[]
  answers: (() => void)[]
  send: (c: readonly TopicCommits[]) => Promise<void>
} {
  const sent: (readonly TopicCommits[])[] = []
  const answers: (() => void)[] = []
  return {
    sent,
    answers,
    send: (topics) => {
      sent.push(topics)
      return new Promise((resolve) => answers.push(resolve))
    },
  }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

void t.test('commits go out one at a time, by topic, metadata included', async (t) => {
  const { sent, answers, send } = broker()
  const held = new Map([0, 1].map((partition) => [partition, hold(partition)]))
  const commits = new Commits(({ partition }) => held.get(partition), send)
  const first = commits.commit([commit(0, 3n), commit(1, 4n), commit(0, 9n, 'u')])
  const second = commits.commit([commit(0, 5n)])
  await turn()
  t.same(sent, [
    [
      {
        topic: 't',
        partitions: [
          { partition: 0, offset: '3', metadata: 'm3' },
          { partition: 1, offset: '4', metadata: 'm4' },
        ],
      },
      { topic: 'u', partitions: [{ partition: 0, offset: '9', metadata: 'm9' }] },
    ],
  ])
  answers.shift()?.()
  t.same(await first, { kind: 'committed' })
  await turn()
  t.equal(sent.length, 2)
  answers.shift()?.()
  t.same(await second, { kind: 'committed' })
})

void t.test(
  'a partition that is lost while its commit waits is left out, also when it came back meanwhile',
  async (t) => {
    const { sent, answers, send } = broker()
    const held = new Map([0, 1, 2].map((partition) => [partition, hold(partition)]))
    const commits = new Commits(({ partition }) => held.get(partition), send)
    const first = commits.commit([commit(2, 1n)])
    const mixed = commits.commit([commit(0, 3n), commit(1, 4n), commit(2, 5n)])
    const lost = commits.commit([commit(0, 6n), commit(7, 1n)])
    held.delete(0)
    held.set(1, hold(1))
    await turn()
    answers.shift()?.()
    await first
    await turn()
    t.same(
      sent[1]?.flatMap(({ partitions }) => partitions.map(({ partition }) => partition)),
      [2],
    )
    answers.shift()?.()
    t.same(await mixed, { kind: 'committed' })
    t.match(await lost, { kind: 'refused', why: /no longer ours/ })
    t.equal(sent.length, 2)
  },
)

void t.test('what the broker says against it is an answer, and holds up no later commit', async (t) => {
  const failures: unknown[] = [
    Object.assign(new Error('not now'), { type: 'ILLEGAL_GENERATION' }),
    new Error('gone'),
    'bare',
  ]
  const commits = new Commits(
    ({ partition }) => held.get(partitionName({ topic: 't', partition })),
    () => {
      if (failures.length === 0) return Promise.resolve()
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what a library may do.
      return Promise.reject(failures.shift())
    },
  )
  const held = new Map([['t/0', hold(0)]])
  t.same(await commits.commit([commit(0, 1n)]), { kind: 'refused', why: 'ILLEGAL_GENERATION: not now' })
  t.same(await commits.commit([commit(0, 1n)]), { kind: 'refused', why: 'gone' })
  t.same(await commits.commit([commit(0, 1n)]), { kind: 'refused', why: 'bare' })
  t.same(await commits.commit([commit(0, 1n)]), { kind: 'committed' })
})

void t.test('commits that wait for Kafka have a bound', async (t) => {
  const { answers, send } = broker()
  const held = hold(0)
  const commits = new Commits(() => held, send)
  const waiting = Array.from({ length: 16 }, (_, at) => commits.commit([commit(0, BigInt(at))]))
  t.match(await commits.commit([commit(0, 99n)]), { kind: 'refused', why: /too many/ })
  for (const each of waiting) {
    await turn()
    answers.shift()?.()
    await each
  }
  const again = commits.commit([commit(0, 99n)])
  await turn()
  answers.shift()?.()
  t.same(await again, { kind: 'committed' })
})
