import fc from 'fast-check'
import t from 'tap'
import type { Answer } from '../../src/core/answer.ts'
import { answersOf } from '../../src/core/batch-answer.ts'
import { unstorableText, utf8Bytes } from '../../src/core/json.ts'
import { anyText } from '../support/any-text.ts'

const OK: Answer = { kind: 'done', why: 'HTTP 200' }
const AGAIN: Answer = { kind: 'later', why: 'HTTP 503', responded: true, retryAfterMs: 5000 }

function answers(whole: Answer, body: unknown, ids: readonly string[]): readonly Answer[] {
  return answersOf({ ...whole, body: typeof body === 'string' ? body : JSON.stringify(body) }, ids)
}

/** The answer to the one event that a result is about. */
function one(result: Readonly<Record<string, unknown>>, whole: Answer = OK): Answer | undefined {
  return answers(whole, { results: [{ id: 'a', ...result }] }, ['a'])[0]
}

void t.test(
  'an event takes the result that names it, any other the HTTP status, in the order of the works',
  async (t) => {
    const results = [
      { id: 'd', status: 'failed', error: 'no such image' },
      { id: 'b', status: 'retry', retry_after_seconds: 1.5 },
      { id: 'a', status: 'done' },
      { id: 'c', status: 'accepted' },
    ]
    t.same(answers(AGAIN, { results }, ['a', 'b', 'c', 'd', 'e']), [
      { kind: 'done', why: 'the app said done' },
      { kind: 'later', why: 'the app said retry', responded: true, retryAfterMs: 1500 },
      { kind: 'accepted', why: 'the app said accepted' },
      { kind: 'never', why: 'the app said failed: no such image', responded: true },
      AGAIN,
    ])
  },
)

void t.test('without a body, or with one that holds no results, every event takes the HTTP status', async (t) => {
  t.same(answersOf(OK, ['a', 'b']), [OK, OK])
  for (const body of [
    '',
    'ok',
    'null',
    '7',
    '[]',
    '{}',
    '{"results":{}}',
    '{"results":null}',
    '{"results":[]}',
    '{"',
  ]) {
    t.same(answers(AGAIN, body, ['a', 'b']), [AGAIN, AGAIN], body)
  }
})

void t.test('nobody who was not there has answered: a failure is everybody’s', async (t) => {
  const reset: Answer = { kind: 'later', why: 'ECONNRESET', responded: false }
  const away: Answer = { kind: 'away', why: 'ECONNREFUSED' }
  t.same(answersOf(reset, ['a', 'b']), [reset, reset])
  t.same(answersOf(away, ['a']), [away])
})

void t.test('results count under any status', async (t) => {
  const never: Answer = { kind: 'never', why: 'HTTP 400', responded: true }
  for (const whole of [OK, AGAIN, never, { kind: 'accepted', why: 'HTTP 202' } as const]) {
    t.match(one({ status: 'done' }, whole), { kind: 'done' })
    t.match(one({ status: 'retry' }, whole), { kind: 'later', responded: true })
  }
})

void t.test('a result that names no event of the batch is passed over, the ones beside it are not', async (t) => {
  const bad = [null, 7, 'a', [], {}, { status: 'done' }, { id: 7, status: 'done' }, { id: 'unknown', status: 'failed' }]
  for (const each of bad) {
    const [a, b] = answers(OK, { results: [each, { id: 'b', status: 'failed' }] }, ['a', 'b'])
    t.same(a, OK, JSON.stringify(each))
    t.match(b, { kind: 'never' })
  }
})

void t.test('an event that is named with a status that is none is sent again, never taken for done', async (t) => {
  for (const status of [undefined, 'Done', 'FAILED', 'error', 'toString', 7, null]) {
    const [a, b] = answers(
      OK,
      {
        results: [
          { id: 'a', status },
          { id: 'b', status: 'done' },
        ],
      },
      ['a', 'b'],
    )
    t.match(a, { kind: 'later', responded: true, why: /a status that is none/ }, String(status))
    t.match(b, { kind: 'done' })
  }
})

void t.test('of two results about one event the last counts', async (t) => {
  const [failed, done] = [
    { id: 'a', status: 'failed' },
    { id: 'a', status: 'done' },
  ]
  t.match(answers(OK, { results: [failed, done] }, ['a']), [{ kind: 'done' }])
  t.match(answers(OK, { results: [done, failed] }, ['a']), [{ kind: 'never' }])
})

void t.test('a batch that is refused as a whole is sent again one by one: one event costs no neighbour', async (t) => {
  const never: Answer = { kind: 'never', why: 'HTTP 413', responded: true }
  t.match(answersOf(never, ['a', 'b']), [
    { kind: 'later', alone: true, responded: true, why: /^HTTP 413 for a batch of 2/ },
    { kind: 'later', alone: true },
  ])
  t.same(answersOf(never, ['a']), [never], 'alone it is refused for what it is')
  const [a, b] = answers(never, { results: [{ id: 'b', status: 'failed' }] }, ['a', 'b'])
  t.match(a, { kind: 'later', alone: true })
  t.match(b, { kind: 'never' })
})

void t.test('a retry waits as long as its result says, else as the answer says, else as we would', async (t) => {
  const waitMs = (result: object, whole: Answer): number | undefined => {
    const answer = one({ status: 'retry', ...result }, whole)
    return answer?.kind === 'later' ? answer.retryAfterMs : NaN
  }
  t.equal(waitMs({ retry_after_seconds: 0 }, AGAIN), 0)
  t.equal(waitMs({ retry_after_seconds: 2 }, AGAIN), 2000)
  t.equal(waitMs({}, AGAIN), 5000)
  t.equal(waitMs({}, OK), undefined)
  for (const unreadable of ['2', -1, null, {}, 1e300])
    t.equal(waitMs({ retry_after_seconds: unreadable }, OK), undefined)
})

void t.test('the app’s words are kept up to a bound, and never as text that XZepr could not store', async (t) => {
  t.equal(one({ status: 'failed', error: 'x'.repeat(1000) })?.why.length, 'the app said failed: '.length + 200)
  t.equal(one({ status: 'failed', error: { deep: 1 } })?.why, 'the app said failed')
  fc.assert(
    fc.property(anyText(300), (error) => {
      const why = one({ status: 'failed', error })?.why ?? ''
      return unstorableText(why) === undefined && utf8Bytes(why) <= 230
    }),
  )
})

void t.test('whatever the body holds, there is one answer for each work and none keeps the body', async () => {
  const result = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        id: fc.oneof(fc.constantFrom('a', 'b', '__proto__'), fc.jsonValue()),
        status: fc.oneof(fc.constantFrom('done', 'accepted', 'retry', 'failed'), fc.jsonValue()),
        error: fc.jsonValue(),
        retry_after_seconds: fc.oneof(fc.double(), fc.jsonValue()),
      },
      { requiredKeys: [] },
    ),
  )
  const body = fc.oneof(
    anyText(),
    fc.json(),
    fc.array(result).map((results) => JSON.stringify({ results })),
  )
  fc.assert(
    fc.property(body, fc.constantFrom(OK, AGAIN), (body, whole) => {
      const all = answersOf({ ...whole, body }, ['a', 'b', '__proto__'])
      const waits = all.map((each) => ('retryAfterMs' in each ? each.retryAfterMs : 0))
      return all.length === 3 && all.every((each) => !('body' in each)) && waits.every((wait) => Number.isFinite(wait))
    }),
    { numRuns: 500 },
  )
})
