import fc from 'fast-check'
import t from 'tap'
import { assignPartitions } from '../../src/core/assign.ts'
import type { Member } from '../../src/core/assign.ts'
import { partitionName } from '../../src/core/record.ts'
import type { TopicPartition } from '../../src/core/record.ts'

const of = (topic: string, ...partitions: number[]): TopicPartition[] =>
  partitions.map((partition) => ({ topic, partition }))
const member = (id: string, claims: TopicPartition[], claimedAt = 1, topics = ['t']): Member => ({
  id,
  topics,
  claims,
  claimedAt,
})
const shown = (assigned: ReadonlyMap<string, readonly TopicPartition[]>): Record<string, string[]> =>
  Object.fromEntries([...assigned].map(([id, held]) => [id, held.map(partitionName)]))

void t.test('a group without claims is dealt out evenly', async (t) => {
  t.same(shown(assignPartitions(of('t', 0, 1, 2), [member('b', []), member('a', [])])), {
    a: ['t/0', 't/2'],
    b: ['t/1'],
  })
})

void t.test('a newcomer is given what balance asks for and no more', async (t) => {
  t.same(shown(assignPartitions(of('t', 0, 1, 2, 3), [member('a', of('t', 0, 1, 2, 3)), member('b', [], 0)])), {
    a: ['t/0', 't/1'],
    b: ['t/2', 't/3'],
  })
})

void t.test('what a member leaves behind goes to who has least, and nothing else moves', async (t) => {
  const members = [member('a', of('t', 0, 1)), member('b', of('t', 2))]
  t.same(shown(assignPartitions(of('t', 0, 1, 2, 3), members)), { a: ['t/0', 't/1'], b: ['t/2', 't/3'] })
})

void t.test('of two claims to a partition the stale one loses', async (t) => {
  const members = [member('a', of('t', 0, 1), 4), member('b', of('t', 0, 1), 7)]
  t.same(shown(assignPartitions(of('t', 0, 1, 2, 3), members)), { a: ['t/2', 't/3'], b: ['t/0', 't/1'] })
})

void t.test('a claim to what a member does not read, or to what is not there, counts for nothing', async (t) => {
  const members = [member('a', [...of('t', 9), ...of('u', 0)], 9), member('b', of('u', 0), 1, ['t', 'u'])]
  t.same(shown(assignPartitions([...of('t', 0), ...of('u', 0)], members)), { a: ['t/0'], b: ['u/0'] })
})

void t.test('a partition that nobody reads is left out, and no member gets what it does not read', async (t) => {
  const members = [member('a', [], 0, ['t']), member('b', [], 0, ['u'])]
  t.same(shown(assignPartitions([...of('t', 0, 1, 2), ...of('v', 0)], members)), { a: ['t/0', 't/1', 't/2'], b: [] })
})

/** A group of members with the same two topics and any claims, true or stale. */
const groups = fc
  .record({ t: fc.nat(9), u: fc.nat(5), members: fc.integer({ min: 1, max: 6 }) })
  .chain(({ t, u, members }) => {
    const partitions = [...of('t', ...Array(t).keys()), ...of('u', ...Array(u).keys())]
    const claims =
      partitions.length === 0 ? fc.constant([]) : fc.array(fc.constantFrom(...partitions), { maxLength: 12 })
    return fc.record({
      partitions: fc.shuffledSubarray(partitions, { minLength: partitions.length }),
      members: fc.tuple(
        ...Array.from({ length: members }, (_, at) =>
          fc.record({
            id: fc.constant(`m${at}`),
            topics: fc.constant(['t', 'u']),
            claims,
            claimedAt: fc.nat(4),
          }),
        ),
      ),
    })
  })

/** Who truly holds what: the newest claim, the first id among equals. */
function trueClaims(members: readonly Member[]): Map<string, string> {
  const holders = new Map<string, Member>()
  for (const each of members) {
    for (const claim of each.claims) {
      const rival = holders.get(partitionName(claim))
      if (rival === undefined || rival.claimedAt < each.claimedAt) holders.set(partitionName(claim), each)
    }
  }
  return new Map([...holders].map(([name, { id }]) => [name, id]))
}

void t.test(
  'every partition is assigned exactly once, balanced within one, with the fewest moves there can be',
  async (t) => {
    fc.assert(
      fc.property(groups, ({ partitions, members }) => {
        const assigned = assignPartitions(partitions, members)
        const names = [...assigned.values()].flatMap((held) => held.map(partitionName))
        if (names.length !== partitions.length || new Set(names).size !== partitions.length) return false

        const loads = [...assigned.values()].map((held) => held.length)
        if (Math.max(...loads) - Math.min(...loads) > 1) return false

        const holders = trueClaims(members)
        const kept = [...assigned].flatMap(([id, held]) =>
          held.filter((each) => holders.get(partitionName(each)) === id),
        )
        // The most that balance lets stay: those who hold most may keep one more, as many as the remainder is.
        const claimed = members
          .map(({ id }) => [...holders.values()].filter((holder) => holder === id).length)
          .sort((a, b) => b - a)
        const level = Math.floor(partitions.length / members.length)
        const fuller = partitions.length % members.length
        const most = claimed.reduce((sum, count, at) => sum + Math.min(count, at < fuller ? level + 1 : level), 0)
        return kept.length === most
      }),
      { numRuns: 500 },
    )
    t.pass()
  },
)

void t.test('any leader decides the same, and deciding again moves nothing', async (t) => {
  fc.assert(
    fc.property(groups, ({ partitions, members }) => {
      const once = assignPartitions(partitions, members)
      const other = assignPartitions([...partitions].reverse(), [...members].reverse())
      const settled = members.map((each) => ({ ...each, claims: once.get(each.id) ?? [], claimedAt: 9 }))
      const again = assignPartitions(partitions, settled)
      return [other, again].every((found) => JSON.stringify(shown(found)) === JSON.stringify(shown(once)))
    }),
  )
  t.pass()
})
