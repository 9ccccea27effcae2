/** The documents' lines for a shell: bash reads them, and every command in them is one, with what it is given. */
import t from 'tap'
import { run } from '../../src/dev/kafka/run.ts'
import { Charts, manifests, podOf, toolsFor } from '../support/chart.ts'
import type { Block } from '../support/pages.ts'
import { PAGES, page, placed } from '../support/pages.ts'
import type { Named } from './kinds/shell.ts'
import { shellFaults } from './kinds/shell.ts'
import { commandsIn } from './kinds/words.ts'

const BLOCKS = PAGES.flatMap(({ blocks }) => blocks).filter(({ language }) => language === 'sh')
const empty = (): Named => ({ releases: new Set(), workloads: new Set(), containers: new Set() })
const faultsOf = (script: string, text = '', named = empty()): string[] => shellFaults(script, { page: text, named })

/** All in one bash: a process for each block would cost more than the reading. */
async function unreadable(blocks: readonly Pick<Block, 'text'>[]): Promise<string> {
  const script = 'for script in "$@"; do bash -n -c "$script" || exit 1; done'
  const args = ['-c', script, 'bash', ...blocks.map(({ text }) => text)]
  const { ok, output, why } = await run('bash', args, { env: process.env, timeoutMs: 120_000 })
  return ok ? '' : `${why} ${output}`
}

void t.test('bash reads every block', async (t) => {
  t.ok(BLOCKS.length > 40)
  t.equal(await unreadable(BLOCKS), '')
  t.not(await unreadable([{ text: 'echo "' }]), '', 'the law sees a quote without an end')
})

void t.test('every command is one, and every request is in openapi.yaml', async (t) => {
  const faults = BLOCKS.flatMap((block) => placed(block, faultsOf(block.text, page(block.path).text)))
  t.same(faults, [])
})

void t.test('what kubectl is asked about is what the chart makes', async (t) => {
  const tools = await toolsFor(t, 'what kubectl is asked about')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const [kinds, made] = [new Set<string>(), new Set<string>()]
  for (const example of ['deployment', 'job', 'plain']) {
    const all = manifests(await charts.renderWith(example, {}))
    for (const { kind, metadata } of all) if (metadata.name === 'rel') kinds.add(kind)
    const { initContainers = [], containers } = podOf(all)
    for (const { name } of [...initContainers, ...containers]) made.add(name)
  }
  const named = empty()
  for (const { path, text } of BLOCKS) faultsOf(text, page(path).text, named)
  const known: Readonly<Record<string, string>> = { deploy: 'Deployment', job: 'Job', statefulset: 'StatefulSet' }
  t.ok(named.containers.size > 0 && named.workloads.size > 1)
  t.same(
    [...named.containers].filter((name) => !made.has(name)),
    [],
    'containers',
  )
  t.same(
    [...named.workloads].filter((workload) => {
      const [kind = '', name = ''] = workload.split('/')
      return !kinds.has(known[kind] ?? '') || !named.releases.has(name)
    }),
    [],
    'workloads',
  )
})

void t.test('a script is taken apart as a shell does', async (t) => {
  const words = (script: string): string[][] => commandsIn(script).map((command) => [...command.words])
  t.same(words(`a 'b c' "d e" f\\ g # h\n\ni && j | k; l`), [['a', 'b c', 'd e', 'f g'], ['i'], ['j'], ['k'], ['l']])
  t.same(words('x=1 y=$x\na "$y/$z" \'$y\''), [['a', '1/$z', '$y']])
  t.same(words('id=$(a "b)" | c)\nd $id'), [['a', 'b)'], ['c'], ['d', '$']])
  t.same(words("cat > f <<'E'\na b\nE\nc"), [['cat', '>', 'f'], ['c']])
  t.same(words('a \\\n  b'), [['a', 'b']])
})

void t.test('the law sees what is not there', async (t) => {
  const api = 'api=http://127.0.0.1:8900\n'
  const json = `-H 'content-type: application/json'`
  for (const script of [
    'node dist/main.js dev -- node examples/node/app.mjs',
    'xzepr-bridge replay --id "$id" --rate 10',
    `${api}curl -s -X POST ${json} -d '{"retry":true}' "$api/work/$id/failed"`,
    'curl -s "http://127.0.0.1:8900/work?limit=10"',
    'kubectl exec deploy/x -c xzepr-bridge -- xzepr-bridge drain --reason "a b"',
    'npm ci && npm run bench -- --help',
    'node --env-file=.env.example dist/main.js',
  ])
    t.same(faultsOf(script), [], script)
  for (const script of [
    'node dist/main.js replya',
    'xzepr-bridge replay --sinze 2h',
    'node dist/main.js dev -- node nowhere.mjs',
    'node --env-file=nowhere.env dist/main.js',
    'examples/nowhere/target/release/app',
    `${api}curl -s -X POST "$api/work/$id/finished"`,
    `${api}curl -s "$api/work/$id/failed"`,
    `${api}curl -s -X POST ${json} -d '{"retry":"yes"}' "$api/work/$id/failed"`,
    `${api}curl -s -X POST ${json} -d '{retry}' "$api/work/$id/failed"`,
    `${api}curl -s -X POST -d '{}' "$api/work/$id/failed"`,
    'curl -s http://127.0.0.1:8900/livez',
    'curl -s http://127.0.0.1:8900/work?limit=0',
    'curl --silent http://127.0.0.1:8901/livez',
    'kubectl exec deploy/x -- xzepr-bridge dain',
    'kubectl delete pod/x',
    'helm upgrade --install x helm/nowhere -f values.yaml',
    'kafka-topics.sh --zookeeper a',
    'npm run nothing',
    'x=$(npm run nothing)',
    'rm -rf x',
  ])
    t.equal(faultsOf(script).length, 1, script)
})
