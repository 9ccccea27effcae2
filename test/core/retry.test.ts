import fc from 'fast-check'
import t from 'tap'
import { backoffMs, restMs } from '../../src/core/retry.ts'

void t.test('the ceiling doubles with each attempt until the cap', async (t) => {
  const at = (attempt: number): number => backoffMs({ attempt, initialMs: 500, maxMs: 60_000, chance: 0.5 })
  t.same([1, 2, 3, 7, 8, 9].map(at), [250, 500, 1000, 16_000, 30_000, 30_000])
})

void t.test('a rest is a whole number of milliseconds below its ceiling, at any attempt and any chance', async (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      fc.nat(100_000),
      fc.nat(10_000_000),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, initialMs, maxMs, chance) => {
        const ms = backoffMs({ attempt, initialMs, maxMs, chance })
        return Number.isInteger(ms) && ms >= 0 && (ms < Math.min(maxMs, initialMs * 2 ** 60) || ms === 0)
      },
    ),
  )
  t.equal(backoffMs({ attempt: 1e9, initialMs: 0, maxMs: 60_000, chance: 0.999 }), 0)
  t.equal(backoffMs({ attempt: 1e9, initialMs: 1, maxMs: 60_000, chance: 0.5 }), 30_000)
})

void t.test('full jitter uses the whole width: no chance is no rest', async (t) => {
  t.equal(backoffMs({ attempt: 5, initialMs: 500, maxMs: 60_000, chance: 0 }), 0)
  t.equal(backoffMs({ attempt: 1, initialMs: 500, maxMs: 60_000, chance: 0.9999 }), 499)
})

void t.test('Retry-After wins over the backoff, in both directions, and is capped', async (t) => {
  const backoff = { attempt: 3, initialMs: 500, maxMs: 60_000, chance: 0.5 }
  t.equal(restMs({ ...backoff, retryAfterMs: 500 }), 500)
  t.equal(restMs({ ...backoff, retryAfterMs: 0 }), 1000, 'but not below the first rest: there the backoff holds')
  t.equal(restMs({ ...backoff, retryAfterMs: 7_000 }), 7_000)
  t.equal(restMs({ ...backoff, retryAfterMs: 86_400_000 }), 60_000)
  t.equal(restMs(backoff), 1_000)
  t.equal(restMs({ ...backoff, retryAfterMs: undefined }), 1_000)
})
