import { readFileSync, writeFileSync } from 'node:fs'
import { HTTP } from 'cloudevents'
import { Webhook } from 'standardwebhooks'
import t from 'tap'
import { deliveryOf } from '../../src/core/delivery.ts'
import { signatureHeaders, signingKeys } from '../../src/webhook/signature.ts'
import type { Sent, Vector, Written } from './vectors.ts'
import { FORMATS, VECTORS, bytesOf, deliver, factsFor, fileOf, parcelOf, sent } from './vectors.ts'

const rewrite = process.env.TAP_SNAPSHOT === '1'

/** What the official reader makes of a delivery. */
function read({ headers, body }: Sent): Record<string, unknown> {
  const bytes = bytesOf(body)
  // The SDK takes the body as text, or as bytes where its type is none that it parses.
  const event = HTTP.toEvent<unknown>({ headers: { ...headers }, body: 'text' in body ? body.text : bytes })
  const [first] = Array.isArray(event) ? event : [event]
  if (first === undefined) throw new Error('no event')
  return { ...first }
}

/** The SDK leaves percent-encoding to its caller, and writes times anew. */
function attribute(name: string, value: unknown, isHeader: boolean): unknown {
  if (name === 'time') return Date.parse(String(value))
  return isHeader && typeof value === 'string' && name !== 'datacontenttype' ? decodeURIComponent(value) : value
}

function dataOf({ event: { data } }: Vector): unknown {
  if (data === undefined) return undefined
  if ('json' in data) return JSON.parse(data.json)
  return 'text' in data ? data.text : Buffer.from(data.base64, 'base64').toString('latin1')
}

/** Bytes come as arrays of one kind or another; JSON of a type that the SDK does not know stays text. */
function dataRead(data: unknown, vector: Vector): unknown {
  if (ArrayBuffer.isView(data)) return Buffer.from(data as Uint8Array).toString('latin1')
  const parsed = typeof data === 'string' && vector.event.data !== undefined && 'json' in vector.event.data
  return parsed ? JSON.parse(data) : data
}

/** What the bridge adds inside a batch, and what is the event's data. */
const OWN = /^(?:data|data_base64|work\w+|idempotencykey|kafka\w+|trace(?:parent|state))$/

t.ok(VECTORS.size >= 6)

for (const [name, vector] of VECTORS) {
  void t.test(`${name}: ${vector.what}`, async (t) => {
    const made = Object.fromEntries(FORMATS.map((format) => [format, sent(deliver(format, vector))]))
    if (rewrite) writeFileSync(fileOf(name), `${JSON.stringify({ ...vector, deliveries: made }, null, 2)}\n`)
    const { deliveries } = JSON.parse(readFileSync(fileOf(name), 'utf8')) as Vector
    for (const format of FORMATS) t.strictSame(made[format], deliveries[format], `${format}, to the byte`)
    t.strictSame(deliveries.verbatim?.body, vector.record.value, 'verbatim is the record’s value')

    for (const format of ['structured', 'binary', 'batch'] as const) {
      const delivery = deliveries[format]
      if (delivery === undefined) throw new Error(`${format} is missing`)
      const event = read(delivery)
      const isHeader = format === 'binary'
      for (const [attr, value] of Object.entries(vector.event.attributes)) {
        // The bridge's own word on the trace stands in for the event's.
        if (format === 'batch' && attr === 'traceparent') continue
        const found = attribute(attr, event[attr], isHeader)
        t.strictSame(found, attribute(attr, isHeader ? String(value) : value, false), `the SDK reads ${attr} from ${format}`)
      }
      const strangers = Object.keys(event).filter(
        (attr) => event[attr] !== undefined && !(attr in vector.event.attributes) && !OWN.test(attr) && attr !== 'time',
      )
      t.strictSame(strangers, [], `nothing else from ${format}`)
      t.strictSame(dataRead(event.data, vector), dataOf(vector), `the SDK reads the data from ${format}`)
    }
  })
}

void t.test('a batch of several is each of them, in their order', async (t) => {
  const all = [...VECTORS.values()]
  const { body } = deliveryOf(factsFor('batch'), all.map(parcelOf))
  const each = all.map((vector) => Buffer.from(deliver('batch', vector).body).toString().slice(1, -1))
  t.equal(Buffer.from(body).toString(), `[${each.join(',')}]`)
})

interface Signature {
  readonly secrets: readonly string[]
  readonly id: string
  readonly timestamp: number
  readonly body: Written & { readonly text: string }
  readonly headers: Readonly<Record<string, string>>
}

void t.test('signatures are those of the official library', async (t) => {
  const file = fileOf('signatures')
  const given = JSON.parse(readFileSync(file, 'utf8')) as Signature[]
  const made = given.map(({ secrets, id, timestamp, body }) =>
    signatureHeaders(signingKeys(secrets.join(' ')), { id, body: bytesOf(body), nowMs: timestamp * 1000 + 999 }),
  )
  if (rewrite) {
    const signed = given.map((each, index) => ({ ...each, headers: made[index] }))
    writeFileSync(file, `${JSON.stringify(signed, null, 2)}\n`)
  }
  const golden = JSON.parse(readFileSync(file, 'utf8')) as Signature[]
  t.ok(golden.length >= 3)
  for (const [index, { secrets, id, timestamp, body, headers }] of golden.entries()) {
    t.strictSame(made[index], headers)
    const official = secrets.map((secret) => new Webhook(secret).sign(id, new Date(timestamp * 1000), body.text))
    t.equal(headers['webhook-signature'], official.join(' '))
  }
})
