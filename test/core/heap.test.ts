import fc from 'fast-check'
import t from 'tap'
import { Heap } from '../../src/core/heap.ts'

void t.test('the first is the least of those that are there, whoever comes and goes', async () => {
  const move = fc.record({
    kind: fc.constantFrom('push' as const, 'push' as const, 'take' as const, 'leave' as const),
    pick: fc.nat(1000),
  })
  fc.assert(
    fc.property(fc.array(move, { maxLength: 200 }), (moves) => {
      const heap = new Heap<{ rank: number }>(({ rank }) => rank)
      const there = new Set<{ rank: number }>()
      for (const { kind, pick } of moves) {
        if (kind === 'push') {
          const member = { rank: pick }
          heap.push(member)
          there.add(member)
        }
        const first = heap.first((member) => there.has(member))
        const least = Math.min(...[...there].map(({ rank }) => rank))
        if (first === undefined ? there.size > 0 : first.rank !== least || !there.has(first)) return false
        const gone = kind === 'take' ? first : kind === 'leave' ? [...there][pick % there.size] : undefined
        if (gone !== undefined) there.delete(gone)
      }
      return true
    }),
    { numRuns: 300 },
  )
})
