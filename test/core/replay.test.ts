import fc from 'fast-check'
import t from 'tap'
import type { Answer } from '../../src/core/answer.ts'
import type { DeadLetter, LeftOut } from '../../src/core/dead-letter.ts'
import { DEAD_LETTER_REASONS, letterHeaders } from '../../src/core/dead-letter.ts'
import type { KafkaRecord } from '../../src/core/record.ts'
import type { Outcome, Selection, Sending, Weighed } from '../../src/core/replay.ts'
import { AWAY_MAX_MS, REPLAY_ATTEMPTS_MAX, outcomeOf, paceMs, weigh } from '../../src/core/replay.ts'
import { recordOf } from '../support/books.ts'
import { encodings } from '../../src/webhook/encodings.ts'

const VALUE = Buffer.from(JSON.stringify({ id: '01J', type: 't', source: 's', specversion: '1.0' }))
const ALL: Selection = { group: 'g', untilMs: undefined, ids: [], reasons: [] }

interface Written {
  readonly letter?: Partial<DeadLetter>
  readonly value?: Uint8Array | null
  readonly group?: string
  readonly leftOut?: LeftOut
}

function written({ letter, value = VALUE, group = 'g', leftOut }: Written = {}): KafkaRecord {
  const record = recordOf({ partition: 1, offset: 7n, value })
  const whole: DeadLetter = { record, reason: 'rejected', error: 'No.', attempts: 1, answer: undefined, ...letter }
  return recordOf({
    topic: 'dead',
    timestampMs: 1000,
    value,
    headers: letterHeaders(whole, { group, atMs: 1000, leftOut }),
  })
}
const kindOf = (record: KafkaRecord, selection: Partial<Selection> = {}): Weighed['kind'] =>
  weigh(record, { ...ALL, ...selection }, encodings.decodeUtf8).kind

void t.test('a letter of ours is meant, one of another group is not', async (t) => {
  t.match(weigh(written(), ALL, encodings.decodeUtf8), {
    kind: 'wanted',
    message: { id: '01J' },
    letter: { letter: { record: { offset: 7n } } },
  })
  t.equal(kindOf(written({ group: 'another' })), 'not-meant')
})

void t.test('a letter is named by its event or by where its record stands', async (t) => {
  t.equal(kindOf(written(), { ids: ['x', '01J'] }), 'wanted')
  t.equal(kindOf(written(), { ids: ['xzepr.dev.events/1/7'] }), 'wanted')
  t.equal(kindOf(written(), { ids: ['01K'] }), 'not-meant')
  t.equal(kindOf(written({ leftOut: 'value', value: null }), { ids: ['xzepr.dev.events/1/7'] }), 'wanted')
})

void t.test('a time is a bound that is not included', async (t) => {
  t.same([kindOf(written(), { untilMs: 1001 }), kindOf(written(), { untilMs: 1000 })], ['wanted', 'not-meant'])
})

void t.test('a reason picks its letters; the one whose work has ended must be named', async (t) => {
  for (const reason of DEAD_LETTER_REASONS) {
    const record = written({ letter: { reason } })
    t.equal(kindOf(record), reason === 'report-refused' ? 'not-meant' : 'wanted', reason)
    t.equal(kindOf(record, { reasons: [reason] }), 'wanted')
    t.equal(kindOf(record, { ids: ['01J'] }), 'wanted')
    t.equal(kindOf(record, { reasons: DEAD_LETTER_REASONS.filter((each) => each !== reason) }), 'not-meant')
  }
})

void t.test('what is no letter is told of, unless letters were named', async (t) => {
  t.match(weigh(recordOf(), ALL, encodings.decodeUtf8), { kind: 'unreadable', why: /none of the headers/ })
  t.equal(kindOf(recordOf(), { reasons: ['poison'] }), 'not-meant')
})

void t.test('a letter that holds no event says why not', async (t) => {
  const why = (of: Written): string | undefined => {
    const weighed = weigh(written(of), ALL, encodings.decodeUtf8)
    return weighed.kind === 'wanted' && weighed.message === undefined ? weighed.why : undefined
  }
  t.match(why({ value: Buffer.from('poison') }), /still cannot be read: its value is not JSON/)
  t.match(why({ value: null }), /tombstone/)
  t.match(why({ value: null, leftOut: 'value' }), /does not hold/)
  t.equal(why({}), undefined)
})

const SENDING: Sending = { attempt: 1, awaySinceMs: undefined, retryInitialMs: 100, retryMaxMs: 1000 }
const NOW = { nowMs: 5000, chance: 0.5 }
const LATER: Answer = { kind: 'later', why: 'HTTP 503', responded: true }
const AWAY: Answer = { kind: 'away', why: 'ECONNREFUSED' }
const outcome = (answer: Answer, sending: Partial<Sending> = {}): Outcome =>
  outcomeOf(answer, { ...SENDING, ...sending }, NOW)

void t.test('done and accepted are sent, never has failed', async (t) => {
  t.same(outcome({ kind: 'done', why: 'HTTP 200' }), { kind: 'sent', accepted: false })
  t.same(outcome({ kind: 'accepted', why: 'HTTP 202' }), { kind: 'sent', accepted: true })
  t.same(outcome({ kind: 'never', why: 'HTTP 422', responded: true }), { kind: 'failed', why: 'HTTP 422' })
})

void t.test('later is tried again after a rest, Retry-After wins, and the last attempt has failed', async (t) => {
  t.match(outcome(LATER), { kind: 'again', attempt: 2, inMs: 50 })
  t.match(outcome({ ...LATER, retryAfterMs: 700 }), { kind: 'again', inMs: 700 })
  t.match(outcome({ ...LATER, retryAfterMs: 7000 }), { inMs: 1000 })
  t.match(outcome(LATER, { attempt: REPLAY_ATTEMPTS_MAX }), { kind: 'failed', why: 'HTTP 503, attempt 5 of 5' })
})

void t.test('away burns no attempt and ends the replay only after its bound', async (t) => {
  t.match(outcome(AWAY, { attempt: 3 }), { kind: 'again', attempt: 3, inMs: 1000, awaySinceMs: 5000 })
  t.match(outcome(AWAY, { awaySinceMs: 5001 - AWAY_MAX_MS }), { kind: 'again', awaySinceMs: 5001 - AWAY_MAX_MS })
  t.match(outcome(AWAY, { awaySinceMs: 5000 - AWAY_MAX_MS }), { kind: 'end', why: 'ECONNREFUSED' })
})

void t.test('whatever the app answers, a letter comes to an end', async (t) => {
  const anyAnswer = fc.constantFrom<Answer>(LATER, AWAY)
  fc.assert(
    fc.property(fc.infiniteStream(anyAnswer), (answers) => {
      let sending = SENDING
      let nowMs = 0
      for (let tries = 0; tries < 1000; tries++) {
        const next = outcomeOf((answers.next() as IteratorYieldResult<Answer>).value, sending, { nowMs, chance: 0.5 })
        if (next.kind !== 'again') return true
        nowMs += next.inMs
        sending = { ...sending, attempt: next.attempt, awaySinceMs: next.awaySinceMs }
      }
      return false
    }),
  )
  t.pass()
})

void t.test('a pace sets letters apart', async (t) => {
  t.same([paceMs(1000, undefined), paceMs(1000, 10), paceMs(1000, 0.5)], [1000, 1100, 3000])
})
