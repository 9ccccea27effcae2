import { AssignerProtocol } from 'kafkajs'
import type { Cluster } from 'kafkajs'
import t from 'tap'
import { STICKY_NAME, memberOf, stickyAssigner } from '../../src/kafka/sticky.ts'
import type { Claim } from '../../src/kafka/sticky.ts'

const NOTHING: Claim = { partitions: [], at: 0 }
const logger = undefined as never

function assigner(claim: Claim, partitions = 4): ReturnType<ReturnType<typeof stickyAssigner>> {
  // Of a cluster the assigner asks this alone.
  const cluster = {
    findTopicPartitionMetadata: () => Array.from({ length: partitions }, (_, partitionId) => ({ partitionId })),
  } as unknown as Cluster
  return stickyAssigner(
    () => claim,
    (shown) => {
      t.equal(shown, cluster)
    },
  )({ cluster, groupId: 'g', logger })
}
const metadata = (claim: Claim): Buffer => assigner(claim).protocol({ topics: ['t'] }).metadata
const held = (...partitions: number[]): Claim['partitions'] =>
  partitions.map((partition) => ({ topic: 't', partition }))

void t.test('a member is understood as it described itself', async (t) => {
  const claim = { partitions: [...held(1, 3), { topic: 'u', partition: 0 }], at: 7 }
  t.same(memberOf({ memberId: 'a', memberMetadata: metadata(claim) }), {
    id: 'a',
    topics: ['t'],
    claims: claim.partitions,
    claimedAt: 7,
  })
  t.equal(assigner(claim).protocol({ topics: ['t'] }).name, STICKY_NAME)
})

void t.test('bytes that mean nothing are no claim, and harm no assignment', async (t) => {
  const texts = [
    '',
    'x',
    '[]',
    'null',
    '1',
    '{"at":"9","held":3}',
    '{"at":1.5,"held":{"t":["0",-1.5,null],"u":{}}}',
    '{"held":null}',
  ]
  for (const text of texts) {
    const memberMetadata = AssignerProtocol.MemberMetadata.encode({
      version: 1,
      topics: ['t'],
      userData: Buffer.from(text),
    })
    t.same(memberOf({ memberId: 'a', memberMetadata }), { id: 'a', topics: ['t'], claims: [], claimedAt: 0 }, text)
  }
})

void t.test('the leader moves only what balance asks for, and writes it as Kafka reads it', async (t) => {
  const assignments = await assigner(NOTHING).assign({
    topics: ['t'],
    members: [
      { memberId: 'a', memberMetadata: metadata({ partitions: held(0, 1, 2, 3), at: 3 }) },
      { memberId: 'b', memberMetadata: metadata(NOTHING) },
    ],
  })
  t.same(
    assignments.map(({ memberId, memberAssignment }) => [
      memberId,
      AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment,
    ]),
    [
      ['a', { t: [0, 1] }],
      ['b', { t: [2, 3] }],
    ],
  )
})

void t.test('a member that gets nothing is told so', async (t) => {
  const members = ['a', 'b'].map((memberId) => ({ memberId, memberMetadata: metadata(NOTHING) }))
  const assignments = await assigner(NOTHING, 1).assign({ topics: ['t'], members })
  t.same(
    assignments.map(({ memberAssignment }) => AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment),
    [{ t: [0] }, {}],
  )
})
