/**
 * Full load: how fast a backlog is delivered, what of the processor it costs, and how much memory it takes.
 *
 *   events/s and processor time   from the first delivery to the last, as the app counts them
 *   ratios                        to undici's `request` loop of the same round; the median over the rounds
 *
 * References and bridge take turns in every round, so that what the machine does beside them bears on all alike.
 */
import type { Figure } from './figures.ts'
import { digits, median } from './figures.ts'
import type { Extent } from './options.ts'
import { cpuMs, CpuWatch, groupCpuMs, rssMb } from './proc.ts'
import type { Program } from './programs.ts'
import type { Progress, Stage } from './stage.ts'
import { BATCH_MAX, BATCHES } from './stage.ts'

const SAMPLE_MS = 100
const EX_CONFIG = 78

interface Run {
  readonly perSecond: number
  /** Processor time of the client for one event, in microseconds. */
  readonly cpuUsPerEvent: number
  readonly rssMb: number
  /** Cores that each process kept busy. */
  readonly cores: Readonly<Record<string, number>>
}

/** Delivers the backlog once. @returns undefined when the events do not come in the form that is asked for. */
async function run(
  stage: Stage,
  events: number,
  form: RegExp,
  start: () => Promise<Program>,
): Promise<Run | undefined> {
  const { app, brokerGroup } = stage
  await app.expect(events)
  const program = await start()
  try {
    await Promise.race([app.first(program), program.exited])
    // It refuses its configuration: it cannot do what is asked for.
    if (program.exitCode === EX_CONFIG) return undefined
    const watch = new CpuWatch({
      client: () => cpuMs(program.pid),
      app: () => cpuMs(app.program.pid),
      ...(brokerGroup !== undefined && { kafka: () => groupCpuMs(brokerGroup) }),
    })
    if (!form.test((await app.read()).contentType)) return undefined
    let peakMb = rssMb(program.pid)
    const sampling = setInterval(() => {
      if (!program.hasExited) peakMb = Math.max(peakMb, rssMb(program.pid))
    }, SAMPLE_MS)
    await app.all(program).finally(() => {
      clearInterval(sampling)
    })
    const { usedMs, tookMs } = watch.read()
    const tally = await app.read()
    return {
      perSecond: (tally.events - 1) / (tally.tookMs / 1000),
      cpuUsPerEvent: ((usedMs.client ?? NaN) * 1000) / tally.events,
      rssMb: peakMb,
      cores: Object.fromEntries(Object.entries(usedMs).map(([name, ms]) => [name, ms / tookMs])),
    }
  } finally {
    await program.stop()
  }
}

export async function load(
  stage: Stage,
  { rounds, events }: Extent,
  progress: Progress,
  only: { single: boolean; batch: boolean },
): Promise<Figure[]> {
  const topic = await stage.topic(3, events)
  progress(`${events} events of 1 KiB stand in 3 partitions`)
  const json = /^application\/cloudevents\+json/
  const path = '/events'
  const entrants = {
    request: () => run(stage, events, json, async () => stage.loop('undici-request', path, events)),
    dispatch: () => run(stage, events, json, async () => stage.loop('undici-dispatch', path, events)),
    kafkajs: () => run(stage, events, json, async () => stage.kafkajs('batch', path, topic)),
    bridge: () => run(stage, events, json, async () => stage.bridge(path, topic)),
    batches: () =>
      run(stage, events, /^application\/cloudevents-batch/, async () => stage.bridge(path, topic, BATCHES)),
  }
  type Entrant = keyof typeof entrants
  const runs: Record<Entrant, Run[]> = { request: [], dispatch: [], kafkajs: [], bridge: [], batches: [] }
  const skipped = new Set<Entrant>(only.batch ? [] : ['batches'])
  if (!only.single) for (const each of ['dispatch', 'kafkajs'] as const) skipped.add(each)
  for (let round = 1; round <= rounds; round++) {
    for (const [name, entrant] of Object.entries(entrants) as [Entrant, () => Promise<Run | undefined>][]) {
      if (skipped.has(name)) continue
      const result = await entrant()
      if (result === undefined) {
        skipped.add(name)
        progress(`round ${round}: ${name}: not available`)
        continue
      }
      runs[name].push(result)
      const cores = Object.entries(result.cores).map(([who, busy]) => `${who} ${busy.toFixed(2)}`)
      progress(
        `round ${round}: ${name}: ${digits(result.perSecond)} events/s, ${digits(result.cpuUsPerEvent)} µs each, ` +
          `${digits(result.rssMb)} MB; cores: ${cores.join(', ')}`,
      )
    }
  }

  const over = (name: Entrant, by: Entrant, of: (run: Run) => number): number =>
    median(
      runs[by].flatMap((reference, round) =>
        runs[name].slice(round, round + 1).map((each) => of(each) / of(reference)),
      ),
    )
  const speed = ({ perSecond }: Run): number => perSecond
  const cost = ({ cpuUsPerEvent }: Run): number => cpuUsPerEvent
  const about = (name: Entrant): { readonly note: string } => ({
    note:
      `${digits(median(runs[name].map(speed)))} events/s, ${digits(median(runs[name].map(cost)))} µs of processor each; cores busy: ` +
      Object.keys(runs[name][0]?.cores ?? {})
        .map((who) => `${who} ${median(runs[name].map(({ cores }) => cores[who] ?? 0)).toFixed(2)}`)
        .join(', '),
  })
  const ratio = '× request'
  const figures: Figure[] = []
  if (only.single) {
    figures.push(
      {
        what: 'bridge, events/s',
        value: over('bridge', 'request', speed),
        unit: ratio,
        goal: { is: 'at least', value: 1 },
        ...about('bridge'),
      },
      {
        what: 'bridge, processor time per event',
        value: over('bridge', 'request', cost),
        unit: ratio,
        goal: { is: 'at most', value: 1.3 },
      },
      {
        what: 'bridge, RSS at full load',
        value: median(runs.bridge.map(({ rssMb: mb }) => mb)),
        unit: 'MB',
        goal: { is: 'at most', value: 120 },
        note: 'the highest of a round, every 100 ms',
      },
      { what: 'undici request, events/s', value: 1, unit: ratio, ...about('request') },
      {
        what: 'undici dispatch, events/s',
        value: over('dispatch', 'request', speed),
        unit: ratio,
        ...about('dispatch'),
      },
      { what: 'undici dispatch, processor time per event', value: over('dispatch', 'request', cost), unit: ratio },
      {
        what: 'KafkaJS with Promise.all, events/s',
        value: over('kafkajs', 'request', speed),
        unit: ratio,
        ...about('kafkajs'),
      },
      {
        what: 'KafkaJS with Promise.all, processor time per event',
        value: over('kafkajs', 'request', cost),
        unit: ratio,
      },
      {
        what: 'KafkaJS with Promise.all, RSS at full load',
        value: median(runs.kafkajs.map(({ rssMb: mb }) => mb)),
        unit: 'MB',
      },
    )
  }
  if (only.batch) {
    const isThere = runs.batches.length > 0
    figures.push({
      what: `bridge in batches of ${BATCH_MAX}, events/s`,
      value: isThere ? over('batches', 'bridge', speed) : undefined,
      unit: '× single',
      goal: { is: 'at least', value: 5 },
      ...(isThere ? about('batches') : { note: 'events did not come in batches' }),
    })
  }
  return figures
}
