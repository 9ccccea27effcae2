import fc from 'fast-check'
import t from 'tap'
import type { Facts, PartitionFacts } from '../../src/core/health.ts'
import { health, HEALTH_OPTIONS } from '../../src/core/health.ts'

const NOW = 1_000_000
const IDLE: PartitionFacts = {
  topic: 'events',
  partition: 3,
  waiting: 2,
  commitRefusedSinceMs: undefined,
  lastProgressAtMs: NOW - 60_000,
}
const FACTS: Facts = {
  nowMs: NOW,
  phase: 'running',
  source: { joined: true, partitions: 1, fetchedAtMs: NOW, problem: undefined },
  gate: { open: true, sinceMs: 0 },
  partitions: [IDLE],
  oldestUnsettledAtMs: NOW - 90_000,
  slotsFree: 64,
  longestAttemptMs: undefined,
  attemptTimeoutMs: 30_000,
  heldBack: undefined,
  xzeprProblem: undefined,
}
const live = (facts: Partial<Facts>): boolean => health({ ...FACTS, ...facts }).live.ok
const partition = (facts: Partial<PartitionFacts>): Partial<Facts> => ({ partitions: [{ ...IDLE, ...facts }] })

void t.test('a partition that could move and does not for a minute is not alive, and is named', async (t) => {
  t.same(health(FACTS).live, {
    ok: false,
    reasons: [
      'Partition events/3 is stuck: 2 received records wait, slots are free and the app is there, ' +
        'yet nothing has moved for 60 s; the oldest unsettled record was received 90 s ago.',
    ],
  })
  t.equal(live(partition({ lastProgressAtMs: NOW - 59_999 })), true)
  t.equal(
    live({ partitions: [{ ...IDLE, waiting: 0, partition: 0 }, IDLE] }),
    false,
    'a neighbour that moves hides nothing',
  )
})

void t.test('whatever explains the stillness without a restart leaves it alive', async (t) => {
  t.equal(live(partition({ waiting: 0 })), true, 'nothing waits')
  t.equal(live({ gate: { open: false, sinceMs: 0 } }), true, 'the app is away')
  t.equal(live({ gate: { open: true, sinceMs: NOW - 59_999 } }), true, 'the app has just come back')
  t.equal(live({ slotsFree: 0 }), true, 'all slots are taken')
  t.equal(live({ heldBack: 'The report queue is full.' }), true, 'XZepr is behind')
  t.equal(live({ phase: 'draining' }), true)
  t.equal(live({ phase: 'starting' }), true)
  t.equal(live({ partitions: [] }), true)
})

void t.test('an attempt that outlives its own timeout is not alive, also when it holds the last slot', async (t) => {
  const still = partition({ waiting: 0 })
  t.equal(live({ ...still, slotsFree: 0, longestAttemptMs: 89_999 }), true)
  t.equal(live({ ...still, slotsFree: 0, longestAttemptMs: 90_000 }), false)
})

void t.test('commits that are refused for long are not alive, unless Kafka is away', async (t) => {
  const refused = partition({ waiting: 0, commitRefusedSinceMs: NOW - 60_000 })
  t.equal(live(refused), false)
  t.equal(live(partition({ waiting: 0, commitRefusedSinceMs: NOW - 59_999 })), true)
  t.equal(live({ ...refused, source: { ...FACTS.source, problem: 'ECONNREFUSED' } }), true)
  t.equal(live({ ...refused, source: { ...FACTS.source, joined: false } }), true)
})

void t.test('no state of Kafka or XZepr changes whether the bridge is alive', async () => {
  const source = fc.record({
    joined: fc.boolean(),
    partitions: fc.nat(),
    fetchedAtMs: fc.option(fc.nat(), { nil: undefined }),
    problem: fc.option(fc.string(), { nil: undefined }),
  })
  fc.assert(
    fc.property(source, fc.option(fc.string(), { nil: undefined }), fc.boolean(), (source, xzeprProblem, waits) => {
      const partitions = waits ? [IDLE] : []
      return live({ source, xzeprProblem, partitions }) === !waits
    }),
  )
})

void t.test('ready is false only while starting or draining', async (t) => {
  for (const phase of ['starting', 'running', 'draining'] as const) {
    const { ready, started } = health({ ...FACTS, phase })
    t.equal(ready.ok, phase === 'running', phase)
    t.equal(ready.reasons.length, phase === 'running' ? 0 : 1)
    t.equal(started.ok, phase !== 'starting')
    t.equal(started.reasons.length, phase === 'starting' ? 1 : 0)
  }
})

void t.test('outages are told, and make it unready only when asked', async (t) => {
  const kafka: Partial<Facts> = { source: { ...FACTS.source, joined: false, problem: 'ECONNREFUSED' } }
  const absent: Partial<Facts> = { source: { ...FACTS.source, joined: false } }
  const xzepr: Partial<Facts> = { xzeprProblem: 'HTTP 401' }
  const ready = (facts: Partial<Facts>, options = {}) =>
    health({ ...FACTS, ...facts }, { ...HEALTH_OPTIONS, ...options }).ready
  t.same(ready(kafka), { ok: true, reasons: ['Kafka: ECONNREFUSED'] })
  t.same(ready(absent), { ok: true, reasons: ['Kafka: not yet a member of the group'] })
  t.same(ready(xzepr), { ok: true, reasons: ['XZepr: HTTP 401'] })
  t.equal(ready({ ...kafka, ...xzepr }, { readyNeedsKafka: true }).ok, false)
  t.equal(ready(xzepr, { readyNeedsKafka: true }).ok, true)
  t.equal(ready({ ...kafka, ...xzepr }, { readyNeedsXzepr: true }).ok, false)
  t.equal(ready(kafka, { readyNeedsXzepr: true }).ok, true)
})

void t.test('the app away and a full queue are told, and leave it ready', async (t) => {
  const { ready } = health({
    ...FACTS,
    gate: { open: false, sinceMs: NOW - 5000 },
    heldBack: 'The report queue is full.',
    oldestUnsettledAtMs: undefined,
  })
  t.same(ready, { ok: true, reasons: ['The app has been away for 5 s.', 'The report queue is full.'] })
})
