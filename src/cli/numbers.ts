/**
 * Numbers as a person writes them behind a flag: how many, how fast, how long.
 *
 * Pure: text in, the number out, or undefined where it is none. A number has a bound here, so that a slip of a digit does
 * not start something that nobody can wait for.
 */
const SECONDS_MAX = 86_400

/** A whole number from 1 on. */
export function readCount(text: string, max: number): number | undefined {
  const count = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : Infinity
  return count <= max ? count : undefined
}

/** So many a second, such as 10 or 0.5. */
export function readRate(text: string): number | undefined {
  return /^\d{1,5}(?:\.\d{1,3})?$/.test(text) && Number(text) > 0 ? Number(text) : undefined
}

/** Seconds, also with an `s` behind them, as milliseconds. */
export function readSeconds(text: string): number | undefined {
  const [, digits] = /^(\d{1,6}(?:\.\d{1,3})?)s?$/.exec(text) ?? []
  const seconds = digits === undefined ? 0 : Number(digits)
  return seconds > 0 && seconds <= SECONDS_MAX ? Math.round(seconds * 1000) : undefined
}

export const SECONDS_RIGHT = `seconds, up to ${SECONDS_MAX}, such as 30 or 0.5`
export const RATE_RIGHT = 'such as 10 or 0.5'
