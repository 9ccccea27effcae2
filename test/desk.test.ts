import t from 'tap'
import { NO_MEMBERS } from '../src/core/json.ts'
import type { Report } from '../src/core/report.ts'
import { settled } from './support/clock.ts'
import { ACCEPTED, DONE, Road, POLICY } from './support/road.ts'

const STARTED: Report = { kind: 'started', details: NO_MEMBERS }
const COMPLETED: Report = { kind: 'completed', success: true, details: NO_MEMBERS }
const FAILED: Report = { kind: 'failed', details: NO_MEMBERS, retry: false }
const PROGRESS: Report = { kind: 'progress', details: NO_MEMBERS }

/** A road with one work, `a`, that the app has accepted. */
async function accepted(options: ConstructorParameters<typeof Road>[0] = {}): Promise<Road> {
  const road = new Road(options)
  road.assign()
  road.receive(['a'])
  await road.answer('a', ACCEPTED)
  return road
}

void t.test('a report of a work in hand is held, and resolves when XZepr has it', async (t) => {
  const road = await accepted()
  const verdict = road.desk.report('a', STARTED)
  t.equal(verdict.kind, 'held')
  await road.tellAll()
  t.same(verdict.kind === 'held' && (await verdict.told), { kind: 'stored', eventId: 'E-xzepr-consumer-svc/a/started' })
  t.same(road.desk.find('a')?.reports, [
    { status: 'started', atMs: road.clock.nowMs(), told: 'stored', eventId: 'E-xzepr-consumer-svc/a/started' },
  ])
})

void t.test('a report repeated is the same answer and no second event, also after its work is settled', async (t) => {
  const road = await accepted()
  const first = road.desk.report('a', COMPLETED)
  const second = road.desk.report('a', COMPLETED)
  t.equal(road.owed.length, 1)
  await road.tellAll()
  t.equal(road.bridge.inHand.registry.size, 0, 'it is settled')
  const third = road.desk.report('a', COMPLETED)
  for (const verdict of [second, third]) {
    t.same(verdict.kind === 'held' && (await verdict.told), first.kind === 'held' && (await first.told))
  }
  t.strictSame(road.forwarded, [])
})

void t.test('a report that contradicts the ending is a conflict, before and after settlement', async (t) => {
  const road = await accepted()
  road.desk.report('a', COMPLETED)
  for (const report of [FAILED, STARTED, PROGRESS]) t.equal(road.desk.report('a', report).kind, 'conflict')
  await road.tellAll()
  for (const report of [FAILED, STARTED, PROGRESS]) t.equal(road.desk.report('a', report).kind, 'conflict')
})

void t.test('an app that answers first and reports later is forwarded, once', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a'])
  await road.answer('a', DONE)
  const verdict = road.desk.report('a', COMPLETED)
  t.equal(verdict.kind, 'unknown')
  const [event] = road.forwarded
  t.equal(event?.platformId, 'x86', 'what is remembered of the work is in it')
  await settled()
  t.equal(road.desk.report('a', COMPLETED).kind, 'held', 'a repeat has the answer')
  t.equal(road.forwarded.length, 1)
})

void t.test('a report of an unknown id is forwarded at once, and a repeat meanwhile waits with it', async (t) => {
  const road = new Road()
  const first = road.desk.report('z', COMPLETED)
  const second = road.desk.report('z', COMPLETED)
  t.equal(road.forwarded.length, 1)
  t.equal(road.forwarded[0]?.deliveryId, 'xzepr-consumer-svc/z/completed')
  t.ok(first.kind === 'unknown' && second.kind === 'unknown' && first.told === second.told)
  t.same(first.kind === 'unknown' && (await first.told), { kind: 'stored', eventId: 'F' })
})

void t.test('a report that is forwarded while its record comes in ends that work: the app says it once', async (t) => {
  for (const answer of [ACCEPTED, DONE]) {
    const road = new Road()
    road.assign()
    const verdict = road.desk.report('a', COMPLETED)
    t.equal(verdict.kind, 'unknown')
    road.receive(['a'])
    t.equal(road.out.length, 1, 'it is with the app again')
    await settled()
    t.equal(road.desk.find('a')?.state, 'completed')
    await road.answer('a', answer)
    await road.tellAll()
    t.equal(road.bridge.inHand.registry.size, 0, 'nothing waits for a lease')
  }
})

void t.test(
  'a report is told once that is repeated when its record has come in, and it is still being forwarded',
  async (t) => {
    const road = new Road()
    road.assign()
    const first = road.desk.report('a', COMPLETED)
    road.receive(['a'])
    const second = road.desk.report('a', COMPLETED)
    t.ok(first.kind === 'unknown' && second.kind === 'unknown' && first.told === second.told)
    t.strictSame(road.owed, [], 'of which XZepr would make a second event')
    await settled()
    t.equal(road.desk.find('a')?.state, 'completed')
  },
)

void t.test('a report that was being forwarded at the last commit ends nothing after it', async (t) => {
  const road = new Road()
  road.assign()
  const verdict = road.desk.report('a', COMPLETED)
  road.receive(['a'])
  road.bridge.sealed = true
  t.same(verdict.kind === 'unknown' && (await verdict.told), { kind: 'stored', eventId: 'F' }, 'the app hears of it')
  t.equal(road.desk.find('a')?.state, 'attempting')
  t.strictSame(road.names('record.settled'), [], 'it comes again elsewhere')
})

void t.test(
  'an unknown id has no progress, and none of its reports is forwarded where the operator wants none',
  async (t) => {
    const road = new Road()
    t.same(road.desk.report('z', PROGRESS), { kind: 'unknown', told: undefined })
    const strict = new Road({ unknown: 'reject' })
    t.same(strict.desk.report('z', COMPLETED), { kind: 'unknown', told: undefined })
    t.strictSame(strict.forwarded, [])
  },
)

void t.test('what XZepr could never store is refused, and the work can still report otherwise', async (t) => {
  const road = await accepted()
  const details = new Map([['note', '"\\u0000"']])
  t.match(road.desk.report('a', { ...COMPLETED, details }), { kind: 'unstorable', why: /U\+0000/ })
  t.match(road.desk.report('z', { ...COMPLETED, details }), { kind: 'unstorable' })
  t.equal(road.desk.report('a', COMPLETED).kind, 'held')
})

void t.test('a started report whose name leaves no room for the endings is refused', async (t) => {
  const road = await accepted()
  t.match(road.desk.report('a', { ...STARTED, name: 'x'.repeat(250) }), { kind: 'unstorable', why: /name takes/ })
  t.equal(road.desk.report('a', { ...STARTED, name: 'deploy', version: '2.0.0' }).kind, 'held')
  road.desk.report('a', COMPLETED)
  t.strictSame(
    road.owed.map(({ event }) => [event.name, event.version]),
    [
      ['deploy', '2.0.0'],
      ['deploy', '2.0.0'],
    ],
  )
})

void t.test('a repeated started whose name XZepr could not store is refused, and the work can still end', async (t) => {
  for (const lifecycle of ['explicit', 'auto'] as const) {
    const policy = { ...POLICY, lifecycle }
    const road = await accepted({ policy })
    if (lifecycle === 'explicit') road.desk.report('a', STARTED)
    t.equal(road.desk.report('a', { ...STARTED, name: 'x'.repeat(300) }).kind, 'unstorable', lifecycle)
    t.equal(road.desk.report('a', COMPLETED).kind, 'held', lifecycle)
  }
})

void t.test('with auto, what the app calls its work counts for the ending', async (t) => {
  const policy = { ...POLICY, lifecycle: 'auto' } as const
  const road = await accepted({ policy })
  road.desk.report('a', { ...STARTED, name: 'deploy' })
  road.desk.report('a', COMPLETED)
  t.strictSame(
    road.owed.map(({ event }) => `${event.name}.${event.status}`),
    ['svc.started', 'deploy.completed'],
  )
})

void t.test('a bridge that makes its last commit holds no further report', async (t) => {
  const road = await accepted()
  road.bridge.sealed = true
  t.match(road.desk.report('a', COMPLETED), { kind: 'full', why: /stopping/ })
  t.strictSame(road.owed, [])
})

void t.test('where unknown ids are refused, a work that is remembered is none', async (t) => {
  const road = new Road({ unknown: 'reject' })
  road.assign()
  road.receive(['a'])
  await road.answer('a', DONE)
  t.match(road.desk.report('a', COMPLETED), { kind: 'unknown', told: Promise })
  t.equal(road.forwarded.length, 1)
})

void t.test('when no more reports can be held the caller is asked to come again; repeats are answered', async (t) => {
  const road = new Road({ maxReports: 1 })
  road.assign()
  road.receive(['a', 'b'])
  t.equal(road.desk.report('a', STARTED).kind, 'held')
  t.match(road.desk.report('b', STARTED), { kind: 'full', retryAfterMs: Number })
  t.equal(road.desk.report('a', STARTED).kind, 'held', 'a repeat takes no room')
  t.equal(road.desk.report('b', PROGRESS).kind, 'held', 'progress takes none either')
})

void t.test('no more forwards are on their way than there is room for', async (t) => {
  const road = new Road()
  const verdicts = Array.from({ length: 33 }, (_, n) => road.desk.report(`z${n}`, COMPLETED).kind)
  t.equal(verdicts.filter((kind) => kind === 'unknown').length, 32)
  t.equal(verdicts.at(-1), 'full')
})

void t.test('works are listed oldest first, page by page', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a', 'b', 'c'])
  const first = road.desk.list(undefined, 2)
  t.strictSame(
    first.works.map(({ id }) => id),
    ['a', 'b'],
  )
  const second = road.desk.list(first.next, 2)
  t.strictSame(
    second.works.map(({ id }) => id),
    ['c'],
  )
  t.equal(second.next, undefined)
  t.equal(road.desk.list('no cursor', 2).works.length, 2, 'a cursor that is none begins at the front')
})

void t.test('a view says what state a work is in and until when', async (t) => {
  const road = await accepted()
  t.match(road.desk.find('a'), {
    id: 'a',
    state: 'running',
    settled: false,
    attempt: 1,
    attemptsMax: 3,
    eventType: 'build.done',
    partition: 0,
    offset: 0n,
    leaseEndsAtMs: road.clock.nowMs() + 300_000,
  })
  road.desk.report('a', { kind: 'failed', details: NO_MEMBERS, retry: true, retryAfterMs: 5000 })
  t.match(road.desk.find('a'), { state: 'resting', nextAttemptAtMs: road.clock.nowMs() + 5000 })
  t.equal(road.desk.find('z'), undefined)
})
