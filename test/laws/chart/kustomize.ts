/** The Kustomize component adds the container that the chart adds; it is written twice and held together here. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'
import { readConfig } from '../../../src/config.ts'
import { KUBERNETES } from '../../../src/dev/toolchain.ts'
import type { Manifest } from '../../support/chart.ts'
import { Charts, Judge, bridgeIn, bridgeOf, manifests, manifestsOf, podOf, ran, toolsFor } from '../../support/chart.ts'

const COMPONENTS = fileURLToPath(new URL('../../../kustomize', import.meta.url))

async function built(tools: string, dir: string): Promise<readonly Manifest[]> {
  const { ok, text } = await ran(join(tools, 'bin', 'kubectl'), ['kustomize', dir])
  if (!ok) throw new Error(text)
  return manifestsOf(text)
}

/** A kustomization of one workload of each kind, with a component. */
async function trial(
  t: { teardown(what: () => unknown): void },
  component: string,
  kinds: readonly string[],
  patches: readonly { readonly patch: string }[] = [],
) {
  const dir = await mkdtemp(join(tmpdir(), 'xzepr-kustomize-'))
  t.teardown(() => rm(dir, { recursive: true }))
  await cp(COMPONENTS, dir, { recursive: true })
  await mkdir(join(dir, 'trial'))
  const containers = [{ name: 'app', image: 'app:1' }]
  const resources = kinds.map((kind) => {
    const isJob = kind.endsWith('Job')
    const labels = { app: 'a' }
    const template = { metadata: { labels }, spec: { containers, ...(isJob && { restartPolicy: 'Never' }) } }
    const spec = {
      ...(!isJob && { selector: { matchLabels: labels } }),
      ...(kind === 'StatefulSet' && { serviceName: 'a' }),
    }
    return {
      apiVersion: isJob ? 'batch/v1' : 'apps/v1',
      kind,
      metadata: { name: kind.toLowerCase(), labels: { 'xzepr-bridge': 'sidecar' } },
      spec: kind === 'CronJob' ? { schedule: '0 3 * * *', jobTemplate: { spec: { template } } } : { ...spec, template },
    }
  })
  const other = structuredClone(resources[0])
  if (other !== undefined) Object.assign(other.metadata, { name: 'other', labels: {} })
  const all = [...resources, other].map((each) => JSON.stringify(each)).join('\n---\n')
  await writeFile(join(dir, 'trial', 'all.yaml'), all)
  const generated = { configMapGenerator: [{ name: 'xzepr-bridge', literals: ['BRIDGE_SERVICE=a'] }] }
  const kustomization = { resources: ['all.yaml'], components: [`../${component}`], patches, ...generated }
  await writeFile(join(dir, 'trial', 'kustomization.yaml'), JSON.stringify(kustomization))
  return join(dir, 'trial')
}

void t.test('the component adds the chart’s container, to every kind of workload that asks for it', async (t) => {
  const tools = await toolsFor(t, 'the Kustomize component')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const judge = Judge.of(tools)
  for (const [component, kinds, example, oldest] of [
    ['sidecar', ['Deployment', 'StatefulSet', 'Job', 'CronJob'], 'job', KUBERNETES.oldestNative],
    ['plain', ['Deployment', 'StatefulSet'], 'plain', KUBERNETES.oldestPlain],
  ] as const) {
    const pod = podOf(manifests(await charts.renderWith(example, {})))
    const { env, image, ...right } = bridgeOf(pod)
    t.ok(env.length > 0 && image !== '', 'these two are given in another way')
    const made = await built(tools, await trial(t, component, kinds))
    for (const release of [oldest, KUBERNETES.newest]) t.same(await judge.faults(made, release), [], component)
    for (const kind of kinds) {
      const own = podOf(made.filter((each) => each.kind === kind && each.metadata.name !== 'other'))
      const { env: ports, envFrom, image: name, ...container } = bridgeOf(own)
      t.strictSame(container, right, `${component} in a ${kind}`)
      t.equal(name, 'xzepr-bridge')
      t.same(
        ports,
        env.filter(({ name }) => name === 'BRIDGE_OPS_PORT'),
      )
      t.match(envFrom, [{ configMapRef: { name: /^xzepr-bridge-/ } }], 'the generated name is followed')
      t.equal(own.terminationGracePeriodSeconds, pod.terminationGracePeriodSeconds)
      t.equal(own.volumes[0]?.projected?.defaultMode, 0o444)
    }
    t.equal(
      bridgeIn(podOf(made.filter(({ metadata }) => metadata.name === 'other'))),
      undefined,
      'nobody else gets one',
    )
  }
})

void t.test('a patch of the user’s own comes after the component’s', async (t) => {
  const tools = await toolsFor(t, 'patches after the component')
  if (tools === undefined) return
  const name = 'xzepr-bridge'
  const env = [{ name: 'BRIDGE_OPS_PORT', value: '9901' }]
  const [, ports = ''] =
    /ports: (\[.*\])/.exec(await readFile(join(COMPONENTS, 'sidecar', 'kustomization.yaml'), 'utf8')) ?? []
  for (const [component, place] of [
    ['sidecar', 'initContainers'],
    ['plain', 'containers'],
  ] as const) {
    const spec = { terminationGracePeriodSeconds: 600, [place]: [{ name, env, ports: parse(ports) as object }] }
    const workload = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'deployment' } }
    const patch = JSON.stringify({ ...workload, spec: { template: { spec } } })
    const made = await built(tools, await trial(t, component, ['Deployment'], [{ patch }]))
    const pod = podOf(made.filter(({ metadata }) => metadata.name === 'deployment'))
    t.equal(pod.terminationGracePeriodSeconds, 600)
    t.same(bridgeOf(pod).env, env)
    t.same(bridgeOf(pod).ports, [{ name: 'bridge-ops', containerPort: 9901, protocol: 'TCP' }], 'as its head says')
  }
})

void t.test('the example is complete: the bridge starts with what it sets', async (t) => {
  const tools = await toolsFor(t, 'the Kustomize example')
  if (tools === undefined) return
  const made = await built(tools, join(COMPONENTS, 'example'))
  t.same(await Judge.of(tools).faults(made, KUBERNETES.newest), [])
  const env = made.find(({ kind }) => kind === 'ConfigMap') as unknown as { data: Record<string, string> }
  const secret = made.find(({ kind }) => kind === 'Secret') as unknown as { data: Record<string, string> }
  const mounted = bridgeOf(podOf(made)).volumeMounts[0]?.mountPath ?? '?'
  const reading = readConfig(env.data, (path) => {
    const key = path.startsWith(`${mounted}/`) ? path.slice(mounted.length + 1) : ''
    return Buffer.from(secret.data[key] ?? '', 'base64').toString()
  })
  t.match(reading, { kind: 'config', warnings: [] })
  t.match(bridgeOf(podOf(made)).image, /^registry\.example\.com\/xzepr-bridge:/)
})
