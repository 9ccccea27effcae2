/**
 * The operator's hand: who pulled a lever and why, as texts from outside.
 *
 * They go into the log and the status page, so they are cut and made harmless where they come in: nothing in them drives
 * a terminal, breaks a line or turns the direction of writing.
 */
import type { Hand } from './seams.ts'

/** Deliveries that somebody has paused: the newest hand, and since when. */
export interface Paused extends Hand {
  readonly sinceMs: number
}

const TEXT_MAX_CHARS = 200

/** @returns undefined when nothing readable is in it. */
export function handText(text: string): string | undefined {
  const plain = text
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, ' ')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
    .trim()
  const chars = Array.from(plain)
  const cut = chars.length > TEXT_MAX_CHARS ? `${chars.slice(0, TEXT_MAX_CHARS).join('')}…` : plain
  return cut === '' ? undefined : cut
}

/** Why nothing is sent, for whoever wonders. */
export function pausedSentence({ who, why }: Hand): string {
  return `Deliveries are paused by ${who}: ${why}.`
}
