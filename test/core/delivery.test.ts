import { validateHeaderName, validateHeaderValue } from 'node:http'
import fc from 'fast-check'
import t from 'tap'
import type { EventFacts } from '../../src/core/delivery.ts'
import {
  attemptHeaders,
  deliveryHeaders,
  eventFacts,
  headerText,
  percentEncode,
  traceparentOf,
} from '../../src/core/delivery.ts'
import type { Message } from '../../src/core/message.ts'
import type { KafkaRecord } from '../../src/core/record.ts'
import { anyText } from '../support/any-text.ts'
import { recordOf } from '../support/books.ts'

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const OTHER_TRACE = '00-11111111111111111111111111111111-2222222222222222-00'
const MESSAGE: Message = {
  id: '01M847HRZSMFZDV1KG79EPM357',
  type: 'deployment.success',
  source: 's',
  xzepr: undefined,
  fields: { platform_id: 'linux' },
  mode: 'json',
  contentType: 'application/cloudevents+json; charset=utf-8',
}
const RECORD = recordOf({ topic: 'xzepr.dev.events', partition: 2, offset: 9_007_199_254_740_993n, timestampMs: 1_700 })
const half = (): number => 0.5

const factsOf = (message: Partial<Message>, record: KafkaRecord = RECORD): EventFacts =>
  eventFacts(record, { ...MESSAGE, ...message }, half)
const headersOf = (message: Partial<Message>, record: KafkaRecord = RECORD): Record<string, string> =>
  deliveryHeaders('xzepr-consumer-deployer', record, factsOf(message, record))

/** What a receiver of `headerText` reads: percent-decoding as the CloudEvents HTTP binding, section 3.1.3.2, has it. */
const decode = (text: string | undefined): string => decodeURIComponent(text ?? '')
const decodeBytes = (text: string): Buffer =>
  Buffer.from(
    text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  )

void t.test('a delivery carries the contract’s headers', async (t) => {
  const record = {
    ...RECORD,
    key: Buffer.from('01M847'),
    headers: [{ name: 'traceparent', value: Buffer.from(TRACE) }],
  }
  t.same(headersOf({}, record), {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'work-id': '01M847HRZSMFZDV1KG79EPM357',
    'idempotency-key': 'xzepr-consumer-deployer/xzepr.dev.events/2/9007199254740993',
    traceparent: TRACE,
    'kafka-topic': 'xzepr.dev.events',
    'kafka-partition': '2',
    'kafka-offset': '9007199254740993',
    'kafka-timestamp': '1700',
    'kafka-key': '01M847',
  })
  t.same(attemptHeaders(3, 10), { 'work-attempt': '3', 'work-attempts-max': '10' })
})

/** Text that UTF-8 can carry. */
const wellFormed = anyText().map((text) => text.replace(/\p{Surrogate}/gu, '\ufffd'))
const wellFormedId = wellFormed.filter((id) => id !== '')
const text = fc.oneof(fc.string(), anyText())

void t.test('every header is one that HTTP can carry, whatever the event holds', async () => {
  const event = fc.record({
    id: wellFormedId,
    contentType: text,
    traceparent: text,
    key: fc.option(fc.uint8Array()),
    value: text,
    group: text,
  })
  fc.assert(
    fc.property(event, ({ id, contentType, traceparent, key, value, group }) => {
      const record = { ...RECORD, key, headers: [{ name: 'traceparent', value: Buffer.from(traceparent) }] }
      const fields = { id, subject: value, traceparent: value }
      const facts = factsOf({ id, contentType, mode: 'binary', fields }, record)
      const headers = deliveryHeaders(group, record, facts)
      for (const [name, content] of Object.entries(headers)) {
        validateHeaderName(name)
        validateHeaderValue(name, content)
        if (/[^\x20-\x7e]/.test(content)) throw new Error(`${name} is not plain ASCII`)
      }
    }),
    { numRuns: 1000 },
  )
})

void t.test('work-id decodes back to the id, whatever it holds', async () => {
  fc.assert(
    fc.property(wellFormedId, (id) => decode(headersOf({ id })['work-id']) === id),
    { numRuns: 500 },
  )
})

void t.test('kafka-key decodes back to the bytes', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), (key) => {
      const header = headersOf({}, { ...RECORD, key })['kafka-key'] ?? ''
      return /^[A-Za-z0-9._~%-]*$/.test(header) && Buffer.compare(decodeBytes(header), key) === 0
    }),
    { numRuns: 500 },
  )
  t.equal(percentEncode(Uint8Array.of(0, 0x20, 0x25, 0x7e, 0xff)), '%00%20%25~%FF')
})

void t.test('a record without a key, or with one that would fill the headers, has no kafka-key', async (t) => {
  const withKey = (key: Uint8Array | null): boolean => 'kafka-key' in headersOf({}, { ...RECORD, key })
  t.equal(withKey(null), false)
  t.equal(withKey(new Uint8Array(0)), true)
  t.equal(withKey(new Uint8Array(2048)), true)
  t.equal(withKey(new Uint8Array(2049)), false)
})

void t.test(
  'what HTTP can carry stays as it is, and the rest decodes back: space, quote, percent and beyond ASCII',
  async (t) => {
    t.equal(headerText('a b"c%d\u0000é\u20ac\u{1f600}'), 'a%20b%22c%25d%00%C3%A9%E2%82%AC%F0%9F%98%80')
    t.equal(headerText("!#$&'()*+,-./:;<=>?@[\\]^_`{|}~Az09"), "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~Az09")
    t.equal(headerText('a\ud800b'), 'a%EF%BF%BDb')
    fc.assert(
      fc.property(wellFormed, (any) => decode(headerText(any)) === any),
      { numRuns: 500 },
    )
  },
)

void t.test('attributes of binary mode travel as ce-* headers; a JSON form has none', async (t) => {
  const fields = { id: 'x', subject: 'a b', constructor: 'c' }
  t.match(headersOf({ mode: 'binary', fields, contentType: 'text/plain' }), {
    'content-type': 'text/plain',
    'ce-id': 'x',
    'ce-subject': 'a%20b',
    'ce-constructor': 'c',
  })
  t.same(
    Object.keys(headersOf({ fields })).filter((name) => name.startsWith('ce-')),
    [],
  )
})

void t.test(
  'the idempotency key is the group and where the record stands, the group as HTTP can carry it',
  async (t) => {
    t.equal(
      deliveryHeaders('g é', RECORD, factsOf({}))['idempotency-key'],
      `g%20%C3%A9/xzepr.dev.events/2/${RECORD.offset}`,
    )
  },
)

void t.test('the platform is the event’s, in XZepr’s spelling or a CloudEvent’s, else unknown', async (t) => {
  const platform = (fields: Readonly<Record<string, unknown>>): string => factsOf({ fields }).platformId
  t.equal(platform({ platform_id: 'a', platformid: 'b' }), 'a')
  t.equal(platform({ platformid: 'b' }), 'b')
  for (const fields of [{}, { platform_id: '' }, { platform_id: ' ' }, { platform_id: 7 }, { platform_id: null }])
    t.equal(platform(fields), 'unknown')
})

const FORM = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const trace = (fromRecord: string | Uint8Array | null | undefined, fromEvent: unknown): string => {
  const value = typeof fromRecord === 'string' ? Buffer.from(fromRecord) : fromRecord
  const headers = value === undefined ? [] : [{ name: 'TraceParent', value }]
  return traceparentOf(headers, { traceparent: fromEvent }, half)
}

void t.test('the record’s trace goes on, else the event’s, else a new one begins', async (t) => {
  t.equal(trace(TRACE, OTHER_TRACE), TRACE)
  t.equal(trace(undefined, OTHER_TRACE), OTHER_TRACE)
  t.equal(trace(null, OTHER_TRACE), OTHER_TRACE)
  const fresh = trace(undefined, undefined)
  t.match(fresh, FORM)
  t.not(fresh, TRACE)
})

void t.test('a trace that W3C would not accept is none', async (t) => {
  for (const bad of [
    '',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
    TRACE.toUpperCase(),
    `${TRACE}-x`,
    `${TRACE}\n`,
    ` ${TRACE}`,
    TRACE.slice(1),
    '\u00ff'.repeat(55),
  ]) {
    t.equal(trace(bad, OTHER_TRACE), OTHER_TRACE, JSON.stringify(bad))
    const fresh = trace(bad, bad)
    t.match(fresh, FORM)
    t.not(fresh, bad)
  }
  t.match(trace(new Uint8Array(1 << 20), 7), FORM, 'however long, it is not read to its end')
})

void t.test('a new trace is valid by any chance', async () => {
  const chance = fc.oneof(
    fc.constantFrom(0, 1 - 2 ** -53),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  )
  fc.assert(
    fc.property(fc.array(chance, { minLength: 6, maxLength: 6 }), (chances) => {
      const made = traceparentOf([], {}, () => chances.shift() ?? 0)
      // A valid trace is one that the bridge itself would go on with.
      return FORM.test(made) && traceparentOf([{ name: 'traceparent', value: Buffer.from(made) }], {}, half) === made
    }),
    { numRuns: 300 },
  )
})
