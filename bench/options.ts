/**
 * The words after `npm run bench --`.
 *
 * Nothing is done here: main.ts gets options, a text to print, or a refusal that names what would be right.
 */
import { parseArgs } from 'node:util'

export const SECTIONS = ['load', 'batch', 'latency', 'idle', 'held', 'beside', 'crash', 'profile'] as const
export type Section = (typeof SECTIONS)[number]

/** How much is measured. */
export interface Extent {
  readonly rounds: number
  /** Of the backlog. */
  readonly events: number
  /** Of the trickle. */
  readonly trickle: number
  readonly idleSeconds: number
}

const FULL: Extent = { rounds: 3, events: 50_000, trickle: 1000, idleSeconds: 20 }
const QUICK: Extent = { rounds: 1, events: 10_000, trickle: 300, idleSeconds: 8 }

export interface BenchOptions {
  readonly sections: ReadonlySet<Section>
  readonly extent: Extent
  readonly quick: boolean
  /** Where the figures go as JSON. */
  readonly json: string | undefined
  /** Writes docs/reference/benchmark.md. */
  readonly markdown: boolean
}

export type BenchCommand =
  | { readonly kind: 'bench'; readonly options: BenchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly why: string }

export const BENCH_HELP = `npm run bench -- [options]

Measures the bridge beside references that run in turn with it, on one Kafka
and against one app, and prints ratios. Takes some 5 minutes. Starts all it needs
on this machine and leaves nothing behind. It judges nobody: the exit code is 0
whether goals are met or not.

  --only a,b     of ${SECTIONS.join(', ')}
                   load     events/s, processor time and memory under a backlog
                   batch    the same in batches of 100
                   latency  from the producer to the app at 100 events/s
                   idle     processor time and memory with nothing to do
                   held     memory with 10,000 works held by 202
                   beside   latency behind one work of 30 s in the partition
                   crash    what comes again after kill -9
                   profile  what the bridge's processor time goes into
  --quick        one round of a fifth, in 2 minutes
  --json FILE    writes the figures to a file
  --markdown     writes docs/reference/benchmark.md
  --help         this text

Kafka: KAFKA_BROKERS if set, else Docker, else Java 17 and Maven. Linux only:
processor time and memory are read from /proc.
`

export function parseBench(argv: readonly string[]): BenchCommand {
  let values
  try {
    values = parseArgs({
      args: [...argv],
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        markdown: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    return { kind: 'refused', why: error instanceof Error ? error.message : String(error) }
  }
  if (values.help) return { kind: 'help' }
  const sections = new Set<Section>()
  for (const word of values.only?.split(',') ?? SECTIONS) {
    const section = SECTIONS.find((each) => each === word.trim())
    if (section === undefined) return { kind: 'refused', why: `--only takes ${SECTIONS.join(', ')}, not ${word}.` }
    sections.add(section)
  }
  const { quick, json, markdown } = values
  return { kind: 'bench', options: { sections, extent: quick ? QUICK : FULL, quick, json, markdown } }
}
