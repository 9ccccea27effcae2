/**
 * What happens on the road, as rows for an onlooker. Pure: an entry of the bridge's journal in, a row or nothing out.
 *
 *   → event   the bridge posts it to the app        ← answer   what the app said to that
 *   ← report  what the app told the work API        ✓ settled  nothing more is owed; what XZepr has of it
 *
 * The bridge tells more: commits, the group, what it passes over because it is its own. Only what an app's author acts on
 * is shown, and every warning.
 */
import type { Answer } from '../core/answer.ts'
import type { JournalEntry } from '../core/journal.ts'
import type { TopicPartition } from '../core/record.ts'
import { levelOf, lineOf } from '../log.ts'

export type Tone = 'plain' | 'good' | 'wait' | 'bad'

export interface Row {
  readonly kind: string
  readonly name: string
  readonly id: string
  readonly text: string
  readonly tone: Tone
}

const TONES: Readonly<Record<Answer['kind'], Tone>> = {
  done: 'good',
  accepted: 'good',
  later: 'wait',
  away: 'wait',
  never: 'bad',
}
/** The bridge says so of its own lifecycle events that come round: nobody waits for them. */
const OWN = /own event$|it is a lifecycle event/
/** Works that are remembered by name; beyond it the oldest loses its name, not its row. */
const KNOWN_MAX = 10_000

interface KnownWork {
  readonly name: string
  readonly id: string
  ended?: string
  readonly told: string[]
}

type OfRecord = TopicPartition & { readonly offset: bigint }

export class LoopStory {
  readonly #works = new Map<string, KnownWork>()
  readonly #ids = new Map<string, string>()

  /** An event is on its way to the log. */
  named(id: string, name: string): void {
    remember(this.#works, id, { name, id, told: [] })
  }

  /** The log has it at this place. */
  placed(id: string, place: OfRecord): void {
    remember(this.#ids, placeName(place), id)
  }

  /** The row of an entry; undefined for what is not shown. */
  row(entry: JournalEntry): Row | undefined {
    switch (entry.name) {
      case 'attempt.started': {
        const work = this.#work(entry, entry.workId, entry.eventType)
        return said('→ event', work, entry.attempt === 1 ? 'to the app' : `to the app again, attempt ${entry.attempt}`)
      }
      case 'attempt.answered': {
        const { answer, why, tookMs } = entry
        const text = answer === 'away' ? `the app is away: ${why}` : `${why}: ${answer}, ${tookMs} ms`
        return said('← answer', this.#work(entry, entry.workId), text, TONES[answer])
      }
      case 'work.reported': {
        const tone = entry.report === 'failed' ? 'bad' : 'good'
        return said('← report', this.#work(entry, entry.workId), entry.report, tone)
      }
      case 'work.resting':
        return said('  rest', this.#work(entry, entry.workId), `comes again in ${entry.restMs} ms`, 'wait')
      case 'work.lease-out':
        return said('! silent', this.#work(entry, entry.workId), 'the lease has run out: no report came', 'bad')
      case 'report.stored':
        this.#works.get(entry.workId)?.told.push(entry.status)
        return undefined
      case 'work.ended':
        this.#work(entry, entry.workId).ended = entry.ending === 'failed' ? `failed: ${entry.why}` : entry.ending
        return undefined
      case 'record.passed-over':
        return OWN.test(entry.why) ? undefined : said('  passed', this.#at(entry), `over: ${entry.why}`)
      case 'record.settled':
        return this.#settled(entry)
      case 'gate.opened':
        return { kind: '  bridge', name: '', id: '', text: 'the app is there: deliveries go on', tone: 'good' }
      default:
        return loud(entry)
    }
  }

  #settled(entry: Extract<JournalEntry, { readonly name: 'record.settled' }>): Row | undefined {
    const work = this.#at(entry)
    // The others keep their names: a work may have settled before its call is back.
    if (entry.ending === 'passed-over' || entry.ending === 'poison') {
      this.#ids.delete(placeName(entry))
      this.#works.delete(work.id)
      return undefined
    }
    const told = work.told.length === 0 ? '' : `; XZepr has ${work.told.join(', ')}`
    const isBad = entry.ending === 'failed'
    return said(isBad ? '✗ settled' : '✓ settled', work, `${work.ended ?? entry.ending}${told}`, isBad ? 'bad' : 'good')
  }

  /** By its place; one that was there before this loop began has no name until it is attempted. */
  #at(place: OfRecord): KnownWork {
    const id = this.#ids.get(placeName(place)) ?? ''
    return this.#works.get(id) ?? { name: '', id, told: [] }
  }

  #work(place: OfRecord, id: string, name = ''): KnownWork {
    const known = this.#works.get(id)
    if (known !== undefined) return known
    const work = { name, id, told: [] }
    remember(this.#works, id, work)
    remember(this.#ids, placeName(place), id)
    return work
  }
}

/** Warnings and errors are shown whatever they are about. */
function loud(entry: JournalEntry): Row | undefined {
  const level = levelOf(entry)
  if (level !== 'warn' && level !== 'error') return undefined
  return { kind: '! bridge', name: '', id: '', text: lineOf(entry).msg, tone: level === 'warn' ? 'wait' : 'bad' }
}

function said(kind: string, { name, id }: { name: string; id: string }, text: string, tone: Tone = 'plain'): Row {
  return { kind, name, id, text: text.replace(/\.$/, ''), tone }
}

function placeName({ topic, partition, offset }: OfRecord): string {
  return `${topic}/${partition}/${offset}`
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.set(key, value)
  if (map.size <= KNOWN_MAX) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
