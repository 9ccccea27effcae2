/**
 * What the README says an app gets is what it gets: the example to the byte, and for each format its headers.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { deliveryOf, eventFacts } from '../../src/core/delivery.ts'
import { readMessage } from '../../src/core/message.ts'
import { encodings } from '../../src/webhook/encodings.ts'
import { recordOf } from '../support/books.ts'
import { FORMATS, VECTORS, bytesOf, factsFor } from '../vectors/vectors.ts'
import type { Sent } from '../vectors/vectors.ts'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** The README's example of a delivery. */
function example(): { readonly headers: Record<string, string>; readonly body: string } {
  const [, head = '', body = ''] = /```http\nPOST [^\n]+\n([\s\S]*?)\n\n([\s\S]*?)\n```/.exec(README) ?? []
  const pairs = head.split('\n').map((line) => /^([^:]+): (.*)$/.exec(line)?.slice(1) ?? [])
  return { headers: Object.fromEntries(pairs) as Record<string, string>, body: body.replaceAll('\n ', '') }
}

void t.test('the README’s example is what the bridge makes of such a record, to the byte', async (t) => {
  const { headers, body } = example()
  const { id, source, type, name, version, release, data, ...more } = JSON.parse(body) as Record<string, unknown>
  // As XZepr writes it.
  const value = {
    ...{ success: more.success, id, specversion: '1.0.1', type, source, api_version: more.apiversion },
    ...{ name, version, release, platform_id: more.platformid, package: more.package, data },
  }
  const record = recordOf({
    topic: headers['kafka-topic'] ?? '',
    partition: Number(headers['kafka-partition']),
    offset: BigInt(headers['kafka-offset'] ?? ''),
    timestampMs: Number(headers['kafka-timestamp']),
    key: Buffer.from(String(id)),
    value: Buffer.from(JSON.stringify(value)),
    headers: [{ name: 'traceparent', value: Buffer.from(headers.traceparent ?? '') }],
  })
  const reading = readMessage(record, encodings.decodeUtf8)
  if (reading.kind !== 'message') throw new Error('the example is no message')
  const event = eventFacts(record, reading.message, () => 0)
  const delivery = deliveryOf(factsFor('structured'), [{ record, event, attempt: 1 }])
  t.strictSame(delivery.headers, headers)
  t.equal(Buffer.from(delivery.body).toString(), body)
})

const vector = VECTORS.get('xzepr')
const isOfEvent = (name: string): boolean => name !== 'content-type' && !name.startsWith('ce-')

for (const format of FORMATS) {
  void t.test(`the README says which headers come with ${format}`, async (t) => {
    const row = new RegExp(`^\\| \`${format}\` \\| .*? \\| (.*?) \\| (.*?) \\|$`, 'm').exec(README)
    const [, contentType = '', others = ''] = row ?? []
    const headers: Sent['headers'] = vector?.deliveries[format]?.headers ?? {}
    t.equal(headers['content-type'], /^`(.*)`$/.exec(contentType)?.[1] ?? 'application/json')
    t.match(others, /^(?:none|the event's(?:, and its attributes as `ce-\*`)?)$/)
    t.equal(
      Object.keys(headers).some((name) => name.startsWith('ce-')),
      others.includes('ce-*'),
      'ce-*',
    )
    t.same(
      Object.keys(headers).filter(isOfEvent).sort(),
      others === 'none' ? [] : Object.keys(example().headers).filter(isOfEvent).sort(),
    )
  })
}

void t.test('the README names what is said of an event in a batch, all of it', async (t) => {
  const [, list = ''] = /In a batch what the event's headers say[^:]*: ([^.]*)\./.exec(README) ?? []
  const named = [...list.matchAll(/`(\w+)`/g)].map(([, name]) => name)
  const found = new Set<string>()
  for (const { deliveries } of VECTORS.values()) {
    const body = deliveries.batch && bytesOf(deliveries.batch.body).toString()
    for (const event of JSON.parse(body ?? '[]') as object[]) {
      for (const name of Object.keys(event)) {
        if (/^(?:work(?:id|attempt|attemptsmax)|idempotencykey|kafka\w+|trace(?:parent|state))$/.test(name))
          found.add(name)
      }
    }
  }
  t.same(named.sort(), [...found].sort())
  t.same(
    named.filter((name) => name !== 'tracestate'),
    Object.keys(example().headers)
      .filter(isOfEvent)
      .map((name) => name.replaceAll('-', ''))
      .sort(),
    'the same as the headers, without their dashes',
  )
})
