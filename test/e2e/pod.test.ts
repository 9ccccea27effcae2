/**
 * The life of a pod, rehearsed with processes in Kubernetes' order (support/pod/kubelet.ts says which, and where it stands):
 * its start, either of the two started again in place, and its end in each form. docs/explanation/life-of-a-pod.md tells it.
 *
 * Nothing is waited for but what happens; each scenario ends with the account (support/pod/account.ts).
 */
import t from 'tap'
import { killForGood, settledBy } from '../support/group.ts'
import { closeBooks, holdSuccessor } from '../support/pod/account.ts'
import { handOver, makePod } from '../support/pod/pod.ts'
import { makeWorld } from '../support/world.ts'

const first = (workId: string): object => ({ workId, attempt: 1 })
const second = (workId: string): object => ({ workId, attempt: 2 })

void t.test(
  'a native sidecar goes after its app: what the app reports at its end is forwarded, the rest goes to the next pod',
  async (t) => {
    const world = await makeWorld(t, 1)
    const pod = await makePod(t, world, { form: 'native', env: { BRIDGE_SHUTDOWN_GRACE_MS: '1000' } })
    await pod.kubelet.start()
    const ids = await handOver(world, pod, ['done', 'accepted', 'held', 'returned', 'left', 'cut'])
    const deleted = pod.kubelet.delete()
    await pod.bridge.until('it drains', () => pod.bridge.count('bridge.draining') > 0)
    const late = await world.post('build.done')
    await deleted
    t.strictSame(pod.kubelet.events, [
      'xzepr-bridge: runs',
      'xzepr-bridge: started',
      'app: runs',
      'app: SIGTERM',
      'xzepr-bridge: preStop',
      'app: ended (exit code 0)',
      'xzepr-bridge: preStop ended (exit code 1)',
      'xzepr-bridge: SIGTERM',
      'xzepr-bridge: ended (exit code 0)',
    ])
    t.match(pod.hookSaid, /1 work not ended/, 'what was left without a word is waited for until the grace is over')
    const all = [...Object.values(ids), late]
    const left = await closeBooks(t, world, all)
    t.strictSame(Object.fromEntries(left), { [ids.returned]: 1, [ids.left]: 1, [ids.cut]: 1, [late]: 0 })
    await holdSuccessor(t, world, all, left)
  },
)

void t.test('a plain container drains beside its app, ends when all is reported, and leaves nothing', async (t) => {
  const world = await makeWorld(t, 1)
  const pod = await makePod(t, world, { form: 'plain', appEnv: { ON_SIGTERM: 'hang' } })
  await pod.kubelet.start()
  const ids = await handOver(world, pod, ['done', 'accepted', 'held'])
  const deleted = pod.kubelet.delete()
  await pod.bridge.until('it drains', () => pod.bridge.count('bridge.draining') > 0)
  t.equal(pod.heard(ids.accepted, 'completed'), undefined, 'the app is still at it')
  await pod.tell('finish')
  t.equal(pod.heard(ids.accepted, 'completed'), 202, 'what it reports during the drain is heard')
  t.equal(pod.heard(ids.held, 'completed'), 202)
  await pod.kubelet.until('xzepr-bridge: ended (exit code 0)')
  await pod.tell('die')
  await deleted
  t.strictSame(pod.kubelet.events, [
    'app: runs',
    'xzepr-bridge: runs',
    'app: SIGTERM',
    'xzepr-bridge: preStop',
    'xzepr-bridge: preStop ended (exit code 0)',
    'xzepr-bridge: SIGTERM',
    'xzepr-bridge: ended (exit code 0)',
    'app: ended (SIGKILL)',
  ])
  t.equal((await closeBooks(t, world, Object.values(ids))).size, 0)
})

void t.test('when the app outlives every grace, the next pod gets exactly what it had not ended', async (t) => {
  const world = await makeWorld(t, 1)
  const pod = await makePod(t, world, {
    form: 'native',
    env: { BRIDGE_SHUTDOWN_GRACE_MS: '500' },
    appEnv: { ON_SIGTERM: 'hang' },
  })
  await pod.kubelet.start()
  const ids = await handOver(world, pod, ['done', 'accepted', 'held'])
  const deleted = pod.kubelet.delete()
  await pod.kubelet.until('xzepr-bridge: preStop ended (exit code 1)')
  t.equal(pod.kubelet.events.at(-1), 'xzepr-bridge: preStop ended (exit code 1)', 'it waits for its turn')
  pod.kubelet.timeIsUp()
  await deleted
  t.strictSame(
    [...pod.kubelet.events.slice(6)].sort(),
    ['app: SIGKILL', 'app: ended (SIGKILL)', 'xzepr-bridge: SIGTERM', 'xzepr-bridge: ended (exit code 0)'],
    'the bridge had drained, so that its last two seconds were enough',
  )
  const left = await closeBooks(t, world, Object.values(ids))
  t.strictSame(Object.fromEntries(left), { [ids.accepted]: 1, [ids.held]: 1 })
  await holdSuccessor(t, world, Object.values(ids), left)
})

void t.test(
  'a Job that ends without a word leaves what it had not ended to the next, and one that drains nothing',
  async (t) => {
    const world = await makeWorld(t, 1)
    const hasty = await makePod(t, world, { form: 'job', env: { BRIDGE_SHUTDOWN_GRACE_MS: '500' } })
    await hasty.kubelet.start()
    const ids = await handOver(world, hasty, ['done', 'accepted', 'cut'])
    await hasty.tell('end')
    await hasty.kubelet.gone
    t.ok(hasty.kubelet.events.includes('xzepr-bridge: preStop ended (exit code 1)'), 'the grace went by for nothing')
    const left = await closeBooks(t, world, Object.values(ids))
    t.strictSame(Object.fromEntries(left), { [ids.accepted]: 1, [ids.cut]: 1 })

    const patient = await makePod(t, world, { form: 'job', appEnv: { JOB: 'drain' } })
    await patient.kubelet.start()
    await patient.kubelet.gone
    t.same(new Set(patient.deliveries), new Set([second(ids.accepted), second(ids.cut)]))
    t.match(patient.appLines.at(-1), { drained: 200, livez: 200 }, 'a drained bridge is well: nobody starts it again')
    t.strictSame(patient.kubelet.events, [
      'xzepr-bridge: runs',
      'xzepr-bridge: started',
      'app: runs',
      'app: ended (exit code 0)',
      'xzepr-bridge: preStop',
      'xzepr-bridge: preStop ended (exit code 0)',
      'xzepr-bridge: SIGTERM',
      'xzepr-bridge: ended (exit code 0)',
    ])
    t.equal((await closeBooks(t, world, Object.values(ids))).size, 0)
  },
)

void t.test('an app that comes late, crashes and comes back costs attempts only for what it had in hand', async (t) => {
  const world = await makeWorld(t, 1)
  const env = { BRIDGE_LEASE_SECONDS: '3', BRIDGE_RETRY_INITIAL_MS: '50', BRIDGE_RETRY_MAX_MS: '50' }
  const pod = await makePod(t, world, { form: 'native', env })
  const answered = (answer: string): number =>
    pod.bridge.lines.filter((line) => line.event === 'attempt.answered' && line.answer === answer).length
  await pod.kubelet.startSidecars()
  t.equal(await pod.probe('/startupz'), 200, 'or the app would never be started')
  const early = await world.post('build.done')
  await pod.bridge.until('it has found nobody, again and again', () => answered('away') >= 2)
  for (const path of ['/startupz', '/readyz', '/livez']) t.equal(await pod.probe(path), 200, path)
  pod.kubelet.startMains()

  const ids = await handOver(world, pod, ['done', 'accepted', 'held'])
  await pod.tell('die')
  await pod.bridge.until('it has lost the call that was out', () => answered('later') === 1)
  const after = await world.post('build.done')
  await world.until('all is committed', () => world.allCommitted())
  t.strictSame(pod.kubelet.events.slice(2), ['app: runs', 'app: ended (SIGKILL)', 'app: runs'], 'the bridge lives on')
  const given = [early, ids.done, ids.accepted, ids.held, after].map(first)
  t.same(new Set(pod.deliveries), new Set([...given, second(ids.accepted), second(ids.held)]))
  t.equal(pod.deliveries.length, 7)
  await pod.kubelet.delete()
  t.equal((await closeBooks(t, world, [...Object.values(ids), early, after])).size, 0)
})

void t.test(
  'a bridge that is killed and started again beside its app takes the reports that came meanwhile',
  async (t) => {
    const world = await makeWorld(t, 1)
    const pod = await makePod(t, world, { form: 'native' })
    await pod.kubelet.start()
    const ids = await handOver(world, pod, ['done', 'accepted', 'held'])
    const { partition, offset } = world.places.get(ids.done) ?? { partition: 0, offset: 0n }
    await world.until('what has ended is committed', async () => {
      return (await settledBy(world.kafka, world.group, world.topic)).of(partition).has(offset)
    })
    const killed = killForGood(world, pod.bridge)
    await pod.kubelet.until('xzepr-bridge: ended (SIGKILL)')
    await Promise.all([pod.tell('finish'), killed])
    t.ok(
      pod.appLines.some(({ reported, status }) => reported === ids.accepted && status === 0),
      'the app has reported while nobody was there',
    )
    await world.until('all is committed', () => world.allCommitted())
    t.same(
      new Set(pod.deliveries),
      new Set([...Object.values(ids).map(first), ...[ids.accepted, ids.held].map(second)]),
    )
    t.same([...pod.begun].sort(), Object.values(ids).sort(), 'what came twice was begun once: the app knows its works')
    await pod.kubelet.delete()
    t.equal((await closeBooks(t, world, Object.values(ids))).size, 0)
  },
)
