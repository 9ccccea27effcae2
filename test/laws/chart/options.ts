/** The objects beside the workload: a policy opens what is needed, a budget lets pods go, a Service has the app's ports. */
import t from 'tap'
import { KUBERNETES } from '../../../src/dev/toolchain.ts'
import { Charts, Judge, manifests, toolsFor } from '../../support/chart.ts'

void t.test('a StatefulSet’s Service has the app’s ports as they are', async (t) => {
  const tools = await toolsFor(t, 'the Service')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const serviceOf = async (...ports: object[]): Promise<unknown> => {
    const made = manifests(await charts.renderWith('statefulset', { ports }))
    t.same(await Judge.of(tools).faults(made, KUBERNETES.newest), [])
    return made.find(({ kind }) => kind === 'Service')?.spec
  }
  t.match(await serviceOf({ containerPort: 8080 }), { ports: [{ port: 8080, protocol: 'TCP' }] })
  t.match(await serviceOf({ name: 'stats', containerPort: 8125, protocol: 'UDP' }), {
    ports: [{ name: 'stats', port: 8125, targetPort: 'stats', protocol: 'UDP' }],
  })
})

void t.test('the network policy opens DNS, the brokers’ ports and XZepr’s, and nothing else', async (t) => {
  const tools = await toolsFor(t, 'the network policy')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const opened = async (variables: object): Promise<unknown> => {
    const bridge = { variables, networkPolicy: { enabled: true } }
    const made = manifests(await charts.renderWith('plain', { bridge }))
    return made.find(({ kind }) => kind === 'NetworkPolicy')?.spec
  }
  const tcp = (...ports: number[]): object => ({ ports: ports.map((port) => ({ port, protocol: 'TCP' })) })
  const dns = { ports: ['UDP', 'TCP'].map((protocol) => ({ port: 53, protocol })) }
  for (const [brokers, url, kafka, xzepr] of [
    ['a:9092', 'http://xzepr:8042', [9092], 8042],
    ['a:9092, b:9093,c:9092,', 'https://xzepr.example.com/base', [9092, 9093], 443],
    ['a:9092,', 'http://[fd00::1]', [9092], 80],
  ] as const) {
    const policy = await opened({ XZEPR_KAFKA_BROKERS: brokers, XZEPR_API_URL: url })
    t.match(policy, { ingress: [], policyTypes: ['Ingress', 'Egress'] })
    t.strictSame((policy as { egress: unknown }).egress, [dns, tcp(...kafka), tcp(xzepr)], `${brokers} and ${url}`)
  }
})

void t.test('a budget for disruptions lets a pod go', async (t) => {
  const tools = await toolsFor(t, 'the budget for disruptions')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const budgetOf = async (budget: object): Promise<unknown> => {
    const values = { replicas: 2, bridge: { podDisruptionBudget: { enabled: true, ...budget } } }
    const made = manifests(await charts.renderWith('plain', values))
    return made.find(({ kind }) => kind === 'PodDisruptionBudget')?.spec
  }
  t.match(await budgetOf({}), { maxUnavailable: 1, minAvailable: undefined, unhealthyPodEvictionPolicy: 'AlwaysAllow' })
  t.match(await budgetOf({ minAvailable: 1 }), { minAvailable: 1, maxUnavailable: undefined })
  t.match(await budgetOf({ minAvailable: '50%', maxUnavailable: 0 }), {
    minAvailable: '50%',
    maxUnavailable: undefined,
  })
})
