import fc from 'fast-check'
import t from 'tap'
import type { IntakeOptions } from '../../src/core/intake.ts'
import { takeIn } from '../../src/core/intake.ts'
import type { Message } from '../../src/core/message.ts'
import { recordOf } from '../support/books.ts'
import { encodings } from '../../src/webhook/encodings.ts'

const asked: [Message, string | undefined][] = []
const options: IntakeOptions = {
  group: 'g',
  decodeUtf8: encodings.decodeUtf8,
  filter: (message, receiverId) => {
    asked.push([message, receiverId])
    return message.type === 'refused' ? 'nobody asked for it' : undefined
  },
  order: 'key',
  chance: () => 0.5,
}
const valueOf = (fields: object): Uint8Array =>
  Buffer.from(JSON.stringify({ id: 'a', type: 't', source: 's', specversion: '1.0', ...fields }))

void t.test('an event has the lane of the order setting', async (t) => {
  const record = recordOf({ partition: 2, key: Buffer.from('k'), value: valueOf({}) })
  const laneOf = (order: IntakeOptions['order']): unknown => {
    const intake = takeIn(record, { ...options, order }, undefined)
    return intake.kind === 'event' && [intake.event.id, intake.lane]
  }
  t.same(laneOf('none'), ['a', undefined])
  t.same(laneOf('partition'), ['a', `\0${record.topic}/2`])
  t.same(laneOf('key'), ['a', `\0${record.topic}/2/k`])
})

void t.test('what the filter refuses is passed over with its reason; it knows our receiver', async (t) => {
  t.same(takeIn(recordOf({ value: valueOf({ type: 'refused' }) }), options, '01R'), {
    kind: 'passed-over',
    why: 'nobody asked for it',
  })
  t.equal(asked.at(-1)?.[1], '01R')
})

void t.test(
  'a tombstone is passed over, what cannot be read is poison, and no filter is asked about either',
  async (t) => {
    asked.length = 0
    t.match(takeIn(recordOf({ value: null }), options, undefined), { kind: 'passed-over', why: /tombstone/ })
    t.match(takeIn(recordOf({ value: Buffer.from('{') }), options, undefined), { kind: 'poison', why: /./ })
    t.same(asked, [])
  },
)

void t.test('any bytes as key, value and headers are an event, passed over or poison, never a failure', async () => {
  const bytes = fc.option(fc.uint8Array({ maxLength: 40 }), { nil: null })
  const json = fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)))
  const names = fc.constantFrom('ce_id', 'ce_type', 'content-type', 'traceparent', '')
  const headers = fc.array(fc.record({ name: names, value: bytes }))
  fc.assert(
    fc.property(bytes, fc.oneof(bytes, json), headers, (key, value, headers) => {
      const intake = takeIn(recordOf({ key, value, headers }), options, undefined)
      if (intake.kind === 'event') return intake.event.id !== ''
      return intake.why !== '' && (value !== null || intake.kind === 'passed-over')
    }),
  )
})
