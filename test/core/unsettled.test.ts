import fc from 'fast-check'
import t from 'tap'
import { Known, NOTHING_KNOWN } from '../../src/core/known.ts'
import type { OffsetMap } from '../../src/core/offset-map.ts'
import type { Place } from '../../src/core/unsettled.ts'
import { Unsettled } from '../../src/core/unsettled.ts'

type Move =
  | { readonly kind: 'add'; readonly gap: number; readonly attempts: number }
  | { readonly kind: 'attempt'; readonly pick: number }
  | { readonly kind: 'settle'; readonly pick: number; readonly again: boolean }
  | { readonly kind: 'settledUpTo'; readonly ahead: number }

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), gap: fc.nat(2), attempts: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('attempt' as const), pick: fc.nat(99) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle' as const), pick: fc.nat(99), again: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('settledUpTo' as const), ahead: fc.integer({ min: 1, max: 3 }) }),
  },
)

/** Says the map what must be said, and nothing that is not so? */
function isTrue(map: OffsetMap, open: readonly Place[], remembered: ReadonlySet<bigint>): boolean {
  const first = open[0]?.offset
  const isSettled = (offset: bigint): boolean => map.settled.some(({ from, to }) => from <= offset && offset < to)
  const attemptsAt = (offset: bigint): number => map.attempts.filter(({ from }) => from <= offset).at(-1)?.attempts ?? 0
  const inOrder = map.settled.every(({ from, to }, at) => to > from && from > (map.settled[at - 1]?.to ?? -1n))
  return (
    inOrder &&
    open.every(({ offset, attempts }) => !isSettled(offset) && attemptsAt(offset) === attempts) &&
    [...remembered].every((offset) => first === undefined || offset < first || isSettled(offset))
  )
}

void t.test(
  'the map holds all that settled between what is open, nothing that is open, and every attempt',
  async () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const unsettled = new Unsettled()
        const open: Place[] = []
        const remembered = new Set<bigint>()
        let next = 0n
        let touchedTo = 0n
        const known = new Known(NOTHING_KNOWN)
        for (const each of moves) {
          const picked = 'pick' in each ? open[each.pick % open.length] : undefined
          if (each.kind === 'add') {
            const offset = next + BigInt(each.gap)
            open.push(unsettled.add(offset, each.attempts))
            next = offset + 1n
            if (each.attempts > 0) touchedTo = next
          } else if (each.kind === 'settledUpTo') {
            for (const upTo = next + BigInt(each.ahead); next < upTo; next += 1n)
              if (open.length > 0) remembered.add(next)
            unsettled.settledUpTo(next)
          } else if (picked !== undefined && each.kind === 'attempt') {
            picked.attempts += 1
            unsettled.touch(picked.offset)
            if (picked.offset >= touchedTo) touchedTo = picked.offset + 1n
          } else if (picked !== undefined && each.kind === 'settle') {
            const isFirst = picked === open[0]
            open.splice(open.indexOf(picked), 1)
            if (!each.again) remembered.add(picked.offset)
            if (unsettled.settle(picked, each.again) !== (!each.again && !isFirst)) return false
          }
          if (unsettled.size !== open.length || unsettled.first !== open[0] || unsettled.touchedTo !== touchedTo)
            return false
          if (!isTrue(unsettled.map(next, known), open, remembered)) return false
        }
        return true
      }),
      { numRuns: 500 },
    )
  },
)

void t.test('a place that is settled holds no other, and a cleared list holds none', async (t) => {
  const unsettled = new Unsettled()
  const [a, b] = [unsettled.add(1n, 0), unsettled.add(2n, 0)]
  unsettled.settle(a, false)
  t.match(a, { settled: true, before: undefined, after: undefined })
  t.equal(b.before, undefined)
  unsettled.clear()
  t.same([unsettled.size, unsettled.first], [0, undefined])
})
