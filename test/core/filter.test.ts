import fc from 'fast-check'
import t from 'tap'
import type { FilterOptions } from '../../src/core/filter.ts'
import { createFilter, ownReport } from '../../src/core/filter.ts'
import type { Message } from '../../src/core/message.ts'
import { readMessage } from '../../src/core/message.ts'
import { anyText } from '../support/any-text.ts'
import { recordOf } from '../support/books.ts'

const OURS = '01OURRECEIVER'
const OPTIONS: FilterOptions = {
  eventTypes: '*',
  group: 'xzepr-consumer-deployer',
  receiverName: 'deployer-receiver',
  receiverType: 'worker',
}
const OWN = 'it is the bridge’s own event'
const NOT_ASKED = 'BRIDGE_EVENT_TYPES does not ask for its type'
const UNNAMED = 'it is a lifecycle event and BRIDGE_EVENT_TYPES does not name its type'

function message(fields: Readonly<Record<string, unknown>>): Message {
  const value = Buffer.from(JSON.stringify({ id: 'x', source: 's', specversion: '1.0.1', ...fields }))
  const reading = readMessage(recordOf({ value }), (bytes) => Buffer.from(bytes).toString())
  if (reading.kind !== 'message') throw new Error('not a message')
  return reading.message
}

/** A message as XZepr writes it, with one event or receiver inside. */
function xzepr(
  type: string,
  inside: { event?: Readonly<Record<string, unknown>>; receiver?: Readonly<Record<string, unknown>>; source?: string },
): Message {
  const events = inside.event === undefined ? [] : [inside.event]
  const receivers = inside.receiver === undefined ? [] : [inside.receiver]
  const data = { events, event_receivers: receivers, event_receiver_groups: [] }
  const read = message({ type, data, ...(inside.source !== undefined && { source: inside.source }) })
  return read
}

const lifecycle = (status: string, deliveryId = 'another-group/w/x'): Readonly<Record<string, unknown>> => ({
  payload: { work_id: 'w', status, details: { delivery_id: deliveryId } },
})

/** Why the message is refused under these event types. */
const refusal = (eventTypes: string, what: Message, receiverId: string | undefined = OURS): string | undefined =>
  createFilter({ ...OPTIONS, eventTypes })(what, receiverId)

const asks = (eventTypes: string, type: string): boolean => refusal(eventTypes, message({ type })) === undefined

void t.test('a glob matches as a regular expression with .* would', async () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 8 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(pattern, letters, (glob, type) => {
      const reference = glob.replaceAll('.', '\\.').replaceAll('*', '.*')
      return asks(glob, type) === new RegExp(`^${reference}$`, 's').test(type)
    }),
    { numRuns: 3000 },
  )
})

void t.test('everything but the star is itself', async () => {
  fc.assert(
    fc.property(anyText(), (type) => {
      const plain = type.replace(/[*,!]/g, '').trim()
      return plain === '' || (asks(plain, plain) && !asks(plain, `${plain}x`) && asks(`${plain}*`, `${plain}x`))
    }),
    { numRuns: 300 },
  )
})

void t.test('the list is read with its blanks and empty places; nothing asked for is everything', async (t) => {
  t.equal(asks('', 'a'), true)
  t.equal(asks(' , ', 'a'), true)
  t.equal(asks('a , b.* ,', 'a'), true)
  t.equal(asks('a , b.* ,', 'b.c'), true)
  t.equal(asks('a , b.* ,', 'b'), false)
})

void t.test('a refusal wins over whatever asks, wherever in the list it stands', async (t) => {
  for (const types of ['deployment.*,!deployment.test', '!deployment.test,deployment.*', '* , ! deployment.test']) {
    t.equal(asks(types, 'deployment.test'), false, types)
    t.equal(asks(types, 'deployment.tested'), true, types)
  }
  t.equal(asks('!deployment.*', 'build.done'), true, 'refusals alone ask for all the rest')
  t.equal(refusal('!deployment.*', message({ type: 'deployment.x' })), NOT_ASKED)
  t.equal(asks('!*', 'a'), false)
})

void t.test('a type of a megabyte against twenty stars comes to an end', async (t) => {
  const pattern = Array(20).fill('a').join('*')
  t.equal(asks(`*${pattern}*b`, 'a'.repeat(1 << 20)), false)
  t.equal(asks(`*${pattern}*`, 'a'.repeat(1 << 20)), true)
})

void t.test('a lifecycle event of any bridge is delivered only when its type is named', async (t) => {
  for (const status of ['started', 'completed', 'failed']) {
    const event = xzepr(`builder.${status}`, { event: lifecycle(status) })
    for (const types of ['', '*', '**', '*,other.*', '!x', ' *,* ']) t.equal(refusal(types, event), UNNAMED, types)
    for (const types of [`builder.${status}`, 'builder.*', `*.${status}`, '*,builder.*']) {
      t.equal(refusal(types, event), undefined, types)
    }
    t.equal(refusal(`builder.*,!*.${status}`, event), NOT_ASKED)
  }
})

void t.test('what only looks like a lifecycle event is an event like any other', async (t) => {
  const payloads = [
    { work_id: 'w', status: 'running' },
    { work_id: 7, status: 'started' },
    { work_id: 'w' },
    { status: 'started' },
    {},
    undefined,
  ]
  for (const payload of payloads) t.equal(refusal('*', xzepr('a', { event: { payload } })), undefined)
  t.equal(refusal('*', xzepr('a', {})), undefined)
})

void t.test('an event of our own receiver is never delivered, even when its type is named', async (t) => {
  const bySource = xzepr('a', { source: `xzepr.event.receiver.${OURS}` })
  const byId = xzepr('a', { event: { event_receiver_id: OURS } })
  for (const event of [bySource, byId, message({ type: 'a', source: `xzepr.event.receiver.${OURS}` })]) {
    t.equal(refusal('a', event), OWN)
    t.equal(refusal('a', event, '01ANOTHER'), undefined)
  }
  t.equal(createFilter(OPTIONS)(byId, undefined), undefined, 'while our receiver is not known it cannot be told')
})

void t.test('an event of ours is known by its delivery id while our receiver is not', async (t) => {
  const own = xzepr('deployer.completed', { event: lifecycle('completed', `${OPTIONS.group}/w/completed`) })
  const another = xzepr('deployer.completed', { event: lifecycle('completed', `${OPTIONS.group}-2/w/completed`) })
  for (const receiverId of [OURS, undefined]) {
    t.equal(createFilter({ ...OPTIONS, eventTypes: 'deployer.*' })(own, receiverId), OWN)
    t.equal(createFilter({ ...OPTIONS, eventTypes: 'deployer.*' })(another, receiverId), undefined)
  }
  for (const details of [undefined, null, 7, 'text', {}, { delivery_id: 7 }]) {
    const event = xzepr('a', { event: { payload: { work_id: 'w', status: 'started', details } } })
    t.equal(refusal('a', event), undefined)
  }
})

void t.test('the announcement of our own receiver is not delivered; another’s is', async (t) => {
  const type = 'xzepr.event.receiver.created'
  const ours = { name: OPTIONS.receiverName, receiver_type: OPTIONS.receiverType }
  t.equal(refusal(type, xzepr(type, { receiver: ours })), OWN)
  t.equal(refusal(type, xzepr(type, { receiver: { ...ours, receiver_type: 'other' } })), undefined)
  t.equal(refusal(type, xzepr(type, { receiver: { ...ours, name: 'other' } })), undefined)
})

void t.test('the guard holds whatever else XZepr changes in a message', async () => {
  const field = fc.constantFrom('description', 'created_at', 'resource_version', 'success', 'owner_id', 'id')
  const top = fc.constantFrom('success', 'name', 'api_version', 'package')
  fc.assert(
    fc.property(field, top, fc.jsonValue(), fc.boolean(), (inner, outer, value, drop) => {
      const ours = { ...lifecycle('completed', `${OPTIONS.group}/w/completed`), [inner]: value }
      const others = { ...lifecycle('completed'), [inner]: value }
      const received = { ...lifecycle('completed'), event_receiver_id: OURS, [inner]: value }
      const wrap = (event: object): Message =>
        message({ type: 'a', [outer]: value, data: { events: [event], ...(!drop && { event_receivers: [] }) } })
      return (
        createFilter({ ...OPTIONS, eventTypes: 'a' })(wrap(ours), undefined) === OWN &&
        refusal('a', wrap(received)) === OWN &&
        refusal('*', wrap(others)) === UNNAMED
      )
    }),
    { numRuns: 300 },
  )
})

void t.test('BRIDGE_FILTER has its say about what is left, and is named where it refuses', async (t) => {
  const seen: string[] = []
  const expression = { test: ({ type }: Message): boolean => seen.push(type) > 0 && type.startsWith('deployment.') }
  const filter = createFilter({ ...OPTIONS, eventTypes: '*,!deployment.test', expression })
  t.equal(filter(message({ type: 'deployment.done' }), OURS), undefined)
  t.equal(filter(message({ type: 'build.done' }), OURS), 'BRIDGE_FILTER does not ask for it')
  t.equal(filter(message({ type: 'deployment.test' }), OURS), NOT_ASKED)
  const loop = xzepr('deployment.done', { event: lifecycle('completed') })
  t.equal(filter(loop, OURS), UNNAMED, 'a filter that asks for everything names no lifecycle event')
  t.same(seen, ['deployment.done', 'build.done'], 'it is not asked about what others refuse')
})

void t.test('whatever JSON a message holds, the filter answers', async () => {
  const inside = fc.dictionary(fc.constantFrom('payload', 'event_receiver_id', 'name'), fc.jsonValue())
  const data = fc.oneof(
    fc.jsonValue(),
    fc.record({
      events: fc.oneof(fc.jsonValue(), fc.array(fc.oneof(inside, fc.jsonValue()))),
      event_receivers: fc.oneof(fc.jsonValue(), fc.array(fc.oneof(inside, fc.jsonValue()))),
    }),
  )
  fc.assert(
    fc.property(data, (any) => [undefined, UNNAMED, OWN].includes(refusal('*', message({ type: 'a', data: any })))),
    { numRuns: 500 },
  )
})

void t.test('a report of ours that comes round is known, and nobody else’s is taken for one', async (t) => {
  const payload = { work_id: 'w', status: 'completed', details: { delivery_id: 'g/w/completed' } }
  const message = (source: string, change: object = {}): Message => ({
    id: 'E1',
    type: 'svc.completed',
    source,
    fields: { data: { events: [{ payload: { ...payload, ...change } }] } },
    mode: 'json',
    contentType: '',
  })
  const ours = 'xzepr.event.receiver.R'
  t.same(ownReport(message(ours), 'R', 'g'), { deliveryId: 'g/w/completed', eventId: 'E1' })
  t.equal(ownReport(message(ours), undefined, 'g'), undefined, 'our receiver is not known yet')
  t.equal(ownReport(message('xzepr.event.receiver.S'), 'R', 'g'), undefined, 'posted for another receiver')
  t.equal(ownReport(message(ours), 'R', 'h'), undefined, 'of another group')
  t.equal(ownReport(message(ours, { status: 'failed' }), 'R', 'g'), undefined, 'its id says something else')
  t.equal(ownReport(message(ours, { status: 'queued' }), 'R', 'g'), undefined, 'no lifecycle event')
})
