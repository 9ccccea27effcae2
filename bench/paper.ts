/**
 * The figures on paper: a table for the terminal, a page for the docs, JSON for machines.
 *
 * A figure is worth what is known of how it came about, so machine, versions and commands stand beside it.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, totalmem } from 'node:os'
import { KAFKA_VERSION } from '../dist/dev/kafka/settings.js'
import type { Figure } from './figures.ts'
import { goalText, isMet, valueText, verdict } from './figures.ts'
import type { BenchOptions } from './options.ts'
import { SECTIONS } from './options.ts'

export interface Sheet {
  readonly at: string
  readonly command: string
  readonly machine: string
  readonly versions: string
  readonly load: string
  /** Of the backlog. */
  readonly events: number
  readonly figures: readonly Figure[]
}

/** @param loads the machine's load average before and after: who else worked on it. */
export function sheetOf(
  options: BenchOptions,
  brokerIs: string,
  loads: readonly [number, number],
  figures: readonly Figure[],
): Sheet {
  const require = createRequire(import.meta.url)
  const version = (name: string): string => (require(`${name}/package.json`) as { version: string }).version
  const [cpu] = cpus()
  const words = [
    ...(options.sections.size < SECTIONS.length ? ['--only', [...options.sections].join(',')] : []),
    ...(options.quick ? ['--quick'] : []),
  ]
  return {
    at: new Date().toISOString().slice(0, 10),
    command: ['npm run bench', ...(words.length > 0 ? ['--', ...words] : [])].join(' '),
    machine: `${cpu?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${Math.round(totalmem() / 1e9)} GB, ${kernel()}`,
    versions: `Node ${process.versions.node}, Kafka ${brokerIs === 'KAFKA_BROKERS' ? 'of KAFKA_BROKERS' : `${KAFKA_VERSION} (${brokerIs})`}, undici ${version('undici')}, KafkaJS ${version('kafkajs')}`,
    load: `load average ${loads[0].toFixed(1)} before, ${loads[1].toFixed(1)} after`,
    events: options.extent.events,
    figures,
  }
}

function kernel(): string {
  return `Linux ${readFileSync('/proc/sys/kernel/osrelease', 'latin1').trim()}`
}

export function table({ figures, ...sheet }: Sheet): string {
  const rows = figures.map((figure) => [figure.what, valueText(figure), goalText(figure), verdict(figure)])
  const widths = [0, 1, 2, 3].map((at) => Math.max(...rows.map((row) => (row[at] ?? '').length)))
  const lines = rows.flatMap((row, index) => {
    const { note } = figures[index] ?? {}
    const line = row.map((text, at) => text.padEnd(widths[at] ?? 0)).join('  ')
    return note === undefined ? [line.trimEnd()] : [line.trimEnd(), `    ${note}`]
  })
  return [sheet.machine, sheet.versions, sheet.load, '', ...lines, ''].join('\n')
}

export function markdown(sheet: Sheet): string {
  const { at, command, machine, versions, load, events, figures } = sheet
  const judged = figures.filter(({ goal }) => goal !== undefined)
  const met = judged.filter((figure) => isMet(figure) === true).length
  const cell = (text: string): string => text.replaceAll('|', '\\|')
  return [
    '# Benchmark',
    '',
    '<!-- Written by `npm run bench -- --markdown`; what is changed here by hand is lost. -->',
    '',
    `What \`${command}\` printed on ${at}: ${met} of ${judged.length} goals are met.`,
    '',
    `- ${machine}`,
    `- ${versions}`,
    `- ${load}; Kafka, app, producer and client share the machine`,
    '',
    'Ratios are to a loop over undici’s `request` that reads no Kafka and sends the same 1 KiB to the same app, 64 at a',
    'time, and ran in turn with the others; the median of the rounds. Events are counted at the app, from the first',
    `delivery to the last. The bridge runs as a process with its log at \`info\`; a backlog of ${events} events stands in 3`,
    'partitions. Latency is from the producer’s hand to the app, by one clock. The last rows say what an event costs the',
    'bridge’s main thread, by whose code runs: Node’s own counts for whoever called it. Absolute figures hold for that',
    'machine on that day alone; [Speed](../explanation/speed.md) says what they mean.',
    '',
    '| what | measured | goal | | |',
    '| --- | --- | --- | --- | --- |',
    ...figures.map(
      (figure) =>
        `| ${[figure.what, valueText(figure), goalText(figure), verdict(figure), figure.note ?? ''].map(cell).join(' | ')} |`,
    ),
    '',
  ].join('\n')
}
