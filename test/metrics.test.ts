import fc from 'fast-check'
import t from 'tap'
import type { JournalEntry } from '../src/core/journal.ts'
import type { Snapshot } from '../src/core/snapshot.ts'
import { createMetrics } from '../src/metrics.ts'
import { anyText } from './support/any-text.ts'
import { ENTRIES } from './support/entries.ts'

const NOTHING: Snapshot = {
  inFlight: 0,
  running: 0,
  waiting: 0,
  resting: 0,
  heldBytes: 0,
  reportBacklog: { events: 0, bytes: 0 },
  gateOpen: true,
  oldestUnsettledMs: undefined,
  partitions: [],
}

const metricsOf = (snapshot: () => Snapshot = () => NOTHING) => createMetrics({ snapshot })

/** The samples of a scrape: name with labels to value. */
function samples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

async function after(entries: readonly JournalEntry[]): Promise<Map<string, number>> {
  const { journal, text } = metricsOf()
  for (const entry of entries) journal(entry)
  return samples(await text())
}

const WORK = { topic: 'events', partition: 2, offset: 7n, workId: '01J' }

void t.test('each entry counts where it belongs', async (t) => {
  const counted = await after([...ENTRIES, { name: 'record.received', ...WORK }])
  const expected: [string, number][] = [
    ['records_received_total', 2],
    ['records_settled_total{ending="completed"}', 1],
    ['records_settled_total{ending="poison"}', 0],
    ['records_missing_total', 4],
    ['attempts_total{answer="done"}', 1],
    ['attempts_total{answer="away"}', 0],
    ['attempt_duration_seconds_sum{answer="done"}', 0.004],
    ['attempt_duration_seconds_bucket{le="0.005",answer="done"}', 1],
    ['attempt_duration_seconds_bucket{le="0.0025",answer="done"}', 0],
    ['rests_total', 1],
    ['leases_out_total', 1],
    ['app_reports_total{report="completed"}', 1],
    ['works_ended_total{ending="completed"}', 1],
    ['reports_stored_total{status="completed"}', 1],
    ['reports_given_up_total{status="failed"}', 1],
    ['dead_letters_total{reason="rejected"}', 1],
    ['dead_letters_total{reason="poison"}', 0],
    ['dead_letters_cut_total', 1],
    ['gate_closures_total', 1],
    ['gate_closed_seconds_total', 1.5],
    ['levers_total{lever="pause"}', 1],
    ['levers_total{lever="settle"}', 1],
    ['commits_total', 1],
    ['commits_refused_total', 1],
    ['kafka_joins_total', 1],
    ['kafka_problems_total{code="XZB_KAFKA_CONNECT"}', 1],
    ['xzepr_problems_total{code="XZB_XZEPR_UNREACHABLE"}', 1],
  ]
  for (const [name, value] of expected) t.equal(counted.get(`xzepr_bridge_${name}`), value, name)
})

void t.test('gauges are of the instant of the scrape, from one snapshot', async (t) => {
  let taken = 0
  let now: Snapshot = {
    inFlight: 1,
    running: 2,
    waiting: 3,
    resting: 4,
    heldBytes: 5,
    reportBacklog: { events: 6, bytes: 7 },
    gateOpen: false,
    oldestUnsettledMs: 8500,
    partitions: [
      { topic: 'events', partition: 0, lag: 10n, unsettled: 2, paused: true },
      { topic: 'events', partition: 1, lag: undefined, unsettled: 0, paused: false },
    ],
  }
  const { text } = metricsOf(() => {
    taken += 1
    return now
  })
  const first = samples(await text())
  t.equal(taken, 1)
  const expected: [string, number][] = [
    ['works{state="attempting"}', 1],
    ['works{state="running"}', 2],
    ['works{state="waiting"}', 3],
    ['works{state="resting"}', 4],
    ['held_bytes', 5],
    ['report_backlog_events', 6],
    ['report_backlog_bytes', 7],
    ['gate_open', 0],
    ['oldest_unsettled_age_seconds', 8.5],
    ['assigned_partitions', 2],
    ['paused_partitions', 1],
    ['lag_records{topic="events",partition="0"}', 10],
    ['unsettled_records{topic="events",partition="1"}', 0],
  ]
  for (const [name, value] of expected) t.equal(first.get(`xzepr_bridge_${name}`), value, name)
  t.notOk(first.has('xzepr_bridge_lag_records{topic="events",partition="1"}'), 'an unknown lag is not 0')

  now = NOTHING
  const second = samples(await text())
  t.equal(second.get('xzepr_bridge_gate_open'), 1)
  t.equal(second.get('xzepr_bridge_oldest_unsettled_age_seconds'), 0)
  t.notOk(
    [...second.keys()].some((name) => name.includes('topic=')),
    'a partition that moved away is forgotten',
  )
})

void t.test('every metric has a help text, and a counter’s name says that it only rises', async (t) => {
  const text = await metricsOf().text()
  const types = [...text.matchAll(/^# TYPE (xzepr_bridge_\w+) (\w+)$/gm)]
  t.ok(types.length >= 25)
  for (const [, name = '', type] of types) {
    t.match(text, new RegExp(`^# HELP ${name} \\S.+[.?]$`, 'm'), name)
    t.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type ?? ''}`)
  }
})

void t.test('the process and its event loop are measured too', async (t) => {
  const { text, contentType } = metricsOf()
  const names = [...samples(await text()).keys()]
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    t.ok(names.includes(name), name)
  }
  t.match(contentType, /^text\/plain; version=0\.0\.4/)
})

void t.test('two bridges in one process do not count for each other', async (t) => {
  const [one, other] = [metricsOf(), metricsOf()]
  one.journal({ name: 'gate.closed', why: 'ECONNREFUSED' })
  t.equal(samples(await one.text()).get('xzepr_bridge_gate_closures_total'), 1)
  t.equal(samples(await other.text()).get('xzepr_bridge_gate_closures_total'), 0)
})

void t.test('no text from outside becomes a label, so the number of series has a bound', async (t) => {
  const { journal, text } = metricsOf()
  for (const entry of ENTRIES) journal(entry)
  journal({ name: 'kafka.problem', code: 'a', why: '', hint: '' })
  journal({ name: 'xzepr.problem', code: 'a', why: '', hint: '' })
  journal({ name: 'work.reported', ...WORK, report: 'a' })
  const bridges = (text: string): number => [...samples(text).keys()].filter((name) => name.startsWith('xzepr')).length
  const before = bridges(await text())
  fc.assert(
    fc.property(anyText(), (text) => {
      journal({ name: 'kafka.problem', code: text, why: text, hint: text })
      journal({ name: 'xzepr.problem', code: text, why: text, hint: text })
      journal({ name: 'work.reported', ...WORK, workId: text, report: text })
      journal({ name: 'attempt.started', ...WORK, attempt: 1, eventType: text })
      journal({ name: 'record.poison', ...WORK, why: text })
      journal({ name: 'gate.closed', why: text })
    }),
  )
  t.equal(bridges(await text()), before)
  t.equal(samples(await text()).get('xzepr_bridge_kafka_problems_total{code="other"}'), 101)
})
