import t from 'tap'
import { MAX_PUBLISHED_BYTES, Publisher } from '../../src/dev/xzepr-publisher.ts'
import { settled, VirtualClock } from '../support/clock.ts'

const record = (value: string) => ({ topic: 'topic', key: 'key', value })

void t.test('a publish is waited for, and its record is handed over as it is', async (t) => {
  const clock = new VirtualClock()
  const handed: unknown[] = []
  let arrived = (): void => undefined
  const publisher = new Publisher(
    clock,
    (given) => (handed.push(given), new Promise((done) => (arrived = done))),
    15_000,
  )
  let done = false
  const published = publisher.publish(record('é')).then(() => (done = true))
  await settled()
  t.same(handed, [record('é')])
  t.notOk(done)
  arrived()
  await published
  t.equal(clock.pending, 0, 'no wake stays behind')
  t.equal(publisher.lost, 0)
})

void t.test('a publish that fails is lost, and no error to anyone', async (t) => {
  const publisher = new Publisher(new VirtualClock(), () => Promise.reject(new Error('Kafka is down')), 15_000)
  await publisher.publish(record('x'))
  t.equal(publisher.lost, 1)
  const broken = new Publisher(
    new VirtualClock(),
    () => {
      throw new Error('no producer yet')
    },
    15_000,
  )
  await broken.publish(record('x'))
  t.equal(broken.lost, 1)
})

void t.test('a publish that stalls is no longer waited for, and may still arrive', async (t) => {
  const clock = new VirtualClock()
  let arrived = (): void => undefined
  const publisher = new Publisher(clock, () => new Promise((done) => (arrived = done)), 15_000)
  let done = false
  const published = publisher.publish(record('x')).then(() => (done = true))
  await clock.advance(14_999)
  t.notOk(done)
  await clock.advance(1)
  await published
  arrived()
  await settled()
  t.equal(publisher.lost, 0)
})

void t.test('a value too long for a broker, or one that shall not arrive, is never handed over', async (t) => {
  let handed = 0
  const publisher = new Publisher(new VirtualClock(), async () => void (handed += 1), 15_000)
  await publisher.publish(record('x'.repeat(MAX_PUBLISHED_BYTES)))
  t.equal(handed, 1)
  await publisher.publish(record('é'.repeat(MAX_PUBLISHED_BYTES / 2) + 'x'))
  await publisher.publish(record('x'), true)
  t.equal(handed, 1)
  t.equal(publisher.lost, 2)
})
