import fc from 'fast-check'
import t from 'tap'
import type { Message, Reading } from '../../src/core/message.ts'
import { ID_MAX_BYTES, readMessage } from '../../src/core/message.ts'
import type { KafkaRecord, RecordHeader } from '../../src/core/record.ts'
import { anyText } from '../support/any-text.ts'
import { recordOf } from '../support/books.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true })
const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return UTF8.decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
const bytes = (text: string): Uint8Array => Buffer.from(text)
const header = (name: string, value: string | Uint8Array | null): RecordHeader => ({
  name,
  value: typeof value === 'string' ? bytes(value) : value,
})
const read = (value: string | Uint8Array | null, headers: readonly RecordHeader[] = []): Reading =>
  readMessage(recordOf({ value: typeof value === 'string' ? bytes(value) : value, headers }), decodeUtf8)

function messageOf(reading: Reading): Message {
  if (reading.kind !== 'message') throw new Error(`not a message: ${JSON.stringify(reading)}`)
  return reading.message
}
const whyOf = (reading: Reading): string | undefined => (reading.kind === 'poison' ? reading.why : undefined)

/** As the real server published it, byte for byte. */
const SAMPLE =
  '{"success":true,"id":"01M847HRZSMFZDV1KG79EPM357","specversion":"1.0.1","type":"bridge.webhook.delivered",' +
  '"source":"xzepr.event.receiver.01M847HQ2BCF2FQ8EJCSJ07QCY","api_version":"v1","name":"bridge.webhook.delivered",' +
  '"version":"1.2.3","release":"2026.11","platform_id":"x86_64-oci-linux-2","package":"docker","data":{"events":' +
  '[{"id":"01M847HRZSMFZDV1KG79EPM357","name":"bridge.webhook.delivered","version":"1.2.3","release":"2026.11",' +
  '"platform_id":"x86_64-oci-linux-2","package":"docker","description":"d é","payload":{"a":1},"success":true,' +
  '"event_receiver_id":"01M847HQ2BCF2FQ8EJCSJ07QCY","owner_id":"01M847EM8NHNJ6Z68G7PRA7Z92","resource_version":1,' +
  '"created_at":"2026-11-23T12:54:30.137740084Z"}],"event_receivers":[],"event_receiver_groups":[]}}'

const EVENT = { id: 'x', type: 't', source: 's', specversion: '1.0' }
const eventWith = (change: Readonly<Record<string, unknown>>): string => JSON.stringify({ ...EVENT, ...change })
const CE: readonly RecordHeader[] = ['id', 'type', 'source', 'specversion'].map((name) =>
  header(`ce_${name}`, EVENT[name as keyof typeof EVENT]),
)

void t.test('the message of a real server is read, every field of it', async (t) => {
  t.equal(Buffer.byteLength(SAMPLE), 750)
  const message = messageOf(read(SAMPLE))
  t.match(message, {
    id: '01M847HRZSMFZDV1KG79EPM357',
    type: 'bridge.webhook.delivered',
    source: 'xzepr.event.receiver.01M847HQ2BCF2FQ8EJCSJ07QCY',
    mode: 'json',
    contentType: 'application/cloudevents+json; charset=utf-8',
  })
  t.same(message.fields, JSON.parse(SAMPLE))
  t.match(message.fields, { data: { events: [{ description: 'd é' }] } })
})

void t.test('announcements of receivers and of groups are XZepr’s own form too', async (t) => {
  const receivers = [{ id: 'r', name: 'n', receiver_type: 'worker', schema: { any: [1] }, fingerprint: 'f' }]
  const groups = [{ id: 'g', group_type: 'worker', enabled: true, event_receiver_ids: ['r'] }]
  const data = { events: [], event_receivers: receivers, event_receiver_groups: groups }
  const { fields } = messageOf(read(eventWith({ type: 'xzepr.event.receiver.created', data })))
  t.same(fields.data, data)
})

void t.test('unknown fields are kept, and one of another type is no poison', async (t) => {
  const sample = JSON.parse(SAMPLE) as { data: object }
  const more = messageOf(read(JSON.stringify({ ...sample, future: [1], data: { ...sample.data, more: 2 } })))
  t.match(more.fields, { future: [1], data: { more: 2 } })
  for (const change of [{ data: 7 }, { name: 7 }, { data: undefined }, { data: { events: [] } }]) {
    const message = messageOf(read(JSON.stringify({ ...sample, ...change })))
    t.match(message.fields, { package: 'docker' })
  }
})

void t.test('a structured CloudEvent is read, under any spelling of its content type', async (t) => {
  for (const type of [
    'application/cloudevents+json',
    'application/cloudevents+json; charset=UTF-8',
    'application/cloudevents+json ;charset=utf-8',
    'Application/CloudEvents+JSON',
    'application/cloudevents',
  ]) {
    const message = messageOf(read(eventWith({ data: 1 }), [header('Content-Type', type), ...CE]))
    t.match(message, { ...EVENT, specversion: undefined, mode: 'json', fields: { data: 1 } }, type)
  }
})

void t.test('a CloudEvent in binary mode is read from its headers, its value never', async (t) => {
  const headers = [...CE, header('ce_subject', 'a b'), header('content-type', 'text/plain'), header('other', 'x')]
  const message = messageOf(read(Uint8Array.of(0xff, 0, 1), headers))
  t.same(message, {
    id: 'x',
    type: 't',
    source: 's',
    fields: { ...EVENT, subject: 'a b' },
    mode: 'binary',
    contentType: 'text/plain',
  })
  t.match(messageOf(read(null, CE)), { mode: 'binary', contentType: 'application/octet-stream' }, 'nor is it needed')
})

void t.test(
  'header names have no case, the last of a name counts, and what holds no text is no attribute',
  async (t) => {
    const headers = [
      ...CE,
      header('CE_Subject', 'first'),
      header('ce_subject', 'last'),
      header('ce_a', null),
      header('ce_b', Uint8Array.of(0xff)),
      header('ce_not-a-name', 'x'),
    ]
    t.same(messageOf(read(null, headers)).fields, { ...EVENT, subject: 'last' })
  },
)

void t.test('an attribute called like a member of every object is an attribute like any other', async (t) => {
  const { fields } = messageOf(read(null, [...CE, header('ce_constructor', 'c'), header('ce___proto__', 'p')]))
  t.same(Object.entries(fields).slice(4), [['constructor', 'c']])
  t.equal(messageOf(read('{"__proto__":{"id":1},' + eventWith({}).slice(1))).id, 'x')
})

void t.test('a record without a value is a tombstone, unless its headers hold an event', async (t) => {
  t.same(read(null), { kind: 'tombstone' })
  t.same(read(null, [header('content-type', 'application/json')]), { kind: 'tombstone' })
  t.equal(read(null, CE).kind, 'message')
})

void t.test('what cannot be read is poison, with its reason', async (t) => {
  const structured = (type: string): RecordHeader[] => [header('content-type', type)]
  const long = 'i'.repeat(ID_MAX_BYTES + 1)
  const cases: readonly (readonly [Reading, string])[] = [
    [read(''), 'its value is not JSON (SyntaxError)'],
    [read('{"a":'), 'its value is not JSON (SyntaxError)'],
    [read(Uint8Array.of(0x7b, 0xff, 0x7d)), 'its value is not UTF-8'],
    ...['null', '7', '"a"', '[]', 'true'].map((json) => [read(json), 'its value is not a JSON object'] as const),
    [
      read(eventWith({}), structured('application/cloudevents-batch+json')),
      'its content type "application/cloudevents-batch+json" is no form that the bridge reads',
    ],
    [
      read(eventWith({}), structured('application/cloudevents+avro')),
      'its content type "application/cloudevents+avro" is no form that the bridge reads',
    ],
    ...Object.keys(EVENT).flatMap((name) =>
      [undefined, '', 7, null, ['x']].map(
        (value) => [read(eventWith({ [name]: value })), `its ${name} is missing, empty or not a string`] as const,
      ),
    ),
    [read(null, CE.slice(1)), 'its id is missing, empty or not a string'],
    [read(eventWith({ specversion: '0.3' })), 'its specversion is not 1.x'],
    [read(eventWith({ specversion: '10' })), 'its specversion is not 1.x'],
    [read(eventWith({ id: 'a\u0000' })), 'its id holds U+0000'],
    [read(eventWith({ id: 'a\ud800b' })), 'its id holds a lone surrogate'],
    [read(eventWith({ id: '.' })), 'its id is a dot segment'],
    [read(eventWith({ id: '..' })), 'its id is a dot segment'],
    [read(eventWith({ id: long })), `its id takes ${ID_MAX_BYTES + 1} bytes, ${ID_MAX_BYTES} at most`],
    [read(eventWith({ id: '\u{1f600}'.repeat(257) })), `its id takes 1028 bytes, ${ID_MAX_BYTES} at most`],
    [read(null, [...CE, header('ce_id', long)]), `its id takes ${ID_MAX_BYTES + 1} bytes, ${ID_MAX_BYTES} at most`],
  ]
  for (const [reading, why] of cases) t.equal(whyOf(reading), why)
})

void t.test('an id of the largest size is read, in whatever script', async (t) => {
  for (const id of ['i'.repeat(ID_MAX_BYTES), '\u{1f600}'.repeat(256), 'a b/%?#"\n'])
    t.equal(messageOf(read(eventWith({ id }))).id, id)
})

void t.test('a reason never quotes the value, and little of a header', async (t) => {
  t.notMatch(whyOf(read('secret')), /secret/)
  const why = whyOf(read('{}', [header('content-type', `application/cloudevents+${'x'.repeat(10_000)}`)]))
  t.ok((why?.length ?? Infinity) < 200)
})

void t.test('nesting of any depth is read or poison', async (t) => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
  t.equal(read('['.repeat(1_000_000)).kind, 'poison')
  t.equal(read(eventWith({}).replace('{', `{"data":${deep},`)).kind, 'message')
})

const anyBytes = fc.uint8Array({ maxLength: 40 })
const hostile = fc.oneof(
  anyBytes,
  anyText().map(bytes),
  fc.json().map(bytes),
  fc
    .record(
      {
        id: fc.oneof(fc.string(), fc.jsonValue()),
        type: fc.oneof(fc.string(), fc.jsonValue()),
        source: fc.constant('s'),
        specversion: fc.constantFrom('1.0', '1.0.1', '2'),
        data: fc.oneof(
          fc.jsonValue(),
          fc.record({
            events: fc.array(fc.dictionary(fc.constantFrom('id', 'payload', '__proto__'), fc.jsonValue())),
            event_receivers: fc.array(fc.jsonValue()),
            event_receiver_groups: fc.array(fc.jsonValue()),
          }),
        ),
      },
      { requiredKeys: ['source'] },
    )
    .map((value) => bytes(JSON.stringify(value))),
)
const headerName = fc.oneof(
  fc.constantFrom('ce_id', 'ce_type', 'ce_source', 'ce_specversion', 'content-type', 'ce_a', '__proto__', ''),
  fc.string(),
)
const headerValue = fc.option(
  fc.oneof(anyBytes, fc.constantFrom('1.0', 'application/cloudevents+json', 'application/cloudevents', 'x').map(bytes)),
)
const anyRecord: fc.Arbitrary<KafkaRecord> = fc
  .record({
    value: fc.option(hostile),
    key: fc.option(anyBytes),
    headers: fc.array(fc.record({ name: headerName, value: headerValue }), { maxLength: 6 }),
  })
  .map(recordOf)

void t.test(
  'whatever bytes come, a record is a message with an id that can travel, a tombstone or poison',
  async () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const reading = readMessage(record, decodeUtf8)
        if (reading.kind === 'poison') return reading.why.startsWith('its ') && reading.why.length < 300
        if (reading.kind === 'tombstone') return record.value === null
        const { id, type, source } = reading.message
        return type !== '' && source !== '' && decodeURIComponent(encodeURIComponent(id)) === id && id !== ''
      }),
      { numRuns: 2000 },
    )
  },
)
