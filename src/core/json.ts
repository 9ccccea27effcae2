/**
 * JSON kept digit for digit.
 *
 * A 64-bit build id in an app's `details` must reach XZepr unrounded, and JSON.parse would round it; so it would in an
 * event's `data` on the way to the app. So the core never looks into such values: a member's value travels as the JSON
 * text it arrived in.
 */

/** JSON text of one value, valid by construction at the edge that parsed it. */
export type JsonText = string

/** The members of a JSON object, in order: name to the JSON text of its value. */
export type JsonMembers = ReadonlyMap<string, JsonText>

export const NO_MEMBERS: JsonMembers = new Map()

/** Writes an object from members. */
export function jsonObject(members: Iterable<readonly [string, JsonText]>): JsonText {
  const parts: string[] = []
  for (const [name, value] of members) parts.push(`${JSON.stringify(name)}:${value}`)
  return `{${parts.join(',')}}`
}

/** How many bytes a text takes in UTF-8; a lone surrogate counts as the three bytes of U+FFFD. */
export function utf8Bytes(text: string): number {
  let bytes = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800) bytes += 2
    else if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(at + 1))) {
      bytes += 4
      at += 1
    } else bytes += 3
  }
  return bytes
}

/** A text as UTF-8; a lone surrogate becomes U+FFFD, as everywhere on the web. The platform has it, the core has not. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Bytes(text))
  let end = 0
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    const point = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code
    if (point < 0x80) bytes[end++] = point
    else {
      const more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3
      // The first byte says how many follow, six bits in each.
      bytes[end++] = (FIRST_BYTES[more - 1] ?? 0) | (point >> (6 * more))
      for (let at = more - 1; at >= 0; at--) bytes[end++] = 0x80 | ((point >> (6 * at)) & 0x3f)
    }
  }
  return bytes
}

const FIRST_BYTES = [0xc0, 0xe0, 0xf0]

/** Why XZepr's database could never store this text, or undefined. NUL and lone surrogates are what it refuses. */
export function unstorableText(text: string): string | undefined {
  if (text.includes('\u0000')) return 'holds U+0000'
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0xd800 || unit > 0xdfff) continue
    if (unit < 0xdc00 && isLowSurrogate(text.charCodeAt(at + 1))) at += 1
    else return 'holds a lone surrogate'
  }
  return undefined
}

/** The same text with what XZepr could never store replaced by U+FFFD, cut to a length in UTF-8 bytes. */
export function storableText(text: string, maxBytes: number): string {
  // Nearly every text is short and whole, and is asked for with every record.
  if (text.length * 3 <= maxBytes && unstorableText(text) === undefined) return text
  let kept = ''
  let bytes = 0
  for (const char of text) {
    const safe = unstorableText(char) === undefined ? char : '\uFFFD'
    bytes += utf8Bytes(safe)
    if (bytes > maxBytes) break
    kept += safe
  }
  return kept
}

/** An escape for NUL or for a surrogate that has no partner; writers of JSON escape only lone surrogates. */
const UNSTORABLE_ESCAPE = /(?<!\\)(?:\\\\)*\\u(?:(0000)|d[89a-f][0-9a-f]{2})/i

/** Why XZepr could never store this JSON text (as JSON.stringify writes it), or undefined. */
export function unstorableJson(text: JsonText): string | undefined {
  const found = UNSTORABLE_ESCAPE.exec(text)
  if (found === null) return unstorableText(text)
  return found[1] === undefined ? 'holds a lone surrogate' : 'holds U+0000'
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

/**
 * The members of an object, each value in the text it was written in: what JSON.parse would round stays whole. Of a name
 * that comes twice the last counts, as for JSON.parse.
 * @param text an object that JSON.parse has accepted: nothing is checked again.
 */
export function jsonMembers(text: JsonText): JsonMembers {
  const members = new Map<string, JsonText>()
  let at = pastSpace(text, text.indexOf('{') + 1)
  while (text.charCodeAt(at) === QUOTE) {
    const nameEnd = stringEnd(text, at)
    const begin = pastSpace(text, text.indexOf(':', nameEnd) + 1)
    const end = valueEnd(text, begin)
    members.set(jsonString(text.slice(at, nameEnd)), text.slice(begin, end))
    at = pastSpace(text, end)
    if (text.charCodeAt(at) === COMMA) at = pastSpace(text, at + 1)
  }
  return members
}

/** What a JSON string says. One without an escape says what stands in it: nearly all are so. */
export function jsonString(json: JsonText): string {
  return json.includes('\\') ? (JSON.parse(json) as string) : json.slice(1, -1)
}

const [QUOTE, COMMA, BACKSLASH, SPACE] = [0x22, 0x2c, 0x5c, 0x20]
/** `[` and `{`, `]` and `}` differ in one bit; no other character of JSON's grammar shares the rest. */
const [OPEN, CLOSE, CASE_BIT] = [0x5b, 0x5d, 0x20]

function pastSpace(text: JsonText, from: number): number {
  let at = from
  while (text.charCodeAt(at) <= SPACE) at += 1
  return at
}

/** The end of the string that opens at `at`: behind the first quote with an even run of backslashes before it. */
function stringEnd(text: JsonText, at: number): number {
  let end = text.indexOf('"', at + 1)
  for (; end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1
    if (slashes % 2 === 0) return end + 1
  }
  return text.length
}

function valueEnd(text: JsonText, from: number): number {
  const unit = text.charCodeAt(from)
  if (unit === QUOTE) return stringEnd(text, from)
  return (unit & ~CASE_BIT) === OPEN ? nestEnd(text, from) : wordEnd(text, from)
}

/** The end of an array or object. */
function nestEnd(text: JsonText, from: number): number {
  let depth = 0
  let at = from
  do {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) {
      at = stringEnd(text, at)
      continue
    }
    const bracket = unit & ~CASE_BIT
    if (bracket === OPEN) depth += 1
    else if (bracket === CLOSE) depth -= 1
    at += 1
  } while (depth > 0 && at < text.length)
  return at
}

/** The end of a number, true, false or null. */
function wordEnd(text: JsonText, from: number): number {
  let at = from
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === COMMA || unit <= SPACE || (unit & ~CASE_BIT) === CLOSE) break
  }
  return at
}
