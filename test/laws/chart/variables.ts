/** The variables that the chart sets are read by the bridge as they were meant: rendered, then handed to config.ts. */
import t from 'tap'
import { readConfig } from '../../../src/config.ts'
import { ALL_VARIABLES } from '../../../src/config/variables.ts'
import type { Container, Manifest } from '../../support/chart.ts'
import { Charts, bridgeOf, manifests, podOf, toolsFor } from '../../support/chart.ts'

const NAMES = [...ALL_VARIABLES.keys()].sort()
const OWN = { image: { repository: 'r/app', tag: '1' }, bridge: { image: { repository: 'r/bridge' } } }
const withBridge = (bridge: object): object => ({ ...OWN, bridge: { ...OWN.bridge, ...bridge } })

function environmentOf(made: readonly Manifest[]): Container['env'] {
  return bridgeOf(podOf(made)).env
}

/** What a container gets of a value: Kubernetes takes `$$` for `$`, and replaces $(NAME). */
function arrived(value: string): string {
  return value.replace(/\$\$|\$\(([^)]*)\)/g, (found, name?: string) => (name === undefined ? '$' : `<${found}>`))
}

void t.test('every variable can be set, each in its way, and arrives under its own name', async (t) => {
  const tools = await toolsFor(t, 'the variables')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const inValues = [...ALL_VARIABLES].filter(
    ([name, { kind }]) => kind !== 'secret' && !name.startsWith('BRIDGE_SHUTDOWN'),
  )
  const variables = Object.fromEntries(
    inValues.map(([name, { example, schema }]) => [
      name,
      Reflect.get(schema, 'type') === 'integer' ? Number(example) : example,
    ]),
  )
  const plainly = environmentOf(manifests(await charts.render(await charts.given(withBridge({ variables })))))
  for (const [name, { example }] of inValues)
    t.equal(arrived(plainly.find((each) => each.name === name)?.value ?? ''), example, name)

  const known = ['BRIDGE_OPS_PORT', 'BRIDGE_OPS_HOST', 'BRIDGE_SHUTDOWN_GRACE_MS', 'BRIDGE_WORK_API_PORT']
  const fromSecrets = NAMES.filter((name) => !known.includes(name))
  const variablesFrom = Object.fromEntries(fromSecrets.map((name) => [name, { secret: 'all', key: name }]))
  const env = environmentOf(manifests(await charts.render(await charts.given(withBridge({ variablesFrom })))))
  t.strictSame(
    env.flatMap(({ name, valueFrom }) => (valueFrom === undefined ? [] : [[name, valueFrom]])),
    fromSecrets.map((name) => [name, { secretKeyRef: { name: 'all', key: name } }]),
  )

  const paths = [...ALL_VARIABLES].filter(([, { kind }]) => kind === 'path').map(([name]) => name)
  const files = Object.fromEntries(paths.map((name) => [name, { configMap: 'all', key: 'k' }]))
  const made = manifests(
    await charts.render(await charts.given(withBridge({ files, variables: { BRIDGE_SERVICE: 'a' } }))),
  )
  const mounted = podOf(made)
    .volumes.at(-1)
    ?.projected?.sources.flatMap(({ configMap }) => configMap?.items.map(({ path }) => path) ?? [])
  t.same(mounted?.sort(), [...paths].sort())
  const { mountPath } = bridgeOf(podOf(made)).volumeMounts[0] ?? {}
  for (const name of paths)
    t.equal(environmentOf(made).find((each) => each.name === name)?.value, `${mountPath ?? ''}/${name}`)
})

void t.test('the examples set only variables that exist, and the bridge starts with them', async (t) => {
  const tools = await toolsFor(t, 'the examples')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const secret = `whsec_${Buffer.alloc(24, 's').toString('base64')}`
  for (const example of ['deployment', 'statefulset', 'job', 'cronjob', 'plain']) {
    const env = environmentOf(manifests(await charts.renderWith(example, {})))
    t.same(
      env.map(({ name }) => name).filter((name) => !NAMES.includes(name)),
      [],
      example,
    )
    const given = Object.fromEntries(
      env.map(({ name, value }) => [name, value === undefined ? 'from-a-secret' : arrived(value)]),
    )
    const reading = readConfig(given, (path) =>
      path.includes('LOCATION') ? '-----BEGIN CERTIFICATE-----' : path.includes('WEBHOOK') ? secret : 'token',
    )
    t.same(reading.kind === 'errors' ? reading.errors : [], [], example)
    t.same(reading.warnings, [], example)
  }
})

void t.test('numbers keep their digits, a filter becomes JSON, and a dollar stays one', async (t) => {
  const tools = await toolsFor(t, 'the values')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const variables = {
    BRIDGE_SERVICE: 'a$(HOME)$$b',
    BRIDGE_MAX_BUFFERED_BYTES: 8_589_934_592,
    BRIDGE_RETRY_MAX_MS: 86_400_000,
    BRIDGE_FILTER: { any: [{ prefix: { type: 'a<&>$(x)' } }, { not: { exact: { success: 'true' } } }] },
  }
  const made = manifests(await charts.render(await charts.given(withBridge({ variables, keda: { enabled: true } }))))
  const env = environmentOf(made)
  const value = (name: string): string => arrived(env.find((each) => each.name === name)?.value ?? '')
  t.equal(value('BRIDGE_SERVICE'), variables.BRIDGE_SERVICE)
  t.match(
    made.find(({ kind }) => kind === 'ScaledObject')?.spec,
    { triggers: [{ metadata: { consumerGroup: `xzepr-consumer-${variables.BRIDGE_SERVICE}` } }] },
    'KEDA counts for the group that the bridge joins; it knows nothing of $$',
  )
  t.equal(value('BRIDGE_MAX_BUFFERED_BYTES'), '8589934592')
  t.equal(value('BRIDGE_RETRY_MAX_MS'), '86400000')
  t.same(JSON.parse(value('BRIDGE_FILTER')), variables.BRIDGE_FILTER)
})

void t.test(
  'both ports are said even where they are the defaults, because a Service’s name could make them up',
  async (t) => {
    const tools = await toolsFor(t, 'the ports')
    if (tools === undefined) return
    const charts = await Charts.copied(t, tools)
    const ports = async (variables: object): Promise<object> => {
      const env = environmentOf(manifests(await charts.renderWith('plain', { bridge: { variables } })))
      return env.filter(({ name }) => name.endsWith('_PORT')).map(({ name, value }) => `${name}=${value ?? ''}`)
    }
    t.same(await ports({}), ['BRIDGE_OPS_PORT=8901', 'BRIDGE_WORK_API_PORT=8900'])
    t.same(await ports({ BRIDGE_WORK_API_PORT: 9900 }), ['BRIDGE_OPS_PORT=8901', 'BRIDGE_WORK_API_PORT=9900'])
  },
)
