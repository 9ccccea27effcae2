/**
 * Works that the app holds while their partition goes to another bridge: they are told to the new owner, and a report
 * counts wherever it arrives.
 */
import t from 'tap'
import { TestApp } from '../support/app.ts'
import { settledBy } from '../support/group.ts'
import { kafkaForTests } from '../support/kafka.ts'
import { makeWorld } from '../support/world.ts'

const PARTITIONS = 2
const ONLY = { BRIDGE_EVENT_TYPES: 'build.done' }
const kafka = await kafkaForTests(t)

void t.test(
  'held works of a partition that moves are told to the new owner, and may be reported to either',
  async (t) => {
    const world = await makeWorld(t, PARTITIONS, kafka)
    const [here, there] = [new TestApp(() => 202), new TestApp(() => 202)]
    for (const app of [here, there]) {
      await app.up()
      t.teardown(() => app.down())
    }
    const old = await world.startBridge(here, ONLY)
    const ids = await world.postMany(Array.from({ length: 24 }, () => 'build.done'))
    await old.until(
      'all are accepted',
      () => old.lines.filter(({ answer }) => answer === 'accepted').length === ids.length,
    )
    const placeOf = new Map(here.deliveries.map(({ workId, headers }) => [workId, Number(headers['kafka-partition'])]))
    await world.startBridge(there, ONLY)
    await there.until(() => there.deliveries.length > 0)
    const moved = Number(there.deliveries[0]?.headers['kafka-partition'])
    const theirs = ids.filter((id) => placeOf.get(id) === moved)
    const ours = ids.filter((id) => placeOf.get(id) !== moved)
    await there.until(() => there.deliveries.length === theirs.length)
    t.ok(ours.length > 0 && theirs.length > 1, `${ours.length} stay, ${theirs.length} move`)
    t.strictSame(there.deliveries.map(({ workId }) => workId).sort(), [...theirs].sort())
    t.ok(
      there.deliveries.every(({ attempt }) => attempt === 2),
      'with the next attempt',
    )
    t.equal(here.deliveries.length, ids.length, 'those that stay do not come again')

    const [late = '', ...rest] = theirs
    const forwarded = await here.report(late, 'completed')
    t.equal(forwarded.status, 200, 'the old bridge forwards what it has no more')
    t.type(forwarded.json.event_id, 'string')
    t.strictSame(world.told('completed'), [late])
    t.equal((await settledBy(kafka, world.group, world.topic)).has(headersOf(here, late)), false, 'and settles nothing')
    for (const id of rest) t.equal((await there.report(id, 'completed')).status, 202)
    for (const id of ours) t.equal((await here.report(id, 'completed')).status, 202)
    await world.until('all but one are settled', async () => {
      const settled = await settledBy(kafka, world.group, world.topic)
      return [...rest, ...ours].every((id) => settled.has(headersOf(here, id)))
    })
    t.equal((await settledBy(kafka, world.group, world.topic)).has(headersOf(here, late)), false)
    t.equal((await there.report(late, 'completed')).status, 202, 'the new one ends it')
    await world.until('all is committed', () => world.allCommitted())
    t.strictSame(new Set(world.told('completed')), new Set(ids))
    const others = world.told('completed').filter((id) => id !== late)
    t.equal(others.length, ids.length - 1, 'only what was reported to both may be told twice')
    const deliveryIds = world.xzepr.journal.events
      .map(({ payload }) => JSON.parse(payload) as { work_id?: string; details?: { delivery_id?: string } })
      .filter(({ work_id }) => work_id === late)
      .map(({ details }) => details?.delivery_id)
    // The new one tells it again unless the first came round on a partition of its own: it cannot read the others'.
    t.ok(deliveryIds.length === 1 || deliveryIds.length === 2, `told ${deliveryIds.length} times`)
    t.strictSame(new Set(deliveryIds), new Set([`${world.group}/${late}/completed`]), 'under one name')
  },
)

function headersOf(app: TestApp, id: string): Readonly<Record<string, string>> {
  return app.deliveries.find(({ workId }) => workId === id)?.headers ?? {}
}
