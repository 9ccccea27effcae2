import fc from 'fast-check'
import t from 'tap'
import { answerTo, retryAfter } from '../../src/core/answer.ts'
import { anyText } from '../support/any-text.ts'

const NOW_MS = Date.UTC(2026, 10, 23, 10, 0, 0)

/** The contract's table, section 2, written out a second time. */
function kindByContract(status: number): string {
  if ([200, 201, 203, 204, 205, 206].includes(status)) return 'done'
  if (status === 202) return 'accepted'
  if ([401, 403, 404, 408, 409, 423, 425, 429].includes(status)) return 'later'
  if (status >= 500) return 'later'
  // The contract is silent on the rest of 2xx: RFC 9110 section 15 reads it as 200.
  return status >= 200 && status < 300 ? 'done' : 'never'
}

void t.test('every status from 100 to 599 means what the contract says', async (t) => {
  for (let status = 100; status <= 599; status++) {
    const answer = answerTo({ kind: 'response', status }, NOW_MS)
    t.equal(answer.kind, kindByContract(status), `HTTP ${status}`)
    t.equal(answer.why, `HTTP ${status}`)
  }
})

void t.test('a status beyond 599 is read as a server error, as RFC 9110 section 15 asks', async (t) => {
  for (const status of [600, 799, 999]) t.equal(answerTo({ kind: 'response', status }, NOW_MS).kind, 'later')
})

void t.test('a failure after the first byte was sent is later, and nobody responded', async (t) => {
  for (const why of ['ECONNRESET', 'EHOSTUNREACH', 'ECONNREFUSED', 'anything at all']) {
    t.same(answerTo({ kind: 'failure', sent: true, why }, NOW_MS), { kind: 'later', why, responded: false })
  }
})

void t.test('a failure before the first byte was sent burns no attempt: the app is away', async (t) => {
  for (const why of [
    'ECONNREFUSED',
    'EHOSTUNREACH',
    'ENOTFOUND',
    'UND_ERR_CONNECT_TIMEOUT',
    'ETIMEDOUT',
    'ECONNRESET',
  ]) {
    t.same(answerTo({ kind: 'failure', sent: false, why }, NOW_MS), { kind: 'away', why })
  }
})

void t.test('what HTTP cannot carry is never tried again', async (t) => {
  t.same(answerTo({ kind: 'unsendable', why: 'invalid header' }, NOW_MS), {
    kind: 'never',
    why: 'invalid header',
    responded: false,
  })
})

void t.test('Retry-After counts on every answer that is later, and on no other', async (t) => {
  for (let status = 100; status <= 599; status++) {
    const answer = answerTo({ kind: 'response', status, retryAfter: '7' }, NOW_MS)
    t.equal('retryAfterMs' in answer ? answer.retryAfterMs : undefined, answer.kind === 'later' ? 7000 : undefined)
  }
})

void t.test('a later without a readable Retry-After leaves the wait to our own patience', async (t) => {
  const answer = answerTo({ kind: 'response', status: 503, retryAfter: 'soon' }, NOW_MS)
  t.same(answer, { kind: 'later', why: 'HTTP 503', responded: true })
})

void t.test('Retry-After is read in whole seconds', async (t) => {
  t.equal(retryAfter('0', NOW_MS), 0)
  t.equal(retryAfter('120', NOW_MS), 120_000)
  t.equal(retryAfter('  120  ', NOW_MS), 120_000)
  fc.assert(fc.property(fc.nat(), (seconds) => retryAfter(String(seconds), NOW_MS) === seconds * 1000))
})

void t.test('Retry-After is read in all three forms of an HTTP date', async (t) => {
  t.equal(retryAfter('Mon, 23 Nov 2026 10:01:30 GMT', NOW_MS), 90_000)
  t.equal(retryAfter('Monday, 23-Nov-26 10:01:30 GMT', NOW_MS), 90_000)
  t.equal(retryAfter('Mon Nov 23 10:01:30 2026', NOW_MS), 90_000)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (aheadS) => {
      return retryAfter(new Date(NOW_MS + aheadS * 1000).toUTCString(), NOW_MS) === aheadS * 1000
    }),
  )
})

void t.test('an HTTP date without a zone means UTC, wherever the pod runs', async (t) => {
  const zone = process.env.TZ
  t.teardown(() => {
    if (zone === undefined) delete process.env.TZ
    else process.env.TZ = zone
  })
  for (const name of ['UTC', 'America/New_York', 'Asia/Kolkata']) {
    process.env.TZ = name
    t.equal(retryAfter('Sun Nov 29 10:00:00 2026', NOW_MS), 6 * 86_400_000, name)
    t.equal(retryAfter('Sun Dec  6 10:00:00 2026', NOW_MS), 13 * 86_400_000, name)
  }
})

void t.test('a date in the past is no wait at all', async (t) => {
  t.equal(retryAfter('Sun, 06 Nov 1994 08:49:37 GMT', NOW_MS), 0)
})

void t.test('what is neither seconds nor an HTTP date is as good as absent', async (t) => {
  const texts = [
    ...[undefined, '', ' ', '-1', '1.5', '1e3', '0x10', '+5', '5s', '1 2', '5, 7', 'soon', 'monkey 5', 'Mon', 'Mon 5'],
    ...['2026-11-23T10:01:30Z', '23 Nov 2026 10:01:30 GMT', 'Mon, 99 Nov 2026 99:99:99 GMT', 'Infinity', 'NaN', '١٢'],
    '9'.repeat(40),
  ]
  for (const text of texts) t.equal(retryAfter(text, NOW_MS), undefined, String(text))
})

void t.test('whatever the header holds, the wait is a finite number that is not negative, or none', async () => {
  fc.assert(
    fc.property(anyText(), (text) => {
      const waitMs = retryAfter(text, NOW_MS)
      return waitMs === undefined || (Number.isFinite(waitMs) && waitMs >= 0)
    }),
  )
})
