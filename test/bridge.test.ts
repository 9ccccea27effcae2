import t from 'tap'
import { NO_MEMBERS } from '../src/core/json.ts'
import { ACCEPTED, AWAY, DONE, LATER, NEVER, POLICY, Road } from './support/road.ts'

const COMPLETED = { kind: 'completed', success: true, details: NO_MEMBERS } as const
const STARTED = { kind: 'started', details: NO_MEMBERS } as const
const BOUNDS = { maxInFlight: 64, maxRunning: 10_000, maxBufferedBytes: 1 << 20, maxReports: 1000 }

void t.test('a record goes out, is answered, settles and is committed', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  t.strictSame(road.sent, ['a#1'])
  await road.answer('a', DONE)
  await road.clock.advance(1000)
  t.equal(road.committed, 1n)
  t.equal(road.bridge.inHand.registry.size, 0)
})

void t.test('an offset is not committed before every earlier one has settled', async (t) => {
  const road = new Road()
  road.assign()
  road.receive([
    [0, 'a'],
    [1, 'b'],
    [5, 'c'],
  ])
  await road.answer('c', DONE)
  await road.answer('b', DONE)
  await road.clock.advance(1000)
  t.equal(road.committed, 0n, 'the first is still out')
  await road.answer('a', DONE)
  await road.clock.advance(1000)
  t.equal(road.committed, 6n)
})

void t.test('nothing is committed that is still owed to XZepr', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  road.desk.report('a', STARTED)
  road.desk.report('a', COMPLETED)
  await road.answer('a', DONE)
  await road.clock.advance(5000)
  t.equal(road.committed, 0n)
  t.strictSame(
    road.owed.map(({ event }) => event.status),
    ['started', 'completed'],
  )
  await road.tellAll()
  await road.clock.advance(1000)
  t.equal(road.committed, 1n)
})

void t.test('a report that is given up does not hold the offset', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  road.desk.report('a', COMPLETED)
  await road.answer('a', DONE)
  await road.tellAll({ kind: 'given-up', why: 'XZepr refuses it' })
  await road.clock.advance(1000)
  t.equal(road.committed, 1n)
})

void t.test('what cannot be read and what is not asked for is settled without being sent', async (t) => {
  const road = new Road({ eventTypes: 'deployment.*' })
  road.assign()
  road.receive([
    [0, 'a', { value: 'no json' }],
    [1, 'b', { value: null }],
    [2, 'c'],
    [3, 'd', { type: 'deployment.done' }],
  ])
  t.strictSame(road.sent, ['d#1'])
  await road.answer('d', DONE)
  await road.clock.advance(1000)
  t.equal(road.committed, 4n)
  const endings = road.names('record.settled').map((entry) => 'ending' in entry && entry.ending)
  t.strictSame(endings, ['poison', 'passed-over', 'passed-over', 'completed'])
})

void t.test('a record that rests holds only its own lane', async (t) => {
  const road = new Road()
  road.assign()
  road.receive([
    [0, 'a', { key: 'k' }],
    [1, 'b', { key: 'k' }],
    [2, 'c', { key: 'l' }],
  ])
  t.strictSame(road.sent, ['a#1', 'c#1'])
  await road.answer('a', LATER)
  t.strictSame(road.sent, ['a#1', 'c#1'])
  await road.clock.advance(1000)
  t.strictSame(road.sent, ['a#1', 'c#1', 'a#2'], 'it is sent again, and b still waits behind it')
  await road.answer('a', DONE)
  t.equal(road.sent.at(-1), 'b#1')
})

void t.test('two records of one id are never out at once, whatever their keys', async (t) => {
  const road = new Road({ order: 'none' })
  road.assign(0)
  road.assign(1)
  road.receive(['a'], 0)
  road.receive(['a'], 1)
  t.strictSame(road.outIds, ['a'])
  await road.answer('a', DONE)
  t.strictSame(road.sent, ['a#1', 'a#1'], 'the second goes when the first is settled')
})

void t.test('attempts are counted, and when they are spent the work fails and XZepr is told', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  for (let attempt = 1; attempt <= 3; attempt++) {
    t.equal(road.sent.at(-1), `a#${attempt}`)
    await road.answer('a', LATER)
    await road.clock.advance(10_000)
  }
  t.strictSame(
    road.owed.map(({ event }) => event.status),
    ['failed'],
  )
  t.equal(road.owed[0]?.event.details.get('error_code'), '"attempts_spent"')
  await road.tellAll()
  await road.clock.advance(1000)
  t.equal(road.committed, 1n)
})

void t.test('an app that says when to come again is obeyed, up to the cap', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a', 'b'])
  await road.answer('a', { ...LATER, retryAfterMs: 20_000 })
  await road.answer('b', { ...LATER, retryAfterMs: 86_400_000 })
  await road.clock.advance(19_999)
  t.strictSame(road.outIds, [])
  await road.clock.advance(1)
  t.strictSame(road.outIds, ['a'])
  await road.clock.advance(40_000)
  t.strictSame(road.outIds, ['a', 'b'])
})

void t.test('an answer that says never fails the work at once', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  await road.answer('a', NEVER)
  t.equal(road.owed[0]?.event.details.get('error_code'), '"answer_rejected"')
  await road.tellAll()
  await road.clock.advance(1000)
  t.equal(road.committed, 1n)
})

void t.test('an app that is away closes the gate: no attempt is burned, one probe goes at a time', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a', 'b', 'c'])
  t.strictSame(road.outIds, ['a', 'b', 'c'])
  for (const id of ['a', 'b', 'c']) await road.answer(id, AWAY)
  t.strictSame(road.outIds, [])
  t.equal(road.names('gate.closed').length, 1)
  await road.clock.advance(10_000)
  t.equal(road.out.length, 1, 'one probe')
  await road.answer(road.outIds[0] ?? '', AWAY)
  await road.clock.advance(10_000)
  t.equal(road.out.length, 1, 'and one more later')
  await road.answer(road.outIds[0] ?? '', DONE)
  t.equal(road.names('gate.opened').length, 1)
  t.equal(road.out.length, 2, 'the rest goes at once')
  t.ok(
    road.sent.every((sent) => sent.endsWith('#1')),
    'and for all of them it is the first attempt',
  )
})

void t.test('an accepted work holds its offset until it reports, and holds up no other', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a', 'b'])
  await road.answer('a', ACCEPTED)
  await road.answer('b', DONE)
  await road.clock.advance(10_000)
  t.equal(road.committed, 0n)
  road.desk.report('a', COMPLETED)
  await road.tellAll()
  await road.clock.advance(1000)
  t.equal(road.committed, 2n)
})

void t.test('a lease that runs out is an attempt that failed; progress renews it', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  await road.answer('a', ACCEPTED)
  await road.clock.advance(299_000)
  road.desk.report('a', { kind: 'progress', details: NO_MEMBERS })
  await road.clock.advance(299_000)
  t.strictSame(road.sent, ['a#1'], 'the lease was renewed')
  await road.clock.advance(10_000)
  t.strictSame(road.sent, ['a#1', 'a#2'])
  t.equal(road.names('work.lease-out').length, 1)
})

void t.test(
  'a revoked partition is fenced at once: calls are aborted, and what comes late settles nothing',
  async (t) => {
    const road = new Road()
    road.assign()
    road.receive([
      [0, 'a'],
      [1, 'b', { key: 'a' }],
    ])
    const [out] = road.out
    road.revoke()
    t.equal(out?.aborted, true)
    t.strictSame(road.outIds, [], 'b does not come forward in passing')
    t.equal(road.bridge.inHand.registry.size, 0)
    road.assign(0, 0n)
    road.receive(['a'])
    t.strictSame(road.sent, ['a#1', 'a#1'])
    await road.clock.advance(1000)
    t.equal(road.committed, 0n)
  },
)

void t.test('a report of a revoked work is still told, and its settlement counts nowhere', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  road.desk.report('a', COMPLETED)
  road.revoke()
  await road.tellAll()
  await road.clock.advance(1000)
  t.strictSame(road.commits, [])
})

void t.test('a second record of an id whose first is revoked goes at once', async (t) => {
  const road = new Road()
  road.assign(0)
  road.assign(1)
  road.receive(['a'], 0)
  road.receive(['a'], 1)
  road.revoke(0)
  t.strictSame(road.outIds, ['a'])
  t.equal(road.sent.length, 2)
})

void t.test('a probe that is revoked lets another probe go', async (t) => {
  const road = new Road()
  road.assign(0)
  road.assign(1)
  road.receive(['a'], 0)
  await road.answer('a', AWAY)
  await road.clock.advance(10_000)
  road.receive(['b'], 1)
  t.strictSame(road.outIds, ['a'])
  road.revoke(0)
  await road.clock.advance(10_000)
  t.strictSame(road.outIds, ['b'])
})

void t.test('no more requests are out than BRIDGE_MAX_IN_FLIGHT, and accepted works free their slot', async (t) => {
  const road = new Road({ bounds: { ...BOUNDS, maxInFlight: 2, maxRunning: 3 } })
  road.assign()
  road.receive(['a', 'b', 'c', 'd'])
  t.strictSame(road.outIds, ['a', 'b'])
  await road.answer('a', ACCEPTED)
  t.strictSame(road.outIds, ['b', 'c'])
  await road.answer('b', ACCEPTED)
  await road.answer('c', ACCEPTED)
  t.strictSame(road.outIds, [], 'the app holds as many as it may')
  t.match(road.bridge.heldBack, /BRIDGE_MAX_RUNNING/)
  road.desk.report('a', COMPLETED)
  t.strictSame(road.outIds, ['d'])
})

void t.test('deliveries wait while too many reports wait for XZepr', async (t) => {
  const road = new Road({ bounds: { ...BOUNDS, maxReports: 2 } })
  road.assign()
  road.receive(['a', 'b'])
  road.desk.report('a', COMPLETED)
  road.desk.report('b', COMPLETED)
  await road.answer('a', DONE)
  await road.answer('b', DONE)
  road.receive([[2, 'c']])
  t.strictSame(road.outIds, [])
  t.match(road.bridge.heldBack, /wait for XZepr/)
  await road.tellAll()
  t.strictSame(road.outIds, ['c'])
})

void t.test('a partition whose buffer is full is paused, and resumed when there is room', async (t) => {
  const road = new Road({ bounds: { ...BOUNDS, maxInFlight: 1, maxBufferedBytes: 10_000 } })
  road.assign()
  road.receive(Array.from({ length: 12 }, (_, n) => [n, `w${n}`] as const))
  t.strictSame([...road.paused], [0])
  for (let n = 0; n < 9; n++) await road.answer(`w${n}`, DONE)
  t.strictSame([...road.paused], [])
  t.equal(road.names('partition.paused').length, 1)
  t.equal(road.names('partition.resumed').length, 1)
})

void t.test(
  'a partition with a stock of works that may go is read no further; those that wait for others are none',
  async (t) => {
    const bounds = { ...BOUNDS, maxInFlight: 1, maxBufferedBytes: 1 << 30 }
    const free = new Road({ order: 'none', bounds })
    free.assign()
    free.receive(Array.from({ length: 511 }, (_, n) => [n, `w${n}`] as const))
    t.strictSame([...free.paused], [], 'one is out, 510 may go')
    free.receive([
      [511, 'w511'],
      [512, 'w512'],
    ])
    t.strictSame([...free.paused], [0])
    for (let n = 0; n < 256; n++) await free.answer(`w${n}`, DONE)
    t.strictSame([...free.paused], [0], '256 may go')
    await free.answer('w256', DONE)
    t.strictSame([...free.paused], [])

    const blocked = new Road({ order: 'partition', bounds })
    blocked.assign()
    blocked.receive(Array.from({ length: 600 }, (_, n) => [n, `w${n}`] as const))
    t.strictSame([...blocked.paused], [])
  },
)

void t.test('a commit that is refused is tried again', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  await road.answer('a', DONE)
  road.commitOutcome = { kind: 'refused', why: 'rebalancing' }
  await road.clock.advance(1000)
  t.equal(road.committed, undefined)
  road.commitOutcome = { kind: 'committed' }
  await road.clock.advance(2000)
  t.equal(road.committed, 1n)
  t.ok(road.names('commit.refused').length > 0)
})

void t.test('before the group rejoins, what is settled is committed', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  await road.answer('a', DONE)
  await road.bridge.drain()
  t.equal(road.committed, 1n)
})

void t.test('an app that only answers is reported for with BRIDGE_LIFECYCLE=auto', async (t) => {
  const road = new Road({ policy: { ...POLICY, lifecycle: 'auto' } })
  road.assign()
  road.receive(['a'])
  t.strictSame(
    road.owed.map(({ event }) => event.status),
    ['started'],
  )
  await road.answer('a', DONE)
  t.strictSame(
    road.owed.map(({ event }) => event.status),
    ['started', 'completed'],
  )
})

void t.test('a report wins over the answer', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a', 'b', 'c'])
  road.desk.report('a', COMPLETED)
  await road.answer('a', { ...LATER, why: 'HTTP 500' })
  road.desk.report('b', { kind: 'failed', details: NO_MEMBERS, error: 'no disk', retry: false })
  await road.answer('b', DONE)
  road.desk.report('c', { kind: 'failed', details: NO_MEMBERS, retry: true })
  await road.answer('c', DONE)
  t.strictSame(
    road.owed.map(({ event }) => [event.workId, event.status]),
    [
      ['a', 'completed'],
      ['b', 'failed'],
    ],
  )
  await road.clock.advance(10_000)
  t.strictSame(road.outIds, ['c'], 'c is delivered again')
  t.equal(road.sent.at(-1), 'c#2')
})

void t.test('records of a partition that is not ours, and offsets that came before, are not taken', async (t) => {
  const road = new Road()
  road.receive(['a'])
  road.assign(0, 5n)
  road.receive([
    [4, 'b'],
    [5, 'c'],
    [5, 'd'],
  ])
  t.strictSame(road.sent, ['c#1'])
})

void t.test('partitions that go at once are all dropped before anything is sent', async (t) => {
  const road = new Road({ bounds: { ...BOUNDS, maxInFlight: 2 } })
  for (const partition of [0, 1, 2]) road.assign(partition)
  road.receive(['a', 'b', 'c'], 0)
  road.receive(['d', 'e'], 1)
  road.receive(['f', 'g'], 2)
  road.bridge.revoked([0, 1, 2].map((partition) => ({ topic: 'events', partition })))
  t.strictSame(road.sent, ['a#1', 'b#1'], 'nothing of them comes forward in passing')
  t.strictSame(road.outIds, [])
})

void t.test('an app that asks for no rest at all still gets one, and attempts are not spent at once', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  await road.answer('a', { ...LATER, retryAfterMs: 0 })
  t.strictSame(road.outIds, [], 'it rests')
  await road.clock.advance(500)
  t.strictSame(road.outIds, ['a'])
})

void t.test('an event that HTTP cannot carry fails and says nothing of whether the app is there', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a', 'b'])
  await road.answer('a', AWAY)
  await road.answer('b', { ...NEVER, responded: false })
  t.notSame(road.bridge.calls.gate.closedAtMs, undefined)
  t.strictSame(
    road.owed.map(({ event }) => [event.workId, event.status]),
    [['b', 'failed']],
  )
})

void t.test('what is remembered of a work holds none of a producer’s long texts', async (t) => {
  const road = new Road()
  road.assign()
  road.receive([[0, 'a', { key: 'k'.repeat(100_000), type: 't'.repeat(100_000) }]])
  await road.answer('a', DONE)
  const remembered = road.bridge.inHand.registry.recall('a')
  t.ok(remembered)
  const held = JSON.stringify(remembered?.event) + (remembered?.orderLane ?? '')
  t.ok(held.length < 2000, `${held.length} characters`)
})

void t.test('one partition whose commit is refused holds up no other, and is said once', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  await road.answer('a', DONE)
  road.commitOutcome = { kind: 'refused', why: 'rebalancing' }
  await road.clock.advance(10_000)
  t.equal(road.names('commit.refused').length, 1)
  t.ok([...road.bridge.partitions][0]?.commitRefusedSinceMs)
})

// ── the offset map ──────────────────────────────────────────────────────────────────────────────────────────────────

/** What another reader gets to see after this one. */
function successorOf(road: Road): Road {
  const last = road.commits.at(-1)
  if (last === undefined) throw new Error('nothing is committed')
  const next = new Road()
  next.assign(0, last.offset, last.metadata)
  return next
}

void t.test('after a crash only what is unsettled comes again, with its attempts', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a', 'b', 'c', 'd'])
  await road.answer('a', ACCEPTED)
  await road.answer('b', DONE)
  await road.answer('d', DONE)
  await road.answer('c', LATER)
  await road.clock.advance(60_000)
  t.equal(road.commits.at(-1)?.offset, 0n)
  const next = successorOf(road)
  next.receive(['a', 'b', 'c', 'd', 'e'])
  t.strictSame(next.sent.sort(), ['a#2', 'c#3', 'e#1'])
})

void t.test('metadata that is not ours is said and passed over: it costs duplicates, never a record', async (t) => {
  const road = new Road()
  road.assign(0, 0n, 'consumer-1')
  t.match(road.names('offset-map.ignored'), [{ offset: 0n, why: /no offset map/ }])
  road.receive(['a', 'b'])
  t.strictSame(road.sent, ['a#1', 'b#1'])
})

void t.test(
  'a work whose attempts were all spent before is waited for, not sent, and fails with its lease',
  async (t) => {
    const road = new Road()
    road.assign()
    road.receive(['a', 'b'])
    for (let attempt = 1; attempt < 3; attempt++) {
      await road.answer('a', LATER)
      await road.clock.advance(60_000)
    }
    await road.answer('b', DONE)
    await road.clock.advance(1000)
    t.strictSame(road.sent.at(-1), 'a#3', 'its last attempt is out when the bridge dies')
    const next = successorOf(road)
    next.receive(['a', 'b'])
    t.strictSame(next.sent, [])
    t.match(next.desk.find('a'), { state: 'running', attempt: 3 })
    await next.clock.advance(300_000)
    t.match(next.owed, [{ event: { workId: 'a', status: 'failed' } }])
  },
)

void t.test('the app may still end a work whose attempts were all spent before', async (t) => {
  const road = new Road({ policy: { ...POLICY, attemptsMax: 1 } })
  road.assign()
  road.receive(['a', 'b'])
  await road.answer('b', DONE)
  await road.clock.advance(1000)
  const last = road.commits.at(-1)
  const next = new Road({ policy: { ...POLICY, attemptsMax: 1 } })
  next.assign(0, last?.offset, last?.metadata)
  next.receive(['a', 'b'])
  t.equal(next.desk.report('a', COMPLETED).kind, 'held')
  await next.tellAll()
  await next.clock.advance(1000)
  t.equal(next.committed, 2n)
})

void t.test(
  'an attempt that was committed and did not reach the app after all is taken back in Kafka too',
  async (t) => {
    const road = new Road({ policy: { ...POLICY, attemptsMax: 1 } })
    road.assign()
    road.receive(['a'])
    await road.clock.advance(1000)
    await road.answer('a', AWAY)
    road.bridge.pausedWhy = 'by hand'
    await road.clock.advance(1000)
    const next = successorOf(road)
    next.receive(['a'])
    t.strictSame(next.sent, ['a#1'], 'it is no attempt that a successor would count')
  },
)

// ── batches ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const BATCH = { maxEvents: 3, waitMs: 20 }

void t.test('a full batch goes at once, one that is not waits for company', async (t) => {
  const road = new Road({ batch: BATCH })
  road.assign()
  road.receive(['a', 'b', 'c', 'd'])
  t.strictSame(road.sent, ['a#1', 'b#1', 'c#1'])
  t.equal(road.bridge.calls.size, 1)
  await road.clock.advance(19)
  t.equal(road.sent.length, 3)
  await road.clock.advance(1)
  t.strictSame(road.sent.at(-1), 'd#1')
  t.equal(road.bridge.calls.size, 2)
})

void t.test('while the gate is closed one event goes alone to find out whether the app is there', async (t) => {
  const road = new Road({ batch: BATCH })
  road.assign()
  road.receive(['a', 'b', 'c'])
  await road.answer('a', AWAY)
  await road.clock.advance(200)
  t.equal(road.out.length, 1)
  t.equal(road.bridge.calls.works, 1)
})

void t.test('a batch counts with all its works as running beforehand', async (t) => {
  const road = new Road({ batch: { maxEvents: 10, waitMs: 0 }, bounds: { ...BOUNDS, maxRunning: 4 } })
  road.assign()
  road.receive(['a', 'b', 'c', 'd', 'e', 'f'])
  t.strictSame(road.sent, ['a#1', 'b#1', 'c#1', 'd#1'])
})

/** `a` of partition 0 and `b` of partition 1 are out in one request. */
function twoPartitionsInOneBatch(): Road {
  const road = new Road({ batch: { maxEvents: 2, waitMs: 0 } })
  road.assign(0)
  road.assign(1)
  road.bridge.pausedWhy = 'by hand'
  road.receive(['a'], 0)
  road.receive(['b'], 1)
  road.bridge.pausedWhy = undefined
  road.bridge.step()
  return road
}

void t.test('of a batch whose partition goes only its own works are taken back', async (t) => {
  const road = twoPartitionsInOneBatch()
  t.equal(road.bridge.calls.size, 1)
  road.revoke(0)
  t.equal(road.out[0]?.aborted, false)
  await road.answer('a', DONE)
  await road.clock.advance(1000)
  t.strictSame(
    road.commits.map(({ partition, offset }) => [partition, offset]),
    [[1, 1n]],
  )
})

// ── dead letters ────────────────────────────────────────────────────────────────────────────────────────────────────

void t.test('a dead letter is written before its offset moves', async (t) => {
  const road = new Road({ deadLetters: true })
  road.assign()
  road.receive(['a', [1, 'poison', { value: 'no JSON' }], 'c'].map((each) => each as string))
  await road.answer('a', NEVER)
  await road.answer('c', DONE)
  await road.tellAll()
  await road.clock.advance(1000)
  t.equal(road.committed, 0n)
  t.match(
    road.letters.map(({ letter }) => [letter.reason, letter.record.offset, letter.attempts, letter.answer]),
    [
      ['poison', 1n, 0, undefined],
      ['rejected', 0n, 1, 'HTTP 422'],
    ],
  )
  for (const letter of [...road.letters]) letter.written()
  await road.clock.advance(1000)
  t.equal(road.committed, 3n)
  t.equal(road.bridge.inHand.buffers.waitingBytes, 0)
})

void t.test(
  'attempts that are spent, a lease that ran out and a report that XZepr refuses are dead letters too',
  async (t) => {
    const road = new Road({ deadLetters: true, policy: { ...POLICY, attemptsMax: 1, deadLetters: true } })
    road.assign()
    road.receive(['a', 'b', 'c'])
    await road.answer('a', LATER)
    await road.answer('b', ACCEPTED)
    road.desk.report('c', COMPLETED)
    road.owed.find(({ event }) => event.workId === 'c')?.end({ kind: 'given-up', why: 'HTTP 400' })
    await road.clock.advance(300_000)
    t.match(
      road.letters.map(({ letter }) => [letter.record.offset, letter.reason]),
      [
        [0n, 'attempts-spent'],
        [2n, 'report-refused'],
        [1n, 'lease-expired'],
      ],
    )
  },
)

void t.test('what the app itself reports as failed is its answer, no dead letter', async (t) => {
  const road = new Road({ deadLetters: true, policy: { ...POLICY, deadLetters: true } })
  road.assign()
  road.receive(['a'])
  road.desk.report('a', { kind: 'failed', details: NO_MEMBERS, retry: false })
  await road.tellAll()
  t.equal(road.letters.length, 0)
})

// ── a rejoin ────────────────────────────────────────────────────────────────────────────────────────────────────────

void t.test('before a rejoin nothing new is sent, and what comes back meanwhile is committed', async (t) => {
  const road = new Road({ bounds: { ...BOUNDS, maxInFlight: 1 } })
  road.assign()
  road.receive(['a', 'b'])
  let drained = false
  void road.bridge.drain().then(() => (drained = true))
  await road.answer('a', DONE)
  t.equal(drained, true)
  t.equal(road.committed, 1n)
  t.strictSame(road.sent, ['a#1'])
  road.bridge.rejoined()
  t.strictSame(road.sent, ['a#1', 'b#1'])
})

void t.test('the group waits two seconds for a slow app, and what it answers then is committed at once', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  let drained = false
  void road.bridge.drain().then(() => (drained = true))
  await road.clock.advance(1999)
  t.equal(drained, false)
  await road.clock.advance(1)
  t.equal(drained, true)
  await road.answer('a', DONE)
  await road.clock.advance(0)
  t.equal(road.committed, 1n)
})

void t.test('a rejoin that does not end holds up no delivery for ever', async (t) => {
  const road = new Road()
  road.assign()
  void road.bridge.drain()
  road.receive(['a'])
  await road.clock.advance(9999)
  t.strictSame(road.sent, [])
  await road.clock.advance(1)
  t.strictSame(road.sent, ['a#1'])
})

void t.test('a batch that is refused as a whole costs nobody an attempt: each goes again alone', async (t) => {
  const road = new Road({ batch: BATCH, policy: { ...POLICY, attemptsMax: 1 } })
  road.assign()
  road.receive(['a', 'b', 'c'])
  await road.answer('a', NEVER)
  t.strictSame(road.sent.slice(3).sort(), ['a#1', 'b#1', 'c#1'])
  t.equal(road.bridge.calls.size, 3)
  for (const [id, answer] of [
    ['a', NEVER],
    ['b', DONE],
    ['c', DONE],
  ] as const)
    await road.answer(id, answer)
  t.match(
    road.names('work.ended').map((entry) => 'ending' in entry && entry.ending),
    ['failed', 'completed', 'completed'],
  )
})

void t.test(
  'a batch that fails twice goes on one by one: the others are not spent with the one that fails',
  async (t) => {
    const road = new Road({ batch: BATCH })
    road.assign()
    road.receive(['a', 'b', 'c'])
    for (let attempt = 1; attempt <= 2; attempt++) {
      await road.answer('a', { ...LATER, retryAfterMs: 2000 })
      await road.clock.advance(2000)
    }
    t.equal(road.bridge.calls.size, 3)
    t.strictSame(road.sent.slice(6).sort(), ['a#3', 'b#3', 'c#3'])
  },
)

void t.test('an event that cannot be written is rejected alone, and costs no neighbour', async (t) => {
  const road = new Road({ batch: BATCH })
  road.unwritable.add('b')
  road.assign()
  road.receive(['a', 'b', 'c'])
  await road.clock.advance(100)
  t.strictSame(road.sent.sort(), ['a#1', 'c#1'])
  t.match(road.names('work.ended'), [{ workId: 'b', ending: 'failed', why: /cannot be written/ }])
})

void t.test('a batch that is refused as a whole was several, also when only one of them is left', async (t) => {
  const road = twoPartitionsInOneBatch()
  road.revoke(0)
  await road.answer('a', NEVER)
  t.strictSame(road.sent.at(-1), 'b#1', 'it goes again, alone')
  await road.answer('b', NEVER)
  t.match(road.names('work.ended'), [{ workId: 'b', ending: 'failed' }])
})
