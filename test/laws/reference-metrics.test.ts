/**
 * docs/reference/metrics.md names every metric that the bridge registers, with its own help, type and labels, and no other; each
 * of the bridge's own has its place under what to look at when, and each alert of the chart too.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { ERRORS } from '../../src/core/errors.ts'
import type { JournalEntry } from '../../src/core/journal.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { createMetrics } from '../../src/metrics.ts'
import { ENTRIES } from '../support/entries.ts'
import { codes, holdsWritten, page, section, table } from '../support/reference-pages.ts'

const NAME = 'metrics.md'
const OWN = 'xzepr_bridge_'

interface Metric {
  readonly help: string
  readonly type: string
  /** Values by label, as they were met. */
  readonly labels: Map<string, Set<string>>
}

const SNAPSHOT: Snapshot = {
  ...{ inFlight: 1, running: 1, waiting: 1, resting: 1, heldBytes: 1 },
  reportBacklog: { events: 1, bytes: 1 },
  gateOpen: true,
  oldestUnsettledMs: 1,
  partitions: [{ topic: 'events', partition: 0, lag: 1n, unsettled: 1, paused: false }],
}

/** What a scrape says after every kind of entry and answer. */
async function scraped(): Promise<Map<string, Metric>> {
  const { journal, text } = createMetrics({ snapshot: () => SNAPSHOT })
  for (const entry of ENTRIES) journal(entry)
  for (const answer of ['done', 'accepted', 'later', 'never', 'away'])
    journal({ ...ENTRIES.find(({ name }) => name === 'attempt.answered'), answer } as JournalEntry)
  const metrics = new Map<string, Metric>()
  for (const line of (await text()).split('\n')) {
    const [, head = '', name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    const known = metrics.get(name)
    if (head === 'HELP') metrics.set(name, { help: rest, type: '', labels: new Map() })
    if (head === 'TYPE' && known !== undefined) metrics.set(name, { ...known, type: rest })
    const [, sample = '', labels = ''] = /^([a-z_]\w*)(?:\{(.*)\})? /.exec(line) ?? []
    const of = metrics.get(sample) ?? metrics.get(sample.replace(/_(?:bucket|sum|count)$/, ''))
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="([^"]*)"/g))
      of?.labels.set(label, (of.labels.get(label) ?? new Set()).add(value))
  }
  return metrics
}

const metrics = await scraped()
const own = [...metrics].filter(([name]) => name.startsWith(OWN))
const others = [...metrics].filter(([name]) => !name.startsWith(OWN))

/** The unit that the name ends in, as Prometheus has it. */
function unitOf(name: string): string {
  const base = name.replace(/_total$/, '')
  if (/_(?:seconds|bytes)$/.test(base)) return base.split('_').at(-1) ?? ''
  return name.endsWith('_total') ? (NOUNS.get(base) ?? base.split('_').at(-1) ?? '') : (NOUNS.get(base) ?? '')
}

/** Where a name's last word is not what is counted. */
const NOUNS = new Map([
  [`${OWN}records_received`, 'records'],
  [`${OWN}records_settled`, 'records'],
  [`${OWN}records_missing`, 'records'],
  [`${OWN}leases_out`, 'leases'],
  [`${OWN}works_ended`, 'works'],
  [`${OWN}reports_stored`, 'reports'],
  [`${OWN}reports_given_up`, 'reports'],
  [`${OWN}dead_letters_cut`, 'letters'],
  [`${OWN}commits_refused`, 'commits'],
  [`${OWN}works`, 'works'],
  [`${OWN}report_backlog_events`, 'reports'],
  [`${OWN}assigned_partitions`, 'partitions'],
  [`${OWN}paused_partitions`, 'partitions'],
  [`${OWN}lag_records`, 'records'],
  [`${OWN}unsettled_records`, 'records'],
])

function valuesOf(label: string, values: Set<string>): string {
  if (label === 'le') return `\`le\`: buckets from ${[...values][0] ?? ''} to ${[...values].at(-2) ?? ''}`
  if (label === 'topic' || label === 'partition') return `\`${label}\``
  if (label === 'code') return '`code`: those of the [errors](error-codes.md#errors-of-the-bridge)'
  return `\`${label}\`: ${[...values].map((value) => `\`${value}\``).join(' ')}`
}

function ownTable(): string {
  const rows = own.map(([name, { help, type, labels }]) => {
    const values = [...labels].map(([label, set]) => valuesOf(label, set)).join('<br>')
    return `| \`${name}\` | ${type} | ${unitOf(name)} | ${values} | ${help} |`
  })
  return ['| metric | type | unit | labels | what it counts, and what it answers |', '| --- | --- | --- | --- | --- |']
    .concat(rows)
    .join('\n')
}

function processTable(): string {
  const rows = others.map(([name, { help, type }]) => `| \`${name}\` | ${type} | ${help} |`)
  return ['| metric | type | help |', '| --- | --- | --- |', ...rows].join('\n')
}

void t.test('the tables are what the registry says', async (t) => {
  t.ok(own.length > 30 && others.length > 20, `${own.length} and ${others.length}`)
  holdsWritten(t, NAME, 'metrics', ownTable())
  holdsWritten(t, NAME, 'process', processTable())
})

// Read once more without the writers, so that a fault of theirs cannot hide itself.
void t.test('every metric that is registered has a row with its help, and no other has', async (t) => {
  const rows = [
    ...table(page(NAME), 'metric', 'type', 'unit').map(
      (row) => [row, row['what it counts, and what it answers']] as const,
    ),
    ...table(page(NAME), 'metric', 'type', 'help').map((row) => [row, row.help] as const),
  ]
  t.strictSame(
    Object.fromEntries(rows.map(([row, help]) => [codes(row.metric)[0], [row.type, help]])),
    Object.fromEntries([...metrics].map(([name, { type, help }]) => [name, [type, help]])),
  )
})

void t.test('every metric of the bridge says what it counts, then asks the question that it answers', async (t) => {
  for (const [name, { help }] of own) {
    t.match(help, /^\S.*\. [A-Z][^.?]*\?$/, name)
    t.not(unitOf(name) === '' && !name.endsWith('gate_open'), true, `${name} has a unit`)
  }
})

void t.test('labels have closed values: those of the errors, or those that stand on the page', async (t) => {
  for (const row of table(page(NAME), 'metric', 'type', 'unit')) {
    const [name = ''] = codes(row.metric)
    for (const [label, values] of metrics.get(name)?.labels ?? []) {
      t.ok(row.labels?.includes(`\`${label}\``), `${name}, ${label}`)
      if (label === 'code') t.strictSame([...values].sort(), Object.keys(ERRORS).sort(), name)
      else if (!/^(?:le|topic|partition)$/.test(label))
        for (const value of values) t.ok(codes(row.labels).includes(value), `${name}, ${label}=${value}`)
    }
  }
})

void t.test('every metric of the bridge is something to look at, and every alert of the chart has a row', async (t) => {
  const rows = table(section(page(NAME), '## What to look at when'), 'what you see', 'alert')
  const named = rows.flatMap((row) => codes(row['look at']))
  t.strictSame([...new Set(named.filter((name) => name.startsWith(OWN)))].sort(), own.map(([name]) => name).sort())
  t.strictSame(
    named.filter((name) => !metrics.has(name)),
    [],
  )
  const chart = readFileSync(new URL('../../helm/xzepr-bridge/templates/_monitoring.tpl', import.meta.url), 'utf8')
  t.strictSame(
    rows.flatMap(({ alert }) => codes(alert)).sort(),
    [...chart.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name).sort(),
  )
})
