import type { Test } from 'tap'
import t from 'tap'
import type { JournalEntry } from '../../src/core/journal.ts'
import type { LifecycleEvent, LifecycleStatus } from '../../src/core/lifecycle.ts'
import type { Told } from '../../src/core/report.ts'
import { fixedToken } from '../../src/xzepr/credentials.ts'
import type { ReporterOptions } from '../../src/xzepr/reporter.ts'
import { XzeprReporter } from '../../src/xzepr/reporter.ts'
import { VirtualClock } from '../support/clock.ts'
import type { Reply } from './fake-xzepr.ts'
import { FakeXzepr, reply } from './fake-xzepr.ts'
import { inTime, until } from './until.ts'

const LIST = 'GET /api/v1/receivers'
const EVENTS = 'POST /api/v1/events'
const WANTED = { name: 'deployer-receiver', type: 'worker', version: '1.0.0', description: 'Reports of deployer.' }
const OURS = '01R00000000000000000000001'

function event(
  workId: string,
  status: LifecycleStatus = 'completed',
  details: [string, string][] = [],
): LifecycleEvent {
  return {
    workId,
    status,
    name: 'deployer',
    version: '1.0.0',
    package: 'deployer',
    platformId: 'linux',
    atMs: 0,
    details: new Map(details),
    sourceEventType: 'deployment.success',
    deliveryId: `group/${workId}/${status}`,
  }
}

interface Scene {
  readonly xzepr: FakeXzepr
  readonly clock: VirtualClock
  readonly reporter: XzeprReporter
  readonly journal: JournalEntry[]
}

async function scene(t: Test, options: Partial<ReporterOptions> = {}, ready = true): Promise<Scene> {
  const xzepr = await new FakeXzepr().start()
  xzepr.receivers.push({ id: OURS, ...WANTED })
  const clock = new VirtualClock()
  const journal: JournalEntry[] = []
  const reporter = new XzeprReporter({
    url: xzepr.url,
    timeoutMs: 1e9,
    credentials: fixedToken('tok'),
    receiver: WANTED,
    clock,
    journal: (entry) => {
      journal.push(entry)
    },
    ...options,
  })
  t.teardown(async () => {
    await Promise.all([reporter.stop(), inTime(clock, 'stopped', () => clock.pending === 0, 1000)])
    await xzepr.stop()
  })
  if (ready) {
    reporter.start()
    await until('the receiver', () => reporter.receiverId !== undefined)
  }
  return { xzepr, clock, reporter, journal }
}

/** Collects how each telling ends, without waiting. */
function noting(told: Promise<Told>, into: Told[]): void {
  void told.then((end) => into.push(end))
}

const work = (body: string): { workId: string; status: string } => {
  const { payload } = JSON.parse(body) as { payload: { work_id: string; status: string } }
  return { workId: payload.work_id, status: payload.status }
}
const named = (journal: readonly JournalEntry[], name: JournalEntry['name']): JournalEntry[] =>
  journal.filter((entry) => entry.name === name)

void t.test('what is told before XZepr is known is held, and goes when the receiver is found', async (t) => {
  const { xzepr, reporter, journal } = await scene(t, {}, false)
  const told = reporter.tell('w1', event('w1', 'completed', [['build', '12345678901234567890']]))
  t.same(reporter.backlog, { events: 1, bytes: 1024 + 25 })
  t.equal(reporter.receiverId, undefined)
  reporter.start()
  t.same(await told, { kind: 'stored', eventId: '01E00000000000000000000001' })
  t.same(reporter.backlog, { events: 0, bytes: 0 })
  t.equal(reporter.receiverId, OURS)
  t.match(xzepr.events[0], /"event_receiver_id":"01R00000000000000000000001".*12345678901234567890/)
  t.same(journal, [
    { name: 'xzepr.receiver', receiverId: OURS, receiver: 'deployer-receiver', created: false },
    { name: 'report.stored', workId: 'w1', status: 'completed', eventId: '01E00000000000000000000001' },
  ])
})

void t.test(
  'a report whose answer was lost and that came round on the topic is stored, and not sent again',
  async (t) => {
    const { xzepr, clock, reporter } = await scene(t)
    const told: Told[] = []
    let posts = 0
    xzepr.plan(
      EVENTS,
      [
        (_asked, response) => {
          posts += 1
          response.destroy()
        },
      ],
      true,
    )
    noting(reporter.tell('w1', event('w1')), told)
    await until('its answer is lost', () => posts === 1)
    reporter.heard({ deliveryId: event('w1').deliveryId, eventId: 'E1' })
    await inTime(clock, 'it is told', () => told.length === 1)
    t.same(told, [{ kind: 'stored', eventId: 'E1' }])
    t.equal(posts, 1)
  },
)

void t.test('what came round before, from another pod or before a crash, is not told again', async (t) => {
  const { xzepr, reporter } = await scene(t)
  reporter.heard({ deliveryId: event('w1').deliveryId, eventId: 'E1' })
  reporter.heard({ deliveryId: event('w1').deliveryId, eventId: 'E2' })
  t.same(await reporter.tell('w1', event('w1')), { kind: 'stored', eventId: 'E1' }, 'of two the first')
  t.same(xzepr.events, [])
  t.match(await reporter.tell('w1', event('w1', 'failed')), { kind: 'stored', eventId: /^01E/ }, 'another is another')
})

void t.test('one event of a work is out at a time, and at most eight of all', async (t) => {
  const { xzepr, reporter } = await scene(t)
  let out = 0
  let most = 0
  const answers: (() => void)[] = []
  const slow: Reply = (asked, response) => {
    most = Math.max(most, ++out)
    answers.push(() => {
      out -= 1
      xzepr.usual(asked, response)
    })
  }
  xzepr.plan(EVENTS, [slow], true)
  const told: Told[] = []
  for (let at = 0; at < 20; at++) {
    noting(reporter.tell(`w${at}`, event(`w${at}`, 'started')), told)
    noting(reporter.tell(`w${at}`, event(`w${at}`, 'completed')), told)
  }
  await until('full width', () => out === 8)
  const works = answers.length
  xzepr.plan(EVENTS, [])
  for (const answer of answers) answer()
  await until('all told', () => told.length === 40)
  t.equal(works, 8)
  t.equal(most, 8)
  const order = xzepr.events.map(work)
  for (let at = 0; at < 20; at++) {
    t.same(
      order.filter(({ workId }) => workId === `w${at}`).map(({ status }) => status),
      ['started', 'completed'],
    )
  }
})

void t.test('XZepr away for an hour: nothing is lost, one probe at a time, the problem is said once', async (t) => {
  const { xzepr, clock, reporter, journal } = await scene(t)
  const port = Number(xzepr.url.port)
  await xzepr.stop()
  const told: Told[] = []
  for (let at = 0; at < 30; at++) noting(reporter.tell(`w${at}`, event(`w${at}`)), told)
  await inTime(clock, 'a problem', () => reporter.problem !== undefined)
  for (let minutes = 0; minutes < 60; minutes++) await clock.advance(60_000)
  t.same(told, [])
  t.equal(reporter.backlog.events, 30)
  t.match(reporter.problem, /^XZB_XZEPR_UNREACHABLE: ECONNREFUSED/)
  await xzepr.start(port)
  await inTime(clock, 'all told', () => told.length === 30, 1000)
  t.ok(told.every(({ kind }) => kind === 'stored'))
  t.equal(xzepr.events.length, 30)
  t.equal(reporter.problem, undefined)
  t.equal(named(journal, 'xzepr.problem').length, 1)
})

void t.test('a lost answer is sent again with the same delivery_id', async (t) => {
  const { xzepr, clock, reporter } = await scene(t)
  const lost: Reply = ({ body }, response) => {
    xzepr.events.push(body)
    response.destroy()
  }
  xzepr.plan(EVENTS, [lost])
  const told: Told[] = []
  noting(reporter.tell('w1', event('w1')), told)
  await inTime(clock, 'stored', () => told.length === 1)
  t.match(told, [{ kind: 'stored' }])
  t.equal(xzepr.events.length, 2)
  t.equal(xzepr.events[0], xzepr.events[1], 'byte for byte')
})

void t.test('a refused report is given up with its size and reason, and the next of its work goes', async (t) => {
  const { xzepr, clock, reporter, journal } = await scene(t, { triesMax: 3 })
  const refuse = reply(400, '{"error":"validation_error","message":"payload"}')
  xzepr.plan(EVENTS, [refuse, refuse, refuse])
  const told: Told[] = []
  noting(reporter.tell('w1', event('w1', 'started')), told)
  noting(reporter.tell('w1', event('w1', 'completed')), told)
  await inTime(clock, 'both', () => told.length === 2)
  t.match(told, [
    { kind: 'given-up', why: /after 3 tries: HTTP 400 validation_error: payload \(a body of \d{3} bytes\)/ },
    { kind: 'stored' },
  ])
  t.match(named(journal, 'report.given-up'), [{ workId: 'w1', status: 'started' }])
})

void t.test(
  'a receiver deleted meanwhile is made again, once, and everything is stored under the new one',
  async (t) => {
    const { xzepr, clock, reporter, journal } = await scene(t)
    const knows: Reply = (asked, response) => {
      const { event_receiver_id: id } = JSON.parse(asked.body) as { event_receiver_id: string }
      if (xzepr.receivers.some((receiver) => receiver.id === id)) xzepr.usual(asked, response)
      else reply(404, '{"error":"not_found"}')(asked, response)
    }
    xzepr.plan(EVENTS, [knows], true)
    xzepr.receivers.splice(0)
    const told: Told[] = []
    for (let at = 0; at < 8; at++) noting(reporter.tell(`w${at}`, event(`w${at}`)), told)
    await inTime(clock, 'all told', () => told.length === 8)
    t.ok(told.every(({ kind }) => kind === 'stored'))
    t.equal(xzepr.receivers.length, 1)
    t.equal(reporter.receiverId, xzepr.receivers[0]?.id)
    t.match(named(journal, 'xzepr.receiver'), [{ created: false }, { created: true }])
  },
)

void t.test('a missing permission holds everything, is said once, and heals', async (t) => {
  const { xzepr, clock, reporter, journal } = await scene(t, { triesMax: 2 })
  xzepr.plan(EVENTS, [reply(403, '{"details":{"required_permission":"event_create"}}')], true)
  const told: Told[] = []
  for (let at = 0; at < 3; at++) noting(reporter.tell(`w${at}`, event(`w${at}`)), told)
  await inTime(clock, 'many tries', () => xzepr.count(EVENTS) > 12, 1000)
  t.same(told, [])
  t.match(reporter.problem, /^XZB_XZEPR_FORBIDDEN: .*needs event_create/)
  xzepr.plan(EVENTS, [])
  await inTime(clock, 'all told', () => told.length === 3, 1000)
  t.match(named(journal, 'xzepr.problem'), [{ code: 'XZB_XZEPR_FORBIDDEN', hint: /role/ }])
})

void t.test('a token of another user makes the receiver be looked for again', async (t) => {
  const { xzepr, clock, reporter } = await scene(t)
  xzepr.plan(EVENTS, [reply(403, '{"error":"authorization_error"}')])
  xzepr.receivers.splice(0, 1, { id: '01THEIRS', ...WANTED })
  const told: Told[] = []
  noting(reporter.tell('w1', event('w1')), told)
  await inTime(clock, 'told', () => told.length === 1)
  t.match(xzepr.events[0], /"event_receiver_id":"01THEIRS"/)
})

void t.test('a 429 holds all requests for a token’s time', async (t) => {
  const { xzepr, clock, reporter } = await scene(t)
  const limited = reply(429, 'Rate limit exceeded', { 'retry-after': '0' })
  xzepr.plan(EVENTS, [limited, limited])
  const told: Told[] = []
  noting(reporter.tell('w1', event('w1')), told)
  noting(reporter.tell('w2', event('w2')), told)
  await until('both answered', () => xzepr.count(EVENTS) === 2 && clock.pending === 1)
  noting(reporter.tell('w3', event('w3')), told)
  t.match(await reporter.forward(event('w4')), { kind: 'away', why: /rate limit/ })
  await clock.advance(599)
  t.equal(xzepr.count(EVENTS), 2)
  t.equal(reporter.problem, undefined)
  await inTime(clock, 'all told', () => told.length === 3)
})

void t.test('a forwarded event is tried once: stored, given up or away', async (t) => {
  const { xzepr, clock, reporter, journal } = await scene(t)
  t.match(await reporter.forward(event('w1')), { kind: 'stored', eventId: '01E00000000000000000000001' })
  xzepr.plan(EVENTS, [reply(422, 'missing field')])
  t.same(await reporter.forward(event('w2')), { kind: 'given-up', why: 'HTTP 422 missing field' })
  xzepr.plan(EVENTS, [reply(500)])
  t.same(await reporter.forward(event('w3')), { kind: 'away', why: 'HTTP 500', retryAfterMs: 1000 })
  xzepr.plan(EVENTS, [reply(503, '', { 'retry-after': '7' })])
  t.same(await reporter.forward(event('w4')), { kind: 'away', why: 'HTTP 503', retryAfterMs: 7000 })
  t.match(await reporter.forward(event('w5')), { kind: 'away', retryAfterMs: 7000 })
  t.equal(xzepr.count(EVENTS), 4)
  await clock.advance(7000)
  t.match(await reporter.forward(event('w5')), { kind: 'stored' })
  t.same(
    journal.filter(({ name }) => name.startsWith('report.')).map(({ name }) => name),
    ['report.stored', 'report.given-up', 'report.stored'],
  )
})

void t.test('what was forwarded is stored: told after that it makes no second event', async (t) => {
  const { xzepr, reporter } = await scene(t)
  const { kind, ...forwarded } = await reporter.forward(event('w1'))
  t.equal(kind, 'stored')
  t.same(await reporter.tell('w1', event('w1')), { kind, ...forwarded })
  t.equal(xzepr.count(EVENTS), 1)
})

void t.test('a forward repeated is the same answer, and makes no second event', async (t) => {
  const { xzepr, reporter } = await scene(t)
  const first = await reporter.forward(event('w1'))
  t.match(first, { kind: 'stored' })
  t.same(await reporter.forward(event('w1')), first)
  t.equal(xzepr.count(EVENTS), 1)
})

void t.test('a forward that misses the receiver has it looked for again, and may come again', async (t) => {
  const { xzepr, clock, reporter } = await scene(t)
  xzepr.plan(EVENTS, [reply(404)])
  t.match(await reporter.forward(event('w1')), { kind: 'away', why: 'HTTP 404', retryAfterMs: 1000 })
  t.match(await reporter.forward(event('w1')), { kind: 'away' }, 'while it is looked for')
  await until('looked', () => xzepr.count(LIST) === 2 && clock.pending === 0)
  t.match(await reporter.forward(event('w1')), { kind: 'stored' })
})

void t.test('forwards are bounded, and none goes before the receiver is known', async (t) => {
  const { xzepr, reporter } = await scene(t, { forwardsMax: 2 }, false)
  t.match(await reporter.forward(event('w0')), { kind: 'away', why: /receiver/ })
  reporter.start()
  await until('the receiver', () => reporter.receiverId !== undefined)
  const answers: (() => void)[] = []
  xzepr.plan(
    EVENTS,
    [
      (asked, response) => {
        answers.push(() => {
          xzepr.usual(asked, response)
        })
      },
    ],
    true,
  )
  const out = [reporter.forward(event('w1')), reporter.forward(event('w2'))]
  t.match(await reporter.forward(event('w3')), { kind: 'away', why: /forwarded/ })
  await until('both there', () => answers.length === 2)
  for (const answer of answers) answer()
  t.match(await Promise.all(out), [{ kind: 'stored' }, { kind: 'stored' }])
})

void t.test('stop lets what is out end, starts nothing, and leaves the rest untold', async (t) => {
  const { xzepr, clock, reporter } = await scene(t, { concurrency: 1 })
  const answers: (() => void)[] = []
  xzepr.plan(EVENTS, [
    (asked, response) => {
      answers.push(() => {
        xzepr.usual(asked, response)
      })
    },
  ])
  const told: Told[] = []
  noting(reporter.tell('w1', event('w1')), told)
  noting(reporter.tell('w2', event('w2')), told)
  await until('out', () => answers.length === 1)
  const stopped = reporter.stop()
  answers[0]?.()
  await stopped
  t.match(told, [{ kind: 'stored' }])
  t.equal(reporter.backlog.events, 1)
  t.equal(xzepr.count(EVENTS), 1)
  t.equal(clock.pending, 0)
  t.match(await reporter.forward(event('w3')), { kind: 'away', why: /stopping/ })
})

void t.test('stop aborts what does not end within its bound, and calls it no problem of XZepr’s', async (t) => {
  const { xzepr, clock, reporter, journal } = await scene(t)
  xzepr.plan(EVENTS, [() => undefined], true)
  const told: Told[] = []
  for (const work of ['w1', 'w2', 'w3']) noting(reporter.tell(work, event(work)), told)
  await until('out', () => xzepr.count(EVENTS) === 3)
  let ended = false
  const stopped = reporter.stop().then(() => {
    ended = true
  })
  await clock.advance(1999)
  t.equal(ended, false)
  await clock.advance(1)
  await stopped
  t.same(told, [])
  t.equal(clock.pending, 0)
  t.same(named(journal, 'xzepr.problem'), [])
})
