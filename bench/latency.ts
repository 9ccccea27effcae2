/**
 * Latency: from the producer's hand to the app, at a rate that leaves everything idle most of the time.
 *
 * Producer and app run on one machine and read one clock; the instant travels in the value. A bridge and what a user
 * would write take turns. The first events of a run warm everybody up and are not counted. When the producer's own
 * acknowledgements come late, the machine is busy elsewhere, and the figures say that and nothing else.
 */
import type { Figure } from './figures.ts'
import { digits, median, quantile } from './figures.ts'
import type { Extent } from './options.ts'
import type { Program } from './programs.ts'
import type { Progress, Stage } from './stage.ts'

const PER_SECOND = 100
const WARM_UP = 200
const WORK_SECONDS = 30

interface Latency {
  readonly p50: number
  readonly p99: number
}

interface Run extends Latency {
  /** How long Kafka took to acknowledge the same events to their producer. */
  readonly acknowledged: Latency
}

async function run(stage: Stage, events: number, perSecond: number, topic: string, program: Program): Promise<Run> {
  const { app } = stage
  let producer: Program | undefined
  try {
    await program.says(/kafka\.joined|^joined/)
    producer = stage.trickle(topic, WARM_UP + events, perSecond)
    await app.all(program)
    const latencies = (await app.read()).latenciesMs.slice(WARM_UP)
    const [, p50, p99] = /p50 ([\d.]+) p99 ([\d.]+)/.exec(await producer.says(/^acknowledged/)) ?? []
    return {
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      acknowledged: { p50: Number(p50), p99: Number(p99) },
    }
  } finally {
    // Killed: it would wait for a work of 30 seconds.
    await program.stop('SIGKILL')
    await producer?.stop()
  }
}

export async function latency(stage: Stage, { rounds, trickle }: Extent, progress: Progress): Promise<Figure[]> {
  const entrants = {
    bridge: async (topic: string) => stage.bridge('/latency', topic),
    'KafkaJS with fetch': async (topic: string) => stage.kafkajs('message', '/latency', topic),
  }
  const runs = new Map<string, Run[]>()
  for (let round = 1; round <= rounds; round++) {
    for (const [name, start] of Object.entries(entrants)) {
      const topic = await stage.topic(3, 0)
      await stage.app.expect(WARM_UP + trickle)
      const result = await run(stage, trickle, PER_SECOND, topic, await start(topic))
      runs.set(name, [...(runs.get(name) ?? []), result])
      progress(`round ${round}: ${name}: ${inWords(result)}`)
    }
  }
  const goals: Record<string, Latency> = { bridge: { p50: 2, p99: 9 } }
  return [...runs].flatMap(([name, all]) =>
    (['p50', 'p99'] as const).map((which): Figure => ({
      what: `${name}, ${which} at ${PER_SECOND} events/s`,
      value: median(all.map((each) => each[which])),
      unit: 'ms',
      ...(goals[name] && { goal: { is: 'at most', value: goals[name][which] } }),
      note:
        `rounds: ${all.map((each) => digits(each[which])).join(', ')}; ` +
        `the producer had its acknowledgement after ${digits(median(all.map((each) => each.acknowledged[which])))} ms`,
    })),
  )
}

/** Events of a partition whose first work takes 30 seconds. */
export async function beside(stage: Stage, { trickle }: Extent, progress: Progress): Promise<Figure[]> {
  const topic = await stage.topic(1, 1)
  await stage.app.expect(1)
  const program = await stage.bridge('/mark-wait', topic)
  await stage.app.first(program)
  // The work that waits has no latency of its own.
  await stage.app.expect(WARM_UP + trickle)
  const result = await run(stage, trickle, 2 * PER_SECOND, topic, program)
  progress(`beside: ${inWords(result)}`)
  return [
    {
      what: `bridge, p99 of ${trickle} events behind one work of ${WORK_SECONDS} s`,
      value: result.p99,
      unit: 'ms',
      goal: { is: 'below', value: 100 },
      note: `one partition, ${2 * PER_SECOND} events/s; ${inWords(result)}`,
    },
  ]
}

function inWords({ p50, p99, acknowledged }: Run): string {
  const both = (each: Latency): string => `p50 ${digits(each.p50)} ms, p99 ${digits(each.p99)} ms`
  return `${both({ p50, p99 })}; acknowledged to the producer: ${both(acknowledged)}`
}
