/** Laws of every format over any record that the reader takes. */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import type { CloudEventV1 } from 'cloudevents'
import { CloudEvent, HTTP } from 'cloudevents'
import fc from 'fast-check'
import t from 'tap'
import type { DeliveryFacts, Format } from '../../src/core/delivery.ts'
import { deliveryOf, eventFacts } from '../../src/core/delivery.ts'
import type { Message } from '../../src/core/message.ts'
import { readMessage } from '../../src/core/message.ts'
import type { KafkaRecord } from '../../src/core/record.ts'
import type { Delivery } from '../../src/core/seams.ts'
import { encodings } from '../../src/webhook/encodings.ts'
import { anyRecord } from '../support/any-record.ts'

const GROUP = 'xzepr-consumer-ü.deployer'
const factsFor = (format: Format): DeliveryFacts => ({ format, group: GROUP, attemptsMax: 10, encodings })

function messageOf(record: KafkaRecord): Message | undefined {
  const reading = readMessage(record, encodings.decodeUtf8)
  return reading.kind === 'message' ? reading.message : undefined
}

/** Runs a law for each record that the reader takes; enough of them must be. */
function forAny(law: (record: KafkaRecord, message: Message, deliver: (format: Format) => Delivery) => void): number {
  let taken = 0
  fc.assert(
    fc.property(anyRecord, (record) => {
      const message = messageOf(record)
      if (message === undefined) return
      taken += 1
      const event = eventFacts(record, message, () => 0.5)
      law(record, message, (format) => deliveryOf(factsFor(format), [{ record, event, attempt: 3 }]))
    }),
    { numRuns: 600 },
  )
  return taken
}

/** The official reader's judgement; throws where an event is not valid. */
function valid(headers: Delivery['headers'], body: string): CloudEventV1<unknown>[] {
  const read = HTTP.toEvent<unknown>({ headers, body })
  const events = Array.isArray(read) ? read : [read]
  // An extension may be called like a method of the SDK's class.
  for (const event of events) CloudEvent.prototype.validate.call(event)
  return events
}

function dataIn(text: string): unknown {
  const [event] = [JSON.parse(text) as { data?: unknown } | { data?: unknown }[]].flat()
  return event?.data
}

const textOf = (body: Uint8Array): string => Buffer.from(body).toString()

void t.test('every record that the reader takes can be carried by HTTP in every format, below 16 KiB', async (t) => {
  const taken = forAny((_record, { id }, deliver) => {
    for (const format of ['verbatim', 'structured', 'binary', 'batch'] as const) {
      const { headers } = deliver(format)
      let size = 0
      for (const [name, value] of Object.entries(headers)) {
        validateHeaderName(name)
        validateHeaderValue(name, value)
        if (/[^\x20-\x7e]/.test(value)) throw new Error(`${name} is not plain ASCII`)
        size += name.length + value.length + 4
      }
      if (format !== 'batch' && decodeURIComponent(headers['work-id'] ?? '') !== id) throw new Error('another id')
      if (size > 12 * 1024) throw new Error(`${format} has ${size} bytes of headers`)
    }
  })
  t.ok(taken > 200, `${taken} records were taken`)
})

void t.test('the CloudEvents SDK takes what is sent as structured, binary and batch', async () => {
  forAny((_record, { id }, deliver) => {
    const { data } = JSON.parse(textOf(deliver('structured').body)) as { data?: unknown }
    // Of a number that no double holds JavaScript makes Infinity, which this reader takes for no data at all.
    if (typeof data === 'number' && !Number.isFinite(data)) return
    for (const format of ['structured', 'binary', 'batch'] as const) {
      const { headers, body } = deliver(format)
      const isHeaders = headers['ce-id'] !== undefined
      // JavaScript reads 1E400 as Infinity, which is no number to the SDK's schema: the sender's digits are sound.
      if (!isHeaders && dataIn(textOf(body)) === Infinity) continue
      // A producer may call bytes JSON that are none; they travel on as they are.
      const [event] = valid(headers, isHeaders ? '' : textOf(body))
      const read = event?.id ?? ''
      if ((isHeaders ? decodeURIComponent(read) : read) !== id) throw new Error(`${format}: ${read}`)
    }
  })
})

void t.test('names and types of attributes are CloudEvents’', async () => {
  forAny((_record, _message, deliver) => {
    const [event] = JSON.parse(textOf(deliver('batch').body)) as Record<string, unknown>[]
    for (const [name, value] of Object.entries(event ?? {})) {
      if (name === 'data' || name === 'data_base64') continue
      if (!/^[a-z0-9]+$/.test(name)) throw new Error(`the name ${name}`)
      const sound =
        typeof value === 'boolean' ||
        (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 31) ||
        (typeof value === 'string' && (name === 'id' || name === 'workid' || !/[\p{Cc}\p{Cs}\p{NChar}]/u.test(value)))
      if (!sound) throw new Error(`${name}: ${JSON.stringify(value)}`)
    }
  })
})

void t.test('verbatim is the very bytes of the record', async () => {
  forAny((record, { mode }, deliver) => {
    const { body, headers } = deliver('verbatim')
    // Only attributes that no header could hold make it another form.
    const kept = mode === 'json' || !headers['content-type']?.startsWith('application/cloudevents+json')
    if (kept && record.value !== null && body !== record.value) throw new Error('another body')
  })
})

void t.test('data is the record’s own, every digit of it', async () => {
  forAny((record, { mode, fields }, deliver) => {
    if (mode === 'binary') {
      const { headers, body } = deliver('binary')
      if (headers['ce-id'] !== undefined && !Buffer.from(body).equals(record.value ?? Buffer.alloc(0)))
        throw new Error('another body')
      return
    }
    if (fields.data === undefined) return
    const text = textOf(deliver('structured').body)
    const data = text.slice(text.lastIndexOf(',"data":') + 8, -1)
    // Cut at a `,"data":` inside the data, it would be no JSON or another value.
    const whole =
      text.endsWith(`,"data":${data}}`) && encodings.decodeUtf8(record.value ?? Buffer.alloc(0))?.includes(data)
    if (whole !== true || !isDeepStrictEqual((JSON.parse(text) as { data: unknown }).data, fields.data))
      throw new Error(text)
  })
})

void t.test('a delivery’s id has no dot, is the same on every attempt and another for every other record', async () => {
  const ids = new Map<string, string>()
  forAny((record, message, deliver) => {
    for (const format of ['verbatim', 'batch'] as const) {
      const { id } = deliver(format)
      const event = eventFacts(record, message, () => 0.1)
      if (deliveryOf(factsFor(format), [{ record, event, attempt: 9 }]).id !== id) throw new Error('another id')
      const place = `${format} ${record.topic}/${record.partition}/${record.offset}`
      if (id.includes('.') || (ids.get(id) ?? place) !== place) throw new Error(id)
      ids.set(id, place)
    }
  })
})
