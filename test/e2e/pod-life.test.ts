/**
 * A pod before its end: the app comes late, crashes and comes back, the bridge is killed and comes back, and a Job ends.
 */
import t from 'tap'
import { killForGood, settledBy } from '../support/group.ts'
import { closeBooks, holdSuccessor } from '../support/pod/account.ts'
import { handOver, makePod } from '../support/pod/pod.ts'
import { makeWorld } from '../support/world.ts'

const first = (workId: string): object => ({ workId, attempt: 1 })
const second = (workId: string): object => ({ workId, attempt: 2 })

void t.test('the bridge is up, well and ready long before its app, and burns no attempt on waiting', async (t) => {
  const world = await makeWorld(t, 1)
  const pod = await makePod(t, world, { form: 'native' })
  await pod.kubelet.startSidecars()
  t.equal(await pod.probe('/startupz'), 200, 'or the app would never be started')
  const ids = [await world.post('build.done'), await world.post('build.done')]
  await pod.bridge.until('it has found nobody, again and again', () => {
    return pod.bridge.lines.filter(({ event, answer }) => event === 'attempt.answered' && answer === 'away').length >= 3
  })
  for (const path of ['/startupz', '/readyz', '/livez']) t.equal(await pod.probe(path), 200, path)
  t.equal(pod.bridge.count('gate.closed'), 1)
  pod.kubelet.startMains()
  await world.until('all is committed', () => world.allCommitted())
  t.same(new Set(pod.deliveries), new Set(ids.map(first)))
  t.equal(pod.deliveries.length, ids.length)
  await pod.kubelet.delete()
  t.equal((await closeBooks(t, world, ids)).size, 0)
})

void t.test('a Job’s app that drains before it ends leaves nothing, and the Job ends at once', async (t) => {
  const world = await makeWorld(t, 1)
  const pod = await makePod(t, world, { form: 'job', appEnv: { JOB: 'drain' } })
  await pod.kubelet.start()
  const ids = Object.values(await handOver(world, pod, ['done', 'accepted', 'held']))
  await pod.tell('finish')
  await pod.kubelet.gone
  t.match(pod.appLines.at(-1), { drained: 200, livez: 200 }, 'a drained bridge is well: nobody starts it again')
  t.strictSame(pod.kubelet.events, [
    'xzepr-bridge: runs',
    'xzepr-bridge: started',
    'app: runs',
    'app: ended (exit code 0)',
    'xzepr-bridge: preStop',
    'xzepr-bridge: preStop ended (exit code 0)',
    'xzepr-bridge: SIGTERM',
    'xzepr-bridge: ended (exit code 0)',
  ])
  t.equal((await closeBooks(t, world, ids)).size, 0)
})

void t.test('a Job’s app that ends without a word leaves what it had not ended to the next Job', async (t) => {
  const world = await makeWorld(t, 1)
  const pod = await makePod(t, world, { form: 'job', env: { BRIDGE_SHUTDOWN_GRACE_MS: '500' } })
  await pod.kubelet.start()
  const ids = await handOver(world, pod, ['done', 'accepted', 'cut'])
  await pod.tell('end')
  await pod.kubelet.gone
  t.ok(pod.kubelet.events.includes('xzepr-bridge: preStop ended (exit code 1)'), 'a sidecar’s exit counts for nothing')
  const left = await closeBooks(t, world, Object.values(ids))
  t.strictSame(Object.fromEntries(left), { [ids.accepted]: 1, [ids.cut]: 1 })
  await holdSuccessor(t, world, Object.values(ids), left)
})

void t.test(
  'an app that crashes and is started again gets what it had not ended once more, and nothing else',
  async (t) => {
    const world = await makeWorld(t, 1)
    const env = { BRIDGE_LEASE_SECONDS: '1', BRIDGE_RETRY_INITIAL_MS: '50', BRIDGE_RETRY_MAX_MS: '50' }
    const pod = await makePod(t, world, { form: 'native', env })
    await pod.kubelet.start()
    const ids = await handOver(world, pod, ['done', 'accepted', 'held'])
    await pod.tell('die')
    await pod.bridge.until('it has seen it', () => {
      return pod.bridge.lines.some(({ workId, answer }) => workId === ids.held && answer === 'later')
    })
    const after = await world.post('build.done')
    await world.until('all is committed', () => world.allCommitted())
    t.equal(pod.kubelet.events.filter((event) => event === 'app: runs').length, 2, 'in place: the bridge lives on')
    t.equal(pod.kubelet.events.filter((event) => event === 'xzepr-bridge: runs').length, 1)
    const delivered = [ids.done, ids.accepted, ids.held, after].map(first)
    t.same(new Set(pod.deliveries), new Set([...delivered, second(ids.accepted), second(ids.held)]))
    t.equal(pod.deliveries.length, 6)
    await pod.kubelet.delete()
    t.equal((await closeBooks(t, world, [...Object.values(ids), after])).size, 0)
  },
)

void t.test(
  'a bridge that is killed and started again beside its app takes the reports that came meanwhile',
  async (t) => {
    const world = await makeWorld(t, 1)
    const pod = await makePod(t, world, { form: 'native', env: { BRIDGE_SHUTDOWN_GRACE_MS: '500' } })
    await pod.kubelet.start()
    const ids = await handOver(world, pod, ['done', 'accepted', 'held', 'left'])
    const isSettled = async (id: string): Promise<boolean> => {
      const { partition, offset } = world.places.get(id) ?? { partition: 0, offset: 0n }
      return (await settledBy(world.kafka, world.group, world.topic)).of(partition).has(offset)
    }
    await world.until('what has ended is committed', async () => isSettled(ids.done))
    const killed = killForGood(world, pod.bridge)
    await pod.kubelet.until('xzepr-bridge: ended (SIGKILL)')
    const finished = pod.tell('finish')
    await killed
    await finished
    t.ok(
      pod.appLines.some(({ reported, status }) => reported === ids.accepted && status === 0),
      'the app has reported while nobody was there',
    )
    await world.until('both are committed', async () => (await isSettled(ids.accepted)) && isSettled(ids.held))
    await world.until('the third is with the app again', () =>
      pod.deliveries.some(({ workId, attempt }) => {
        return workId === ids.left && attempt === 2
      }),
    )
    await pod.kubelet.delete()
    t.same(
      [...pod.begun].sort(),
      Object.values(ids).sort(),
      'whatever came twice was begun once: the app knows its works',
    )
    const left = await closeBooks(t, world, Object.values(ids))
    t.strictSame(Object.fromEntries(left), { [ids.left]: 2 })
    await holdSuccessor(t, world, Object.values(ids), left)
  },
)
