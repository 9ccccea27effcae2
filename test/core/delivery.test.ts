import t from 'tap'
import type { DeliveryFacts, EventFacts, Format } from '../../src/core/delivery.ts'
import { deliveryOf, eventFacts } from '../../src/core/delivery.ts'
import type { Message } from '../../src/core/message.ts'
import type { KafkaRecord, RecordHeader } from '../../src/core/record.ts'
import type { Delivery } from '../../src/core/seams.ts'
import { encodings } from '../../src/webhook/encodings.ts'
import { recordOf } from '../support/books.ts'

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const MESSAGE: Message = {
  id: '01M847HRZSMFZDV1KG79EPM357',
  type: 'deployment.success',
  source: 's',
  fields: { platform_id: 'linux' },
  mode: 'json',
  contentType: 'application/cloudevents+json; charset=utf-8',
}
const RECORD = recordOf({ topic: 'xzepr.dev.events', partition: 2, offset: 9_007_199_254_740_993n, timestampMs: 1_700 })
const header = (name: string, value: string): RecordHeader => ({ name, value: Buffer.from(value) })
const half = (): number => 0.5

const factsOf = (message: Partial<Message>, record: KafkaRecord = RECORD): EventFacts =>
  eventFacts(record, { ...MESSAGE, ...message }, half)
const GROUP = 'xzepr-consumer-deployer'
const factsFor = (format: Format, group = GROUP): DeliveryFacts => ({ format, group, attemptsMax: 10, encodings })
function deliver(format: Format, message: Partial<Message>, record: KafkaRecord = RECORD, group = GROUP): Delivery {
  return deliveryOf(factsFor(format, group), [{ record, event: factsOf(message, record), attempt: 3 }])
}
const headersOf = (message: Partial<Message>, record?: KafkaRecord): Delivery['headers'] =>
  deliver('verbatim', message, record).headers

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
    'work-attempt': '3',
    'work-attempts-max': '10',
    traceparent: TRACE,
    'kafka-topic': 'xzepr.dev.events',
    'kafka-partition': '2',
    'kafka-offset': '9007199254740993',
    'kafka-timestamp': '1700',
    'kafka-key': '01M847',
  })
})

void t.test('a record without a key, or with one that would fill the headers, has no kafka-key', async (t) => {
  const withKey = (key: Uint8Array | null): boolean => 'kafka-key' in headersOf({}, { ...RECORD, key })
  t.equal(withKey(null), false)
  t.equal(withKey(new Uint8Array(0)), true)
  t.equal(withKey(new Uint8Array(2048)), true)
  t.equal(withKey(new Uint8Array(2049)), false)
})

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

void t.test('the idempotency key is the group and where the record stands, as HTTP can carry it', async (t) => {
  const { headers, id } = deliver('verbatim', {}, RECORD, 'g é.%2E')
  t.equal(headers['idempotency-key'], `g%20%C3%A9.%252E/xzepr.dev.events/2/${RECORD.offset}`)
  t.equal(id, `g%20%C3%A9%2E%252E/xzepr%2Edev%2Eevents/2/${RECORD.offset}`, 'what is signed has no dot')
})

void t.test('a trace state goes along', async (t) => {
  const headers = [header('traceparent', TRACE), header('tracestate', 'a=b')]
  t.equal(headersOf({}, { ...RECORD, headers }).tracestate, 'a=b')
  t.notOk('tracestate' in headersOf({}))
})

const CE = { id: 'x', source: 's', type: 't', specversion: '1.0' }

void t.test(
  'attributes too large for headers travel in the body, in which a receiver finds them by its type',
  async (t) => {
    for (const format of ['verbatim', 'binary'] as const) {
      const small = deliver(format, { mode: 'binary', fields: { ...CE, subject: 'é'.repeat(1000) } })
      t.equal(small.headers['ce-subject'], '%C3%A9'.repeat(1000))
      const subject = 'é'.repeat(3000)
      const large = deliver(
        format,
        { mode: 'binary', fields: { ...CE, subject } },
        { ...RECORD, value: Buffer.from('\xff', 'latin1') },
      )
      t.equal(large.headers['content-type'], 'application/cloudevents+json; charset=utf-8')
      t.same(
        Object.keys(large.headers).filter((name) => name.startsWith('ce-')),
        [],
      )
      t.match(JSON.parse(Buffer.from(large.body).toString()), { ...CE, subject, data_base64: '/w==' })
    }
  },
)

void t.test(
  'data that calls itself a CloudEvent cannot be told from the envelope: it travels inside one',
  async (t) => {
    const value = Buffer.from(JSON.stringify({ ...CE, datacontenttype: 'application/cloudevents+json', data: CE }))
    const { headers, body } = deliver('binary', {}, { ...RECORD, value })
    t.equal(headers['content-type'], 'application/cloudevents+json; charset=utf-8')
    t.same(JSON.parse(Buffer.from(body).toString()), JSON.parse(value.toString()))
  },
)

void t.test('what no media type looks like is none', async (t) => {
  for (const contentType of ['', 'x', 'text/plain\r\nx: y', 'tëxt/plain', `a/${'b'.repeat(300)}`, ' a/b'])
    t.equal(headersOf({ mode: 'binary', fields: CE, contentType })['content-type'], 'application/octet-stream')
  t.equal(headersOf({ mode: 'binary', fields: CE, contentType: 'a/b; c="d e"' })['content-type'], 'a/b; c="d e"')
})

void t.test('a type among the attributes counts where no header says it, and never travels twice', async (t) => {
  const fields = { ...CE, datacontenttype: 'text/xml' }
  for (const format of ['verbatim', 'binary'] as const) {
    const { headers } = deliver(format, { mode: 'binary', fields, contentType: 'application/octet-stream' })
    t.equal(headers['content-type'], 'text/xml')
    t.notOk('ce-datacontenttype' in headers)
  }
})

const XZEPR = Buffer.from(JSON.stringify({ ...CE, api_version: 'v1', workid: 'a lie', data: { n: 1 } }))

void t.test('in a batch the facts of each event are its attributes; its own of the same name give way', async (t) => {
  const key = Buffer.from('01M847\xff', 'latin1')
  const headers = [header('traceparent', TRACE), header('tracestate', 'a=b')]
  const parcels = [0n, 1n].map((offset) => {
    const record = { ...RECORD, offset, key, headers, value: XZEPR }
    return { record, event: factsOf({ id: 'x' }, record), attempt: 2 }
  })
  const { headers: own, body, wantsBody, id } = deliveryOf(factsFor('batch', 'g "é'), parcels)
  t.same(own, { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' })
  t.equal(wantsBody, true)
  t.match(id, /^batch-[0-9a-f]{64}$/)
  const events = JSON.parse(Buffer.from(body).toString()) as Record<string, unknown>[]
  t.equal(events.length, 2)
  t.match(events[1], {
    ...{ apiversion: 'v1', workid: 'x', workattempt: 2, workattemptsmax: 10, traceparent: TRACE, tracestate: 'a=b' },
    ...{ idempotencykey: 'g%20%22%C3%A9/xzepr.dev.events/2/1', kafkatopic: 'xzepr.dev.events', kafkapartition: 2 },
    ...{ kafkaoffset: '1', kafkatimestamp: '1700', kafkakey: '01M847%FF', data: { n: 1 } },
  })
  t.equal(deliveryOf(factsFor('batch', 'g "é'), parcels.reverse()).id, id, 'the same events in another order')
  t.not(deliveryOf(factsFor('batch', 'g "é'), parcels.slice(1)).id, id)
})

void t.test('only a batch wants the body of the answer', async (t) => {
  for (const format of ['verbatim', 'structured', 'binary'] as const)
    t.equal(deliver(format, {}, { ...RECORD, value: XZEPR }).wantsBody, false)
  t.throws(() => deliveryOf(factsFor('batch'), []))
})

void t.test('the platform is the event’s, in XZepr’s spelling or a CloudEvent’s, else unknown', async (t) => {
  const platform = (fields: Readonly<Record<string, unknown>>): string => factsOf({ fields }).platformId
  t.equal(platform({ platform_id: 'a', platformid: 'b' }), 'a')
  t.equal(platform({ platformid: 'b' }), 'b')
  for (const fields of [{}, { platform_id: '' }, { platform_id: ' ' }, { platform_id: 7 }, { platform_id: null }])
    t.equal(platform(fields), 'unknown')
})
