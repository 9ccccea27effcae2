/**
 * Sending dead letters again: which letters are meant, and what an answer of the app means for one of them.
 *
 * ```
 *   record ─▶ weighed ─┬─ wanted ─▶ attempt ─┬─ done, accepted ─────────────────▶ sent
 *                      ├─ unreadable         ├─ never, or attempts spent ───────▶ failed
 *                      └─ not meant          ├─ later ─▶ rests ─▶ attempt
 *                                            └─ away ─▶ asked again ─▶ for too long ▶ the replay ends
 * ```
 *
 * The laws: only letters of one's own group are meant; a letter whose work has ended (`report-refused`) is sent again only
 * when it is named, because the app would do that work twice. What the app does not answer burns no attempt.
 */
import type { Answer } from './answer.ts'
import type { DeadLetterReason, LetterReading } from './dead-letter.ts'
import { readLetter } from './dead-letter.ts'
import type { DecodeUtf8, Message } from './message.ts'
import { readMessage } from './message.ts'
import type { KafkaRecord } from './record.ts'
import { coordinates } from './record.ts'
import { restMs } from './retry.ts'
import type { Moment } from './seams.ts'

export interface Selection {
  readonly group: string
  /** Letters written before; undefined for all. */
  readonly untilMs: number | undefined
  /** Events' ids, or coordinates of the originals; empty for all. */
  readonly ids: readonly string[]
  /** Empty for all but `report-refused`. */
  readonly reasons: readonly DeadLetterReason[]
}

export type Letter = Extract<LetterReading, { readonly kind: 'letter' }>

export type Weighed =
  /** `message` is undefined where the original is not in the letter, or cannot be read. */
  | { readonly kind: 'wanted'; readonly letter: Letter; readonly message: Message | undefined; readonly why: string }
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'not-meant' }

const NOT_MEANT: Weighed = { kind: 'not-meant' }

/** Is this record of the dead-letter topic a letter that is meant? */
export function weigh(record: KafkaRecord, selection: Selection, decodeUtf8: DecodeUtf8): Weighed {
  const { group, untilMs, ids, reasons } = selection
  if (untilMs !== undefined && record.timestampMs >= untilMs) return NOT_MEANT
  const letter = readLetter(record, decodeUtf8)
  // Who names letters does not mean what is none; who asks for all must hear that something else is there.
  const named = ids.length + reasons.length > 0
  if (letter.kind === 'stranger') return named ? NOT_MEANT : { kind: 'unreadable', why: letter.why }
  if (letter.group !== group) return NOT_MEANT
  const { reason, record: original } = letter.letter
  if (reasons.length > 0 && !reasons.includes(reason)) return NOT_MEANT
  if (!named && reason === 'report-refused') return NOT_MEANT
  const reading = letter.leftOut === undefined ? readMessage(original, decodeUtf8) : undefined
  const message = reading?.kind === 'message' ? reading.message : undefined
  if (ids.length > 0 && !ids.includes(coordinates(original)) && !(message && ids.includes(message.id))) return NOT_MEANT
  return { kind: 'wanted', letter, message, why: whyUnread(reading) }
}

function whyUnread(reading: ReturnType<typeof readMessage> | undefined): string {
  if (reading === undefined) return 'the letter does not hold its event'
  return reading.kind === 'poison' ? `it still cannot be read: ${reading.why}` : 'it is a tombstone'
}

/** Attempts a letter gets in one replay. */
export const REPLAY_ATTEMPTS_MAX = 5
/** How often an app that is away is asked, and for how long. */
export const AWAY_ASK_MS = 1000
export const AWAY_MAX_MS = 60_000

export interface Sending {
  /** From 1. */
  readonly attempt: number
  /** Since when the app has been away; undefined while it answers. */
  readonly awaySinceMs: number | undefined
  readonly retryInitialMs: number
  readonly retryMaxMs: number
}

export type Outcome =
  /** `accepted`: the app reports later, to the running bridge. */
  | { readonly kind: 'sent'; readonly accepted: boolean }
  | { readonly kind: 'failed'; readonly why: string }
  | {
      readonly kind: 'again'
      readonly attempt: number
      readonly inMs: number
      readonly awaySinceMs: number | undefined
      readonly why: string
    }
  /** Nobody is there to take any letter. */
  | { readonly kind: 'end'; readonly why: string }

/** What an answer means for the letter that it is about. */
export function outcomeOf(answer: Answer, sending: Sending, { nowMs, chance }: Moment): Outcome {
  const { attempt, retryInitialMs, retryMaxMs } = sending
  switch (answer.kind) {
    case 'done':
      return { kind: 'sent', accepted: false }
    case 'accepted':
      return { kind: 'sent', accepted: true }
    case 'never':
      return { kind: 'failed', why: answer.why }
    case 'later': {
      if (attempt >= REPLAY_ATTEMPTS_MAX)
        return { kind: 'failed', why: `${answer.why}, attempt ${attempt} of ${attempt}` }
      const { retryAfterMs, why } = answer
      const inMs = restMs({ attempt, initialMs: retryInitialMs, maxMs: retryMaxMs, chance, retryAfterMs })
      return { kind: 'again', attempt: attempt + 1, inMs, awaySinceMs: undefined, why }
    }
    case 'away': {
      const awaySinceMs = sending.awaySinceMs ?? nowMs
      const { why } = answer
      return nowMs - awaySinceMs >= AWAY_MAX_MS
        ? { kind: 'end', why }
        : { kind: 'again', attempt, inMs: AWAY_ASK_MS, awaySinceMs, why }
    }
  }
}

/** When the next letter may start, so many a second at the most. */
export function paceMs(startedAtMs: number, ratePerSecond: number | undefined): number {
  return ratePerSecond === undefined ? startedAtMs : startedAtMs + 1000 / ratePerSecond
}

/** What a replay has come to so far. */
export interface Tally {
  readonly sent: number
  /** Among those sent: the app reports later. */
  readonly accepted: number
  readonly failed: number
  readonly unreadable: number
  readonly notMeant: number
}

export const NOTHING_YET: Tally = { sent: 0, accepted: 0, failed: 0, unreadable: 0, notMeant: 0 }
