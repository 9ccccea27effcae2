import fc from 'fast-check'
import t from 'tap'
import type { XzeprAnswer } from '../../src/core/xzepr-answer.ts'
import { problemIn, xzeprAnswer } from '../../src/core/xzepr-answer.ts'
import { anyText } from '../support/any-text.ts'

const response = (status: number, body = '', headers = {}): XzeprAnswer =>
  xzeprAnswer({ kind: 'response', status, headers, body }, 0)

void t.test('an event is stored when XZepr names its id, and only then', async (t) => {
  t.same(response(200, '{"data":"01A"}', { rateLimit: '100', rateRemaining: '7' }), {
    kind: 'stored',
    id: '01A',
    rate: { limit: 100, remaining: 7 },
  })
  t.equal(response(201, '{"data":"01A"}').kind, 'stored')
  for (const body of ['', '<html>Welcome</html>', '{"data":""}', '{"data":7}', '[]', 'null', '{}']) {
    t.equal(response(200, body).kind, 'failing', body)
  }
})

void t.test('each status means one thing', async (t) => {
  const expected: Record<number, XzeprAnswer['kind']> = {
    301: 'failing',
    400: 'refused',
    401: 'barred',
    403: 'barred',
    404: 'no-receiver',
    405: 'failing',
    408: 'failing',
    413: 'refused',
    415: 'failing',
    422: 'refused',
    429: 'limited',
    500: 'failing',
    502: 'failing',
    503: 'busy',
    504: 'failing',
  }
  for (const [status, kind] of Object.entries(expected)) t.equal(response(Number(status)).kind, kind, status)
  t.same(xzeprAnswer({ kind: 'failure', code: 'ECONNREFUSED' }, 0), { kind: 'away', why: 'ECONNREFUSED' })
  t.match(xzeprAnswer({ kind: 'unsigned', why: 'the file /t is empty' }, 0), {
    kind: 'barred',
    code: 'XZB_CONFIG_FILE_UNREADABLE',
    receiverInDoubt: false,
  })
})

void t.test(
  'a 403 that names a permission is the role’s; one that names none puts the receiver in doubt',
  async (t) => {
    const role = response(403, '{"error":"forbidden","details":{"required_permission":"event_create"}}')
    t.match(role, {
      code: 'XZB_XZEPR_FORBIDDEN',
      why: 'HTTP 403 forbidden (needs event_create)',
      receiverInDoubt: false,
    })
    t.match(response(403, '{"error":"authorization_error"}'), { code: 'XZB_XZEPR_FORBIDDEN', receiverInDoubt: true })
    t.match(response(403, '{"details":"no"}'), { receiverInDoubt: true })
  },
)

void t.test('Retry-After of 429 and 503 is read in both its forms', async (t) => {
  t.match(response(429, 'Rate limit exceeded', { retryAfter: '0', rateLimit: '100', rateRemaining: '0' }), {
    retryAfterMs: 0,
    rate: { limit: 100, remaining: 0 },
  })
  t.match(response(503, '', { retryAfter: 'Thu, 01 Jan 1970 00:00:07 GMT' }), { retryAfterMs: 7000 })
  t.match(response(503, '', { retryAfter: 'soon' }), { retryAfterMs: undefined })
  t.match(response(429, '', { rateLimit: 'many', rateRemaining: '-1' }), {
    rate: { limit: undefined, remaining: undefined },
  })
})

void t.test('the reason is XZepr’s own words in one short line, whatever bytes came', async (t) => {
  t.match(response(400, '{"error":"validation_error","message":"Validation error in field \'payload\'"}'), {
    why: "HTTP 400 validation_error: Validation error in field 'payload'",
  })
  t.match(response(413, 'length limit exceeded'), { why: 'HTTP 413 length limit exceeded' })
  t.match(response(422, 'a\r\n\u001b[31mb\u202ec\u0000'), { why: 'HTTP 422 a [31mb c' })
  fc.assert(
    fc.property(fc.constantFrom(400, 401, 403, 404, 429, 500, 503), anyText(), (status, body) => {
      const answer = response(status, body.repeat(50))
      return 'why' in answer && Array.from(answer.why).length < 400 && !/\p{C}/u.test(answer.why)
    }),
  )
})

void t.test('a problem is named by what an operator mends; a full bucket is none', async (t) => {
  const code = (answer: XzeprAnswer): string | undefined => problemIn(answer)?.code
  t.equal(code(response(401)), 'XZB_XZEPR_UNAUTHORISED')
  t.equal(code(response(403)), 'XZB_XZEPR_FORBIDDEN')
  t.equal(code(response(503)), 'XZB_XZEPR_UNREACHABLE')
  t.equal(code(response(500)), 'XZB_XZEPR_UNREACHABLE')
  t.equal(code(xzeprAnswer({ kind: 'failure', code: 'ETIMEDOUT' }, 0)), 'XZB_XZEPR_UNREACHABLE')
  t.equal(code(response(400)), 'XZB_XZEPR_REFUSED')
  t.equal(code(response(404)), 'XZB_XZEPR_REFUSED')
  t.equal(code(response(429)), undefined)
  t.equal(code(response(200, '{"data":"1"}')), undefined)
})
