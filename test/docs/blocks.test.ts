/**
 * Every block of code in the documents has a language, and is checked by what reads that language.
 *
 * A language that nobody checks fails: write its check, or do not show it. Shell has a test of its own (shell.test.ts).
 */
import { existsSync } from 'node:fs'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { KUBERNETES } from '../../src/dev/toolchain.ts'
import type { Manifest } from '../support/chart.ts'
import { Charts, Judge, manifests, toolsFor } from '../support/chart.ts'
import { bridgeSeries, promql, promqlFaults } from '../support/promql.ts'
import type { Block } from '../support/pages.ts'
import { PAGES, ROOT, placed } from '../support/pages.ts'
import { moduleFaults, pythonFaults } from './kinds/code.ts'
import { dotenvFaults, httpFaults, jsonBlockFaults } from './kinds/data.ts'

/** A chart and a template, rendered by test/laws/chart/readme.ts. */
const RENDERED = ['helm/README.md']
/** Pages that show output, each with the test that compares it with what comes. */
const COMPARED: Readonly<Record<string, string>> = {
  'CONTRIBUTING.md': 'test/laws/house.test.ts',
  'docs/tutorial/first-event.md': 'test/docs/tutorial.test.ts',
  'docs/reference/cli.md': 'test/laws/reference-cli.test.ts',
  'docs/reference/configuration.md': 'test/laws/reference-configuration.test.ts',
}

const BLOCKS = PAGES.flatMap(({ blocks }) => blocks).filter(
  ({ path, language }) => !(language === 'yaml' && RENDERED.includes(path)),
)
const of = (...languages: readonly string[]): Block[] => BLOCKS.filter(({ language }) => languages.includes(language))

/** A picture of lines and arrows; anything else that is no language would be an output, and outputs are compared. */
function textFaults({ path, text }: Block): string[] {
  if (path in COMPARED || /[─│┌└├▶▼▲◀]/.test(text)) return []
  return ['is neither a drawing nor compared with what comes']
}

const CHECKS: Readonly<Record<string, (block: Block) => readonly string[]>> = {
  text: textFaults,
  json: ({ text }) => jsonBlockFaults(text),
  http: ({ text }) => httpFaults(text),
  dotenv: ({ text }) => dotenvFaults(text),
  js: ({ text }) => moduleFaults(text),
  ts: ({ text }) => moduleFaults(text),
}
/** Checked by a test of their own, in this file or shell.test.ts. */
const APART = ['sh', 'python', 'yaml', 'promql']

function faultsOf(block: Block): string[] {
  const { language } = block
  if (APART.includes(language)) return []
  const check = Object.hasOwn(CHECKS, language) ? CHECKS[language] : undefined
  return placed(block, check?.(block) ?? [language === '' ? 'has no language' : `nobody checks ${language}`])
}

void t.test('every block has a language, and is what that language takes', async (t) => {
  t.ok(BLOCKS.length > 80)
  for (const { path } of of('text')) if (path in COMPARED) t.ok(existsSync(`${ROOT}${COMPARED[path] ?? ''}`), path)
  t.same(BLOCKS.flatMap(faultsOf), [])
})

void t.test('Python compiles every block of it', async (t) => {
  const faults = await pythonFaults(of('python'))
  if (faults === undefined) return void t.pass('the blocks of Python', { skip: 'no python3' })
  t.ok(of('python').length > 0)
  t.same(faults, [])
  t.equal((await pythonFaults([{ path: 'a', line: 1, text: 'def f(:' }]))?.length, 1, 'the law sees what is no Python')
})

void t.test('every line for Prometheus is PromQL over metrics and labels that the bridge has', async (t) => {
  const tools = await toolsFor(t, 'PromQL of the documents')
  if (tools === undefined) return
  const [parsed, series] = [await promql(tools), await bridgeSeries()]
  t.ok(of('promql').length > 10)
  t.same(
    of('promql').flatMap((block) => placed(block, promqlFaults(block.text, parsed, series))),
    [],
  )
})

/** What a block of YAML makes: objects of Kubernetes, or values of the chart. */
async function madeOf(text: string, charts: Charts): Promise<readonly Manifest[]> {
  const documents = parseAllDocuments(text).map((document) => document.toJS() as Record<string, unknown> | null)
  if (documents.every((each) => each !== null && 'apiVersion' in each)) return documents as unknown as Manifest[]
  return manifests(await charts.render(await charts.given(parse(text) as object)))
}

void t.test('YAML is values that the chart renders, or objects that Kubernetes takes', async (t) => {
  const tools = await toolsFor(t, 'YAML of the documents')
  if (tools === undefined) return
  const charts = await Charts.copied(t, tools)
  const judge = Judge.of(tools)
  const blocks = of('yaml', 'yml')
  t.ok(blocks.length > 3)
  const faults = async (text: string): Promise<string[]> =>
    madeOf(text, charts).then(
      (made) => judge.faults(made, KUBERNETES.newest),
      (error: unknown) => [String(error)],
    )
  for (const block of blocks) t.same(placed(block, await faults(block.text)), [])
  const wrong = await faults(
    'image: { repository: a, tag: b }\nbridge: { image: { repository: a }, variables: { BRIDGE_SERVISE: a } }',
  )
  t.not(wrong.length, 0, 'the law sees a variable that is none')
})

void t.test('the law sees what is wrong, and what nobody checks', async (t) => {
  const count = (language: string, text: string): number =>
    faultsOf({ path: 'docs/a.md', line: 1, language, text, before: '' }).length
  const request = 'POST /work/a/failed HTTP/1.1\ncontent-type: application/json\n\n'
  const problem = {
    type: 'urn:xzepr-bridge:problem:report-conflict',
    title: 'a',
    status: 409,
    detail: 'a',
    code: 'report-conflict',
    instance: '/work/a',
  }
  const payload = {
    work_id: 'w',
    status: 'completed',
    completed_at: '2026-11-24T12:00:00.000Z',
    success: true,
    details: {},
  }
  const told = { name: 'a.completed', version: '1', release: '1', platform_id: 'a', package: 'a', description: 'a' }
  const event = JSON.stringify({ specversion: '1.0', id: 'a', source: 'a', type: 'a' })
  const lifecycle = JSON.stringify({ ...told, success: true, event_receiver_id: 'r', payload })
  for (const [language, sound, broken] of [
    ['text', 'a ─▶ b', 'a -> b'],
    ['json', '{"results":[{"id":"a","status":"done"}]}', '{"results":[{"id":"a","status":"maybe"}]}'],
    ['json', JSON.stringify(problem), JSON.stringify({ ...problem, code: 'no-such-code' })],
    ['json', '{"retry":true}', '{"unknown":true}'],
    ['json', event, event.replace('"id"', '"ID"')],
    ['json', lifecycle, lifecycle.replace('completed_at', 'ended_at')],
    ['json', '{"level":30,"event":"gate.closed"}', '{"level":30,"event":"gate.shut"}'],
    ['http', `${request}{"retry":true}`, `${request}{"retry":1}`],
    ['http', 'GET /work/a HTTP/1.1', 'GET /works/a HTTP/1.1'],
    ['dotenv', 'BRIDGE_ORDER=none', 'BRIDGE_ORDER=nothing'],
    ['dotenv', 'BRIDGE_ORDER=none', 'BRIDGE_ODER=none'],
    ['js', 'await f()', 'await f('],
  ] as const) {
    t.equal(count(language, sound), 0, sound)
    t.not(count(language, broken), 0, broken)
  }
  t.equal(count('', 'a ─▶ b'), 1)
  t.equal(count('cobol', 'STOP RUN.'), 1)
})
