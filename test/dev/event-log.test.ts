import t from 'tap'
import { memoryEventLog, namesIn } from '../../src/dev/event-log.ts'
import { VirtualClock } from '../support/clock.ts'

void t.test('a log that runs for days keeps what is not committed, and forgets the rest', async (t) => {
  const clock = new VirtualClock()
  const log = memoryEventLog(clock, 'g')
  const memory = log.memory
  if (memory === undefined) throw new Error('it is in memory')
  const source = memory.source({ groupId: 'g', topics: [log.topic], startFrom: 'earliest' })
  const committing: Promise<unknown>[] = []
  await source.start({
    assigned: () => undefined,
    revoked: () => undefined,
    // Partition 0 alone is ever committed.
    received: ({ topic, partition, nextOffset: offset }) => {
      if (partition === 0) committing.push(source.commit([{ topic, partition, offset, metadata: '' }]))
    },
    drain: async () => undefined,
    rejoined: () => undefined,
  })
  await clock.advance(10)
  for (let nth = 0; nth < 2999; nth++) {
    await log.append({ topic: log.topic, key: `key-${nth}`, value: '{}' })
    if (nth % 500 === 499) await clock.advance(10)
  }
  await Promise.all(committing)
  const end = (await log.committed()).get(0) ?? 0n
  t.ok(end > 300n, 'partition 0 has had its share')
  const before = memory.records(log.topic).length
  await log.append({ topic: log.topic, key: 'the three thousandth', value: '{}' })
  const left = memory.records(log.topic)
  t.ok(left.length < before)
  t.same(
    left.filter(({ partition, offset }) => partition === 0 && offset < end),
    [],
  )
  t.ok(
    left.some(({ partition, offset }) => partition === 1 && offset === 0n),
    'what the group has not committed stays from the first on',
  )
})

void t.test('in a Kafka of others a loop has names of its own, which go with it', async (t) => {
  t.same(namesIn(true, 'p', 'g'), { topic: 'xzepr.dev.events', groupId: 'g', transient: false })
  const [one, two] = [namesIn(false, 'p', 'g'), namesIn(false, 'p', 'g')]
  t.match(one, { topic: /^p\.[0-9a-f]{8}$/, groupId: /^g-[0-9a-f]{8}$/, transient: true })
  t.not(one.topic, two.topic)
})
