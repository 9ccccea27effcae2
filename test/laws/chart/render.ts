/** What the chart makes: Kubernetes takes it, from the oldest release that a form is for to the newest. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { KUBERNETES } from '../../../src/dev/toolchain.ts'
import { Charts, Judge, bridgeOf, manifests, podOf, toolsFor } from '../../support/chart.ts'

const EXAMPLES = ['deployment', 'statefulset', 'job', 'cronjob', 'plain']
const root = new URL('../../../', import.meta.url)

void t.test('the chart and the bridge are of one version', async (t) => {
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }
  for (const chart of ['xzepr-bridge', 'xzepr-app']) {
    const text = readFileSync(new URL(`helm/${chart}/Chart.yaml`, root), 'utf8')
    for (const [, said] of text.matchAll(/^ *(?:version|appVersion): (.*)$/gm)) t.equal(said, version, chart)
  }
})

void t.test('helm lint --strict finds nothing, whatever the values', async (t) => {
  const tools = await toolsFor(t, 'helm lint')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const library = await charts.lint('xzepr-bridge')
  t.ok(library.ok, library.text)
  for (const example of EXAMPLES) {
    const { ok, text } = await charts.lint('xzepr-app', ['-f', charts.example(example)])
    t.ok(ok, `${example}: ${text}`)
  }
})

/** Values over the example, by what they are about. */
const MATRIX: Readonly<Record<string, readonly [example: string, values: object]>> = {
  'a Deployment with every option': ['deployment', {}],
  'a StatefulSet': ['statefulset', { ports: [{ name: 'http', containerPort: 8080 }] }],
  'a Job': ['job', {}],
  'a CronJob': ['cronjob', {}],
  'a plain container': ['plain', {}],
  'no option at all': [
    'deployment',
    {
      bridge: Object.fromEntries(
        ['networkPolicy', 'podMonitor', 'prometheusRule', 'keda', 'podDisruptionBudget'].map((option) => [
          option,
          { enabled: false },
        ]),
      ),
    },
  ],
  'an app with all its fields': [
    'plain',
    {
      bridge: {
        sidecar: 'auto',
        podDisruptionBudget: { enabled: true, minAvailable: '50%' },
        networkPolicy: { enabled: true, egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] },
        extraVolumeMounts: [{ name: 'agent', mountPath: '/vault/secrets', readOnly: true }],
        image: { digest: `sha256:${'0'.repeat(64)}` },
      },
      image: { digest: `sha256:${'1'.repeat(64)}` },
      imagePullSecrets: [{ name: 'registry' }],
      command: ['python3'],
      args: ['app.py'],
      env: [{ name: 'A', value: '1' }],
      envFrom: [{ configMapRef: { name: 'app' } }],
      probes: { readinessProbe: { httpGet: { path: '/healthz', port: 8080 } } },
      resources: { limits: { memory: '1Gi' } },
      volumes: [{ name: 'agent', emptyDir: { medium: 'Memory' } }],
      initContainers: [{ name: 'migrate', image: 'app:1' }],
      podSecurityContext: { runAsUser: 1000660000, fsGroup: 1000660000 },
      terminationGracePeriodSeconds: 600,
      serviceAccountName: 'app',
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'a', operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: {} },
      ],
      podLabels: { team: 'a' },
      podAnnotations: { note: 'b' },
    },
  ],
}

void t.test('the oldest and the newest release of Kubernetes take what is rendered', async (t) => {
  const tools = await toolsFor(t, 'Kubernetes’ schemas')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const judge = Judge.of(tools)
  for (const [what, [example, values]] of Object.entries(MATRIX)) {
    const isPlain = example === 'plain'
    const releases = [isPlain ? KUBERNETES.oldestPlain : KUBERNETES.oldestNative, KUBERNETES.newest]
    for (const release of releases) {
      const made = manifests(await charts.renderWith(example, values, release))
      t.same(await judge.faults(made, release), [], `${what} on ${release}`)
    }
  }
})

void t.test('the schemas see what is wrong', async (t) => {
  const tools = await toolsFor(t, 'Kubernetes’ schemas')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const judge = Judge.of(tools)
  const of = async (values: object): Promise<number> => {
    const made = manifests(await charts.renderWith('deployment', values))
    return (await judge.faults(made, KUBERNETES.newest)).length
  }
  t.not(await of({ affinity: { nodeAfinity: {} } }), 0, 'a field that nobody knows')
  t.not(await of({ ports: [{ name: 'http', containerPort: 'http' }] }), 0, 'a text for a number')
  t.not(
    await of({ bridge: { podMonitor: { labels: { release: 'x' }, interval: '5s' }, networkPolicy: { ingress: [1] } } }),
    0,
  )
})

void t.test('a native sidecar where the cluster has it, a plain container where not', async (t) => {
  const tools = await toolsFor(t, 'the form of the sidecar')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const auto = { bridge: { sidecar: 'auto' } }
  const native = podOf(manifests(await charts.renderWith('plain', auto, '1.29.0')))
  t.equal(native.initContainers?.at(-1)?.name, 'xzepr-bridge')
  t.equal(native.initContainers?.at(-1)?.restartPolicy, 'Always')
  t.equal(native.containers.length, 1)
  const plain = podOf(manifests(await charts.renderWith('plain', auto, '1.28.9')))
  t.equal(plain.initContainers, undefined)
  t.equal(plain.containers.at(-1)?.name, 'xzepr-bridge')
  t.notOk('restartPolicy' in bridgeOf(plain))
  t.strictSame({ ...bridgeOf(plain), restartPolicy: 'Always' }, bridgeOf(native), 'the same but for that')
})

void t.test(
  'the sidecar holds to the restricted profile, probes the ops port and drains before it stops',
  async (t) => {
    const tools = await toolsFor(t, 'the container')
    if (tools === undefined) return
    const charts = await Charts.copied(t, tools)
    const values = { bridge: { variables: { BRIDGE_OPS_PORT: 9901, BRIDGE_SHUTDOWN_GRACE_MS: 110_500 } } }
    const pod = podOf(manifests(await charts.renderWith('job', values)))
    const bridge = bridgeOf(pod)
    t.match(bridge.securityContext, {
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    })
    t.same(bridge.ports, [{ name: 'bridge-ops', containerPort: 9901, protocol: 'TCP' }])
    for (const [probe, path] of [
      ['startupProbe', '/startupz'],
      ['readinessProbe', '/readyz'],
      ['livenessProbe', '/livez'],
    ] as const)
      t.strictSame(bridge[probe].httpGet, { path, port: 'bridge-ops' }, 'no host: the profile forbids it')
    t.same(bridge.lifecycle.preStop.exec.command.slice(0, 3), ['node', '/app/dist/main.js', 'drain'])
    // The drain ends five seconds after the grace at the latest.
    t.ok(pod.terminationGracePeriodSeconds > 110.5 + 5, String(pod.terminationGracePeriodSeconds))
    t.notOk('cpu' in bridge.resources.limits, 'no limit on the processor')
    // Under every field of a Secret's path a renewed Secret has to arrive.
    t.notMatch(JSON.stringify(pod), /subPath/)
    t.equal(pod.volumes.at(-1)?.projected?.defaultMode, 0o444)
  },
)

void t.test('a pod keeps what it had; only a grace that is too short is raised', async (t) => {
  const tools = await toolsFor(t, 'the app’s own pod')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const [example, values] = MATRIX['an app with all its fields'] ?? ['', {}]
  const pod = podOf(manifests(await charts.renderWith(example, values)))
  t.equal(pod.terminationGracePeriodSeconds, 600)
  t.equal(pod.securityContext?.runAsUser, 1000660000, 'a large number keeps its digits')
  t.same(
    pod.initContainers?.map(({ name }) => name),
    ['migrate', 'xzepr-bridge'],
  )
  t.same(
    pod.volumes.map(({ name }) => name),
    ['agent', 'xzepr-bridge'],
  )
  t.equal(
    podOf(manifests(await charts.renderWith('plain', { terminationGracePeriodSeconds: 5 })))
      .terminationGracePeriodSeconds,
    35,
  )
})

void t.test('a name that looks like a number stays a name', async (t) => {
  const tools = await toolsFor(t, 'names')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const values = { kind: 'StatefulSet', serviceAccountName: '1000', bridge: { name: '1e3' } }
  for (const example of ['deployment', 'statefulset']) {
    const args = ['-f', charts.example(example), ...(await charts.given(values))]
    const made = manifests(await charts.render([...args, '--namespace', '2024'], KUBERNETES.newest, '1e3'))
    t.same(await Judge.of(tools).faults(made, KUBERNETES.newest), [], example)
    for (const { metadata } of made) t.match(metadata, { name: '1e3', namespace: '2024' })
  }
})

void t.test('two apps of one release have names of their own', async (t) => {
  const tools = await toolsFor(t, 'two')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const args = ['-f', charts.example('deployment'), ...(await charts.given({ fullnameOverride: 'second' }))]
  const made = manifests(await charts.render(args, KUBERNETES.newest, 'release'))
  t.ok(made.length > 1)
  t.same([...new Set(made.map(({ metadata }) => metadata.name))], ['second'])
})
