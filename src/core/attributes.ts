/**
 * What may stand in a CloudEvent 1.0: names and values of attributes, each as JSON text.
 *
 * The law: what is valid stays as it is, character for character; what is not is made valid in the way that keeps most
 * of it, and left out only where nothing valid says it.
 *
 *   name    `api_version`, `apiVersion` ▶ `apiversion`
 *   value   text                             characters that CloudEvents forbids become U+FFFD
 *           true, false, 32-bit integers     stay what they are
 *           other numbers, objects, arrays   text with every digit of them
 *           null                             is not set
 */
import type { JsonText } from './json.ts'

export const ATTRIBUTE_NAME = /^[a-z0-9]+$/

/** The nearest name that CloudEvents allows; empty when there is none. */
export function attributeName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/** The value of an extension; undefined when it is not set. */
export function extensionValue(json: JsonText): JsonText | undefined {
  switch (json[0]) {
    case '"':
      return textValue(json)
    case 't':
    case 'f':
      return json
    case 'n':
      return undefined
    case '{':
    case '[':
      return JSON.stringify(oneLine(json))
    default:
      return isInteger(json) ? json : `"${json}"`
  }
}

/** The value of an attribute that CloudEvents itself defines; undefined when nothing of it can stand. */
export function coreValue(name: string, json: JsonText): JsonText | undefined {
  const text = json.startsWith('"') ? (JSON.parse(json) as string) : undefined
  switch (name) {
    case 'source':
      return text === undefined || URI_REFERENCE.test(text) ? json : JSON.stringify(uriReference(text))
    case 'time':
      return text !== undefined && isTimestamp(text) ? json : undefined
    case 'datacontenttype':
      return text !== undefined && isMediaType(text) ? json : undefined
    case 'dataschema':
      return text !== undefined && /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) && URI_REFERENCE.test(text) ? json : undefined
    default: {
      const value = text === '' ? undefined : extensionValue(json)
      return value === undefined || value.startsWith('"') ? value : `"${value}"`
    }
  }
}

/** Whether a text is one that a media type's grammar (RFC 2046, RFC 6838) allows and a header can carry. */
export function isMediaType(text: string): boolean {
  return text.length <= MEDIA_TYPE_MAX_CHARS && MEDIA_TYPE.test(text)
}

const MEDIA_TYPE_MAX_CHARS = 256
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+ *(?:;[\x20-\x7e]*)?$/

/** Whether a media type declares JSON: its subtype is `json` or ends in `+json` (JSON format, section 3.1.1). */
export function isJsonType(mediaType: string): boolean {
  return /^[^/;]+\/(?:[^;]+\+)?json *(?:;|$)/i.test(mediaType)
}

/** Whether data of this media type is text in UTF-8. */
export function isTextType(mediaType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(mediaType)?.[1]
  if (charset !== undefined) return /^(?:utf-?8|us-ascii)$/i.test(charset)
  return /^text\/|^[^/;]+\/(?:[^;]+\+)?(?:xml|yaml) *(?:;|$)/i.test(mediaType)
}

/** RFC 3339. The day is looked at too: Date.parse would take the 30th of February for the 2nd of March. */
function isTimestamp(text: string): boolean {
  const parts = TIMESTAMP.exec(text)
  if (parts === null) return false
  const [year = 0, month = 0, day = 0] = parts.slice(1, 4).map(Number)
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day
}

const TIMESTAMP =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** RFC 3986, section 4.1, as its appendix A writes it. */
const URI_REFERENCE = (() => {
  const pchar = `(?:[\\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})`
  const host = `(?:\\[[0-9A-Fa-f:.]+\\]|(?:[\\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)`
  const user = `(?:(?:[\\w.~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?`
  const authority = `\\/\\/${user}${host}(?::\\d*)?(?=[/?#]|$)`
  const scheme = `(?:[A-Za-z][A-Za-z0-9+.-]*:|(?![^/?#]*:))`
  return new RegExp(
    `^${scheme}(?:${authority}|(?!\\/\\/))(?:${pchar}|\\/)*(?:\\?(?:${pchar}|[/?])*)?(?:#(?:${pchar}|[/?])*)?$`,
  )
})()

/** A text that is no reference, percent-encoded until it is one. */
function uriReference(text: string): string {
  const clean = attributeText(text)
  const escaped = clean.replace(/%(?![0-9A-Fa-f]{2})|[^\w.~!$&'()*+,;=:@/?#%-]/gu, encodeURIComponent)
  return URI_REFERENCE.test(escaped) ? escaped : encodeURIComponent(clean)
}

/** Characters that no attribute may hold: control characters, halves of pairs, Unicode's noncharacters. */
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{NChar}]/gu

function attributeText(text: string): string {
  return text.replace(FORBIDDEN, '\ufffd')
}

/** Text in which nothing is escaped and nothing can be forbidden: nearly all that there is. */
const PLAIN_TEXT = /^"[\x20-\x5b\x5d-\x7e\u00a0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd]*"$/

function textValue(json: JsonText): JsonText {
  if (PLAIN_TEXT.test(json)) return json
  const text = JSON.parse(json) as string
  const clean = attributeText(text)
  return clean === text ? json : JSON.stringify(clean)
}

/** JSON text as one that an attribute may hold: line ends between its tokens are only space, the rest can be escaped. */
function oneLine(json: JsonText): string {
  return json.replace(/[\n\r\t]/g, ' ').replace(FORBIDDEN, (char) => Array.from(units(char), escapeUnit).join(''))
}

function* units(char: string): Generator<number> {
  for (let at = 0; at < char.length; at++) yield char.charCodeAt(at)
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

/** CloudEvents counts in 32 bits; JSON's other spellings of a number (1.0, 1e3) are none of its integers. */
function isInteger(json: JsonText): boolean {
  return /^-?(?:0|[1-9]\d{0,9})$/.test(json) && Number(json) === (Number(json) | 0)
}
