/**
 * Any record that the reader takes, and some that it does not: XZepr's JSON, CloudEvents in structured and binary mode,
 * with members, values, headers and data that nobody sane would send.
 */
import fc from 'fast-check'
import type { KafkaRecord } from '../../src/core/record.ts'
import { anyText } from './any-text.ts'
import { recordOf } from './books.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)

/** Names that are right, that become right, that collide, that are taken, and anything at all. */
const anyName = fc.oneof(
  fc.constantFrom(
    'api_version',
    'apiVersion',
    'apiversion',
    'API-VERSION',
    'Id',
    'i_d',
    'Data',
    'da_ta',
    'data_base64',
  ),
  fc.constantFrom('time', 'subject', 'datacontenttype', 'dataschema', 'data', 'workid', 'traceparent', 'constructor'),
  fc.constantFrom('__proto__', '', '_', 'é', '数', 'K', 'a b', 'with"quote', 'back\\slash'),
  anyText(8),
)

/** JSON texts of a value; numbers in every spelling. */
export const anyJson = fc.oneof(
  fc.constantFrom('0', '-0', '1.0', '1e3', '2147483647', '2147483648', '-2147483648', '-2147483649', '1E400'),
  fc.constantFrom('12345678901234567890', 'true', 'false', 'null', '""', '"\\ud800"', '"a\\u0000b"', '[ 1 ,\n2]'),
  fc.constantFrom('{"a":[{"b":"]}\\\\\\""}]}', '"2026-11-23T12:54:30.137740084Z"', '"2026-02-30T00:00:00Z"'),
  fc.constantFrom(
    '"text/plain"',
    '"application/json; charset=utf-8"',
    '"application/cloudevents+json"',
    '"a/b\\r\\nx: 1"',
  ),
  fc.constantFrom('"YQ=="', '"not base64"', '"http://a b/c"', '"\u{1ffff}\u007f"', '{"\u{1ffff}":"\u0085"}'),
  anyText().map((text) => JSON.stringify(text)),
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
)

const space = fc.constantFrom('', '', '', ' ', '\n\t', '\r\n ')

/** An object's text with required members among others, in any order, some of them twice. */
const anyObject = fc
  .record({
    required: fc.record({
      id: fc.oneof(fc.constantFrom('01M847', 'a.b', 'ü', 'x\u0001y', '%2E'), anyText(12)),
      type: fc.oneof(fc.constant('t'), anyText(12)),
      source: fc.oneof(
        fc.constantFrom('s', '/a/b', 'http://[::1]:80/x?y#z', 'a b', '1:2', '//x:y:z', '%zz'),
        anyText(12),
      ),
      specversion: fc.constantFrom('1.0', '1.0', '1.0.1', '1.1', '0.3'),
    }),
    more: fc.array(fc.tuple(anyName, anyJson), { maxLength: 8 }),
    gap: space,
  })
  .chain(({ required, more, gap }) =>
    fc
      .shuffledSubarray(
        [...Object.entries(required).map(([name, text]) => [name, JSON.stringify(text)] as const), ...more],
        {
          minLength: more.length + 4,
        },
      )
      .map((members) =>
        members.map(([name, json]) => `${JSON.stringify(name)}${gap}:${gap}${json}`).join(`${gap},${gap}`),
      )
      .map((text) => `${gap}{${gap}${text}${gap}}${gap}`),
  )

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  anyJson.map(bytes),
  anyText().map(bytes),
  anyText().map((text) => Buffer.from(`\ufeff${text}`)),
)

const anyHeaders = fc.array(
  fc.record({
    name: fc.oneof(
      fc.constantFrom('traceparent', 'tracestate', 'content-type', 'ce_time', 'ce_subject', 'ce_data', 'ce_a', 'ce_id'),
      fc.constantFrom('ce_datacontenttype', 'ce_dataschema', 'ce_source', 'ce_constructor', '__proto__'),
      anyText(6),
    ),
    value: fc.option(
      fc.oneof(
        anyBytes,
        fc.constantFrom('application/json', 'text/plain; charset=iso-8859-1', 'text/xml', 'x', '\u0000').map(bytes),
        fc.constantFrom('a=b', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01').map(bytes),
        fc.integer({ min: 0, max: 20_000 }).map((length) => bytes('é'.repeat(length))),
      ),
    ),
  }),
  { maxLength: 6 },
)

const REQUIRED = ['id', 'type', 'source'] as const

export const anyRecord: fc.Arbitrary<KafkaRecord> = fc
  .record({
    topic: fc.constantFrom('t', 'xzepr.dev.events'),
    partition: fc.nat(),
    offset: fc.bigInt(0n, 2n ** 63n - 1n),
    timestampMs: fc.oneof(fc.constantFrom(-1, 0, 8.64e15 + 1, 253_402_300_800_000), fc.nat(), fc.maxSafeInteger()),
    key: fc.option(fc.uint8Array({ maxLength: 3000 })),
    headers: anyHeaders,
    mode: fc.constantFrom('json', 'json', 'binary'),
    json: fc.oneof({ weight: 9, arbitrary: anyObject.map(bytes) }, anyBytes),
    data: fc.option(anyBytes),
  })
  .map(({ mode, json, data, headers, ...where }) => {
    if (mode === 'json') return recordOf({ ...where, headers, value: json })
    const required = REQUIRED.map((name) => ({ name: `ce_${name}`, value: bytes(`the ${name}`) }))
    const version = { name: 'ce_specversion', value: bytes('1.0') }
    return recordOf({ ...where, headers: [version, ...required, ...headers], value: data })
  })
