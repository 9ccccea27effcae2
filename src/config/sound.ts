/**
 * What is right for a value beyond its type: addresses, names, tokens.
 *
 * Each is a plain question about one text, asked before anything is started; what passes here must not fail later
 * for its form. Bounds in bytes are XZepr's and Kafka's own.
 */
import { unstorableText, utf8Bytes } from '../core/json.ts'

/** Control characters have no place in a name, an address or a header, and would garble a terminal. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/** A name that XZepr and Kafka can hold. */
export function name(maxBytes: number): (text: string) => boolean {
  return (text) => utf8Bytes(text) <= maxBytes && !CONTROL.test(text) && unstorableText(text) === undefined
}

/** `host:port` with commas between. KafkaJS splits at the first colon, so an IPv6 address cannot be given. */
export function brokers(text: string): boolean {
  const list = brokerList(text)
  const sound = list.every((broker) => {
    const port = /^[A-Za-z0-9._-]+:(\d{1,5})$/.exec(broker)?.[1]
    return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535
  })
  return sound && list.length > 0
}

/** The brokers of a list; a comma too many does no harm. */
export function brokerList(text: string): readonly string[] {
  return text
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '')
}

/** Digits alone: AJV would also take 0x10, and 1e400 for Infinity, which then passes every bound. */
export function digits(text: string): boolean {
  return /^\d{1,15}$/.test(text)
}

/** Kafka's own rule (org.apache.kafka.common.internals.Topic). */
export function topic(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,249}$/.test(text) && text !== '.' && text !== '..'
}

/** An absolute http or https address without user or password: those would end up in logs. */
export function httpUrl(text: string): boolean {
  if (CONTROL.test(text) || !URL.canParse(text)) return false
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}

/** The same as a base that paths are put behind. */
export function baseUrl(text: string): boolean {
  return httpUrl(text) && !/[?#]/.test(text) && !/\/api\/v1\/?$/.test(text)
}

/** What `Authorization: Bearer` can carry (RFC 6750 section 2.1). */
export function token(text: string): boolean {
  return /^[A-Za-z0-9._~+/-]+=*$/.test(text)
}

/** More would crowd the headers; a change of secrets needs two. */
export const SECRETS_MAX = 8

/** Keys of Standard Webhooks as they are handed about; their bounds are the specification's. */
export function webhookSecrets(text: string): boolean {
  const words = text.trim().split(/\s+/)
  return words.length <= SECRETS_MAX && words.every(webhookSecret)
}

function webhookSecret(word: string): boolean {
  const base64 = /^whsec_([A-Za-z0-9+/]+)(={0,2})$/.exec(word)
  if (base64 === null) return false
  const [, digits = '', padding = ''] = base64
  const bytes = Math.floor((digits.length * 3) / 4)
  const padded = padding === '' || (digits.length + padding.length) % 4 === 0
  return padded && digits.length % 4 !== 1 && bytes >= 24 && bytes <= 64
}

/** Comma list of globs, `!` refuses. */
export function eventTypes(text: string): boolean {
  return !CONTROL.test(text) && text.split(',').every((pattern) => /^!?[^!\s]+$/.test(pattern.trim()))
}

/** An address that a listener can be bound to. */
export function host(text: string): boolean {
  return /^[A-Za-z0-9.:_-]{1,253}$/.test(text)
}

/** Reached from this machine (or this pod) alone. */
export function loopback(text: string): boolean {
  return text === 'localhost' || text === '::1' || /^127(?:\.\d{1,3}){3}$/.test(text)
}

/** PEM text of certificates, as TLS takes it. */
export function certificates(text: string): boolean {
  return text.includes('-----BEGIN CERTIFICATE-----') || text.includes('-----BEGIN TRUSTED CERTIFICATE-----')
}

/** PEM text of a private key. */
export function privateKey(text: string): boolean {
  return /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/.test(text)
}
