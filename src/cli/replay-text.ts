/**
 * What a replay says to a person: a line for a letter, a line that moves along, and the summary.
 *
 * Ids and errors come from outside: they are cut, and nothing in them reaches the terminal that could garble it. Where it
 * ended early the summary says how to go on, as a flag to paste.
 */
import type { Letter, Tally } from '../core/replay.ts'
import { coordinates } from '../core/record.ts'

const TEXT_MAX_CHARS = 200

/** A text from outside, harmless for a terminal and on one line. */
export function harmless(text: string, maxChars = TEXT_MAX_CHARS): string {
  const cut = text.length > maxChars ? `${text.slice(0, maxChars - 1)}…` : text
  return cut.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, '?')
}

const NO_ID = '-'
/** The longest reasons, a ULID: most columns are as wide as this from the first line on. */
const REASON_CHARS = 14
const ID_CHARS = 26

/** Lines of letters, aligned: a column grows with what is in it and never shrinks. */
export class LetterLines {
  #placeChars = 0

  line(letter: Letter, id: string | undefined): string {
    return `${this.#which(letter, id)}  ${harmless(letter.letter.error)}`
  }

  /** A letter that came to nothing again: why it does now, and why it had before. */
  failed(letter: Letter, id: string | undefined, why: string): string {
    return `failed  ${this.#which(letter, id)}  now: ${clause(why)}; before: ${clause(letter.letter.error)}`
  }

  #which({ letter, atMs }: Letter, id: string | undefined): string {
    const place = harmless(coordinates(letter.record))
    this.#placeChars = Math.max(this.#placeChars, place.length)
    return [
      new Date(atMs).toISOString(),
      letter.reason.padEnd(REASON_CHARS),
      place.padEnd(this.#placeChars),
      harmless(id ?? NO_ID, 80).padEnd(ID_CHARS),
    ].join('  ')
  }
}

/** A sentence as one clause of another. */
function clause(sentence: string): string {
  return harmless(sentence).replace(/\.$/, '')
}

/** `1 letter`, `2 letters`. */
function letters(count: number): string {
  return count === 1 ? '1 letter' : `${count} letters`
}

export function progressText({ sent, failed, unreadable }: Tally, records: bigint, of: bigint): string {
  const more = [
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(unreadable > 0 ? [`${unreadable} unreadable`] : []),
  ].map((text) => `, ${text}`)
  return `${letters(sent)} sent${more.join('')}; ${records} of ${of} records read`
}

export interface Ended {
  readonly tally: Tally
  readonly topic: string
  readonly dryRun: boolean
  /** Why it ended before the last letter; undefined when it did not. */
  readonly early: { readonly why: string; readonly sinceMs: number | undefined } | undefined
}

export function summaryText({ tally, topic, dryRun, early }: Ended): string {
  const { sent, accepted, failed, unreadable, notMeant } = tally
  const parts = [
    dryRun ? `${letters(sent)} would be sent` : `${letters(sent)} sent`,
    ...(accepted > 0 ? [`${accepted} of them accepted (the app reports later)`] : []),
    ...(failed > 0 ? [`${failed} ${dryRun ? 'cannot be sent' : 'failed'}`] : []),
    ...(unreadable > 0 ? [`${unreadable} could not be read`] : []),
    ...(notMeant > 0 ? [`${notMeant} in ${topic} not asked for`] : []),
  ]
  const lines = [`${parts.join(', ')}.`]
  if (early !== undefined) {
    const since = early.sinceMs === undefined ? undefined : new Date(early.sinceMs).toISOString()
    const goOn = `Go on with the same flags and --since ${since ?? ''}; letters of that instant may be sent again.`
    lines.push(since === undefined ? early.why : `${early.why} ${goOn}`)
  } else if (!dryRun && sent > 0) lines.push(`The letters stay in ${topic}: sent again, they arrive again.`)
  return `${lines.join('\n')}\n`
}
