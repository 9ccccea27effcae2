import { deepStrictEqual as deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { JsonMembers } from '../../src/core/json.ts'
import { jsonObject } from '../../src/core/json.ts'
import type { Report } from '../../src/core/report.ts'
import type { ProblemCode } from '../../src/http/problems.ts'
import type { ReportKind } from '../../src/http/report-body.ts'
import { NESTING_MAX, parseReport } from '../../src/http/report-body.ts'
import { anyText } from '../support/any-text.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const NONE: JsonMembers = new Map()

function reportOf(kind: ReportKind, text: string): Report {
  const parsed = parseReport(kind, bytes(text))
  if (parsed.kind !== 'report') throw new Error(`refused: ${parsed.refusal.detail}`)
  return parsed.report
}

function refusedAs(kind: ReportKind, body: string | Uint8Array): [ProblemCode, string | undefined] | undefined {
  const parsed = parseReport(kind, typeof body === 'string' ? bytes(body) : body)
  return parsed.kind === 'refused' ? [parsed.refusal.code, parsed.refusal.field] : undefined
}

void t.test('a call without a body is a report with nothing but its kind', async (t) => {
  t.same(parseReport('started', undefined), { kind: 'report', report: { kind: 'started', details: NONE } })
  t.same(reportOf('progress', ' \r\n'), { kind: 'progress', details: NONE })
  t.same(reportOf('completed', ''), { kind: 'completed', details: NONE, success: true })
  t.same(reportOf('failed', '{}'), { kind: 'failed', details: NONE, retry: false })
})

void t.test('every member of the contract arrives, seconds as milliseconds', async (t) => {
  t.match(reportOf('started', '{"name":"deployer","version":"2.0"}'), { name: 'deployer', version: '2.0' })
  t.match(reportOf('progress', '{"lease_seconds":1.5}'), { leaseMs: 1500 })
  t.match(reportOf('progress', '{"lease_seconds":1e-320}'), { leaseMs: 1 }, 'a lease is never nothing')
  t.match(reportOf('completed', '{"success":false}'), { success: false })
  t.match(reportOf('failed', '{"error":"disk","error_code":"E7","retry":true,"retry_after_seconds":0}'), {
    error: 'disk',
    errorCode: 'E7',
    retry: true,
    retryAfterMs: 0,
  })
})

void t.test('members that nobody knows are ignored, also those that look like an object’s own machinery', async (t) => {
  const text =
    '{"colour":"red","__proto__":{"success":false},"constructor":1,"hasOwnProperty":null,"lease_seconds":"x"}'
  t.same(reportOf('completed', text), { kind: 'completed', details: NONE, success: true })
})

void t.test('details arrive digit for digit, member by member', async (t) => {
  const { details } = reportOf(
    'started',
    '{"details":{ "build": 12345678901234567890, "one": 1.0, "e": 1.50E+3, "deep": [ -0, {"__proto__": 9007199254740993} ], "__proto__": {"x":1}, "toJSON": "no", "smile": "\\ud83d\\ude00", "n": null }}',
  )
  t.same(
    [...details],
    [
      ['build', '12345678901234567890'],
      ['one', '1.0'],
      ['e', '1.50E+3'],
      ['deep', '[-0,{"__proto__":9007199254740993}]'],
      ['__proto__', '{"x":1}'],
      ['toJSON', '"no"'],
      ['smile', '"😀"'],
      ['n', 'null'],
    ],
  )
})

void t.test('any JSON in details means the same after the passage', async () => {
  fc.assert(
    fc.property(fc.dictionary(anyText(), fc.jsonValue()), (details) => {
      const text = JSON.stringify({ details })
      deepEqual(
        JSON.parse(jsonObject(reportOf('completed', text).details)),
        (JSON.parse(text) as { details: unknown }).details,
      )
    }),
    { numRuns: 300 },
  )
})

void t.test('a wrong type is refused and its member named', async (t) => {
  const wrong: [ReportKind, string, string][] = [
    ['started', '{"name":1}', 'name'],
    ['started', '{"version":{}}', 'version'],
    ['started', '{"details":[]}', 'details'],
    ['started', '{"details":null}', 'details'],
    ['completed', '{"details":12}', 'details'],
    ['completed', '{"success":"true"}', 'success'],
    ['completed', '{"success":null}', 'success'],
    ['progress', '{"lease_seconds":0}', 'lease_seconds'],
    ['progress', '{"lease_seconds":-1}', 'lease_seconds'],
    ['progress', '{"lease_seconds":604800.1}', 'lease_seconds'],
    ['progress', '{"lease_seconds":1e400}', 'lease_seconds'],
    ['progress', '{"lease_seconds":"60"}', 'lease_seconds'],
    ['failed', '{"error":{}}', 'error'],
    ['failed', '{"error_code":7}', 'error_code'],
    ['failed', '{"retry":1}', 'retry'],
    ['failed', '{"retry_after_seconds":-0.1}', 'retry_after_seconds'],
    ['failed', '{"retry_after_seconds":604801}', 'retry_after_seconds'],
  ]
  for (const [kind, body, field] of wrong) t.same(refusedAs(kind, body), ['field-invalid', field], `${kind} ${body}`)
})

void t.test('a body that is no JSON object is refused', async (t) => {
  for (const body of ['[]', '1', '"x"', 'null', 'true', '{', '{}x', "{'a':1}", '{"a":1,}', 'NaN', '{"a":01}', 'a=b']) {
    t.same(refusedAs('completed', body), ['body-malformed', undefined], body)
  }
  t.same(refusedAs('completed', new Uint8Array([0x7b, 0xff, 0x7d])), ['body-malformed', undefined], 'not UTF-8')
})

void t.test(
  'a member that stands twice with different values is refused: nobody could say which was meant',
  async (t) => {
    t.same(refusedAs('completed', '{"success":true,"success":false}'), ['body-malformed', undefined])
    t.same(refusedAs('completed', '{"details":{"a":1,"a":2}}'), ['body-malformed', undefined])
    t.equal(refusedAs('completed', '{"success":true,"success":true}'), undefined)
  },
)

void t.test('a byte order mark is passed over', async (t) => {
  t.same(parseReport('completed', bytes('\uFEFF{}')).kind, 'report')
})

void t.test('nesting has a bound, which brackets inside strings do not count against', async (t) => {
  const nest = (levels: number): string => `{"details":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}}`
  t.equal(refusedAs('completed', nest(NESTING_MAX - 2)), undefined)
  t.same(refusedAs('completed', nest(NESTING_MAX - 1)), ['body-malformed', undefined])
  t.same(refusedAs('completed', '['.repeat(1_000_000)), ['body-malformed', undefined])
  t.same(refusedAs('completed', '{"a":'.repeat(200_000)), ['body-malformed', undefined])
  t.equal(refusedAs('completed', JSON.stringify({ details: { a: `\\"${'{['.repeat(500)}` } })), undefined)
})

void t.test('a number that no double holds is unstorable where XZepr would hear of it', async (t) => {
  for (const details of ['{"a":1e400}', '{"a":[0,{"b":-1E+999}]}']) {
    const body = `{"details":${details}}`
    for (const kind of ['started', 'completed', 'failed'] as const) {
      t.same(refusedAs(kind, body), ['report-unstorable', 'details'], `${kind} ${details}`)
    }
    t.equal(refusedAs('progress', body), undefined)
  }
  t.equal(refusedAs('completed', '{"details":{"a":1e308,"b":1e-400}}'), undefined)
})

void t.test('a refusal never quotes the body', async (t) => {
  for (const body of ['{"canary":canary}', '{"canary":1,"canary":2}', 'canary', '{"name":{"canary":1}}', '"canary"']) {
    const parsed = parseReport('started', bytes(body))
    t.equal(parsed.kind, 'refused', body)
    t.notMatch(JSON.stringify(parsed), /canary/, body)
  }
})
