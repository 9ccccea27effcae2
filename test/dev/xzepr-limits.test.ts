import t from 'tap'
import { Buckets, XZEPR_RATE_LIMITS, limited } from '../../src/dev/xzepr-limits.ts'
import { ALICE, BOB } from './xzepr-started.ts'

const caller = (sub: string, role = 'event_manager') => ({ sub, roles: [role], permissions: [] })

function drain(buckets: Buckets, who: ReturnType<typeof caller> | undefined, nowMs: number): number {
  let taken = 0
  while (buckets.take(who, nowMs).allowed) taken += 1
  return taken
}

void t.test('a full bucket holds a minute’s tokens: 10, 100 or 1000', (t) => {
  const buckets = new Buckets(XZEPR_RATE_LIMITS)
  t.equal(drain(buckets, undefined, 0), 10)
  t.equal(drain(buckets, caller(ALICE), 0), 100)
  t.equal(drain(buckets, caller(BOB, 'admin'), 0), 1000)
  t.end()
})

void t.test('a bucket refills all the time and never overflows', (t) => {
  const buckets = new Buckets(XZEPR_RATE_LIMITS)
  drain(buckets, caller(ALICE), 0)
  t.equal(drain(buckets, caller(ALICE), 599), 0, 'a token of 100 a minute takes 600 ms')
  t.equal(drain(buckets, caller(ALICE), 601), 1)
  t.equal(drain(buckets, caller(ALICE), 6_602), 10)
  t.equal(drain(buckets, caller(ALICE), 3_600_000), 100)
  t.end()
})

void t.test('each user has a bucket of his own, all without a token share one', (t) => {
  const buckets = new Buckets(XZEPR_RATE_LIMITS)
  drain(buckets, caller(ALICE), 0)
  t.equal(drain(buckets, caller(BOB), 0), 100)
  drain(buckets, undefined, 0)
  t.equal(drain(buckets, undefined, 0), 0)
  t.end()
})

void t.test('the answer says limit, remaining and a reset rounded down to nothing', (t) => {
  const buckets = new Buckets({ ...XZEPR_RATE_LIMITS, authenticated: 2 })
  t.same(buckets.take(caller(ALICE), 0).headers, {
    'x-ratelimit-limit': '2',
    'x-ratelimit-remaining': '1',
    'x-ratelimit-reset': '0',
  })
  buckets.take(caller(ALICE), 0)
  const refused = buckets.take(caller(ALICE), 1_000)
  t.same(refused, {
    allowed: false,
    headers: {
      'x-ratelimit-limit': '2',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '29',
      'retry-after': '29',
    },
  })
  t.same(limited(refused), { status: 429, headers: refused.headers, body: 'Rate limit exceeded' })

  const real = new Buckets(XZEPR_RATE_LIMITS)
  drain(real, caller(ALICE), 0)
  t.equal(real.take(caller(ALICE), 0).headers['retry-after'], '0', '0.6 s is 0 s to XZepr')
  t.end()
})

void t.test('without limits everything is allowed and nothing is said', (t) => {
  const buckets = new Buckets(undefined)
  const taken = Array.from({ length: 2000 }, () => buckets.take(undefined, 0))
  t.same(
    taken,
    taken.map(() => ({ allowed: true, headers: {} })),
  )
  t.end()
})
