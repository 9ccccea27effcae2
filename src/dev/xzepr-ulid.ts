/**
 * ULIDs, the ids of everything XZepr stores (github.com/ulid/spec).
 *
 *   01M847HRZS MFZDV1KG79EPM357
 *   48 bits ms 80 bits chance      26 characters of Crockford's base 32, sorting by time
 *
 * Within one millisecond, or when the clock steps back, the next id is the last one plus one: ids always rise.
 */
import type { Clock } from '../core/seams.ts'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const LENGTH = 26
const CHANCE_BITS = 80n

/** Gives ids that always rise, as text. */
export function ulids(clock: Clock): () => string {
  let last = -1n
  return () => {
    const fresh = (BigInt(clock.nowMs()) << CHANCE_BITS) | (chance40(clock) << 40n) | chance40(clock)
    last = fresh >> CHANCE_BITS > last >> CHANCE_BITS ? fresh : last + 1n
    return encode(last)
  }
}

/** Whether the server would read this text as an id; it takes either case. */
export function isUlid(text: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i.test(text)
}

function chance40(clock: Clock): bigint {
  return BigInt(Math.floor(clock.chance() * 2 ** 40))
}

function encode(value: bigint): string {
  let text = ''
  for (let rest = value; text.length < LENGTH; rest >>= 5n) text = ALPHABET.charAt(Number(rest & 31n)) + text
  return text
}
