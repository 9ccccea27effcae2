import t from 'tap'
import type { DrainStage } from '../src/core/drain.ts'
import type { Paused } from '../src/core/hand.ts'
import type { Left } from '../src/drain.ts'
import { Status } from '../src/status.ts'
import { ACCEPTED, AWAY, LATER, Road } from './support/road.ts'

const IN_RUN: { stage: DrainStage; graceEndsAtMs: undefined; left: Left } = {
  stage: 'running',
  graceEndsAtMs: undefined,
  left: { unsettled: 0, works: 0, reports: 0, letters: 0 },
}

function statusOf(road: Road, started = true, drain = IN_RUN, paused?: Paused): Status {
  const { bridge, source, reporter, clock } = road
  return new Status({
    drain,
    paused: () => paused,
    service: 'svc',
    version: '1.2.3',
    bridge,
    deadLetters: { problem: 'the topic is missing' },
    source,
    reporter,
    clock,
    maxInFlight: 64,
    attemptTimeoutMs: 30_000,
    startedAtMs: clock.nowMs(),
    started: () => started,
  })
}

void t.test('the status counts works by state and names each partition', async (t) => {
  const road = new Road({
    bounds: { maxInFlight: 3, maxRunning: 10, maxBufferedBytes: 1 << 20, maxReports: 10 },
  })
  const status = statusOf(road)
  road.assign(0, 0n)
  road.receive([
    [0, 'a'],
    [1, 'b'],
    [2, 'c'],
    [3, 'd', { key: 'c' }],
  ])
  await road.answer('a', ACCEPTED)
  await road.answer('b', LATER)
  t.match(status.get(), {
    phase: 'running',
    works: { running: 1, resting: 1, attempting: 1, waiting: 1 },
    partitions: [{ topic: 'events', partition: 0, committed: 0n, highWatermark: 4n, unsettled: 4, paused: false }],
    health: { live: { ok: true }, ready: { ok: true }, started: { ok: true } },
    gate: { open: true },
  })
  await road.clock.advance(1)
  t.match(status.snapshot(), {
    inFlight: 1,
    running: 1,
    resting: 1,
    waiting: 1,
    gateOpen: true,
    oldestUnsettledMs: 1,
    partitions: [{ lag: 4n, unsettled: 4 }],
  })
})

void t.test('a bridge is started when its ports are open, and not ready while it drains', async (t) => {
  const road = new Road()
  t.match(statusOf(road, false).get(), { phase: 'starting', health: { started: { ok: false }, ready: { ok: false } } })
  const draining = statusOf(road, true, { ...IN_RUN, stage: 'committing' })
  t.match(draining.get(), { phase: 'draining', health: { live: { ok: true }, ready: { ok: false } } })
})

void t.test('a bridge that has drained is alive, not ready, and says what was left', async (t) => {
  const left = { unsettled: 2, works: 1, reports: 0, letters: 0 }
  const status = statusOf(new Road(), true, { ...IN_RUN, stage: 'drained', left }).get()
  t.match(status, {
    phase: 'drained',
    drain: { left },
    health: { live: { ok: true }, ready: { ok: false, reasons: [/has drained/] }, started: { ok: true } },
  })
})

void t.test('a pause holds the deliveries and says so, and the pod stays ready', async (t) => {
  const road = new Road()
  road.bridge.pausedWhy = 'Deliveries are paused by anna: the database moves.'
  road.assign()
  road.receive(['a'])
  t.same(road.out, [])
  await road.clock.advance(120_000)
  const paused = { who: 'anna', why: 'the database moves', sinceMs: 1 }
  t.match(statusOf(road, true, IN_RUN, paused).get(), {
    paused,
    health: { live: { ok: true }, ready: { ok: true, reasons: [/paused by anna/] } },
  })
  road.bridge.pausedWhy = undefined
  road.bridge.step()
  t.strictSame(road.outIds, ['a'])
})

void t.test('an app that is away, a rest and a lease do not make the bridge look dead', async (t) => {
  const road = new Road()
  const status = statusOf(road)
  road.assign()
  road.receive([
    [0, 'a'],
    [1, 'b', { key: 'a' }],
  ])
  await road.answer('a', ACCEPTED)
  await road.clock.advance(120_000)
  t.equal(status.get().health.live.ok, true, 'b waits behind a lease')
  road.receive([[2, 'c']])
  await road.answer('c', AWAY)
  await road.clock.advance(80_000)
  t.match(status.get(), {
    gate: { open: false },
    health: { live: { ok: true }, ready: { ok: true, reasons: [/The app has been away/] } },
  })
})

void t.test('works that wait behind the same id in another partition do not make theirs look stuck', async (t) => {
  const road = new Road({ order: 'none' })
  const status = statusOf(road)
  road.assign(0)
  road.assign(1)
  road.receive(['a'], 0)
  road.receive(['a'], 1)
  await road.answer('a', ACCEPTED)
  await road.clock.advance(120_000)
  t.equal(status.get().health.live.ok, true)
})
