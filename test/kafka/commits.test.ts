import t from 'tap'
import type { Commit } from '../../src/core/seams.ts'
import type { Held } from '../../src/kafka/assignment.ts'
import { Commits } from '../../src/kafka/commits.ts'
import type { CommitsNeeds } from '../../src/kafka/commits.ts'
import type { CommitAnswers, TopicCommits } from '../../src/kafka/offset-commit.ts'
import { Waits } from '../../src/kafka/wait.ts'
import { VirtualClock, settled } from '../support/clock.ts'

const commit = (partition: number, offset: bigint, topic = 't'): Commit => ({
  topic,
  partition,
  offset,
  metadata: `m${offset}`,
})
const hold = (partition: number): Held => ({ partition: { topic: 't', partition }, position: undefined, paused: false })

type Send = CommitsNeeds['send']

interface Bench {
  readonly clock: VirtualClock
  readonly commits: Commits
  /** By partition number; 0 to 2 at first. */
  readonly held: Map<number, Held>
}

function bench(send: Send): Bench {
  const clock = new VirtualClock()
  const held = new Map([0, 1, 2].map((partition) => [partition, hold(partition)]))
  const holding = ({ partition }: { partition: number }): Held | undefined => held.get(partition)
  return { clock, held, commits: new Commits({ clock, waits: new Waits(clock), boundMs: 1000, holding, send }) }
}

/** What a broker answers that has stored everything, or refused these. */
function answersTo(topics: readonly TopicCommits[], errors: Record<string, Error> = {}): CommitAnswers {
  const names = topics.flatMap(({ topic, partitions }) => partitions.map(({ partition }) => `${topic}/${partition}`))
  return new Map(names.map((name) => [name, errors[name]]))
}

/** A broker that answers when it is told to. */
function broker(): {
  sent: (readonly TopicCommits[])[]
  answers: (() => void)[]
  wanted: (() => boolean)[]
  send: Send
} {
  const sent: (readonly TopicCommits[])[] = []
  const answers: (() => void)[] = []
  const wanted: (() => boolean)[] = []
  const send: Send = (topics, isWanted) => {
    sent.push(topics)
    wanted.push(isWanted)
    return new Promise((resolve) =>
      answers.push(() => {
        resolve(answersTo(topics))
      }),
    )
  }
  return { sent, answers, wanted, send }
}

const COMMITTED = { kind: 'committed' } as const
const LOST = { kind: 'refused', why: 'the partition is no longer ours' } as const
const LATE = { kind: 'refused', why: 'Kafka has not answered in time' } as const

void t.test('commits go out one at a time, by topic, metadata included', async (t) => {
  const { sent, answers, send } = broker()
  const { commits, clock } = bench(send)
  const first = commits.commit([commit(0, 3n), commit(1, 4n), commit(0, 9n, 'u')])
  const second = commits.commit([commit(0, 5n)])
  await settled()
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
  t.same(await first, [COMMITTED, COMMITTED, COMMITTED])
  await settled()
  t.equal(sent.length, 2)
  answers.shift()?.()
  t.same(await second, [COMMITTED])
  t.equal(clock.pending, 0)
})

void t.test(
  'a partition that is lost while its commit waits is refused by itself, also when it came back',
  async (t) => {
    const { sent, answers, send } = broker()
    const { commits, held } = bench(send)
    const first = commits.commit([commit(2, 1n)])
    const mixed = commits.commit([commit(0, 3n), commit(2, 5n), commit(1, 4n)])
    const lost = commits.commit([commit(0, 6n), commit(7, 1n)])
    held.delete(0)
    held.set(1, hold(1))
    await settled()
    answers.shift()?.()
    await first
    await settled()
    t.same(
      sent[1]?.flatMap(({ partitions }) => partitions.map(({ partition }) => partition)),
      [2],
    )
    answers.shift()?.()
    t.same(await mixed, [LOST, COMMITTED, LOST])
    t.same(await lost, [LOST, LOST])
    t.equal(sent.length, 2, 'nothing is asked for nobody')
    t.same(await commits.commit([]), [])
  },
)

void t.test('each partition has its own outcome where the broker refuses one of them', async (t) => {
  const large = Object.assign(new Error('too large'), { type: 'OFFSET_METADATA_TOO_LARGE' })
  const { commits } = bench((topics) => Promise.resolve(answersTo(topics, { 't/1': large, 't/2': new Error('bare') })))
  t.same(await commits.commit([commit(0, 1n), commit(1, 1n), commit(2, 1n)]), [
    COMMITTED,
    { kind: 'refused', why: 'OFFSET_METADATA_TOO_LARGE: too large' },
    { kind: 'refused', why: 'bare' },
  ])
  const silent = bench(() => Promise.resolve(new Map()))
  t.match(await silent.commits.commit([commit(0, 1n)]), [{ kind: 'refused', why: /says nothing/ }])
})

void t.test('a request that fails is an answer to each, and holds up no later commit', async (t) => {
  const failures: unknown[] = [
    Object.assign(new Error('not now'), { type: 'ILLEGAL_GENERATION' }),
    new Error('gone'),
    'bare',
  ]
  const { commits } = bench((topics) => {
    if (failures.length === 0) return Promise.resolve(answersTo(topics))
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what a library may do.
    return Promise.reject(failures.shift())
  })
  const why = 'ILLEGAL_GENERATION: not now'
  t.same(await commits.commit([commit(0, 1n), commit(1, 1n)]), Array(2).fill({ kind: 'refused', why }))
  t.same(await commits.commit([commit(0, 1n)]), [{ kind: 'refused', why: 'gone' }])
  t.same(await commits.commit([commit(0, 1n)]), [{ kind: 'refused', why: 'bare' }])
  t.same(await commits.commit([commit(0, 1n)]), [COMMITTED])
})

void t.test('a send that never settles stops no commit for ever, and is wanted no more', async (t) => {
  const { sent, answers, wanted, send } = broker()
  const { commits, clock } = bench(send)
  const outcomes: unknown[] = []
  const ask = (offset: bigint): void =>
    void commits.commit([commit(0, offset)]).then((each) => outcomes.push([offset, ...each]))
  ask(1n)
  await clock.advance(400)
  ask(2n)
  await clock.advance(599)
  t.same([outcomes, sent.length, wanted[0]?.()], [[], 1, true])
  await clock.advance(1)
  t.same(outcomes, [[1n, LATE]])
  t.same([sent.length, wanted[0]?.()], [2, false], 'the next goes out')
  await clock.advance(400)
  t.same(outcomes[1], [2n, LATE], 'its bound counts from when it was asked for')
  ask(3n)
  await settled()
  answers[2]?.()
  await settled()
  t.same(outcomes[2], [3n, COMMITTED])
  t.equal(clock.pending, 0)
})

void t.test('a commit whose time is over before its turn is not sent', async (t) => {
  const { sent, send } = broker()
  const { commits, clock } = bench(send)
  const both = [commits.commit([commit(0, 1n)]), commits.commit([commit(0, 2n)])]
  await clock.advance(1000)
  t.same(await Promise.all(both), [[LATE], [LATE]])
  t.equal(sent.length, 1)
})

void t.test('commits that wait for Kafka have a bound', async (t) => {
  const { answers, send } = broker()
  const { commits } = bench(send)
  const waiting = Array.from({ length: 16 }, (_, at) => commits.commit([commit(0, BigInt(at))]))
  t.match(await commits.commit([commit(0, 99n), commit(1, 99n)]), Array(2).fill({ kind: 'refused', why: /too many/ }))
  for (const each of waiting) {
    await settled()
    answers.shift()?.()
    await each
  }
  const again = commits.commit([commit(0, 99n)])
  await settled()
  answers.shift()?.()
  t.same(await again, [COMMITTED])
})
