/**
 * BRIDGE_EVENT_TYPES and BRIDGE_FILTER through a process: what they refuse is settled without being sent.
 */
import t from 'tap'
import { reportsAndAnswers, TestApp } from '../support/app.ts'
import { makeWorld } from '../support/world.ts'

void t.test('records that the filters refuse are settled and never sent', async (t) => {
  const world = await makeWorld(t)
  const app = new TestApp(reportsAndAnswers)
  await app.up()
  t.teardown(() => app.down())
  const bridge = await world.startBridge(app, {
    BRIDGE_EVENT_TYPES: 'build.*,!build.noise',
    BRIDGE_FILTER: '{"all":[{"exact":{"package":"docker"}},{"not":{"suffix":{"release":"-test"}}}]}',
  })
  const wanted = await world.postMany(Array.from({ length: 20 }, () => 'build.done'))
  const refused: readonly [string, Record<string, unknown>][] = [
    ['build.noise', {}],
    ['deployment.done', {}],
    ['build.done', { package: 'rpm' }],
    ['build.done', { release: '2026.11-test' }],
  ]
  for (const [name, extra] of refused) await world.post(name, extra)
  await world.until(
    'all is committed',
    async () => world.told('completed').length >= wanted.length && (await world.allCommitted()),
  )
  t.strictSame(app.deliveries.map(({ workId }) => workId).sort(), [...wanted].sort())
  const whys = bridge.lines.filter(({ event }) => event === 'record.passed-over').map(({ why }) => why)
  t.equal(whys.filter((why) => why === 'BRIDGE_FILTER does not ask for it').length, 2)
  // With the receiver that the test posts from.
  t.equal(whys.filter((why) => why === 'BRIDGE_EVENT_TYPES does not ask for its type').length, 3)
})
