/** The reporter against the stand-in that behaves as the real server was seen to, in both its generations. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import type { LifecycleEvent, LifecycleStatus } from '../../src/core/lifecycle.ts'
import type { Told } from '../../src/core/report.ts'
import type { RateLimits } from '../../src/dev/xzepr-limits.ts'
import { XZEPR_RATE_LIMITS } from '../../src/dev/xzepr-limits.ts'
import { XzeprStandIn } from '../../src/dev/xzepr-stand-in.ts'
import type { Credentials } from '../../src/xzepr/credentials.ts'
import { fixedToken, tokenFile } from '../../src/xzepr/credentials.ts'
import { XzeprReporter } from '../../src/xzepr/reporter.ts'
import { VirtualClock } from '../support/clock.ts'
import { inTime } from './until.ts'

const ALICE = '01M847EM8NHNJ6Z68G7PRA7Z92'
const BOB = '01M847EM8NHNJ6Z68G7PRA7Z93'
const EVENTS = 'POST /api/v1/events'
const WANTED = { name: 'deployer-receiver', type: 'worker', version: '1.0.0', description: 'Reports of deployer.' }
const GENERATIONS = ['new', 'old'] as const
const HOUR_MS = 3_600_000

interface Scene {
  readonly standIn: XzeprStandIn
  readonly clock: VirtualClock
  readonly problems: string[]
  readonly reporter: (credentials?: Credentials) => XzeprReporter
}

async function scene(t: Test, generation: 'new' | 'old', rateLimits: RateLimits | 'off' = 'off'): Promise<Scene> {
  const clock = new VirtualClock()
  const standIn = new XzeprStandIn({ clock, publish: async () => undefined, generation, rateLimits })
  await standIn.start()
  const reporters: XzeprReporter[] = []
  const problems: string[] = []
  t.teardown(async () => {
    await Promise.all(reporters.map((reporter) => reporter.stop()))
    await standIn.stop()
  })
  return {
    standIn,
    clock,
    problems,
    reporter: (credentials = fixedToken(standIn.token({ sub: ALICE, lifetimeMs: 24 * HOUR_MS }))) => {
      const reporter = new XzeprReporter({
        url: new URL(standIn.url),
        timeoutMs: 24 * HOUR_MS,
        credentials,
        receiver: WANTED,
        clock,
        journal: (entry) => {
          if (entry.name === 'xzepr.problem') problems.push(entry.code)
        },
        stopWithinMs: 0,
      })
      reporters.push(reporter)
      reporter.start()
      return reporter
    },
  }
}

function event(workId: string, status: LifecycleStatus): LifecycleEvent {
  const details = new Map([['build', '9007199254740993']])
  const fixed = { name: 'deployer', version: '1.0.0', package: 'deployer', platformId: 'linux', atMs: 0, details }
  return { ...fixed, workId, status, sourceEventType: 'deployment.success', deliveryId: `group/${workId}/${status}` }
}

/** Tells of `works` works their start and their end. */
function tellAll(reporter: XzeprReporter, works: number, told: Told[]): void {
  for (let at = 0; at < works; at++) {
    for (const status of ['started', 'completed'] as const) {
      void reporter.tell(`w${at}`, event(`w${at}`, status)).then((end) => told.push(end))
    }
  }
}

/** Every work's events in the order they were stored. */
function statuses(standIn: XzeprStandIn): Map<string, string[]> {
  const byWork = new Map<string, string[]>()
  for (const { payload } of standIn.journal.events) {
    const { work_id: work, status } = JSON.parse(payload) as { work_id: string; status: string }
    byWork.set(work, [...(byWork.get(work) ?? []), status])
  }
  return byWork
}

for (const generation of GENERATIONS) {
  void t.test(`${generation}: works are told in order, each event once`, async (t) => {
    const { standIn, clock, reporter, problems } = await scene(t, generation)
    const told: Told[] = []
    tellAll(reporter(), 50, told)
    await inTime(clock, 'all told', () => told.length === 100)
    t.ok(told.every(({ kind }) => kind === 'stored'))
    t.equal(standIn.receivers.length, 1)
    const all = statuses(standIn)
    t.equal(all.size, 50)
    for (const order of all.values()) t.same(order, ['started', 'completed'])
    t.same(problems, [])
  })

  void t.test(`${generation}: eight pods that race for the receiver agree on one`, async (t) => {
    const { standIn, clock, reporter } = await scene(t, generation)
    if (generation === 'new') standIn.raceReceivers(3)
    const reporters = Array.from({ length: 8 }, () => reporter())
    await inTime(clock, 'all know it', () => reporters.every(({ receiverId }) => receiverId !== undefined))
    const ids = standIn.receivers.map(({ id }) => id).sort()
    t.equal(ids.length, generation === 'new' ? 3 : 1)
    t.same(new Set(reporters.map(({ receiverId }) => receiverId)), new Set(ids.slice(0, 1)))
  })

  void t.test(`${generation}: a receiver deleted behind our back is made again`, async (t) => {
    const { standIn, clock, reporter } = await scene(t, generation)
    const ours = reporter()
    await inTime(clock, 'it is known', () => ours.receiverId !== undefined)
    const first = ours.receiverId ?? ''
    t.ok(standIn.deleteReceiver(first))
    const told: Told[] = []
    tellAll(ours, 5, told)
    await inTime(clock, 'all told', () => told.length === 10)
    t.ok(told.every(({ kind }) => kind === 'stored'))
    t.equal(standIn.receivers.length, 1)
    t.not(ours.receiverId, first)
    t.equal(standIn.journal.events.length, 10)
  })

  void t.test(
    `${generation}: a token that runs out is replaced from its file; nothing is lost meanwhile`,
    async (t) => {
      const { standIn, clock, reporter, problems } = await scene(t, generation)
      const path = join(t.testdir({ token: standIn.token({ sub: ALICE }) }), 'token')
      const ours = reporter(tokenFile({ path, clock }))
      await inTime(clock, 'the receiver', () => ours.receiverId !== undefined)
      await clock.advance(20 * 60_000)
      const told: Told[] = []
      tellAll(ours, 3, told)
      await inTime(clock, 'it is said', () => problems.length > 0)
      await clock.advance(10 * 60_000)
      t.same(told, [])
      t.same(problems, ['XZB_XZEPR_UNAUTHORISED'])
      t.ok(standIn.journal.count(EVENTS) < 60, 'it backs off')
      await writeFile(path, standIn.token({ sub: ALICE }))
      await inTime(clock, 'all told', () => told.length === 6, 500)
      t.ok(told.every(({ kind }) => kind === 'stored'))
    },
  )

  void t.test(`${generation}: XZepr down and up again, connections cut: all is told, in order`, async (t) => {
    const { standIn, clock, reporter, problems } = await scene(t, generation)
    const ours = reporter()
    await inTime(clock, 'the receiver', () => ours.receiverId !== undefined)
    await standIn.down()
    const told: Told[] = []
    tellAll(ours, 20, told)
    await clock.advance(10 * 60_000)
    t.same(told, [])
    t.equal(ours.backlog.events, 40)
    await standIn.up()
    await inTime(clock, 'all told', () => told.length === 40, 500)
    for (const order of statuses(standIn).values()) t.same(order, ['started', 'completed'])
    t.equal(standIn.journal.events.length, 40, 'nothing twice: nothing had arrived')
    t.same(problems, ['XZB_XZEPR_UNREACHABLE'])
  })

  void t.test(`${generation}: answers that are lost cost repeats, never a report`, async (t) => {
    const { standIn, clock, reporter } = await scene(t, generation)
    standIn.faults.add({ kind: 'stored-but-no-answer', route: EVENTS, times: 3 })
    standIn.faults.add({ kind: 'half-answer', route: EVENTS, times: 2 })
    standIn.faults.add({ kind: 'reset', route: EVENTS, times: 2 })
    const told: Told[] = []
    tellAll(reporter(), 5, told)
    await inTime(clock, 'all told', () => told.length === 10, 500)
    t.equal(standIn.journal.events.length, 15, 'five were stored twice')
  })
}

void t.test('new: a hundred requests a minute are used, and hardly a request is wasted', async (t) => {
  const { standIn, clock, reporter, problems } = await scene(t, 'new', XZEPR_RATE_LIMITS)
  const ours = reporter()
  await inTime(clock, 'the receiver', () => ours.receiverId !== undefined)
  const startMs = clock.nowMs()
  const told: Told[] = []
  tellAll(ours, 150, told)
  await inTime(clock, 'all told', () => told.length === 300, 20)
  const minutes = (clock.nowMs() - startMs) / 60_000
  t.ok(told.every(({ kind }) => kind === 'stored'))
  t.ok(minutes < 2.6, `300 reports took ${minutes} minutes; the bucket gives 100 at once and 100 a minute`)
  t.ok(standIn.journal.count(EVENTS, 429) < 15, `${standIn.journal.count(EVENTS, 429)} answers of 429`)
  t.same(problems, [])
})

void t.test('new: pods that share a bucket all come to an end', async (t) => {
  const { standIn, clock, reporter } = await scene(t, 'new', XZEPR_RATE_LIMITS)
  const told: Told[] = []
  for (let pod = 0; pod < 4; pod++) tellAll(reporter(), 25, told)
  await inTime(clock, 'all told', () => told.length === 200, 50)
  t.equal(standIn.journal.events.length, 200)
})

void t.test('new: another user’s receiver of our name is said, with the variable to change', async (t) => {
  const { standIn, clock, reporter, problems } = await scene(t, 'new')
  const theirs = reporter(fixedToken(standIn.token({ sub: BOB, lifetimeMs: HOUR_MS })))
  await inTime(clock, 'theirs', () => theirs.receiverId !== undefined)
  const ours = reporter()
  await inTime(clock, 'it is said', () => problems.length > 0)
  t.same(problems, ['XZB_XZEPR_RECEIVER_TAKEN'])
  t.match(ours.problem, /BRIDGE_RECEIVER_NAME/)
  t.equal(ours.receiverId, undefined)
})
