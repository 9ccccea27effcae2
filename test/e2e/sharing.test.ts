/**
 * Two bridges share the group; one leaves, and the other takes over.
 */
import t from 'tap'
import { reportsAndAnswers, TestApp } from '../support/app.ts'
import { makeWorld } from '../support/world.ts'

const HALF = 150

void t.test('two bridges share the partitions, and when one leaves the other goes on without loss', async (t) => {
  const world = await makeWorld(t, 4)
  const apps = [new TestApp(reportsAndAnswers), new TestApp(reportsAndAnswers)] as const
  for (const app of apps) {
    await app.up()
    t.teardown(() => app.down())
  }
  const delivered = (): string[] => apps.flatMap((app) => app.deliveries.map(({ workId }) => workId))
  const stays = await world.startBridge(apps[0])
  const leaves = await world.startBridge(apps[1])
  await stays.until('it has given up two partitions', () => stays.count('partition.revoked') >= 2)
  await leaves.until('it has got two partitions', () => leaves.count('partition.assigned') >= 2)
  const first = await world.postMany(Array.from({ length: HALF }, () => 'build.done'))
  await world.until('the first half is completed', () => new Set(world.told('completed')).size >= first.length)
  t.ok(
    apps.every((app) => app.deliveries.length > 0),
    'both have work',
  )

  const posting = world.postMany(Array.from({ length: HALF }, () => 'build.done'))
  await world.until('the second half is under way', () => delivered().length > HALF + 20)
  t.equal((await leaves.terminate()).how, 'exit code 0')
  const second = await posting
  await world.until('all is committed', async () => {
    const seen = new Set(delivered())
    return second.every((id) => seen.has(id)) && world.allCommitted()
  })
  const completed = new Set(world.told('completed'))
  t.ok(
    [...first, ...second].every((id) => completed.has(id)),
    'every work is completed',
  )
  const repeats = delivered().length - new Set(delivered()).size
  t.equal(repeats, 0, 'and none was delivered twice: the one that left had finished what it had in hand')
})
