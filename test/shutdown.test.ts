import t from 'tap'
import { NO_MEMBERS } from '../src/core/json.ts'
import { Shutdown } from '../src/shutdown.ts'
import { settled } from './support/clock.ts'
import { ACCEPTED, DONE, Road } from './support/road.ts'

const COMPLETED = { kind: 'completed', success: true, details: NO_MEMBERS } as const

/** A shutdown that has begun; `over` tells whether it has ended. */
function begun(road: Road, graceMs: number): { shutdown: Shutdown; over: () => boolean } {
  const { bridge, source, reporter, clock } = road
  const shutdown = new Shutdown({ bridge, source, reporter, clock, journal: (entry) => void road.entries.push(entry) })
  let ended = false
  void shutdown.run(graceMs).then(() => (ended = true))
  return { shutdown, over: () => ended }
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
  const road = new Road({ bounds: { maxInFlight: 2, maxRunning: 10, maxBufferedBytes: 1 << 20, maxReports: 10 } })
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

void t.test('hurry ends the grace at once', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  const { shutdown, over } = begun(road, 25_000)
  await settled()
  t.notOk(over())
  shutdown.hurry()
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
