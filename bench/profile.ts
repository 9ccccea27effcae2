/**
 * Where the bridge's processor time goes: a sampled profile of its main thread while it delivers a backlog.
 *
 * A sample counts for the nearest code on its stack that is not Node's own, so a write to a socket counts for undici and
 * the reading of Kafka's answers for KafkaJS; what the event loop calls by itself counts for Node. The compiler's and
 * the garbage collector's helper threads are no part of it.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Figure } from './figures.ts'
import { digits } from './figures.ts'
import type { Extent } from './options.ts'
import type { Progress, Stage } from './stage.ts'
import { BATCH_MAX, BATCHES } from './stage.ts'

/** V8's `.cpuprofile`; times in microseconds. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
    readonly children?: readonly number[]
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Less than this of an event is told together with others. */
const LEAST_US = 1

/** Delivers the backlog once for each format, profiled. */
export async function profile(stage: Stage, { events }: Extent, progress: Progress): Promise<Figure[]> {
  const topic = await stage.topic(3, events)
  return [
    ...(await shares(stage, 'one event a request', topic, events, {}, progress)),
    ...(await shares(stage, `batches of ${BATCH_MAX}`, topic, events, BATCHES, progress)),
  ]
}

async function shares(
  stage: Stage,
  form: string,
  topic: string,
  events: number,
  env: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'xzepr-bridge-profile-'))
  try {
    await stage.app.expect(events)
    const program = await stage.bridge('/events', topic, env, ['--cpu-prof', `--cpu-prof-dir=${directory}`])
    try {
      await stage.app.all(program)
    } finally {
      await program.stop()
    }
    const [name = ''] = readdirSync(directory)
    const spentUs = spent(JSON.parse(readFileSync(join(directory, name), 'utf8')) as Profile)
    const figures: Figure[] = []
    let restUs = 0
    for (const [owner, us] of [...spentUs].sort(([, a], [, b]) => b - a)) {
      const perEvent = us / events
      if (perEvent < LEAST_US) restUs += perEvent
      else figures.push({ what: `${form}: ${owner}`, value: perEvent, unit: 'µs' })
    }
    const sumUs = [...spentUs.values()].reduce((sum, us) => sum + us / events, 0)
    progress(`profile: ${form}: ${digits(sumUs)} µs of the main thread for each event`)
    return [...figures, { what: `${form}: all else`, value: restUs, unit: 'µs' }]
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** From the first delivery to the last, by owner, in microseconds. */
function spent({ nodes, samples, timeDeltas }: Profile): ReadonlyMap<string, number> {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const callers = new Map(nodes.flatMap(({ id, children }) => (children ?? []).map((child) => [child, id] as const)))
  const owners = new Map<number, string>()
  const ownerOf = (id: number): string => {
    const known = owners.get(id)
    if (known !== undefined) return known
    const frame = frames.get(id)
    const caller = callers.get(id)
    const owner =
      (frame && ownerOfFrame(frame)) ?? (caller === undefined ? 'Node, called by its loop' : ownerOf(caller))
    owners.set(id, owner)
    return owner
  }
  const isDelivery = (id: number): boolean => frames.get(id)?.url.endsWith('/dist/calls.js') === true
  const first = samples.findIndex(isDelivery)
  const last = samples.length - 1 - [...samples].reverse().findIndex(isDelivery)
  const sums = new Map<string, number>()
  for (let at = first; at <= last; at++) {
    const owner = ownerOf(samples[at] ?? 0)
    if (owner !== '') sums.set(owner, (sums.get(owner) ?? 0) + (timeDeltas[at] ?? 0))
  }
  return sums
}

/** @returns undefined for what counts for its caller, '' for what counts for nobody. */
function ownerOfFrame({ functionName, url }: Profile['nodes'][number]['callFrame']): string | undefined {
  if (functionName === '(idle)') return ''
  if (functionName === '(garbage collector)') return 'the garbage collector'
  if (functionName === '(program)') return 'the program itself, outside JavaScript'
  const [, dependency] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? []
  if (dependency !== undefined) return dependency
  const [, path] = /\/dist\/(.*)$/.exec(url) ?? []
  if (path === undefined) return undefined
  const [room = '', ...inside] = path.split('/')
  return inside.length === 0 ? 'the hub (src)' : `src/${room}`
}
