/**
 * Text and bytes as an HTTP header can carry them.
 *
 * A raw control character or a letter beyond Latin-1 would make an event undeliverable through its name alone. Most of
 * what travels is plain: it is told apart first and costs no more than a look.
 */

/** What needs no escape: printable ASCII but space, quote and percent. */
const PLAIN = /^[\x21\x23\x24\x26-\x7e]*$/

/** Percent-encodes what a header cannot carry: the rule of the CloudEvents HTTP binding, section 3.1.3.2. */
export function headerText(text: string): string {
  if (PLAIN.test(text)) return text
  // A lone surrogate has no encoding of its own; U+FFFD stands for it, as everywhere on the web.
  return text.replace(/[^\x21\x23\x24\x26-\x7e]/gu, (char) =>
    /^[\ud800-\udfff]$/.test(char) ? '%EF%BF%BD' : escapeChar(char),
  )
}

function escapeChar(char: string): string {
  const unit = char.charCodeAt(0)
  return unit < 0x80 ? (ESCAPED[unit] ?? '') : encodeURIComponent(char)
}

const BYTES = Array.from({ length: 256 }, (_, byte) => byte)
const ESCAPED = BYTES.map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`)
/** RFC 3986's unreserved characters stand for themselves. */
const PERCENT_ENCODED = BYTES.map((byte) => {
  const char = String.fromCharCode(byte)
  return /[A-Za-z0-9._~-]/.test(char) ? char : (ESCAPED[byte] ?? '')
})

/** Percent-encodes bytes: everything but RFC 3986's unreserved characters. */
export function percentEncode(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += PERCENT_ENCODED[byte] ?? ''
  return text
}
