/** The charts' schemas are written from the declarations: what the bridge would refuse at start, Helm refuses before. */
import { readFileSync, writeFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import t from 'tap'
import { parse } from 'yaml'
import { ALL_VARIABLES } from '../../../src/config/variables.ts'
import { appChartSchema, chartSchema } from '../../support/chart-schema.ts'

const chart = new URL('../../../helm/xzepr-bridge/', import.meta.url)
const appChart = new URL('../xzepr-app/', chart)
const textOf = (name: string): string => readFileSync(new URL(name, chart), 'utf8')
const namesIn = (part: string): string[] => {
  const { properties } = chartSchema() as { properties: Record<string, { properties: object }> }
  return Object.keys(properties[part]?.properties ?? {})
}

void t.test('values.schema.json is what is declared', async (t) => {
  for (const [dir, schema] of [
    [chart, chartSchema()],
    [appChart, appChartSchema()],
  ] as const) {
    const file = new URL('values.schema.json', dir)
    const right = `${JSON.stringify(schema, undefined, 2)}\n`
    if (process.env.TAP_SNAPSHOT === '1') writeFileSync(file, right)
    t.equal(readFileSync(file, 'utf8'), right, 'TAP_SNAPSHOT=1 writes it anew')
  }
})

void t.test('every variable can be set, and none that is not declared', async (t) => {
  const declared = [...ALL_VARIABLES.keys()].sort()
  const settable = new Set([...namesIn('variables'), ...namesIn('files'), ...namesIn('variablesFrom')])
  t.same([...settable].sort(), declared)
  t.same(namesIn('variablesFrom').sort(), declared, 'each from a Secret or a ConfigMap')
})

void t.test('no secret can be written into values; each has another way', async (t) => {
  const secrets = [...ALL_VARIABLES].filter(([, { kind }]) => kind === 'secret').map(([name]) => name)
  t.ok(secrets.length >= 4)
  for (const name of secrets) {
    t.notOk(namesIn('variables').includes(name), name)
    t.ok(namesIn('files').includes(`${name}_FILE`), `${name}_FILE`)
  }
})

void t.test('the schema takes what the declarations call right, and nothing else', async (t) => {
  const takes = new Ajv({ allowUnionTypes: true }).compile(chartSchema())
  const ok = (bridge: object): boolean => takes(bridge)
  t.ok(ok(parse(textOf('values.yaml')) as object), 'the defaults')
  for (const [name, { example, kind, schema }] of ALL_VARIABLES) {
    if (kind === 'secret') continue
    const value = Reflect.get(schema, 'type') === 'integer' ? Number(example) : example
    t.ok(ok({ variables: { [name]: value } }), `${name}: ${example}`)
    t.ok(ok({ variables: { [name]: null } }), `${name} taken back`)
  }
  for (const wrong of [
    { variables: { BRIDGE_SERVCE: 'a' } },
    { variables: { XZEPR_API_TOKEN: 'secret' } },
    { variables: { BRIDGE_ORDER: 'keys' } },
    { variables: { BRIDGE_MAX_IN_FLIGHT: 0 } },
    { variables: { BRIDGE_MAX_IN_FLIGHT: '64' } },
    { variables: { BRIDGE_OPS_PORT: 0 } },
    { files: { BRIDGE_SERVICE: { secret: 'a', key: 'b' } } },
    { files: { XZEPR_API_TOKEN_FILE: { secret: 'a' } } },
    { variablesFrom: { XZEPR_API_TOKEN: { secret: 'a', configMap: 'a', key: 'b' } } },
    { keda: { minReplicas: 0 } },
    { image: { digest: 'latest' } },
    { netwrokPolicy: {} },
  ])
    t.notOk(ok(wrong), JSON.stringify(wrong))
})

void t.test('the app chart takes the values that it lists, and no others', async (t) => {
  const takes = new Ajv({ allowUnionTypes: true }).compile(appChartSchema())
  const ok = (values: object): boolean => takes(values)
  const defaults = parse(readFileSync(new URL('values.yaml', appChart), 'utf8')) as object
  t.ok(ok(defaults), 'the defaults')
  const { properties } = appChartSchema() as { properties: object }
  t.same(
    Object.keys(properties).filter((name) => name !== 'global'),
    Object.keys(defaults),
  )
  for (const wrong of [
    { replica: 2 },
    { replicas: 'two' },
    { kind: 'Deploymnt' },
    { image: { tag: 1.1 } },
    { probes: { readiness: {} } },
    { cronJob: { concurrencyPolicy: 'Never' } },
    { podLabels: { team: 7 } },
  ])
    t.notOk(ok(wrong), JSON.stringify(wrong))
})
