import t from 'tap'
import type { JournalEntry } from '../src/core/journal.ts'
import { Operator } from '../src/levers.ts'
import { ACCEPTED, AWAY, DONE, Road } from './support/road.ts'

const ANNA = { who: 'anna (127.0.0.1)', why: 'the database moves' }
const BEN = { who: 'ben (127.0.0.1)', why: 'still' }

function made() {
  const road = new Road()
  road.assign()
  let drains = 0
  const operator = new Operator({
    bridge: road.bridge,
    drain: { byLever: async () => void (drains += 1) },
    clock: road.clock,
    journal: (entry) => void road.entries.push(entry),
  })
  const pulls = (): JournalEntry[] => road.entries.filter(({ name }) => name.startsWith('lever.'))
  return { road, operator, pulls, drains: () => drains }
}

void t.test('a pause sends nothing more, lets works in hand end, and resume goes on', async (t) => {
  const { road, operator, pulls } = made()
  road.receive(['a'])
  operator.pause(ANNA)
  road.receive([[1, 'b']])
  await road.answer('a', DONE)
  await road.clock.advance(60_000)
  t.strictSame(road.sent, ['a#1'])
  t.equal(road.committed, 1n)
  operator.resume(BEN)
  t.strictSame(road.outIds, ['b'])
  t.same(pulls(), [
    { name: 'lever.paused', ...ANNA },
    { name: 'lever.resumed', ...BEN },
  ])
})

void t.test('of two pauses the newest hand holds, since the first', async (t) => {
  const { road, operator } = made()
  const sinceMs = road.clock.nowMs()
  operator.pause(ANNA)
  await road.clock.advance(1000)
  operator.pause(BEN)
  t.same(operator.paused, { ...BEN, sinceMs })
  t.match(road.bridge.heldBack, 'paused by ben')
  operator.resume(ANNA)
  t.equal(operator.paused, undefined)
})

void t.test('a work that is let go of settles as passed over, wherever it stands', async (t) => {
  for (const reach of ['waiting', 'attempting', 'running', 'resting', 'owing'] as const) {
    const { road, operator, pulls } = made()
    road.receive(
      reach === 'waiting'
        ? [
            [0, 'x', { key: 'k' }],
            [1, 'a', { key: 'k' }],
          ]
        : ['a'],
    )
    if (reach === 'running') await road.answer('a', ACCEPTED)
    if (reach === 'resting') await road.answer('a', { kind: 'later', why: 'HTTP 503', responded: true })
    if (reach === 'owing') {
      road.desk.report('a', { kind: 'completed', success: true, details: new Map() })
      await road.answer('a', DONE)
    }
    const [out] = road.out.filter(({ workId }) => workId === 'a')
    t.equal(operator.settle('a', ANNA), 'settled', reach)
    t.match(pulls(), [{ name: 'lever.settled', workId: 'a', topic: 'events', partition: 0, ...ANNA }])
    // What has ended keeps its ending; nothing waits for its report any more.
    t.match(road.names('record.settled'), [{ ending: reach === 'owing' ? 'completed' : 'passed-over' }])
    if (reach === 'attempting') t.equal(out?.aborted, true)
    t.equal(operator.settle('a', ANNA), 'unknown', 'it is in hand no more')
    await road.tellAll()
    await road.clock.advance(3_600_000)
    t.equal(road.names('record.settled').length, 1, 'once')
    t.equal(
      road.sent.filter((each) => each.startsWith('a#')).length,
      reach === 'waiting' ? 0 : 1,
      'it is not sent again',
    )
    if (reach !== 'waiting') t.equal(road.committed, 1n)
    t.same([road.bridge.inHand.running, road.bridge.inHand.buffers.waitingBytes > 0], [0, reach === 'waiting'])
  }
})

void t.test('what the app still says of a work that was let go of is forwarded, first report and last', async (t) => {
  const { road, operator } = made()
  road.receive(['a'])
  await road.answer('a', ACCEPTED)
  operator.settle('a', ANNA)
  for (const kind of ['started', 'completed'] as const) {
    const verdict = road.desk.report('a', { kind, details: new Map(), success: true })
    t.equal(verdict.kind, 'unknown')
    t.same(verdict.kind === 'unknown' && (await verdict.told), road.forwardOutcome)
  }
  t.same(
    road.forwarded.map(({ status }) => status),
    ['started', 'completed'],
  )
  const again = road.desk.report('a', { kind: 'completed', details: new Map(), success: true })
  t.equal(again.kind, 'held', 'a repeat is no third')
  const other = road.desk.report('a', { kind: 'failed', details: new Map(), retry: false })
  t.match(other, { kind: 'conflict', why: /has completed/ }, 'the first ending counts')
  t.equal(road.forwarded.length, 2)
})

void t.test('a work that was let go of is sent no more and has no lease: its app is told so', async (t) => {
  const { road, operator } = made()
  road.receive(['a'])
  await road.answer('a', ACCEPTED)
  operator.settle('a', ANNA)
  for (const report of [
    { kind: 'progress', details: new Map() },
    { kind: 'failed', details: new Map(), retry: true },
  ] as const) {
    t.match(road.desk.report('a', report), { kind: 'conflict', why: /was let go of/ })
  }
  t.same(road.forwarded, [])
})

void t.test('what waited behind a work that is let go of goes on', async (t) => {
  const { road, operator } = made()
  road.receive([
    [0, 'a', { key: 'k' }],
    [1, 'b', { key: 'k' }],
  ])
  t.strictSame(road.outIds, ['a'])
  operator.settle('a', ANNA)
  t.strictSame(road.outIds, ['b'])
  await road.answer('b', DONE)
  await road.clock.advance(1000)
  t.equal(road.committed, 2n)
})

void t.test('a probe that is let go of leaves its place to another', async (t) => {
  const { road, operator } = made()
  road.receive(['a', 'b'])
  await road.answer('a', AWAY)
  await road.answer('b', AWAY)
  await road.clock.advance(10_000)
  const [probe = ''] = road.outIds
  t.equal(road.outIds.length, 1)
  operator.settle(probe, ANNA)
  t.equal(road.outIds.length, 1)
  t.not(road.outIds[0], probe)
})

void t.test('a work that nobody knows is unknown, and is said by nobody', async (t) => {
  const { operator, pulls } = made()
  t.equal(operator.settle('a', ANNA), 'unknown')
  t.same(pulls(), [])
})

void t.test('a drain is said and passed on', async (t) => {
  const { operator, pulls, drains } = made()
  await operator.drain(ANNA)
  t.equal(drains(), 1)
  t.same(pulls(), [{ name: 'lever.drain', ...ANNA }])
})
