/** Alerts are PromQL over metrics and labels that the bridge has: one that is renamed must not silence them. */
import t from 'tap'
import type { Manifest } from '../../support/chart.ts'
import { Charts, manifests, toolsFor } from '../../support/chart.ts'
import { bridgeSeries, promql, promqlFaults as faults } from '../../support/promql.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

function rulesOf(made: readonly Manifest[]): readonly Rule[] {
  const { groups } = made.find(({ kind }) => kind === 'PrometheusRule')?.spec as { groups: { rules: Rule[] }[] }
  return groups.flatMap(({ rules }) => rules)
}

void t.test('alerts name only metrics and labels that the bridge has, in right PromQL', async (t) => {
  const tools = await toolsFor(t, 'the alerts')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const made = manifests(await charts.renderWith('deployment', {}))
  const rules = rulesOf(made)
  t.ok(rules.length >= 10)
  const parse = await promql(tools)
  const series = await bridgeSeries()
  for (const { alert, expr, labels, annotations } of rules) {
    t.same(faults(expr, parse, series), [], alert)
    t.match(expr, /job="prod\/rel"/, `${alert} is about this release alone`)
    t.match(labels.severity, /^(critical|warning)$/)
    t.match(annotations.summary, /\.$/)
    t.match(annotations.description, /^[A-Z].*\.$/)
    // {{ $labels.pod }} is there only if the expression kept it.
    for (const [, label = ''] of JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g))
      t.ok(!/\bsum\(/.test(expr) && (!expr.includes(' by (') || expr.includes(`by (${label})`)), `${alert}: ${label}`)
  }
  const risen = rules.filter(({ expr }) => /increase\(\S+\)\) > 0(?!\.)/.test(expr))
  t.ok(risen.length >= 4)
  for (const { alert, expr } of risen)
    t.match(
      expr,
      /increase\((\S+)\[30m\]\)\) > 0 or sum[^{]*\(\1 and on \(instance\) \(time\(\) - process_start_time_seconds\{[^}]*\} < 1800\)\) > 0$/,
      `${alert} sees what a new pod began with`,
    )
  const waits = rules.find(({ alert }) => alert === 'XzeprBridgeReportsWait')?.expr ?? ''
  t.equal([...waits.matchAll(/sum by \(pod\)/g)].length, 2, 'a pod that is refused is not hidden by those that are not')
  t.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length)
  const monitor = made.find(({ kind }) => kind === 'PodMonitor')?.spec
  t.match(monitor, { podMetricsEndpoints: [{ port: 'bridge-ops', path: '/metrics' }] })

  const given = { bridge: { prometheusRule: { selector: 'container="xzepr-bridge"', lagRecords: 12_345_678 } } }
  const others = rulesOf(manifests(await charts.renderWith('deployment', given)))
  for (const { alert, expr } of others) {
    t.same(
      faults(expr, parse, series).filter((fault) => !fault.includes('container=')),
      [],
      alert,
    )
    if (alert === 'XzeprBridgeFallsBehind') t.match(expr, '12345678')
  }
})

void t.test('a Job that is not there rings nobody; one that runs is watched', async (t) => {
  const tools = await toolsFor(t, 'the alerts of a Job')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const bridge = { podMonitor: { enabled: true }, prometheusRule: { enabled: true } }
  const alertsOf = async (example: string): Promise<string[]> =>
    rulesOf(manifests(await charts.renderWith(example, { bridge }))).map(({ alert }) => alert)
  const all = await alertsOf('plain')
  const always = ['XzeprBridgeAway', 'XzeprBridgeWithoutPartitions']
  for (const alert of always) t.ok(all.includes(alert), alert)
  for (const example of ['job', 'cronjob'])
    t.same(
      await alertsOf(example),
      all.filter((alert) => !always.includes(alert)),
      example,
    )
})

void t.test('the law sees a metric, a label and a value that are not there, and what is no PromQL', async (t) => {
  const tools = await toolsFor(t, 'the law of alerts')
  if (tools === undefined) return
  const parse = await promql(tools)
  const series = await bridgeSeries()
  const count = (expr: string): number => faults(expr, parse, series).length
  t.equal(count('sum by (topic) (xzepr_bridge_lag_records{job="a"}) > 0'), 0)
  t.equal(count('xzepr_bridge_lag > 0'), 1)
  t.equal(count('sum by (topics) (xzepr_bridge_lag_records)'), 1)
  t.equal(count('xzepr_bridge_records_settled_total{ending="poisoned"} > 0'), 1)
  t.not(count('xzepr_bridge_lag_records > > 0'), 0)
  t.not(count('1 > 0'), 0)
})
