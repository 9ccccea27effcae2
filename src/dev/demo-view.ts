/**
 * What the demo shows and how it judges: pure text from facts.
 *
 *   a line of the bridge's log ─▶ step ─▶ one aligned line on the screen
 *   facts read back from XZepr and the log ─▶ table, and what is still missing
 *
 * The bridge's own word makes steps alone. The verdict rests on what others hold: the stand-in's journal for lifecycle
 * events, the log's own answer for offsets.
 */
import type { Place } from './event-log.ts'

/** An event that was sent, and what others say about it. */
export interface EventFacts {
  readonly id: string
  readonly name: string
  /** How the app's work on it ends. */
  readonly ends: 'completed' | 'failed'
  /** Where the log put it; undefined until it is there. */
  readonly place: Place | undefined
  /** The app's last answer. The bridge's word: shown, never judged. */
  readonly answer: string | undefined
  /** How many lifecycle events of each status XZepr holds for it. */
  readonly started: number
  readonly completed: number
  readonly failed: number
  /** The next offset of its partition that the group would read; undefined without a commit. */
  readonly committed: bigint | undefined
}

/** What is not true yet of an event that should have made the whole way; empty when it has. */
export function missing(facts: EventFacts): string[] {
  const { ends, place, committed } = facts
  const other = ends === 'completed' ? 'failed' : 'completed'
  const lacks: string[] = []
  if (place === undefined) lacks.push('is not in the log')
  if (facts.started === 0) lacks.push('XZepr has no started')
  if (facts[ends] === 0) lacks.push(`XZepr has no ${ends}`)
  if (facts[other] > 0) lacks.push(`XZepr has ${other}, which is not how it ended`)
  if (place !== undefined && (committed ?? 0n) <= place.offset) lacks.push('its offset is not committed')
  return lacks
}

const HEAD = ['event', 'webhook', 'started', 'ended', 'offset', 'committed']

/** The table at the end, one row per event. */
export function table(all: readonly EventFacts[]): string[] {
  const rows = all.map((facts) => {
    const { place, committed } = facts
    const ending = [times(facts.completed, 'completed'), times(facts.failed, 'failed')].filter((text) => text !== '')
    return [
      label(facts),
      facts.answer ?? '–',
      facts.started > 0 ? times(facts.started, '✓') : '–',
      ending.join(', ') || '–',
      place === undefined ? '–' : `${place.partition}/${place.offset}`,
      place !== undefined && (committed ?? 0n) > place.offset ? '✓' : '–',
    ]
  })
  const widths = HEAD.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(HEAD), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)]
}

function times(count: number, text: string): string {
  if (count === 0) return ''
  return count === 1 ? text : `${text} ×${count}`
}

/** Below the table: whoever compares it with the steps finds commits of offsets that it does not have. */
export const OFFSETS_NOTE = 'Committed offsets are larger: the others are lifecycle and receiver events.'

/** The last sentence: whether every event made the whole way, on which log, else what is missing, event by event. */
export function verdict(
  all: readonly EventFacts[],
  isKafka: boolean,
): { readonly ok: boolean; readonly sentences: string[] } {
  const short = all.filter((facts) => missing(facts).length > 0)
  if (all.length > 0 && short.length === 0) {
    const whole = all.length === 1 ? 'The event' : `All ${all.length} events`
    const end = isKafka ? ', and nothing is owed any more.' : ' (on the in-memory log, not on a Kafka).'
    return { ok: true, sentences: [`${whole} made the whole way${end}`] }
  }
  const reasons = short.map((facts) => `${label(facts)}: ${missing(facts).join('; ')}.`)
  return { ok: false, sentences: [`${short.length} of ${all.length} events did not make the whole way.`, ...reasons] }
}

/** An event's short name: its kind and the end of its id, where ULIDs differ. XZepr's own kinds begin alike. */
export function label({ name, id }: { readonly name: string; readonly id: string }): string {
  return `${name.replace(/^xzepr\.event\./, '')} …${id.slice(-5)}`
}

export type Actor = 'you' | 'kafka' | 'xzepr' | 'bridge' | 'app'

/** As wide as the longest label of a usual run: a line of the show has 80 columns. */
const LABEL_COLUMNS = 25

/** One line of the show: when, who, about which event, what. What is about no event stands where events stand. */
export function stepLine(sinceMs: number, who: Actor, about: string, what: string): string {
  const event = about === '' ? '' : `${about.padEnd(LABEL_COLUMNS)}  `
  return `${(sinceMs / 1000).toFixed(2).padStart(7)}s  ${who.padEnd(6)}  ${event}${what.replace(/\.$/, '')}`.trimEnd()
}

/** Finds the events that were sent. */
export interface Known {
  byId(id: string): string | undefined
  byPlace(place: Place): string | undefined
}

export interface Step {
  readonly about: string
  readonly what: string
}

/** A line of the bridge's log, as JSON.parse leaves it. */
export type LogFields = Readonly<Record<string, unknown>>

/** What a line of the bridge's log says to an onlooker; undefined for what would only be noise. */
export function bridgeStep(fields: LogFields, known: Known): Step | undefined {
  const text = (name: string): string => plain(fields[name])
  const about = known.byId(text('workId')) ?? known.byPlace(placeOf(fields)) ?? ''
  const say = (what: string): Step => ({ about, what })
  switch (fields.event) {
    case 'bridge.started':
      return say('has started')
    case 'kafka.joined':
      return say(`joined the consumer group, ${text('partitions')} partitions`)
    case 'xzepr.receiver':
      return say(`is known to XZepr as ${text('receiver')}`)
    case 'attempt.started':
      return say(`POST to the webhook, attempt ${text('attempt')}`)
    case 'attempt.answered':
      return say(`the app answered ${text('why')}: ${text('answer')}`)
    case 'work.resting':
      return say(`rests ${text('restMs')} ms: ${text('why')}`)
    case 'work.reported':
      return say(`the app reported ${text('report')}`)
    case 'record.settled':
      // Its own lifecycle events come back on the topic and settle too: passed over, nobody waits for them.
      return fields.ending === 'passed-over' ? undefined : say('settled: nothing more is owed')
    case 'offset.committed':
      // The offset is the next to be read, so it names no event of its own.
      return { about: '', what: `committed partition ${text('partition')} up to offset ${text('offset')}` }
    case 'work.ended':
      return fields.ending === 'failed' ? say(`ended failed: ${text('why')}`) : undefined
    case 'record.passed-over':
      return undefined
    default:
      return isLoud(fields) ? say(text('msg')) : undefined
  }
}

/** A warning or an error is shown whatever it is about. */
function isLoud({ level }: LogFields): boolean {
  return level === 'warn' || level === 'error' || level === 'fatal'
}

function placeOf({ partition, offset }: LogFields): Place {
  const digits = plain(offset)
  return { partition: Number(plain(partition) || NaN), offset: /^\d+$/.test(digits) ? BigInt(digits) : -1n }
}

function plain(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? String(value) : ''
}

/** The type that a message of XZepr's names. */
export function typeOf(message: string): string {
  const { type } = JSON.parse(message) as Readonly<Record<string, unknown>>
  return plain(type)
}

/** The work and the status that a lifecycle event tells of; undefined for any other event. */
export function lifecycleOf(payload: string): { readonly workId: string; readonly status: string } | undefined {
  const parsed: unknown = JSON.parse(payload)
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const { work_id: workId, status } = parsed as Record<string, unknown>
  return typeof workId === 'string' && typeof status === 'string' ? { workId, status } : undefined
}
