import t from 'tap'
import type { CloudEvent } from '../../src/core/cloud-event.ts'
import { binaryParts, cloudEventOfHeaders, cloudEventOfJson, structuredJson } from '../../src/core/cloud-event.ts'
import { encodings } from '../../src/webhook/encodings.ts'
import { recordOf } from '../support/books.ts'

const AT_MS = Date.UTC(2026, 10, 23, 12, 54, 30, 137)
const TIME = '2026-11-23T12:54:30.137Z'
const CE = { specversion: '1.0', id: 'x', source: 's', type: 't' }

const ofJson = (text: string, timestampMs = AT_MS): CloudEvent =>
  cloudEventOfJson(recordOf({ value: Buffer.from(text), timestampMs }), encodings)
/** The structured form of an event with these members in place of, or beside, the required ones. */
const structured = (more: object, timestampMs?: number): Record<string, unknown> =>
  JSON.parse(structuredJson(ofJson(JSON.stringify({ ...CE, ...more }), timestampMs))) as Record<string, unknown>
const ofHeaders = (value: Uint8Array | string | null, contentType?: string, more: object = {}): CloudEvent => {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return cloudEventOfHeaders(recordOf({ value: bytes, timestampMs: AT_MS }), { ...CE, ...more }, contentType, encodings)
}
const bodyOf = (event: CloudEvent): string => Buffer.from(binaryParts(event).body).toString()

void t.test('XZepr’s own form becomes a valid CloudEvent: version, names, time and content type', async (t) => {
  const xzepr = { specversion: '1.0.1', api_version: 'v1', success: true, platform_id: 'linux', data: { events: [] } }
  t.same(structured(xzepr), {
    ...CE,
    time: TIME,
    datacontenttype: 'application/json',
    apiversion: 'v1',
    success: true,
    platformid: 'linux',
    data: { events: [] },
  })
})

void t.test('an event that is a valid one stays equal, and gets nothing that it did not have', async (t) => {
  for (const more of [
    {},
    { data: null },
    { data: 'text' },
    { data_base64: 'YQ==' },
    { subject: 'é', time: '1985-04-12t23:20:50.52+01:30', dataschema: 'http://a/b#c', flag: true, count: -2147483648 },
    { datacontenttype: 'text/xml', data: '<a/>' },
    { source: 'http://[::1]:80/x?y#z', traceparent: 'as it came' },
  ]) {
    t.same(structured(more), { ...CE, ...more }, JSON.stringify(more))
  }
  t.same(structured({ subject: null, ext: null, time: null }), CE, 'null is not set')
})

void t.test('data and numbers survive digit for digit, and of two members of a name the last counts', async (t) => {
  const data = '{"n":12345678901234567890, "f":1.0,"e":1E400,\n"a":[0.10]}'
  const text = `{"id":"x","data":0,"source":"s","type":"t","specversion":"1.0","data":${data}}`
  t.equal(structuredJson(ofJson(text)), `{"specversion":"1.0","id":"x","source":"s","type":"t","data":${data}}`)
  t.equal(bodyOf(ofJson(text)), data)
})

void t.test('numbers that are no 32-bit integers are text with every digit, objects are their JSON', async (t) => {
  const text = `{"id":"x","source":"s","type":"t","specversion":"1.0","a":1.0,"b":12345678901234567890,"c":2147483648,
    "d":-2147483648,"e":1e3,"f":{"n":[1.0,\n"\u0085"]},"g":[]}`
  t.match(JSON.parse(structuredJson(ofJson(text))), {
    ...{ a: '1.0', b: '12345678901234567890', c: '2147483648', d: -2147483648, e: '1e3' },
    ...{ f: '{"n":[1.0, "\\u0085"]}', g: '[]' },
  })
})

void t.test(
  'a name that is right wins over one that becomes right; the first of several that become the same wins',
  async (t) => {
    t.equal(structured({ api_version: 1, apiversion: 2 }).apiversion, 2)
    t.equal(structured({ apiversion: 2, api_version: 1 }).apiversion, 2)
    t.equal(structured({ api_version: 1, 'API-Version': 2 }).apiversion, 1)
    t.equal(structured({ apiversion: null, api_version: 1 }).apiversion, 1, 'what is not set takes no name')
  },
)

void t.test('no name becomes one that CloudEvents itself has given a meaning', async (t) => {
  const { time, ...rest } = structured({
    Id: 'y',
    sub_ject: 'z',
    da_ta: 1,
    'data-content-type': 'a/b',
    é: 1,
    _: 2,
    Data: 3,
  })
  t.equal(time, TIME)
  t.same(rest, CE)
})

void t.test(
  'what CloudEvents forbids in a text becomes U+FFFD; the id stays, since by it the app reports',
  async (t) => {
    const { id, type, ext } = structured({ id: 'a\u0001b', type: 'a\nb', ext: '\ud800' + '\u{1ffff}\ufdd0\u{1f600}' })
    t.same({ id, type, ext }, { id: 'a\u0001b', type: 'a\ufffdb', ext: '\ufffd\ufffd\ufffd\u{1f600}' })
  },
)

void t.test('a source that is no URI reference is encoded until it is one', async (t) => {
  for (const [given, right] of [
    ['a b/ü?<x>', 'a%20b/%C3%BC?%3Cx%3E'],
    ['100%/x', '100%25/x'],
    ['1-555:123', '1-555%3A123'],
    ['//x:y:z', '%2F%2Fx%3Ay%3Az'],
    ['a#b#c', 'a%23b%23c'],
    ['\ud800', '%EF%BF%BD'],
  ] as const) {
    t.equal(structured({ source: given }).source, right)
  }
  for (const fine of [
    'xzepr.event.receiver.01M847',
    '/a//b',
    'urn:uuid:6e8bc430',
    'mailto:a@b.c',
    '1-555-123-4567',
    '?',
    '#',
  ])
    t.equal(structured({ source: fine }).source, fine)
})

void t.test(
  'an optional attribute that is not what its name says is left out; a time gives way to the record’s',
  async (t) => {
    for (const time of ['yesterday', '2026-02-30T00:00:00Z', '2026-11-23 12:00:00Z', '2026-11-23T12:00:00', 7, '']) {
      t.equal(structured({ time }).time, TIME, String(time))
    }
    t.same(
      Object.keys(structured({ subject: '', dataschema: '/relative', datacontenttype: 'json' }, -1)),
      Object.keys(CE),
    )
    t.equal(structured({ subject: 7 }).subject, '7')
  },
)

void t.test('a record without a time, or with one that RFC 3339 cannot write, gives none', async (t) => {
  for (const timestampMs of [-1, 253_402_300_800_000, 8.64e15 + 1, NaN])
    t.notOk('time' in structured({ specversion: '1.1' }, timestampMs), String(timestampMs))
})

void t.test('in binary mode the body is the data, under a type that says how to read it', async (t) => {
  const parts = (more: object): { contentType: string | undefined; body: string } => {
    const { contentType, body } = binaryParts(ofJson(JSON.stringify({ ...CE, ...more })))
    return { contentType, body: Buffer.from(body).toString() }
  }
  t.same(parts({ data: { a: 1 } }), { contentType: 'application/json', body: '{"a":1}' })
  t.same(parts({ data: 'just a string' }), { contentType: 'application/json', body: '"just a string"' })
  t.same(parts({ data: null }), { contentType: 'application/json', body: 'null' })
  t.same(parts({ datacontenttype: 'a/b+json', data: 'x' }), { contentType: 'a/b+json', body: '"x"' })
  t.same(parts({ datacontenttype: 'text/xml', data: '<a>é</a>' }), { contentType: 'text/xml', body: '<a>é</a>' })
  t.same(parts({ datacontenttype: 'text/xml', data: { a: 1 } }), { contentType: 'text/xml', body: '{"a":1}' })
  t.same(parts({ datacontenttype: 'image/png', data_base64: 'YQ==' }), { contentType: 'image/png', body: 'a' })
  t.same(parts({ data_base64: 'YQ==' }), { contentType: undefined, body: 'a' })
  t.same(parts({}), { contentType: undefined, body: '' })
})

void t.test('attributes in headers are in their canonical text, percent-encoded', async (t) => {
  const { headers } = binaryParts(ofJson(JSON.stringify({ ...CE, subject: 'Euro €', flag: true, count: -5 })))
  t.same(headers, {
    ...{ 'ce-specversion': '1.0', 'ce-id': 'x', 'ce-source': 's', 'ce-type': 't' },
    ...{ 'ce-subject': 'Euro%20%E2%82%AC', 'ce-flag': 'true', 'ce-count': '-5' },
  })
})

void t.test('what calls itself base64 and is not is an extension; beside data it is one too', async (t) => {
  t.match(structured({ data_base64: 'no!' }), { database64: 'no!' })
  t.match(structured({ data_base64: 7 }), { database64: 7 })
  t.match(structured({ data: 1, data_base64: 'YQ==' }), { data: 1, database64: 'YQ==' })
})

void t.test('bytes become JSON, text or base64 as their type and they themselves say', async (t) => {
  const dataOf = (value: Uint8Array | string | null, type?: string): unknown => {
    const { data, data_base64 } = JSON.parse(structuredJson(ofHeaders(value, type))) as Record<string, unknown>
    return data_base64 === undefined ? data : { base64: data_base64 }
  }
  for (const type of ['application/json', 'Application/Vnd.X+JSON; charset=utf-8', 'text/json']) {
    t.same(dataOf('{"a":1}', type), { a: 1 }, type)
    t.same(dataOf('no json', type), { base64: 'bm8ganNvbg==' }, `${type}, which it is not`)
    t.equal(dataOf('', type), undefined, 'nothing is no JSON')
  }
  t.equal(structuredJson(ofHeaders('{"n":1.0}', 'application/json')).includes('"data":{"n":1.0}'), true)
  for (const type of [
    'text/plain',
    'TEXT/html; charset=UTF-8',
    'application/xml',
    'image/svg+xml',
    'a/b; charset="utf-8"',
  ]) {
    t.equal(dataOf('é', type), 'é', type)
    t.same(dataOf(Uint8Array.of(0xff), type), { base64: '/w==' }, `${type}, and no UTF-8`)
    t.same(dataOf('\ufeffa', type), { base64: '77u/YQ==' }, 'a byte order mark would be lost')
  }
  t.equal(dataOf('', 'text/plain'), '')
  for (const type of [undefined, 'application/octet-stream', 'text/plain; charset=latin1', 'no type', 'a/xjson'])
    t.same(dataOf('{}', String(type)), { base64: 'e30=' }, String(type))
  t.equal(dataOf(null, 'application/json'), undefined)
})

void t.test(
  'an event from headers stays equal: attributes are text, the type of its data is said where it was',
  async (t) => {
    t.equal(
      structuredJson(ofHeaders('{}', 'application/json', { subject: 'é', count: '5' })),
      '{"specversion":"1.0","id":"x","source":"s","type":"t","subject":"é","datacontenttype":"application/json","count":"5","data":{}}',
    )
    t.notOk(structuredJson(ofHeaders('a')).includes('datacontenttype'))
    const { body } = binaryParts(ofHeaders('{"n" : 1.0}', 'application/json'))
    t.equal(Buffer.from(body).toString(), '{"n" : 1.0}')
  },
)
