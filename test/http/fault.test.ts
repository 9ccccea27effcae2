import t from 'tap'
import { rawProblem, refusalOf, refusalOfConnection } from '../../src/http/fault.ts'

void t.test('what Fastify raises has a word of its own, or the side whose fault it is', async (t) => {
  const cases: [unknown, string][] = [
    [{ code: 'FST_ERR_BAD_URL' }, 'path-malformed'],
    [{ code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }, 'body-too-large'],
    [{ code: 'FST_ERR_CTP_INVALID_CONTENT_LENGTH', statusCode: 400 }, 'body-malformed'],
    [{ code: 'ECONNRESET', statusCode: 400 }, 'request-malformed'],
    [{ validation: [{ instancePath: '/limit' }] }, 'query-invalid'],
    [{ validation: [{ message: 'is odd' }] }, 'query-invalid'],
    [{ validation: [] }, 'internal-error'],
    [{ statusCode: 503 }, 'internal-error'],
    [{ statusCode: '400', code: 7 }, 'internal-error'],
    [new Error('canary'), 'internal-error'],
    ['canary', 'internal-error'],
    [undefined, 'internal-error'],
    [null, 'internal-error'],
  ]
  for (const [error, code] of cases) {
    const refusal = refusalOf(error)
    t.equal(refusal.code, code, JSON.stringify(error))
    t.notMatch(JSON.stringify(refusal), /canary|undefined/)
  }
})

void t.test('what Node’s parser raises is answered with a whole response', async (t) => {
  for (const [code, status] of [
    ['HPE_HEADER_OVERFLOW', 431],
    ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
    ['ERR_HTTP_REQUEST_TIMEOUT', 408],
    ['HPE_INVALID_METHOD', 400],
    [undefined, 400],
  ] as const) {
    const [head = '', body = ''] = rawProblem(refusalOfConnection(code)).split('\r\n\r\n')
    t.match(
      head,
      new RegExp(`^HTTP/1.1 ${status} [^]*connection: close[^]*content-length: ${Buffer.byteLength(body)}$`),
    )
    t.match(JSON.parse(body), { status })
  }
})
