/** What helm/README.md tells a reader to write is rendered as it stands there, and what a comment points to is there. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { KUBERNETES } from '../../../src/dev/toolchain.ts'
import { Charts, Judge, bridgeOf, manifests, podOf, toolsFor } from '../../support/chart.ts'

const root = new URL('../../../', import.meta.url)
const textOf = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const README = textOf('helm/README.md')
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

void t.test('what chart, component and image point to is there', async (t) => {
  const tree = ['helm', 'kustomize'].flatMap((dir) =>
    readdirSync(new URL(dir, root), { recursive: true, encoding: 'utf8' }).map((name) => `${dir}/${name}`),
  )
  const texts = tree.filter((path) => /\.(?:yaml|tpl|md)$/.test(path) && !path.includes('/charts/'))
  const pointers = [...texts, 'Dockerfile', 'compose.yaml', '.dockerignore'].flatMap((path) =>
    [...textOf(path).matchAll(/(?<![\w./-])(?:docs|examples|helm|kustomize|src|test)\/[\w./-]*\w/g)].map(([to]) => ({
      path,
      to,
    })),
  )
  t.ok(pointers.length >= 5)
  t.same(
    pointers.filter(({ to }) => !existsSync(new URL(to, root))),
    [],
  )
})
