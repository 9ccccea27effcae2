/**
 * The metrics: every one once (metrics/), with its unit and the question it answers.
 *
 * Counters and histograms follow the journal; gauges are read from one snapshot per scrape, so that they agree with
 * each other. The law: no label without a bound. Each bridge has its own registry, so that two in one process, as in
 * tests, do not count for each other.
 */
import { Registry, collectDefaultMetrics } from 'prom-client'
import type { Journal } from './core/journal.ts'
import type { Snapshot } from './core/snapshot.ts'
import { countingJournal } from './metrics/counting.ts'
import { gauges } from './metrics/gauges.ts'

export interface Metrics {
  readonly journal: Journal
  /** All metrics in Prometheus's text format, gauges taken now. */
  readonly text: () => Promise<string>
  readonly contentType: string
}

export function createMetrics({ snapshot }: { readonly snapshot: () => Snapshot }): Metrics {
  const registry = new Registry()
  // Processor, memory, event-loop delay. Sampled every 20 ms: more often would cost an idle bridge more than it tells.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 })
  const journal = countingJournal(registry)
  const gauge = gauges(registry)
  return {
    journal,
    text: async () => {
      gauge(snapshot())
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}
