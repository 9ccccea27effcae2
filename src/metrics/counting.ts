/**
 * Counters and histograms: what the journal says, as numbers that only rise.
 *
 * Endings, answers, statuses and codes are closed lists; what is not on its list counts as `other`, so no text from
 * outside ever becomes a label.
 */
import { Counter, Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Answer } from '../core/answer.ts'
import { DEAD_LETTER_REASONS } from '../core/dead-letter.ts'
import { ERRORS } from '../core/errors.ts'
import type { Ending, Journal, JournalEntry } from '../core/journal.ts'
import type { LifecycleStatus } from '../core/lifecycle.ts'
import type { Report } from '../core/report.ts'

const ENDINGS = ['completed', 'failed', 'passed-over', 'poison'] as const satisfies readonly Ending[]
const ANSWERS = ['done', 'accepted', 'later', 'never', 'away'] as const satisfies readonly Answer['kind'][]
const STATUSES = ['started', 'completed', 'failed'] as const satisfies readonly LifecycleStatus[]
const REPORTS = ['started', 'progress', 'completed', 'failed'] as const satisfies readonly Report['kind'][]
const LEVERS = ['pause', 'resume', 'settle', 'drain'] as const
const CODES = Object.keys(ERRORS)

/** From a local app's millisecond to the longest patience, in seconds. */
const ATTEMPT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/**
 * A counter that is added up here and handed to prom-client when it is asked for: every record counts several times, and
 * finding a counter's value by its labels costs more than adding to it.
 */
function plain(registry: Registry, name: string, help: string) {
  let sum = 0
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset()
      this.inc(sum)
    },
  })
  return {
    inc: (by = 1) => {
      sum += by
    },
  }
}

/** The same with one closed label: each value counts from 0 on, so that a first rise is seen as one. */
function labelled(registry: Registry, name: string, help: string, label: string, values: readonly string[]) {
  const sums = new Map(values.map((value) => [value, 0]))
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset()
      for (const [value, sum] of sums) this.labels(value).inc(sum)
    },
  })
  return (value: string) => {
    const known = sums.has(value) ? value : 'other'
    sums.set(known, (sums.get(known) ?? 0) + 1)
  }
}

export function countingJournal(registry: Registry): Journal {
  const registers = [registry]
  const counter = (name: string, help: string) => plain(registry, `xzepr_bridge_${name}`, help)
  const by = (name: string, help: string, label: string, values: readonly string[]) =>
    labelled(registry, `xzepr_bridge_${name}`, help, label, values)

  const received = counter('records_received_total', 'Records received from Kafka. Is anything coming in?')
  const settled = by(
    'records_settled_total',
    'Records that nothing more is owed for. How did they end?',
    'ending',
    ENDINGS,
  )
  const missing = counter(
    'records_missing_total',
    'Offsets that Kafka had dropped before they were read. Was anything lost?',
  )
  const answers = by(
    'attempts_total',
    'Attempts by the kind of the app’s answer. Does the app cope?',
    'answer',
    ANSWERS,
  )
  const attemptSeconds = new Histogram({
    name: 'xzepr_bridge_attempt_duration_seconds',
    help: 'How long attempts take, in seconds, by the kind of answer. Is the app slow?',
    labelNames: ['answer'],
    buckets: ATTEMPT_BUCKETS,
    registers,
  })
  const seconds = new Map<string, ReturnType<typeof attemptSeconds.labels>>(
    ANSWERS.map((answer) => [answer, attemptSeconds.labels(answer)]),
  )
  const rests = counter('rests_total', 'Rests before another attempt. How much is being retried?')
  const leases = counter(
    'leases_out_total',
    'Accepted works that stayed silent for too long. Does the app forget works?',
  )
  const reported = by(
    'app_reports_total',
    'Reports that the app made, by kind. Does the app report?',
    'report',
    REPORTS,
  )
  const ended = by('works_ended_total', 'Works by their ending. How many fail?', 'ending', ENDINGS)
  const stored = by(
    'reports_stored_total',
    'Lifecycle events that XZepr has, by status. Does XZepr hear of the works?',
    'status',
    STATUSES,
  )
  const givenUp = by(
    'reports_given_up_total',
    'Lifecycle events that XZepr will not have, by status. Of what does it never hear?',
    'status',
    STATUSES,
  )
  const deadLetters = by(
    'dead_letters_total',
    'Dead letters that all in-sync replicas have, by reason. What comes to nothing?',
    'reason',
    DEAD_LETTER_REASONS,
  )
  const cutLetters = counter(
    'dead_letters_cut_total',
    'Dead letters that Kafka would not take whole. Is the limit of their topic too low?',
  )
  const closures = counter('gate_closures_total', 'Times that the app went away. Is it steady?')
  const closedSeconds = counter(
    'gate_closed_seconds_total',
    'How long the app was away, in seconds, counted once it is back. How much time did that cost?',
  )
  const commits = counter(
    'commits_total',
    'Offsets committed to Kafka, one for each partition and commit. Do the offsets move?',
  )
  const refusals = counter(
    'commits_refused_total',
    'Commits that Kafka refused. Do members of the group step on each other?',
  )
  const joins = counter('kafka_joins_total', 'Times the consumer joined its group. Is the group restless?')
  const kafka = by('kafka_problems_total', 'Problems with Kafka, by code. What is wrong with Kafka?', 'code', CODES)
  const xzepr = by('xzepr_problems_total', 'Problems with XZepr, by code. What is wrong with XZepr?', 'code', CODES)

  const levers = by('levers_total', 'Levers that an operator pulled. Did somebody lend a hand?', 'lever', LEVERS)

  return (entry: JournalEntry) => {
    switch (entry.name) {
      case 'record.received':
        received.inc()
        return
      case 'record.settled':
        settled(entry.ending)
        return
      case 'kafka.records-missing':
        missing.inc(Math.max(0, Number(entry.offset - entry.expected)))
        return
      case 'attempt.answered':
        answers(entry.answer)
        seconds.get(entry.answer)?.observe(entry.tookMs / 1000)
        return
      case 'work.resting':
        rests.inc()
        return
      case 'work.lease-out':
        leases.inc()
        return
      case 'work.reported':
        reported(entry.report)
        return
      case 'work.ended':
        ended(entry.ending)
        return
      case 'report.stored':
        stored(entry.status)
        return
      case 'report.given-up':
        givenUp(entry.status)
        return
      case 'record.dead-lettered':
        deadLetters(entry.reason)
        return
      case 'dead-letter.cut':
        cutLetters.inc()
        return
      case 'gate.closed':
        closures.inc()
        return
      case 'gate.opened':
        closedSeconds.inc(Math.max(0, entry.closedMs) / 1000)
        return
      case 'offset.committed':
        commits.inc()
        return
      case 'commit.refused':
        refusals.inc()
        return
      case 'kafka.joined':
        joins.inc()
        return
      case 'kafka.problem':
        kafka(entry.code)
        return
      case 'xzepr.problem':
        xzepr(entry.code)
        return
      case 'lever.paused':
        levers('pause')
        return
      case 'lever.resumed':
        levers('resume')
        return
      case 'lever.settled':
        levers('settle')
        return
      case 'lever.drain':
        levers('drain')
        return
      case 'bridge.started':
      case 'bridge.draining':
      case 'bridge.drained':
      case 'bridge.stopped':
      case 'letter.left-unwritten':
      case 'work.left-unsettled':
      case 'offset-map.cut':
      case 'offset-map.ignored':
      case 'partition.assigned':
      case 'partition.revoked':
      case 'partition.paused':
      case 'partition.resumed':
      case 'record.poison': // its ending counts it
      case 'record.passed-over': // its ending counts it
      case 'attempt.started':
      case 'xzepr.receiver':
      case 'xzepr.recovered':
      case 'http.fault':
      case 'config.warning':
        return
    }
  }
}
