/**
 * The laws of the whole road, held at every step of lives that nobody wrote down beforehand: records, answers, reports,
 * crashes, rejoins, drains and an operator's hand in any order. test/support/witness.ts says what the laws are.
 */
import fc from 'fast-check'
import t from 'tap'
import type { Answer } from '../src/core/answer.ts'
import { SINGLE } from '../src/core/batching.ts'
import { NO_MEMBERS } from '../src/core/json.ts'
import type { Report } from '../src/core/report.ts'
import type { LivesOptions, Move } from './support/lives.ts'
import { Lives, PARTITIONS } from './support/lives.ts'

const IDENTITY = { group: 'xzepr-consumer-svc', package: 'svc', workName: 'svc', workVersion: '1.0.0' }

const options: fc.Arbitrary<LivesOptions> = fc
  .record({
    order: fc.constantFrom('key' as const, 'partition' as const, 'none' as const),
    attemptsMax: fc.constantFrom(0, 1, 2, 3),
    lifecycle: fc.constantFrom('explicit' as const, 'auto' as const),
    deadLetters: fc.boolean(),
    batch: fc.constantFrom(SINGLE, SINGLE, { maxEvents: 3, waitMs: 20 }),
    maxInFlight: fc.constantFrom(1, 2, 64),
    maxRunning: fc.constantFrom(2, 4, 1000),
    maxBufferedBytes: fc.constantFrom(4000, 8000, 1 << 20),
    maxReports: fc.constantFrom(2, 1000),
  })
  .map(({ order, batch, attemptsMax, lifecycle, deadLetters, ...bounds }) => ({
    identity: IDENTITY,
    order,
    batch,
    bounds,
    deadLetters,
    policy: { attemptsMax, retryInitialMs: 1000, retryMaxMs: 8000, leaseMs: 20_000, lifecycle, deadLetters },
  }))

const partition = fc.nat(PARTITIONS - 1)
const pick = fc.nat(99)
const life = fc.nat(2)

const given = fc.record({
  // Few enough to come again, beside others that do not.
  id: fc.oneof(
    fc.constantFrom('a', 'b', 'c'),
    fc.nat(500).map((n) => `w${n}`),
  ),
  key: fc.constantFrom('k', 'l', undefined),
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constant('event' as const) },
    { weight: 3, arbitrary: fc.constantFrom('poison' as const, 'tombstone' as const, 'refused' as const) },
  ),
  gap: fc.constantFrom(0, 0, 0, 2),
})

const ANSWERS: readonly Answer[] = [
  { kind: 'done', why: 'HTTP 200' },
  { kind: 'done', why: 'HTTP 204' },
  { kind: 'accepted', why: 'HTTP 202' },
  { kind: 'accepted', why: 'HTTP 202' },
  { kind: 'later', why: 'HTTP 503', responded: true },
  { kind: 'later', why: 'HTTP 429', responded: true, retryAfterMs: 0 },
  { kind: 'later', why: 'HTTP 429', responded: true, retryAfterMs: 3000 },
  { kind: 'later', why: 'HTTP 429', responded: true, retryAfterMs: 86_400_000 },
  { kind: 'later', why: 'ECONNRESET', responded: false },
  { kind: 'never', why: 'HTTP 422', responded: true },
  { kind: 'never', why: 'a header', responded: false },
  { kind: 'away', why: 'ECONNREFUSED' },
  { kind: 'away', why: 'ENOROUTE' },
]

const details = NO_MEMBERS
const REPORTS: readonly Report[] = [
  { kind: 'started', details, name: 'build', version: '2.0.0' },
  { kind: 'progress', details },
  { kind: 'progress', details, leaseMs: 5000 },
  { kind: 'completed', details, success: true },
  { kind: 'completed', details, success: true },
  { kind: 'completed', details, success: false },
  { kind: 'failed', details, retry: false, error: 'no disk' },
  { kind: 'failed', details, retry: true },
  { kind: 'failed', details, retry: true, retryAfterMs: 2000 },
]

/** Each move with how often it comes. */
const MOVES: readonly (readonly [weight: number, move: fc.Arbitrary<Move>])[] = [
  [8, of('produce', { partition, records: fc.array(given, { minLength: 1, maxLength: 5 }) })],
  [14, of('fetch', { partition, count: fc.integer({ min: 1, max: 5 }), markers: fc.boolean() })],
  [
    20,
    of('answer', {
      pick,
      answer: fc.constantFrom(...ANSWERS),
      results: fc.array(fc.constantFrom('done', 'accepted', 'retry', 'failed', 'nonsense'), { maxLength: 3 }),
    }),
  ],
  [16, of('report', { life, pick, report: fc.constantFrom(...REPORTS) })],
  [10, of('tell', { pick, stored: fc.constantFrom(true, true, false) })],
  [4, of('letter', { pick })],
  [14, of('advance', { ms: fc.constantFrom(1, 20, 200, 200, 1000, 1500, 5000, 20_000) })],
  [1, of('crash', { life, landed: fc.boolean() })],
  [4, of('restart', { life, landed: fc.boolean() })],
  [2, of('join', {})],
  [1, of('drain', {})],
  [3, of('share', { deal: fc.array(fc.nat(2), { minLength: PARTITIONS, maxLength: PARTITIONS }) })],
  [1, of('lose', { partition })],
  [
    2,
    of('commits', { mode: fc.constantFrom('taken' as const, 'taken' as const, 'refused' as const, 'slow' as const) }),
  ],
  [2, of('land', { pick })],
  [1, of('pause', { life })],
  [2, of('resume', { life })],
  [1, of('let go', { life, pick })],
  [0.3, of('stop', { life, by: fc.constantFrom('lever' as const, 'signal' as const) })],
]

function of<K extends Move['kind']>(
  kind: K,
  members: Record<Exclude<keyof Extract<Move, { kind: K }>, 'kind' | 'atOnce'>, fc.Arbitrary<unknown>>,
): fc.Arbitrary<Move> {
  const atOnce = fc.constantFrom(false, false, false, true)
  return fc.record({ kind: fc.constant(kind), atOnce, ...members }) as unknown as fc.Arbitrary<Move>
}

const move = fc.oneof(...MOVES.map(([weight, arbitrary]) => ({ weight: weight * 10, arbitrary })))
const moves = fc.array(move, { minLength: 10, maxLength: 120, size: 'max' })

void t.test(
  'whatever happens in whatever order, the road keeps its laws and every record ends exactly once',
  async () => {
    await fc.assert(
      fc.asyncProperty(options, moves, fc.boolean(), async (options, moves, reports) => {
        const lives = new Lives(options)
        for (const each of moves) await lives.make(each)
        await lives.heal(reports)
      }),
      { numRuns: Number(process.env.LAW_RUNS ?? 300), includeErrorInReport: true, interruptAfterTimeLimit: 120_000 },
    )
  },
)
