import fc from 'fast-check'
import t from 'tap'
import { Known, NOTHING_KNOWN } from '../../src/core/known.ts'
import type { OffsetMap } from '../../src/core/offset-map.ts'

const BASE = 10n

/** What is true of the offsets from BASE on: settled, or attempted so often. */
const truths = fc.array(fc.record({ settled: fc.boolean(), attempts: fc.nat(2) }), { maxLength: 24 })

function mapOf(truth: readonly { settled: boolean; attempts: number }[]): OffsetMap {
  const settled: { from: bigint; to: bigint }[] = []
  const attempts: { from: bigint; attempts: number }[] = []
  let current = 0
  for (const [at, each] of truth.entries()) {
    const offset = BASE + BigInt(at)
    const last = settled.at(-1)
    if (each.settled && last?.to === offset) last.to = offset + 1n
    else if (each.settled) settled.push({ from: offset, to: offset + 1n })
    if (each.attempts !== current) attempts.push({ from: offset, attempts: (current = each.attempts) })
  }
  if (current !== 0) attempts.push({ from: BASE + BigInt(truth.length), attempts: 0 })
  return { settled, attempts }
}

void t.test('what is asked in the order of the offsets, with any gaps, is what the earlier reader said', async () => {
  fc.assert(
    fc.property(truths, fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 24 }), (truth, gaps) => {
      const known = new Known(mapOf(truth))
      let offset = BASE
      for (const gap of gaps) {
        offset += BigInt(gap)
        let end = offset
        while (truth[Number(end - BASE)]?.settled === true) end += 1n
        if (known.settledTo(offset) !== end) return false
        offset = end
        if (known.attemptsAt(offset) !== (truth[Number(offset - BASE)]?.attempts ?? 0)) return false
      }
      return true
    }),
  )
})

void t.test('what was not asked for is passed on whole', async () => {
  fc.assert(
    fc.property(truths, fc.nat(24), (truth, upTo) => {
      const known = new Known(mapOf(truth))
      const from = known.settledTo(BASE + BigInt(upTo))
      known.attemptsAt(from)
      const { settled, attempts } = mapOf(truth)
      const { left } = known
      return (
        JSON.stringify(left, text) ===
        JSON.stringify(
          { settled: settled.filter((run) => run.from > from), attempts: attempts.filter((step) => step.from > from) },
          text,
        )
      )
    }),
  )
})

void t.test('its end is behind all that was settled or attempted', async () => {
  fc.assert(
    fc.property(truths, (truth) => {
      const touched = truth.map(({ settled, attempts }) => settled || attempts > 0).lastIndexOf(true)
      return new Known(mapOf(truth)).end === (touched === -1 ? 0n : BASE + BigInt(touched) + 1n)
    }),
  )
})

void t.test('where the log ends before what was settled, nothing of it holds; otherwise all of it does', async (t) => {
  const map = { settled: [{ from: 5n, to: 8n }], attempts: [{ from: 3n, attempts: 2 }] }
  const other = new Known(map)
  t.equal(other.see(7n), true)
  t.same([other.settledTo(5n), other.attemptsAt(3n), other.end, other.left], [5n, 0, 0n, NOTHING_KNOWN])
  t.equal(other.see(7n), false, 'it is said once')
  const same = new Known(map)
  t.equal(same.see(8n), false)
  t.same([same.settledTo(5n), same.attemptsAt(9n), same.end], [8n, 2, 8n])
})

function text(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
