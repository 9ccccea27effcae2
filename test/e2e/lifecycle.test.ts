/**
 * BRIDGE_LIFECYCLE=auto over a crash: what XZepr hears of a work that says nothing itself.
 *
 * XZepr's create is not idempotent, and nothing can be read back from it. So what it has heard when the bridge is killed
 * nobody can know: `started` may come again, and `completed` where the offset had not followed; under the same
 * delivery_id, by which a reader tells a repeat.
 */
import t from 'tap'
import { TestApp } from '../support/app.ts'
import { produceEvents } from '../support/events.ts'
import { killForGood, settledBy } from '../support/group.ts'
import { kafkaForTests } from '../support/kafka.ts'
import type { World } from '../support/world.ts'
import { makeWorld } from '../support/world.ts'

const AUTO = { BRIDGE_LIFECYCLE: 'auto', BRIDGE_EVENT_TYPES: 'build.done', BRIDGE_RETRY_INITIAL_MS: '1' }
const kafka = await kafkaForTests(t)

/** What XZepr has heard of a work, in order, by status and delivery id. */
function heard(world: World, id: string): string[] {
  return world.xzepr.journal.events
    .map(
      ({ payload }) => JSON.parse(payload) as { work_id?: string; status?: string; details?: { delivery_id?: string } },
    )
    .filter(({ work_id }) => work_id === id)
    .map(({ status, details }) => `${status ?? ''} ${details?.delivery_id ?? ''}`)
}

void t.test('started and completed are told once, however many attempts it takes', async (t) => {
  const world = await makeWorld(t, 1, kafka)
  const app = new TestApp(({ attempt }) => (attempt < 4 ? 503 : 200))
  await app.up()
  t.teardown(() => app.down())
  await world.startBridge(app, AUTO)
  const ids = await world.postMany(Array.from({ length: 10 }, () => 'build.done'))
  await world.until('all is committed', async () => world.told('completed').length >= 10 && world.allCommitted())
  const names = (id: string): string[] =>
    ['started', 'completed'].map((status) => `${status} ${world.group}/${id}/${status}`)
  t.strictSame(
    ids.map((id) => heard(world, id)),
    ids.map(names),
  )
  t.equal(app.deliveries.length, 40)
})

void t.test('over kill -9 completed is told once; started may come again, under the same delivery_id', async (t) => {
  const world = await makeWorld(t, 1, kafka)
  const app = new TestApp(({ attempt }) => (attempt === 1 ? 202 : 200))
  await app.up()
  t.teardown(() => app.down())
  const first = await world.startBridge(app, AUTO)
  const id = await world.post('build.done')
  await world.until('it is told as started, and its attempt is in Kafka', async () => {
    const settled = (await settledBy(kafka, world.group, world.topic)).of(0)
    return world.told('started').includes(id) && settled.attemptsOf(settled.offset) === 1
  })
  await killForGood(world, first)
  await world.startBridge(app, AUTO)
  await world.until('all is committed', async () => world.told('completed').length > 0 && world.allCommitted())
  const [started, completed] = ['started', 'completed'].map((status) => `${status} ${world.group}/${id}/${status}`)
  // What came round on the topic before is not told again, unless it came before the receiver was known.
  const told = heard(world, id)
  t.strictSame([told[0], told.at(-1)], [started, completed])
  t.ok(told.length === 2 || (told.length === 3 && told[1] === started), told.join(' '))
})

void t.test('what is owed to XZepr when the bridge is killed is told by the next one', async (t) => {
  const world = await makeWorld(t, 1, kafka)
  const app = new TestApp()
  await app.up()
  t.teardown(() => app.down())
  const first = await world.startBridge(app, AUTO)
  await first.until('the receiver is known', () => first.count('xzepr.receiver') > 0)
  const ids = await world.postMany(Array.from({ length: 20 }, () => 'build.done'))
  await world.until('these are told', () => world.told('completed').length === ids.length)
  await world.xzepr.down()
  const events = ids.map((_, n) => `late-${n}`)
  await produceEvents(kafka, world.topic, events.length, (n) => ({ id: events[n] ?? '' }))
  await app.until(() => app.deliveries.length === ids.length + events.length)
  await first.until('all have answered', () => {
    return first.lines.filter(({ answer }) => answer === 'done').length === ids.length + events.length
  })
  await killForGood(world, first)
  await world.xzepr.up()
  await world.startBridge(app, AUTO)
  await world.until('all is committed', async () => world.told('completed').length >= 40 && world.allCommitted())
  t.strictSame(
    world
      .told('completed')
      .filter((id) => events.includes(id))
      .sort(),
    [...events].sort(),
    'each once',
  )
})
