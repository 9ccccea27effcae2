/** What cannot work is refused by Helm, with the reason; what is null is as if it had not been said. */
import t from 'tap'
import { KUBERNETES } from '../../../src/dev/toolchain.ts'
import { Charts, Judge, bridgeOf, manifests, podOf, toolsFor } from '../../support/chart.ts'

void t.test('null takes back what another values file has set', async (t) => {
  const tools = await toolsFor(t, 'what is taken back')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const variablesFrom = Object.fromEntries(
    ['XZEPR_KAFKA_BROKERS', 'BRIDGE_OPS_PORT', 'BRIDGE_SHUTDOWN_GRACE_MS', 'BRIDGE_WORK_API_PORT'].map((name) => [
      name,
      null,
    ]),
  )
  const taken = { files: { XZEPR_API_TOKEN_FILE: null }, probes: { startup: null }, variablesFrom }
  const made = manifests(
    await charts.renderWith('plain', { bridge: { ...taken, networkPolicy: { enabled: true } } }, '1.37.0'),
  )
  t.same(await Judge.of(tools).faults(made, KUBERNETES.newest), [])
  const pod = podOf(made)
  t.strictSame(bridgeOf(pod).startupProbe, { httpGet: { path: '/startupz', port: 'bridge-ops' } })
  t.notOk('volumes' in pod, 'no volume without a file')
  t.notOk('volumeMounts' in bridgeOf(pod))
})

void t.test('what cannot work is refused before it is installed, with the reason', async (t) => {
  const tools = await toolsFor(t, 'refusals')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const refusals: [example: string, values: object, why: RegExp, kubernetes?: string][] = [
    ['plain', { bridge: { image: { repository: '' } } }, /no public image/],
    ['plain', { imagePullSecret: [] }, /imagePullSecret/],
    ['plain', { image: { tag: 1.1 } }, /tag/],
    ['plain', { image: { tag: '' } }, /name your app's image/],
    ['plain', { bridge: { variables: { BRIDGE_SERVICE: null } } }, /BRIDGE_SERVICE is required/],
    ['plain', { bridge: { variables: { BRIDGE_SERVCE: 'a' } } }, /BRIDGE_SERVCE/],
    ['plain', { bridge: { variables: { XZEPR_API_TOKEN_FILE: '/a' } } }, /XZEPR_API_TOKEN_FILE is set twice/],
    ['plain', { bridge: { variables: { BRIDGE_OPS_HOST: '127.0.0.1' } } }, /no probe arrives/],
    ['plain', { bridge: { variablesFrom: { BRIDGE_OPS_PORT: { configMap: 'a', key: 'b' } } } }, /BRIDGE_OPS_PORT/],
    ['plain', { bridge: { variablesFrom: { BRIDGE_SHUTDOWN_GRACE_MS: { configMap: 'a', key: 'b' } } } }, /own grace/],
    ['job', { bridge: { sidecar: 'plain' } }, /would never finish/],
    ['job', {}, /needs Kubernetes 1\.29/, '1.28.9'],
    ['job', { bridge: { keda: { enabled: true } } }, /disable bridge\.keda/],
    ['cronjob', { bridge: { podDisruptionBudget: { enabled: true } } }, /disable bridge\.podDisruptionBudget/],
    ['cronjob', { cronJob: { schedule: '' } }, /schedule/],
    ['deployment', { bridge: { keda: { authenticationRef: null } } }, /TriggerAuthentication/],
    [
      'deployment',
      {
        bridge: {
          variables: { XZEPR_KAFKA_BROKERS: null },
          variablesFrom: { XZEPR_KAFKA_BROKERS: { secret: 'a', key: 'b' } },
        },
      },
      /does not know it/,
    ],
    [
      'plain',
      { bridge: { variables: { XZEPR_KAFKA_BROKERS: 'kafka' }, networkPolicy: { enabled: true } } },
      /names "kafka" without its port/,
    ],
    ['plain', { bridge: { prometheusRule: { enabled: true } } }, /Enable bridge\.podMonitor/],
    ...[{ maxUnavailable: 0 }, { maxUnavailable: '0%' }, { minAvailable: '100%' }, { minAvailable: 1 }].map(
      (budget): [string, object, RegExp] => [
        'plain',
        { bridge: { podDisruptionBudget: { enabled: true, ...budget } } },
        /no node could ever be drained/,
      ],
    ),
    ['deployment', { replicas: 9, bridge: { podDisruptionBudget: { minAvailable: 1 } } }, /no node/],
    ['plain', { podLabels: { 'app.kubernetes.io/name': 'other' } }, /which the pods are found by/],
    ['plain', { bridge: { name: 'app' } }, /a container "app" of its own/],
    ['plain', { initContainers: [{ name: 'xzepr-bridge' }] }, /a container "xzepr-bridge" of its own/],
    ['plain', { volumes: [{ name: 'xzepr-bridge', emptyDir: {} }] }, /a volume "xzepr-bridge" of its own/],
    ['plain', {}, /incompatible/, '1.24.0'],
  ]
  for (const [example, values, why, kubernetes] of refusals) {
    const rendered = await charts.renderWith(example, values, kubernetes)
    t.match(rendered, { kind: 'refused', why }, String(why))
  }
})
