/**
 * PromQL as Prometheus reads it, and the series that the bridge has: what an alert or a panel asks for must be there.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createMetrics } from '../../src/metrics.ts'

/** What every series gets from Prometheus itself, by the PodMonitor. */
const TARGET_LABELS = ['job', 'namespace', 'pod', 'container', 'instance']

/** A bridge with one partition and one attempt, so that every gauge and histogram has a series. */
async function metricsText(): Promise<string> {
  const { journal, text } = createMetrics({
    snapshot: () => ({
      ...{ inFlight: 0, running: 0, waiting: 0, resting: 0, heldBytes: 0, gateOpen: true, oldestUnsettledMs: 0 },
      reportBacklog: { events: 0, bytes: 0 },
      partitions: [{ topic: 'events', partition: 0, lag: 0n, unsettled: 0, paused: false }],
    }),
  })
  const place = { topic: 'events', partition: 0, offset: 0n, workId: 'w', attempt: 1 }
  journal({ name: 'attempt.answered', ...place, answer: 'done', why: 'HTTP 200', tookMs: 1 })
  return text()
}

/** The labels of every series, by its name; `ending="poison"` as one of them, too. */
function seriesOf(text: string): Map<string, Set<string>> {
  const series = new Map<string, Set<string>>()
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z_][\w]*)(?:\{(.*)\})? /gm)) {
    const known = series.get(name) ?? new Set<string>()
    for (const [both, label = ''] of labels.matchAll(/(\w+)="[^"]*"/g)) known.add(label).add(both)
    series.set(name, known)
  }
  return series
}

export interface SyntaxNode {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly type: { readonly isError: boolean }
}

/** Prometheus's own grammar, as its page uses it. */
export async function promql(tools: string): Promise<(text: string) => SyntaxNode[]> {
  const path = createRequire(join(tools, 'node_modules', 'x.js')).resolve('@prometheus-io/lezer-promql')
  const { parser } = (await import(pathToFileURL(path).href)) as {
    parser: { parse(text: string): { iterate(visit: { enter(node: SyntaxNode): void }): void } }
  }
  return (text) => {
    const nodes: SyntaxNode[] = []
    parser.parse(text).iterate({ enter: ({ name, from, to, type }) => void nodes.push({ name, from, to, type }) })
    return nodes
  }
}

/** What an expression has wrong: its grammar, its metrics, its labels. */
export function promqlFaults(
  expr: string,
  parse: (text: string) => SyntaxNode[],
  series: ReadonlyMap<string, ReadonlySet<string>>,
): string[] {
  const nodes = parse(expr)
  const texts = (name: string): string[] =>
    nodes.filter((node) => node.name === name).map(({ from, to }) => expr.slice(from, to))
  const named = texts('Identifier')
  const known = new Set([...TARGET_LABELS, ...named.flatMap((name) => [...(series.get(name) ?? [])])])
  const labels = [...texts('LabelName'), ...texts('UnquotedLabelMatcher').filter((each) => !each.startsWith('job='))]
  return [
    ...nodes.filter(({ type }) => type.isError).map(({ from }) => `is no PromQL at ${from}: ${expr.slice(from)}`),
    ...(named.length === 0 ? ['names no metric'] : []),
    ...named.filter((name) => !series.has(name)).map((name) => `no metric ${name}`),
    ...labels.filter((label) => !known.has(label)).map((label) => `no label ${label}`),
  ]
}

/** Every series of a bridge that has been asked once. */
export async function bridgeSeries(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  return seriesOf(await metricsText())
}
