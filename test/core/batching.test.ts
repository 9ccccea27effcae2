import fc from 'fast-check'
import t from 'tap'
import { Batching, SINGLE } from '../../src/core/batching.ts'

const steps = fc.array(fc.record({ afterMs: fc.nat(30), waiting: fc.nat(8), goes: fc.boolean() }), { maxLength: 40 })

void t.test('a full delivery goes at once, any other when its first has waited, and none before', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 5 }), fc.nat(50), steps, (maxEvents, waitMs, steps) => {
      const batching = new Batching({ maxEvents, waitMs })
      let nowMs = 1000
      /** Since when somebody has been seen to wait. */
      let sinceMs: number | undefined
      for (const { afterMs, waiting, goes } of steps) {
        nowMs += afterMs
        const ready = batching.ready(waiting, nowMs)
        if (waiting === 0) sinceMs = undefined
        else if (waiting < maxEvents) sinceMs ??= nowMs
        const isDue = sinceMs !== undefined && nowMs >= sinceMs + waitMs
        if (ready !== (waiting >= maxEvents ? maxEvents : isDue ? waiting : 0)) return false
        if (batching.dueAtMs !== (sinceMs === undefined ? undefined : sinceMs + waitMs)) return false
        if (ready > 0 && goes) {
          batching.gone()
          sinceMs = undefined
          if (batching.dueAtMs !== undefined) return false
        }
      }
      return true
    }),
  )
})

void t.test('one event in a delivery never waits for company', async (t) => {
  const batching = new Batching(SINGLE)
  t.same(
    [0, 1, 7].map((waiting) => batching.ready(waiting, 1000)),
    [0, 1, 1],
  )
  t.equal(batching.dueAtMs, undefined)
})
