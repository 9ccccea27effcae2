import fc from 'fast-check'
import t from 'tap'
import {
  readCredentials,
  readEvent,
  readPaging,
  readReceiver,
  readRefresh,
  storable,
} from '../../src/dev/xzepr-rules.ts'
import { ALICE, eventBody, receiverBody, UNIT } from './xzepr-started.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Bodies near enough to good ones to get past the first rule: a good member or two replaced by anything. */
function bent(good: string): fc.Arbitrary<string> {
  const members = Object.entries(JSON.parse(good) as Record<string, unknown>)
  return fc
    .tuple(...members.map(([, value]) => fc.option(fc.jsonValue(), { freq: 4, nil: value })))
    .map((values) => JSON.stringify(Object.fromEntries(members.map(([name], at) => [name, values[at]]))))
}

void t.test('whatever comes as a body, it is either taken or refused with 400, 422 or 500', (t) => {
  for (const read of [readEvent, readReceiver, readCredentials, readRefresh]) {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.json().map(bytes),
          bent(eventBody(ALICE)).map(bytes),
          bent(receiverBody()).map(bytes),
        ),
        fc.constantFrom('new' as const, 'old' as const),
        (body, generation) => {
          const ruled = read(body, generation)
          return (
            ruled.kind === 'ok' || (generation === 'new' ? [400, 422, 500] : [400, 500]).includes(ruled.reply.status)
          )
        },
      ),
    )
  }
  t.end()
})

void t.test('a payload that was taken once is taken again unchanged', (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: UNIT }), fc.jsonValue({ stringUnit: UNIT })), (payload) => {
      const once = readEvent(bytes(eventBody(ALICE, {}, JSON.stringify(payload))), 'new')
      if (once.kind === 'refused') return false
      const twice = readEvent(bytes(eventBody(ALICE, {}, once.value.payload)), 'new')
      return twice.kind === 'ok' && twice.value.payload === once.value.payload
    }),
  )
  t.end()
})

void t.test('an event is storable unless a column is too short for it or U+0000 is in it', (t) => {
  const event = (but: Record<string, unknown>, payload = '{}') => {
    const read = readEvent(bytes(eventBody(ALICE, but, payload)), 'new')
    return read.kind === 'ok' && storable(read.value)
  }
  for (const [column, maxBytes] of [
    ['name', 255],
    ['version', 100],
    ['release', 100],
    ['platform_id', 255],
    ['package', 255],
  ] as const) {
    t.ok(event({ [column]: 'x'.repeat(maxBytes) }), column)
    t.notOk(event({ [column]: 'x'.repeat(maxBytes + 1) }), column)
    t.notOk(event({ [column]: 'a\u0000b' }), column)
  }
  t.ok(event({ description: 'x'.repeat(10_000) }), 'a description has no end')
  t.notOk(event({ description: '\u0000' }))
  t.notOk(event({}, '{"a":{"b":["\\u0000"]}}'))
  t.end()
})

void t.test('limit is 1 to 1000 and 50 when absent, offset is 0 when absent', (t) => {
  const read = (query: string) => {
    const ruled = readPaging(new URLSearchParams(query))
    return ruled.kind === 'ok' ? Object.values(ruled.value) : ruled.reply.status
  }
  t.same(read(''), [50, 0])
  t.same(read('limit=1&offset=7'), [1, 7])
  t.same(read('limit=1000'), [1000, 0])
  for (const bad of ['limit=0', 'limit=1001', 'limit=-1', 'limit=', 'offset=x', 'offset=1.5'])
    t.equal(read(bad), 400, bad)
  t.end()
})
