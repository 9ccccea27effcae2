/** What helm/README.md tells a reader to write is rendered as it stands there. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { KUBERNETES } from '../../../src/dev/toolchain.ts'
import { Charts, Judge, bridgeOf, manifests, podOf, toolsFor } from '../../support/chart.ts'

const README = readFileSync(new URL('../../../helm/README.md', import.meta.url), 'utf8')
const blocks = (language: string): string[] =>
  [...README.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text)

void t.test('the README’s own chart gets the bridge, and every option', async (t) => {
  const tools = await toolsFor(t, 'the README’s chart')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const [chart = '', template = ''] = blocks('yaml')
  const files = { 'Chart.yaml': chart, 'templates/app.yaml': template }
  const options = ['networkPolicy', 'podMonitor', 'prometheusRule', 'keda', 'podDisruptionBudget']
  const bridge = {
    image: { repository: 'r/xzepr-bridge' },
    variables: { BRIDGE_SERVICE: 'mine' },
    ...Object.fromEntries(options.map((option) => [option, { enabled: true }])),
  }
  const made = manifests(await charts.renderOther(files, { bridge }))
  t.same(await Judge.of(tools).faults(made, KUBERNETES.newest), [])
  t.ok(bridgeOf(podOf(made)))
  t.equal(made.length, 1 + options.length)
  const unaliased = { ...files, 'Chart.yaml': chart.replace('alias: bridge, ', '') }
  t.match(await charts.renderOther(unaliased, {}), { kind: 'refused', why: /alias: bridge/ })
})

void t.test('the README’s values are enough for the app chart', async (t) => {
  const tools = await toolsFor(t, 'the README’s values')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const values = /<<'YAML'\n([\s\S]*?)\nYAML/.exec(blocks('sh')[0] ?? '')?.[1] ?? ''
  const made = manifests(await charts.render(await charts.given(parse(values) as object)))
  t.same(await Judge.of(tools).faults(made, KUBERNETES.newest), [])
  for (const release of Object.values(KUBERNETES)) t.match(README, release.replace(/\.0$/, ''))
})
