/**
 * Two, then three bridges join and leave under load, and one is killed: nothing that had settled comes again.
 */
import t from 'tap'
import type { Delivered } from '../support/app.ts'
import { killForGood } from '../support/group.ts'
import { kafkaForTests } from '../support/kafka.ts'
import { stood, Watch } from '../support/watch.ts'
import { makeWorld } from '../support/world.ts'

const EVENTS = 3000
const KEYS = 240
const IN_FLIGHT = 16
const ENV = { BRIDGE_MAX_IN_FLIGHT: String(IN_FLIGHT) }

const kafka = await kafkaForTests(t)

/** One in twenty is accepted and reported later; what cannot be reported, because its bridge has gone, comes again. */
function behave({ workId, app }: Delivered): Promise<number> {
  const n = Number(workId)
  const tookMs = 10 + (n % 60)
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve(n % 20 === 0 ? 202 : 200)
      if (n % 20 === 0) setTimeout(() => void report(app, workId), 10 * tookMs)
    }, tookMs)
  })
}

async function report(app: Delivered['app'], workId: string): Promise<void> {
  try {
    const { status } = await app.report(workId, 'completed')
    if (status >= 500) setTimeout(() => void report(app, workId), 50)
  } catch (error) {
    // `fetch failed`: the bridge beside this app is gone.
    if (!(error instanceof TypeError)) throw error
  }
}

void t.test('bridges join, leave and die under load, and what had settled does not come again', async (t) => {
  const world = await makeWorld(t, 6, kafka)
  const watch = new Watch({ world, keys: KEYS, ahead: IN_FLIGHT, behave })
  t.teardown(() => {
    watch.end()
  })
  const one = await watch.start(t, ENV)
  const [feeding, looking] = [watch.feed(EVENTS), watch.look()]
  await world.until('it is under way', () => watch.distinct > 200)
  const two = await watch.start(t, ENV)
  await watch.shared([one, two], 3)
  const three = await watch.start(t, ENV)
  await watch.shared([one, two, three], 2)
  t.equal((await two.bridge.terminate()).how, 'exit code 0')
  await watch.shared([one, three], 3)
  const graceful = watch.repeats
  const beforeKill = watch.deliveries.length
  await killForGood(world, three.bridge)
  await watch.shared([one], 6)
  watch.enough()
  await feeding
  await world.until('all is committed', async () => watch.distinct === watch.produced && (await world.allCommitted()))
  watch.end()
  await looking

  t.comment(`${watch.produced} events, ${watch.deliveries.length} deliveries`)
  t.ok(
    watch.owners.every(({ app }) => app.deliveries.length > 0),
    'each has work',
  )
  t.equal(watch.distinct, watch.produced, 'none is lost')
  t.same(watch.broken, [], 'what is settled in Kafka never comes')
  t.same(watch.disordered, [], 'the events of a key come in their order')

  const ends = graceful.map(({ before }) => {
    const owner = watch.owners.find(({ app }) => app === before.app)
    return owner === undefined ? 'committed' : stood(owner, before)
  })
  const count = (end: (typeof ends)[number]): number => ends.filter((each) => each === end).length
  t.comment(`again after a join or a leave: ${count('open')} that had not settled, ${count('late')} settled too late`)
  t.equal(count('committed'), 0)
  // Nothing new is sent once the group rejoins. Only what ends after the last member has joined, when Kafka takes no
  // commit, can come too late: a call that was out, or a held work that is reported in that very moment.
  t.ok(count('late') <= 3 * 3 * IN_FLIGHT, 'as many as were out, at the most')
  const again = watch.repeats.length - graceful.length
  t.comment(`again after kill -9, of ${beforeKill} deliveries before it: ${again}`)
})
