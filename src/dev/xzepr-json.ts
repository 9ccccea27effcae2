/**
 * JSON as XZepr's server reads and writes it: Rust's serde_json, without its options.
 *
 * A payload comes back with its keys sorted by their bytes and its numbers rewritten: integers within 64 bits stay digit
 * for digit, all else passes through a double (1.5e3 becomes 1500.0). What serde_json refuses is refused here too: lone
 * surrogates, numbers beyond a double, nesting of 128. Whoever reads XZepr's topic meets these very texts.
 */
import { LosslessNumber, parse } from 'lossless-json'
import type { JsonText } from '../core/json.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export type JsonRead =
  | { readonly kind: 'json'; readonly value: unknown }
  /** serde_json would call this a syntax error. */
  | { readonly kind: 'unreadable'; readonly why: string }

const MAX_DEPTH = 127
const I64_MIN = -(2n ** 63n)
const U64_MAX = 2n ** 64n - 1n
/** The digits of U64_MAX, with room for a sign: a longer integer is a double anyway. */
const LONGEST_INTEGER = 20

/** Reads a body. Numbers become LosslessNumber, already spelled as Rust prints them. */
export function readJson(bytes: Uint8Array): JsonRead {
  try {
    const value = parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), null, {
      parseNumber: (text) => new LosslessNumber(rustNumber(text)),
      onDuplicateKey: ({ newValue }) => newValue,
    })
    const why = refusal(value, 1)
    return why === undefined ? { kind: 'json', value } : { kind: 'unreadable', why }
  } catch (error) {
    // The parser throws for what it cannot read, and runs out of stack for nesting that serde_json refuses as well.
    return { kind: 'unreadable', why: error instanceof RangeError ? 'recursion limit exceeded' : String(error) }
  }
}

/** Writes a value that `readJson` gave: keys sorted by their UTF-8 bytes at every depth, no white-space. */
export function writeJson(value: unknown): JsonText {
  if (value instanceof LosslessNumber) return value.value
  if (Array.isArray(value)) return `[${value.map(writeJson).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const members = Object.entries(value)
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`)
  return `{${members.join(',')}}`
}

/** A JSON object, and none of the other things that JavaScript calls one. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber)
}

/**
 * A JSON number as Rust prints it after reading it.
 * @throws SyntaxError when it does not fit a double.
 */
export function rustNumber(text: string): string {
  if (text.length <= LONGEST_INTEGER && /^-?\d+$/.test(text)) {
    const integer = BigInt(text)
    // "-0" has no integer of its own: serde_json makes it the double -0.0.
    if (text.startsWith('-') ? integer < 0n && integer >= I64_MIN : integer <= U64_MAX) return text
  }
  const double = Number(text)
  if (!Number.isFinite(double)) throw new SyntaxError('number out of range')
  return rustDouble(double)
}

/** A finite double in the spelling of Rust's ryu: plain up to 16 digits before the point and 5 places behind it. */
function rustDouble(double: number): string {
  const sign = double < 0 || Object.is(double, -0) ? '-' : ''
  if (double === 0) return `${sign}0.0`
  const [mantissa = '', exponent = ''] = Math.abs(double).toExponential().split('e')
  const digits = mantissa.replace('.', '')
  const point = Number(exponent) + 1
  if (point >= digits.length && point <= 16) return `${sign}${digits.padEnd(point, '0')}.0`
  if (point > 0 && point <= 16) return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
  if (point > -5 && point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${digits.slice(0, 1)}${digits.length > 1 ? `.${digits.slice(1)}` : ''}e${point - 1}`
}

function refusal(value: unknown, depth: number): string | undefined {
  // With the u flag only a surrogate without its partner is one.
  if (typeof value === 'string')
    return /\p{Surrogate}/u.test(value) ? 'lone leading surrogate in hex escape' : undefined
  if (!Array.isArray(value) && !isObject(value)) return undefined
  if (depth > MAX_DEPTH) return 'recursion limit exceeded'
  for (const inner of [Object.keys(value), Object.values(value)].flat()) {
    const why = refusal(inner, depth + 1)
    if (why !== undefined) return why
  }
  return undefined
}
