import t from 'tap'
import { NO_MEMBERS } from '../src/core/json.ts'
import { Drain } from '../src/drain.ts'
import { settled } from './support/clock.ts'
import { ACCEPTED, DONE, LATER, Road } from './support/road.ts'

const COMPLETED = { kind: 'completed', success: true, details: NO_MEMBERS } as const

function drainOf(road: Road, graceMs: number): Drain {
  const { bridge, source, reporter, clock, entries } = road
  return new Drain({ bridge, source, reporter, clock, graceMs, journal: (entry) => void entries.push(entry) })
}

/** A drain that a signal, or the lever, has begun; `over` tells whether it has come to its end. */
function begun(road: Road, graceMs: number, by: 'signal' | 'lever' = 'signal'): { drain: Drain; over: () => boolean } {
  const drain = drainOf(road, graceMs)
  let ended = false
  void (by === 'signal' ? drain.bySignal() : drain.byLever()).then(() => (ended = true))
  return { drain, over: () => ended }
}

void t.test('with nothing in hand it ends at once: committed, then left', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  await road.answer('a', DONE)
  const { over } = begun(road, 25_000)
  await settled()
  t.ok(over())
  t.equal(road.committed, 1n)
  t.strictSame(road.stopped, ['source', 'reporter'])
  t.equal(road.clock.pending, 0, 'no timer is left behind')
})

void t.test('works in hand may still answer and report; nothing new is sent or fetched', async (t) => {
  const road = new Road({
    bounds: { maxInFlight: 2, maxRunning: 10, maxBufferedBytes: 1 << 20, maxReports: 10 },
  })
  road.assign()
  road.receive(['a', 'b', 'c'])
  await road.answer('a', ACCEPTED)
  const sent = road.sent.length
  const { over } = begun(road, 25_000)
  t.strictSame([...road.paused], [0])
  await road.answer('b', DONE)
  await road.answer('c', DONE)
  t.equal(road.sent.length, sent)
  t.notOk(over(), 'a is still with the app')
  road.desk.report('a', COMPLETED)
  t.notOk(over(), 'and its report is owed')
  await road.tellAll()
  t.ok(over())
  t.equal(road.committed, 3n)
})

void t.test('when the grace is over calls are aborted, and what is left is named', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a', 'b'])
  await road.answer('b', ACCEPTED)
  const { over } = begun(road, 25_000)
  await road.clock.advance(24_999)
  t.notOk(over())
  const [out] = road.out
  await road.clock.advance(1)
  t.equal(out?.aborted, true)
  t.ok(over())
  t.strictSame(
    road.names('work.left-unsettled').map((entry) => 'workId' in entry && entry.workId),
    ['a', 'b'],
  )
  t.match(road.names('bridge.stopped'), [{ unsettled: 2, owed: 0 }])
})

void t.test('after the grace, reports get a short while more to reach XZepr', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  await road.answer('a', ACCEPTED)
  road.desk.report('a', COMPLETED)
  const { over } = begun(road, 1000)
  await road.clock.advance(1500)
  t.notOk(over())
  await road.tellAll()
  t.ok(over())
  t.equal(road.committed, 1n)
})

void t.test('a report that XZepr does not take in time stays owed, and its offset uncommitted', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  road.desk.report('a', COMPLETED)
  await road.answer('a', DONE)
  const { over } = begun(road, 1000)
  await road.clock.advance(3000)
  t.ok(over())
  t.equal(road.committed, 0n)
  t.match(road.names('bridge.stopped'), [{ unsettled: 1, owed: 1 }])
})

void t.test('it ends soon after the grace, whatever the neighbours do', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a', 'b'])
  await road.answer('a', DONE)
  const never = async (): Promise<never> => new Promise(() => undefined)
  road.source.commit = never
  road.source.stop = never
  road.reporter.stop = never
  const { over } = begun(road, 1000)
  await road.clock.advance(1000 + 3999)
  t.notOk(over())
  t.equal(road.names('work.left-unsettled').length, 1, 'what is left is named before the commit')
  await road.clock.advance(1)
  t.ok(over())
})

void t.test('a second signal ends the grace at once', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  const { drain, over } = begun(road, 25_000)
  await settled()
  t.notOk(over())
  void drain.bySignal()
  await settled()
  t.ok(over())
})

void t.test('a partition that comes during the drain is paused, and its records are not sent', async (t) => {
  const road = new Road()
  road.assign(0)
  road.receive(['a'])
  begun(road, 25_000)
  road.assign(1)
  road.receive(['b'], 1)
  t.strictSame([...road.paused].sort(), [0, 1])
  t.strictSame(road.sent, ['a#1'])
})

void t.test(
  'by lever the offsets are committed and the group is left, and the bridge waits for its signal',
  async (t) => {
    const road = new Road()
    road.assign()
    road.receive(['a'])
    await road.answer('a', DONE)
    const { drain, over } = begun(road, 25_000, 'lever')
    await settled()
    t.ok(over())
    t.equal(drain.stage, 'drained')
    t.equal(road.committed, 1n)
    t.strictSame(road.stopped, ['source'], 'XZepr is still called for late reports')
    t.match(road.names('bridge.drained'), [{ unsettled: 0, works: 0, reports: 0 }])
    t.equal(road.names('bridge.stopped').length, 0)
    t.equal(road.clock.pending, 0)
    await drain.bySignal()
    t.strictSame(road.stopped, ['source', 'reporter'])
    t.equal(road.names('bridge.stopped').length, 1)
  },
)

void t.test('a report that comes after a drain is forwarded, as for a work that is not in hand', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a', 'b'])
  await road.answer('a', ACCEPTED)
  const { drain } = begun(road, 1000, 'lever')
  await road.clock.advance(1000)
  t.equal(drain.stage, 'drained')
  t.match(drain.left, { unsettled: 2, works: 2, reports: 0 })
  t.match(road.desk.report('a', COMPLETED), { kind: 'unknown' })
  t.equal(road.forwarded.length, 1)
  await road.clock.advance(10_000)
  t.match(road.commits, [{ offset: 0n }], 'after the last commit nothing is settled or committed')
  t.equal([...road.bridge.partitions].length, 0)
})

void t.test('what was received and never sent, or rests, is let go of and is no reason to wait', async (t) => {
  const road = new Road({
    bounds: { maxInFlight: 1, maxRunning: 10, maxBufferedBytes: 1 << 20, maxReports: 10 },
  })
  road.assign()
  road.receive(['a', 'b', 'c'])
  await road.answer('a', LATER)
  await road.answer('b', DONE)
  await road.answer('c', DONE)
  road.receive([
    [3, 'd'],
    [4, 'e'],
  ])
  await road.answer('d', DONE)
  road.receive([[5, 'f']])
  const { drain, over } = begun(road, 25_000, 'lever')
  await road.answer('e', DONE)
  await settled()
  t.ok(over())
  t.match(drain.left, { unsettled: 2, works: 0, reports: 0 })
  t.strictSame(
    road.names('work.left-unsettled').map((entry) => 'workId' in entry && entry.workId),
    ['a'],
    'only what the app has seen is named',
  )
})

void t.test(
  'a signal during a drain joins it: the grace counts from the first, and the drain ends in a stop',
  async (t) => {
    const road = new Road()
    road.assign()
    road.receive(['a'])
    const { drain, over } = begun(road, 25_000, 'lever')
    await road.clock.advance(20_000)
    let stopped = false
    void drain.bySignal().then(() => (stopped = true))
    await road.clock.advance(4999)
    t.same([over(), stopped], [false, false])
    await road.clock.advance(1)
    t.same([over(), stopped], [true, true])
    t.equal(road.names('bridge.draining').length, 1)
  },
)

void t.test('a second lever waits for the same end', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  const { drain, over } = begun(road, 25_000, 'lever')
  let also = false
  void drain.byLever().then(() => (also = true))
  t.equal(drain.graceEndsAtMs, road.clock.nowMs() + 25_000)
  await road.answer('a', DONE)
  t.same([over(), also], [true, true])
})

void t.test('a group that cannot be left is an error for whoever waits', async (t) => {
  const road = new Road()
  road.source.stop = async () => Promise.reject(new Error('torn'))
  await t.rejects(drainOf(road, 1000).bySignal(), { message: 'torn' })
})
