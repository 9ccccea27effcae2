import t from 'tap'
import { Membership } from '../../src/kafka/membership.ts'
import type { Coordinated } from '../../src/kafka/membership.ts'

type Coordinator = Awaited<ReturnType<Coordinated['findBroker']>>

/** A coordinator that hands out generations 5, 6, …, and takes down what it is asked. */
function coordinator(asked: unknown[], isConnected = true, name = (): string => 'me'): Coordinator {
  let generationId = 4
  return {
    nodeId: '1',
    isConnected: () => isConnected,
    joinGroup: () => {
      generationId += 1
      return Promise.resolve({ memberId: name(), generationId })
    },
    lookupRequest: () => () => ({ request: {}, response: { parse: () => Promise.resolve() } }),
    offsetCommit: async (request) => void asked.push(request),
    heartbeat: async (request) => void asked.push(request),
  }
}

function cluster(broker: Coordinator, again = broker): Coordinated {
  return { findGroupCoordinator: () => Promise.resolve(broker), findBroker: () => Promise.resolve(again) }
}

const topics = [{ topic: 't', partitions: [{ partition: 0, offset: '3', metadata: 'm' }] }]
const member = (groupGenerationId: number): object => ({ groupId: 'g', memberId: 'me', groupGenerationId })

void t.test('a commit carries the generation whose partitions are known, not that of a join under way', async (t) => {
  const asked: unknown[] = []
  const kafka = cluster(coordinator(asked))
  const membership = new Membership('g', () => Promise.resolve())
  membership.listen(kafka)
  t.equal(membership.generation, 0)
  await t.rejects(
    membership.commit(topics, () => true),
    { message: 'not a member of the group' },
  )
  await membership.beat()
  t.same(asked, [], 'nobody to say it to')

  for (const generation of [5, 6]) {
    const found = await kafka.findGroupCoordinator({ groupId: 'g' })
    t.match(await found.joinGroup({}), { generationId: generation })
    t.equal(membership.generation, generation === 5 ? 0 : 5)
    membership.joined()
    t.equal(membership.generation, generation)
    await membership.commit(topics, () => true)
    await membership.beat()
  }
  t.same(asked, [{ ...member(5), topics }, member(5), { ...member(6), topics }, member(6)])
})

void t.test('a coordinator whose connection is gone is looked for by its number', async (t) => {
  const asked: unknown[] = []
  const kafka = cluster(coordinator([], false), coordinator(asked))
  const membership = new Membership('g', () => Promise.resolve())
  membership.listen(kafka)
  await (await kafka.findGroupCoordinator({ groupId: 'g' })).joinGroup({})
  membership.joined()
  await membership.commit(topics, () => true)
  t.same(asked, [{ ...member(5), topics }])
})

void t.test('no join begins before what must come first is done', async (t) => {
  const steps: string[] = []
  const kafka = cluster(coordinator([]))
  const membership = new Membership('g', async () => {
    await new Promise((resolve) => setImmediate(resolve))
    steps.push('drained')
  })
  membership.listen(kafka)
  await kafka.findGroupCoordinator({ groupId: 'g' })
  steps.push('found')
  t.same(steps, ['drained', 'found'])
})

void t.test('a member without a coordinator has nobody to commit to', async (t) => {
  const kafka = cluster(coordinator([]))
  const broker = await kafka.findGroupCoordinator({ groupId: 'g' })
  const membership = new Membership('g', () => Promise.resolve())
  await broker.joinGroup({})
  membership.joined()
  await t.rejects(
    membership.commit(topics, () => true),
    { message: /not a member/ },
  )
})

void t.test(
  'a commit that nobody waits for any more is not sent when the coordinator is reached at last',
  async (t) => {
    const asked: unknown[] = []
    const kafka = cluster(coordinator([], false), coordinator(asked))
    const membership = new Membership('g', () => Promise.resolve())
    membership.listen(kafka)
    await (await kafka.findGroupCoordinator({ groupId: 'g' })).joinGroup({})
    membership.joined()
    let wanted = true
    const commit = membership.commit(topics, () => wanted)
    wanted = false
    await t.rejects(commit, { message: /given up/ })
    t.same(asked, [])
  },
)

void t.test('a join goes on from the last only under the same name and as its direct successor', async (t) => {
  let name = 'me'
  const broker = coordinator([], true, () => name)
  const kafka = cluster(broker)
  const membership = new Membership('g', () => Promise.resolve())
  membership.listen(kafka)
  await kafka.findGroupCoordinator({ groupId: 'g' })
  const joins = async (times = 1): Promise<boolean> => {
    for (let left = times; left > 0; left--) await broker.joinGroup({})
    return membership.joined()
  }
  t.equal(await joins(), false, 'the first')
  t.equal(await joins(), true)
  t.equal(await joins(2), false, 'the group shared its partitions out once without our hearing of it')
  t.equal(await joins(), true)
  name = 'another'
  t.equal(await joins(), false, 'the membership before has ended')
  t.equal(await joins(), true)
})
