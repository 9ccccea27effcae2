import fc from 'fast-check'
import t from 'tap'
import { Position } from '../../src/core/position.ts'
import type { PositionVerdict, Span } from '../../src/core/position.ts'

const span = (from: number, next: number, highWatermark = 100): Span => ({
  from: BigInt(from),
  next: BigInt(next),
  highWatermark: BigInt(highWatermark),
})
const take = (from: number, missing?: number): PositionVerdict => ({
  kind: 'take',
  from: BigInt(from),
  missing: missing === undefined ? undefined : BigInt(missing),
})
const seek = (to: number): PositionVerdict => ({ kind: 'seek', to: BigInt(to) })
const seen: PositionVerdict = { kind: 'seen' }
const recreated: PositionVerdict = { kind: 'recreated' }

/** What a reader at 10 makes of each batch in turn, and where it stands then. */
const stories: readonly [law: string, batches: readonly Span[], verdicts: readonly PositionVerdict[], next: number][] =
  [
    ['a batch that begins where expected is taken', [span(10, 15)], [take(10)], 15],
    ['what was seen before is skipped', [span(5, 15)], [take(10)], 15],
    ['a batch that holds nothing new is seen', [span(5, 10), span(0, 3)], [seen, seen], 10],
    ['a jump is not believed at first sight', [span(12, 15)], [seek(10)], 10],
    ['after a jump that was false the reading goes on', [span(12, 15), span(10, 15)], [seek(10), take(10)], 15],
    [
      'the same jump twice is real, and what is missing is named',
      [span(12, 15), span(12, 16)],
      [seek(10), take(12, 10)],
      16,
    ],
    ['two different jumps are not the same', [span(12, 15), span(13, 15)], [seek(10), seek(10)], 10],
    [
      'a jump is forgotten when the reading went on in between',
      [span(12, 15), span(10, 11), span(12, 15)],
      [seek(10), take(10), seek(11)],
      11,
    ],
    ['a log that ends early is not believed at first sight', [span(0, 5, 5)], [seek(10)], 10],
    ['a log that ends early twice was made anew', [span(0, 5, 5), span(0, 6, 6)], [seek(10), recreated], 10],
    [
      'a log that ended early once and reaches us again is the same',
      [span(0, 5, 5), span(10, 12)],
      [seek(10), take(10)],
      12,
    ],
    ['a jump past the end of the log is read again', [span(12, 15, 5), span(12, 15, 5)], [seek(10), seek(10)], 10],
    ['a log that ends where we stand is whole', [span(5, 10, 10)], [seen], 10],
  ]
for (const [law, batches, verdicts, next] of stories) {
  void t.test(law, async (t) => {
    const position = new Position(10n)
    t.same(
      batches.map((batch) => position.judge(batch)),
      verdicts,
    )
    t.equal(position.next, BigInt(next))
  })
}

void t.test('whatever comes in whatever order, no offset is taken twice and the position never falls', async (t) => {
  const batch = fc
    .tuple(fc.nat(20), fc.nat(8), fc.nat(30))
    .map(([from, length, end]) => span(from, from + length, Math.max(end, from + length)))
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 40 }), (batches) => {
      const position = new Position(5n)
      for (const each of batches) {
        const before = position.next
        const verdict = position.judge(each)
        if (verdict.kind !== 'take' && position.next !== before) return false
        if (verdict.kind === 'take' && (verdict.from < before || position.next !== each.next)) return false
        if (verdict.kind === 'take' && verdict.from > before && verdict.missing !== before) return false
      }
      return true
    }),
  )
  t.pass()
})

void t.test('a log that is read in order, with stale batches among it, is taken whole and once', async (t) => {
  // A stale batch starts anywhere; the true one always follows, as a fetch at the expected offset gives it.
  const step = fc.record({ stale: fc.option(fc.tuple(fc.nat(60), fc.nat(6))), length: fc.integer({ min: 1, max: 5 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const position = new Position(0n)
      const taken: bigint[] = []
      let jumped: bigint | undefined
      const offer = (each: Span): void => {
        const verdict = position.judge(each)
        if (verdict.kind !== 'take') return
        for (let at = verdict.from; at < each.next; at++) taken.push(at)
      }
      for (const { stale, length } of steps) {
        if (stale !== null && BigInt(stale[0]) !== jumped) {
          jumped = BigInt(stale[0])
          offer(span(stale[0], stale[0] + stale[1], 1000))
        }
        offer({ from: position.next, next: position.next + BigInt(length), highWatermark: 1000n })
        jumped = undefined
      }
      return taken.every((offset, at) => offset === BigInt(at)) && position.next === BigInt(taken.length)
    }),
  )
  t.pass()
})
