import t from 'tap'
import type { XzeprEvent, XzeprReceiver } from '../../src/dev/xzepr-message.ts'
import { messageValue, receiverCreated, receiverResource } from '../../src/dev/xzepr-message.ts'
import { SAMPLE } from './xzepr-sample.ts'

const EVENT: XzeprEvent = {
  id: '01M847HRZSMFZDV1KG79EPM357',
  name: 'bridge.webhook.delivered',
  version: '1.2.3',
  release: '2026.11',
  platformId: 'x86_64-oci-linux-2',
  package: 'docker',
  description: 'd é',
  payload: '{"a":1}',
  success: true,
  receiverId: '01M847HQ2BCF2FQ8EJCSJ07QCY',
  ownerId: '01M847EM8NHNJ6Z68G7PRA7Z92',
  createdAt: '2026-11-23T12:54:30.137740084Z',
}

const RECEIVER: XzeprReceiver = {
  id: '01M847HQ2BCF2FQ8EJCSJ07QCY',
  name: 'deployer-receiver',
  type: 'worker',
  version: '1.0.0',
  description: 'says "hello"',
  schema: '{"type":"object"}',
  fingerprint: 'ab'.repeat(32),
  ownerId: EVENT.ownerId,
  createdAt: EVENT.createdAt,
}

void t.test('an event’s value is the real server’s, byte for byte', (t) => {
  t.equal(messageValue(EVENT), SAMPLE)
  t.equal(Buffer.byteLength(messageValue(EVENT)), 750)
  t.end()
})

void t.test('a receiver’s creation is a system event that carries the receiver', (t) => {
  const told = receiverCreated(RECEIVER, '01M847HRZSMFZDV1KG79EPM358')
  const value = JSON.parse(messageValue(told, RECEIVER)) as {
    data: { events: { payload: object }[]; event_receivers: object[] }
  }
  t.match(value, {
    success: true,
    id: '01M847HRZSMFZDV1KG79EPM358',
    type: 'xzepr.event.receiver.created',
    source: `xzepr.event.receiver.${RECEIVER.id}`,
    release: 'system',
    platform_id: 'xzepr',
    package: 'xzepr.system',
    data: {
      events: [
        {
          owner_id: RECEIVER.ownerId,
          payload: { receiver_id: RECEIVER.id, name: RECEIVER.name, type: 'worker', description: RECEIVER.description },
        },
      ],
      event_receivers: [{ id: RECEIVER.id, receiver_type: 'worker', schema: { type: 'object' } }],
      event_receiver_groups: [],
    },
  })
  const payload = value.data.events[0]?.payload ?? {}
  t.same(Object.keys(payload), Object.keys(payload).sort(), 'its payload’s keys are sorted too')
  t.notOk('type' in (value.data.event_receivers[0] ?? {}), 'on Kafka the type has another name than over REST')
  t.end()
})

void t.test('over REST a receiver has a type, no owner, and microseconds', (t) => {
  t.same(Object.entries(JSON.parse(receiverResource(RECEIVER)) as object), [
    ['id', RECEIVER.id],
    ['name', RECEIVER.name],
    ['type', 'worker'],
    ['version', '1.0.0'],
    ['description', RECEIVER.description],
    ['schema', { type: 'object' }],
    ['fingerprint', RECEIVER.fingerprint],
    ['created_at', '2026-11-23T12:54:30.137740Z'],
  ])
  t.end()
})
