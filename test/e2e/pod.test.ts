/**
 * A pod that is deleted, as a native sidecar and as a plain container: in Kubernetes' order the app reports until its end,
 * the bridge drains beside it, and the next pod gets exactly what was left.
 */
import t from 'tap'
import { closeBooks, holdSuccessor } from '../support/pod/account.ts'
import { handOver, makePod } from '../support/pod/pod.ts'
import { makeWorld } from '../support/world.ts'

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
