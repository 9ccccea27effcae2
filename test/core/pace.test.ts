import t from 'tap'
import { Pace } from '../../src/core/pace.ts'
import type { XzeprAnswer } from '../../src/core/xzepr-answer.ts'

const SETTINGS = { concurrency: 8, initialMs: 500, maxMs: 60_000 }
const at = (nowMs: number, chance = 0.5): { nowMs: number; chance: number } => ({ nowMs, chance })
const stored = (remaining?: number, limit = 100): XzeprAnswer => ({
  kind: 'stored',
  id: '01A',
  rate: remaining === undefined ? {} : { remaining, limit },
})
const limited = (retryAfterMs?: number, limit?: number): XzeprAnswer => ({
  kind: 'limited',
  why: 'HTTP 429',
  retryAfterMs,
  rate: { limit, remaining: 0 },
})
const away: XzeprAnswer = { kind: 'away', why: 'ECONNREFUSED' }
const failing: XzeprAnswer = { kind: 'failing', why: 'HTTP 500' }
const unauthorised: XzeprAnswer = {
  kind: 'barred',
  code: 'XZB_XZEPR_UNAUTHORISED',
  why: 'HTTP 401',
  receiverInDoubt: false,
}

void t.test('two that fail with nothing accepted between close the pace; the first answer opens it', async (t) => {
  const pace = new Pace(SETTINGS)
  pace.heard('a', away, 0, at(0))
  t.equal(pace.width, 8)
  t.equal(pace.problem, undefined, 'one reset is no news')
  pace.heard('b', away, 0, at(0))
  t.equal(pace.width, 1)
  t.equal(pace.notBeforeMs, 250)
  t.match(pace.problem, { code: 'XZB_XZEPR_UNREACHABLE', why: 'ECONNREFUSED' })
  pace.heard('c', stored(), pace.wave, at(100))
  t.equal(pace.width, 8)
  t.equal(pace.notBeforeMs, 100)
  t.equal(pace.problem, undefined)
  t.equal(pace.accepted, 1)
})

void t.test('one that fails alone costs its neighbours nothing, and is said when it fails again', async (t) => {
  const pace = new Pace(SETTINGS)
  for (let times = 0; times < 5; times++) pace.heard('a', failing, pace.wave, at(0))
  t.equal(pace.width, 8)
  t.equal(pace.notBeforeMs, 0)
  t.match(pace.problem, { why: 'HTTP 500' })
  pace.heard('b', { kind: 'refused', why: 'HTTP 400', rate: {} }, 0, at(0))
  t.equal(pace.problem, undefined, 'XZepr answers')
  pace.forget('a')
  pace.heard('b', failing, 0, at(0))
  t.equal(pace.width, 8, 'what was given up counts no more')
})

void t.test('what a report brings on itself neither closes the pace nor lengthens a rest', async (t) => {
  const busy: XzeprAnswer = { kind: 'busy', why: 'HTTP 503', retryAfterMs: 7000 }
  for (const answer of [failing, away, unauthorised, busy, limited(7)]) {
    const pace = new Pace(SETTINGS)
    pace.heard('a', answer, pace.wave, at(0), true)
    t.equal(pace.width, 8)
    t.equal(pace.notBeforeMs, 0)
    t.equal(pace.problem, undefined)
    pace.heard('b', failing, pace.wave, at(0))
    pace.heard('c', failing, pace.wave, at(0))
    const { notBeforeMs } = pace
    pace.heard('a', answer, pace.wave, at(notBeforeMs), true)
    t.equal(pace.notBeforeMs, notBeforeMs)
    t.equal(pace.width, 1)
  }
})

void t.test(
  'requests that were out together lengthen the rest once; each wave of failures lengthens it more',
  async (t) => {
    const pace = new Pace(SETTINGS)
    const rests: number[] = []
    for (let wave = 0; wave < 10; wave++) {
      const nowMs = pace.notBeforeMs
      const stamped = pace.wave
      for (let out = 0; out < 8; out++) pace.heard(`t${out}`, unauthorised, stamped, at(nowMs))
      rests.push(pace.notBeforeMs - nowMs)
    }
    t.same(rests, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
    t.match(pace.problem, { code: 'XZB_XZEPR_UNAUTHORISED' })
  },
)

void t.test('503 rests all as long as XZepr says, within the cap', async (t) => {
  const pace = new Pace(SETTINGS)
  pace.heard('a', { kind: 'busy', why: 'HTTP 503', retryAfterMs: 7000 }, 0, at(0))
  t.equal(pace.notBeforeMs, 7000)
  pace.heard('b', { kind: 'busy', why: 'HTTP 503', retryAfterMs: 9000 }, 0, at(0))
  t.equal(pace.notBeforeMs, 9000, 'the longest word of a wave holds')
  pace.heard('a', { kind: 'busy', why: 'HTTP 503', retryAfterMs: 86_400_000 }, pace.wave, at(9000))
  t.equal(pace.notBeforeMs, 69_000)
})

void t.test('429 with retry-after 0 waits a token’s time, and longer each time it comes again', async (t) => {
  const pace = new Pace(SETTINGS)
  const rests: number[] = []
  for (let wave = 0; wave < 7; wave++) {
    const nowMs = pace.notBeforeMs
    pace.heard('a', limited(0, 100), pace.wave, at(nowMs, 0.999))
    rests.push(pace.notBeforeMs - nowMs)
  }
  t.ok(rests[0] !== undefined && rests[0] >= 600)
  t.same(rests, [1199, 1798, 2997, 5395, 10_190, 10_190, 10_190])
  t.equal(pace.width, 1)
  t.equal(pace.problem, undefined, 'a full bucket is normal')
})

void t.test('a token’s time follows the limit that XZepr names, never below 600 ms after a 429', async (t) => {
  for (const [limit, leastMs] of [
    [10, 6000],
    [100, 600],
    [1000, 600],
    [0, 600],
    [undefined, 600],
  ] as const) {
    const pace = new Pace(SETTINGS)
    pace.heard('a', limited(undefined, limit), 0, at(0, 0))
    t.equal(pace.notBeforeMs, leastMs, String(limit))
  }
  const pace = new Pace(SETTINGS)
  pace.heard('a', limited(5000), 0, at(0, 0))
  t.equal(pace.notBeforeMs, 5000, 'a longer word of XZepr’s wins')
})

void t.test('a low bucket narrows the pace before a 429 comes, and a full one opens it', async (t) => {
  const pace = new Pace(SETTINGS)
  pace.heard('a', stored(8), 0, at(0))
  t.equal(pace.width, 8)
  pace.heard('a', stored(7), 0, at(0))
  t.equal(pace.width, 1)
  t.equal(pace.notBeforeMs, 0)
  pace.heard('a', stored(0), 0, at(0))
  t.equal(pace.notBeforeMs, 600)
  pace.heard('a', stored(50), 0, at(700))
  t.equal(pace.width, 8)
})

void t.test('an answer from before the bucket was empty does not open the pace', async (t) => {
  const pace = new Pace(SETTINGS)
  pace.heard('a', limited(0), 0, at(0))
  const { notBeforeMs } = pace
  pace.heard('b', stored(40), 0, at(0))
  t.equal(pace.width, 1)
  t.equal(pace.notBeforeMs, notBeforeMs)
  pace.heard('c', limited(0), 0, at(10))
  t.equal(pace.notBeforeMs, notBeforeMs, 'nor does a second 429 of the wave lengthen the rest')
  pace.heard('b', stored(), pace.wave, at(2000))
  t.equal(pace.width, 8)
})
