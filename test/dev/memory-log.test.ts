import { randomUUID } from 'node:crypto'
import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { MemorySourceOptions } from '../../src/dev/memory-log.ts'
import { MemoryLog } from '../../src/dev/memory-log.ts'
import type { MemorySource } from '../../src/dev/memory/source.ts'
import { VirtualClock } from '../support/clock.ts'
import { sourceLaws, Watch } from '../support/source-laws.ts'

void t.test('the in-memory log keeps the laws of a source', async (t) => {
  const log = new MemoryLog(systemClock)
  const name = (what: string): string => `${what}-${randomUUID()}`
  sourceLaws(t, {
    name,
    makeTopic: async (partitions, topic = name('topic')) => {
      log.createTopic(topic, partitions)
      return topic
    },
    append: async (topic, records) => records.map((record) => log.append(topic, record)),
    source: (options) => log.source(options),
    committed: async (groupId, topic) => log.committed(groupId, topic),
  })
})

interface Bench {
  clock: VirtualClock
  log: MemoryLog
  member: (options?: Partial<MemorySourceOptions>) => Promise<{ source: MemorySource; watch: Watch }>
}

/** A topic `t` with its partitions, a group, and a clock that only the test moves. */
function bench(partitions: number): Bench {
  const clock = new VirtualClock()
  const log = new MemoryLog(clock)
  log.createTopic('t', partitions)
  const member: Bench['member'] = async (options = {}) => {
    const source = log.source({ groupId: 'g', topics: ['t'], startFrom: 'earliest', ...options })
    const watch = new Watch()
    await source.start(watch)
    return { source, watch }
  }
  return { clock, log, member }
}

const offsets = (watch: Watch): number[] => watch.records.map(({ offset }) => Number(offset))

void t.test('nothing moves until the clock does', async (t) => {
  const { clock, log, member } = bench(1)
  const { source, watch } = await member()
  log.append('t', { value: 'v' })
  t.same(watch.told, [])
  await clock.advance(0)
  t.same(watch.told, ['assigned t/0'])
  t.same(offsets(watch), [0])
  t.equal(clock.pending, 0, 'and when all is told nothing waits')
  await source.stop()
  await clock.advance(0)
  t.equal(clock.pending, 0)
})

void t.test('a key stays in its partition, and records without one take turns', async (t) => {
  const { log } = bench(3)
  const homes = new Set(
    ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key) => log.append('t', { key, value: '' }).partition),
  )
  t.ok(homes.size > 1)
  for (const key of ['a', 'b', 'c']) {
    const first = log.append('t', { key, value: '' }).partition
    t.equal(log.append('t', { key: Buffer.from(key), value: '' }).partition, first)
  }
  t.same(
    [0, 1, 2, 3].map(() => log.append('t', { value: '' }).partition),
    [0, 1, 2, 0],
  )
  t.throws(() => log.append('unknown', { value: '' }), /create the topic first/)
})

void t.test('a writer keeps no hold on what it has written', async (t) => {
  const { log, clock } = bench(1)
  const value = Buffer.from('before')
  log.append('t', { value })
  value.write('after!')
  const [record] = log.records('t')
  t.equal(Buffer.from(record?.value ?? []).toString(), 'before')
  t.equal(record?.timestampMs, clock.nowMs())
})

void t.test('a header may have a null value', async (t) => {
  const { clock, log, member } = bench(1)
  const headers = [
    { name: 'a', value: null },
    { name: 'a', value: new Uint8Array() },
  ]
  log.append('t', { value: '', headers })
  const { watch } = await member()
  await clock.advance(0)
  t.same(watch.records[0]?.headers, headers)
})

void t.test('a batch is bounded, and the next begins where it ended', async (t) => {
  const { clock, log, member } = bench(1)
  for (let at = 0; at < 5; at++) log.append('t', { value: '' })
  const { watch } = await member({ maxBatchRecords: 2 })
  const sizes: number[] = []
  const received = watch.received.bind(watch)
  watch.received = (batch) => {
    sizes.push(batch.records.length)
    received(batch)
  }
  await clock.advance(0)
  t.same(sizes, [2, 2, 1])
  t.same(watch.violations, [])
})

void t.test('what was in flight when its partition was paused still arrives, and nothing after it', async (t) => {
  const { clock, log, member } = bench(1)
  const { source, watch } = await member({ maxBatchRecords: 1 })
  await clock.advance(0)
  for (let at = 0; at < 4; at++) log.append('t', { value: '' })
  const received = watch.received.bind(watch)
  watch.received = (batch) => {
    received(batch)
    if (watch.records.length > 1) return
    // One wake on, the next batch is fetched; two on, it arrives. Ours come before each of the two.
    const soon = (what: () => void): void => void clock.wake(clock.nowMs(), what)
    soon(() => {
      soon(() => {
        source.pause([batch])
      })
    })
  }
  await clock.advance(0)
  t.same(offsets(watch), [0, 1])
  source.pause([{ topic: 't', partition: 7 }])
  source.resume([{ topic: 't', partition: 0 }])
  await clock.advance(0)
  t.same(offsets(watch), [0, 1, 2, 3])
})

void t.test('offsets may have gaps, and a batch of nothing but markers moves the position', async (t) => {
  const { clock, log, member } = bench(1)
  log.append('t', { value: '' })
  log.skip('t', 0, 3)
  log.append('t', { value: '' })
  log.skip('t', 0, 2)
  const { watch } = await member({ maxBatchRecords: 1 })
  await clock.advance(0)
  t.same(offsets(watch), [0, 4])
  t.equal(watch.at('t', 0).next, 7n)
  log.skip('t', 0, 1)
  await clock.advance(0)
  t.equal(watch.at('t', 0).next, 8n)
  t.same(watch.violations, [])
})

void t.test('retention that overtakes the group leaves a gap at its front', async (t) => {
  const { clock, log, member } = bench(1)
  for (let at = 0; at < 6; at++) log.append('t', { value: '' })
  log.truncate('t', 0, 4n)
  const { watch } = await member()
  await clock.advance(0)
  t.same(offsets(watch), [4, 5])
  log.truncate('t', 0, 99n)
  t.same(log.records('t'), [])
  t.same(log.append('t', { value: '' }), { partition: 0, offset: 6n })
  await clock.advance(0)
  t.same(offsets(watch), [4, 5, 6])
})

void t.test('a member that crashes is missed when its session is over, and cannot commit', async (t) => {
  const { clock, log, member } = bench(2)
  const a = await member({ sessionTimeoutMs: 1000 })
  const b = await member()
  await clock.advance(0)
  t.equal(b.watch.owned.size, 1)
  a.source.crash()
  a.watch.silence()
  const lost = { ...([...a.watch.owned.keys()][0] === 't/0' ? { partition: 0 } : { partition: 1 }), topic: 't' }
  const commit = a.source.commit([{ ...lost, offset: 9n, metadata: '' }])
  await clock.advance(999)
  t.match(await commit, [{ kind: 'refused', why: /stopped/ }])
  t.equal(b.watch.owned.size, 1)
  await clock.advance(1)
  t.equal(b.watch.owned.size, 2)
  t.same(log.committed('g', 't'), new Map())
  t.same(a.watch.violations, [])
})

void t.test('a rejoin waits for the session of a member that crashed', async (t) => {
  const { clock, member } = bench(2)
  const a = await member({ sessionTimeoutMs: 1000 })
  await clock.advance(0)
  a.source.crash()
  const b = await member()
  await clock.advance(999)
  t.same(b.watch.told, [])
  await clock.advance(1)
  t.equal(b.watch.owned.size, 2)
})

void t.test('a member that crashes while it drains holds the rejoin until its session is over', async (t) => {
  const { clock, member } = bench(2)
  const a = await member({ sessionTimeoutMs: 1000 })
  await clock.advance(0)
  a.watch.onDrain = async () => {
    a.source.crash()
  }
  const b = await member()
  await clock.advance(999)
  t.same(b.watch.told, [])
  await clock.advance(1)
  t.equal(b.watch.owned.size, 2)
})

void t.test('a drain is awaited, and no longer than its bound', async (t) => {
  const { clock, member } = bench(2)
  const a = await member({ drainTimeoutMs: 300 })
  await clock.advance(0)
  a.watch.onDrain = () => new Promise(() => undefined)
  const b = await member()
  await clock.advance(299)
  t.equal(b.watch.owned.size, 0)
  await clock.advance(1)
  t.equal(b.watch.owned.size, 1)
  t.equal(clock.pending, 0, 'and nothing of the wait is left')
})

void t.test('a member that stops while it drains frees the rejoin at once', async (t) => {
  const { clock, member } = bench(2)
  const a = await member()
  await clock.advance(0)
  a.watch.onDrain = () => new Promise(() => undefined)
  const b = await member()
  await clock.advance(0)
  await a.source.stop()
  await clock.advance(0)
  t.equal(b.watch.owned.size, 2)
})

void t.test('a commit of an older generation is refused', async (t) => {
  const { clock, log, member } = bench(2)
  const a = await member()
  await clock.advance(0)
  // Asked while the group is stable, but the next generation has begun by the time it is there.
  const b = await member()
  const received: unknown[] = []
  a.watch.revoked = ([partition = { topic: 't', partition: -1 }]) => {
    void a.source.commit([{ ...partition, offset: 1n, metadata: '' }]).then((outcomes) => received.push(...outcomes))
  }
  await clock.advance(0)
  t.match(received, [{ kind: 'refused' }])
  t.same(log.committed('g', 't'), new Map())
  t.equal(b.watch.owned.size, 1)
})

void t.test('metadata of 4096 characters is stored and 4097 are refused, as a broker does', async (t) => {
  const { clock, log, member } = bench(1)
  const { source } = await member()
  await clock.advance(0)
  const outcomes: unknown[] = []
  for (const length of [4096, 4097]) {
    const commit = { topic: 't', partition: 0, offset: 1n, metadata: 'x'.repeat(length) }
    void source.commit([commit]).then((each) => outcomes.push(...each))
    await clock.advance(0)
  }
  t.same(outcomes, [{ kind: 'committed' }, { kind: 'refused', why: 'OFFSET_METADATA_TOO_LARGE' }])
  t.equal(log.committed('g', 't').get(0)?.metadata.length, 4096)
})

void t.test('a log that is away hands over nothing, takes no commit and says why; then it goes on', async (t) => {
  const { clock, log, member } = bench(1)
  const { source, watch } = await member()
  await clock.advance(0)
  log.away('the network is cut')
  log.append('t', { value: '' })
  const refused = source.commit([{ topic: 't', partition: 0, offset: 1n, metadata: '' }])
  await clock.advance(60_000)
  t.same(await refused, [{ kind: 'refused', why: 'the network is cut' }])
  t.same(offsets(watch), [])
  t.equal(source.health().problem, 'the network is cut')
  log.away(undefined)
  await clock.advance(0)
  t.same(offsets(watch), [0])
  t.equal(source.health().problem, undefined)
})

void t.test('added partitions are shared out', async (t) => {
  const { clock, log, member } = bench(1)
  const { watch } = await member()
  await clock.advance(0)
  log.createTopic('t', 3)
  log.createTopic('other', 1)
  await clock.advance(0)
  t.same([...watch.owned.keys()], ['t/0', 't/1', 't/2'])
})

void t.test('a topic that is deleted and made again is revoked, assigned anew and read from its start', async (t) => {
  const { clock, log, member } = bench(1)
  const { source, watch } = await member()
  for (let at = 0; at < 3; at++) log.append('t', { value: 'old' })
  await clock.advance(0)
  void source.commit([{ topic: 't', partition: 0, offset: 3n, metadata: '' }])
  await clock.advance(0)
  log.deleteTopic('t')
  await clock.advance(0)
  log.createTopic('t', 1)
  log.append('t', { value: 'new' })
  await clock.advance(0)
  t.same(
    watch.told.filter((what) => what !== 'drain'),
    ['assigned t/0', 'revoked t/0', 'assigned t/0'],
  )
  t.match(watch.at('t', 0), { committed: undefined, records: [{ offset: 0n }] })
  t.same(watch.violations, [])
})
