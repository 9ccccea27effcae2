import { connect } from 'node:net'
import t from 'tap'
import { XzeprStandIn } from '../../src/dev/xzepr-stand-in.ts'
import { VirtualClock } from '../support/clock.ts'
import { SAMPLE } from './xzepr-sample.ts'
import { ALICE, data, eventBody, receiverBody, started } from './xzepr-started.ts'

void t.test('what a POST publishes is the real server’s message, byte for byte', async (t) => {
  const { call, receiver, published } = await started(t)
  const receiverId = await receiver()
  const id = data(await call('POST', '/api/v1/events', { body: eventBody(receiverId) }))
  const record = published[1]
  t.match(record, { topic: 'xzepr.dev.events', key: id })
  const createdAt = /"created_at":"([^"]+)"/.exec(record?.value ?? '')?.[1] ?? ''
  t.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
  t.equal(
    record?.value
      .replaceAll(id, '01M847HRZSMFZDV1KG79EPM357')
      .replaceAll(receiverId, '01M847HQ2BCF2FQ8EJCSJ07QCY')
      .replace(createdAt, '2026-11-23T12:54:30.137740084Z'),
    SAMPLE,
  )
})

void t.test('a payload arrives with sorted keys, exact integers and rewritten doubles', async (t) => {
  const { call, receiver, published, standIn } = await started(t)
  const given =
    '{"z":9007199254740993,"b":[12345678901234567890,-9223372036854775808],"a":1.5e3,"é":{"y":1.0,"x":null}}'
  const kept =
    '{"a":1500.0,"b":[12345678901234567890,-9223372036854775808],"z":9007199254740993,"é":{"x":null,"y":1.0}}'
  await call('POST', '/api/v1/events', { body: eventBody(await receiver(), {}, given) })
  t.ok(published[1]?.value.includes(`"payload":${kept},"success":true`))
  t.equal(standIn.journal.events[0]?.payload, kept)
})

void t.test('a receiver’s creation is published under an id of its own, and no event is stored for it', async (t) => {
  const { receiver, published, standIn } = await started(t)
  const id = await receiver()
  t.equal(published.length, 1)
  const told = JSON.parse(published[0]?.value ?? '') as { id: string }
  t.match(told, {
    type: 'xzepr.event.receiver.created',
    package: 'xzepr.system',
    release: 'system',
    source: `xzepr.event.receiver.${id}`,
    data: { event_receivers: [{ id, receiver_type: 'worker', owner_id: ALICE }] },
  })
  t.equal(published[0]?.key, told.id)
  t.not(told.id, id)
  t.equal(standIn.journal.events.length, 0)
})

void t.test('what is refused is not published', async (t) => {
  const { call, receiver, published } = await started(t)
  const id = await receiver()
  await call('POST', '/api/v1/receivers', { body: receiverBody() })
  await call('POST', '/api/v1/events', { body: eventBody(id, { name: '' }) })
  await call('POST', '/api/v1/events', { body: eventBody(id, { name: 'x'.repeat(256) }) })
  t.equal(published.length, 1)
})

void t.test('it is saved first and published second, and the answer waits for Kafka', async (t) => {
  const order: string[] = []
  let arrived = (): void => undefined
  const { call, receiver, standIn } = await started(t, {
    publish: ({ value }) => {
      order.push(value.includes('receiver.created') ? 'receiver published' : 'event published')
      return order.length > 2 ? new Promise((resolve) => (arrived = resolve)) : Promise.resolve()
    },
    onEvent: ({ name }) => order.push(`event ${name}`),
    onReceiver: ({ name }) => order.push(`receiver ${name}`),
  })
  const body = eventBody(await receiver('r'), { name: 'e' })
  const answered = call('POST', '/api/v1/events', { body }).then(() => order.push('answered'))
  while (order.length < 4) await new Promise((resolve) => setImmediate(resolve))
  t.equal(standIn.journal.events.length, 1)
  arrived()
  await answered
  t.same(order, ['receiver r', 'receiver published', 'event e', 'event published', 'answered'])
})

void t.test('Kafka down, stalled or too small for the value: 200 all the same', async (t) => {
  const clock = new VirtualClock()
  let kafka: 'up' | 'down' | 'stalled' = 'up'
  const { call, receiver, standIn } = await started(t, {
    clock,
    publishTimeoutMs: 7_000,
    publish: () => {
      if (kafka === 'stalled') return new Promise(() => undefined)
      return kafka === 'up' ? Promise.resolve() : Promise.reject(new Error('Kafka is down'))
    },
  })
  const id = await receiver()
  const post = (payload = '{}') => call('POST', '/api/v1/events', { body: eventBody(id, {}, payload) })
  kafka = 'down'
  t.equal((await post()).status, 200)
  t.equal(standIn.lost, 1)
  kafka = 'stalled'
  const stalled = post()
  while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve))
  await clock.advance(7_000)
  t.equal((await stalled).status, 200)
  kafka = 'up'
  t.equal((await post(JSON.stringify({ text: 'x'.repeat(1_000_000) }))).status, 200)
  t.equal(standIn.lost, 2)
  t.equal(standIn.journal.events.length, 3)
})

void t.test(
  'down: connections are refused, those that stand are cut; up again on the same port, nothing forgotten',
  async (t) => {
    const { call, receiver, standIn } = await started(t)
    const id = await receiver()
    const { url } = standIn
    const idle = connect(Number(new URL(url).port), '127.0.0.1')
    await new Promise((resolve) => idle.once('connect', resolve))
    const cut = new Promise((resolve) => idle.once('close', resolve))
    idle.on('error', () => undefined)
    await call('GET', '/health')
    await standIn.down()
    await cut
    await t.rejects(call('GET', '/health'), { cause: { code: 'ECONNREFUSED' } })
    await standIn.down()
    await standIn.up()
    await standIn.up()
    t.equal(standIn.url, url)
    t.equal((await call('POST', '/api/v1/events', { body: eventBody(id) })).status, 200)
  },
)

void t.test('a port that is taken is an error of start, and stop before start is none', async (t) => {
  const { standIn } = await started(t)
  const other = new XzeprStandIn({ clock: new VirtualClock(), publish: async () => undefined })
  await other.stop()
  await t.rejects(other.start({ port: Number(new URL(standIn.url).port) }), { code: 'EADDRINUSE' })
  await other.start()
  t.not(other.url, standIn.url)
  await other.stop()
})

void t.test('a shared signing secret makes the tokens of one good for the other', async (t) => {
  const [one, two] = [await started(t, { signingSecret: 's' }), await started(t, { signingSecret: 's' })]
  const authorization = `Bearer ${one.standIn.token({ sub: ALICE })}`
  t.equal((await two.call('GET', '/api/v1/receivers', { authorization })).status, 200)
})

void t.test('the journal counts every request by its answer, and HEAD has no body', async (t) => {
  const { call, standIn } = await started(t)
  await call('GET', '/health')
  const head = await call('HEAD', '/health')
  t.same([head.status, head.body], [200, ''])
  await call('GET', '/api/v1/receivers', { authorization: undefined })
  await call('GET', '/nowhere')
  t.same(standIn.journal.outcomes, { 'GET /health 200': 2, 'GET /api/v1/receivers 401': 1, 'other 404': 1 })
})

void t.test('an IPv6 host is in brackets in the url', async (t) => {
  const standIn = new XzeprStandIn({ clock: new VirtualClock(), publish: async () => undefined })
  // A machine without IPv6 refuses the address, but the url is the same.
  await standIn.start({ host: '::1' }).catch((error: unknown) => t.match(error, { syscall: 'listen' }))
  t.match(standIn.url, /^http:\/\/\[::1\]:\d+$/)
  await standIn.stop()
})
