/**
 * Who may call: the app beside the bridge, an operator in the pod, never a page in a browser.
 *
 * Loopback is no wall against browsers: any page may post to 127.0.0.1, and by DNS rebinding read from it. A page
 * cannot choose its Host, Origin and Sec-Fetch-Site (forbidden header names, Fetch standard), so these decide. What is
 * refused here costs nothing further: no body is read, no work looked up. The functions are pure.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Refusal } from './problems.ts'

/** The parts of a request that decide; header names in lower case, as Node gives them. */
export interface Caller {
  readonly httpVersion: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Names and values in turn, as sent: Node keeps only the first of several Host headers. */
  readonly rawHeaders: readonly string[]
}

const OWN_HOSTS = ['localhost', '127.0.0.1', '[::1]']

/** Why this caller is a browser's page or was led here by a foreign name; undefined when it is neither. */
export function foreign(caller: Caller, configuredHost: string): Refusal | undefined {
  const { headers } = caller
  const hosts = caller.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length
  // RFC 9112 section 3.2: 400 for none or several. HTTP/1.0 knows no Host, and no browser speaks it.
  if (hosts > 1 || (hosts === 0 && caller.httpVersion !== '1.0')) {
    return { code: 'host-missing', detail: 'Send exactly one Host header.' }
  }
  const host = text(headers.host).toLowerCase()
  const name = host.replace(/:\d*$/, '')
  if (hosts === 1 && !OWN_HOSTS.includes(name) && name !== bracketed(configuredHost)) {
    return { code: 'host-foreign', detail: 'Call it as localhost, 127.0.0.1 or [::1].' }
  }
  const origin = headers.origin
  if (origin !== undefined && text(origin).toLowerCase() !== `http://${host}`) {
    return { code: 'origin-foreign', detail: 'The Origin header is not its own.' }
  }
  // `same-site` is no better than `cross-site`: every port of localhost is one site.
  const site = text(headers['sec-fetch-site'])
  if (site !== '' && site !== 'same-origin' && site !== 'none') {
    return { code: 'origin-foreign', detail: 'The Sec-Fetch-Site header says that a page of another origin calls.' }
  }
  return undefined
}

/**
 * Was it called from this machine (or this pod)? A service mesh brings in strangers from 127.0.0.6, and a proxy in the
 * pod from 127.0.0.1, but not without saying that it forwards.
 */
export function onLoopback(address: string | undefined, headers: Caller['headers']): boolean {
  if (!/^(?:(?:::ffff:)?127\.0\.0\.1|::1)$/i.test(address ?? '')) return false
  return !Object.keys(headers).some((name) => /^(?:forwarded|via|x-real-ip|x-forwarded-.*|x-envoy-.*)$/.test(name))
}

/**
 * Why this Authorization header does not carry the token; undefined when it does.
 * Hashes are compared, in constant time: neither the length nor a common beginning shows in the time taken.
 */
export function wrongToken(authorization: string | undefined, token: string): Refusal | undefined {
  const [, given = ''] = /^bearer +(\S+) *$/i.exec(authorization ?? '') ?? []
  if (timingSafeEqual(digest(given), digest(token)) && given !== '') return undefined
  return {
    code: 'token-refused',
    detail: 'Send the token of BRIDGE_WORK_API_TOKEN_FILE as Authorization: Bearer.',
    headers: { 'www-authenticate': 'Bearer realm="xzepr-bridge work API"' },
  }
}

/**
 * Why a body of this kind is not read. The three types that a form or a plain fetch may send without asking first
 * (text/plain, urlencoded, multipart) are among the refused; a missing type is accepted.
 */
export function wrongMedia(headers: Caller['headers']): Refusal | undefined {
  const type = headers['content-type']
  if (type !== undefined && !JSON_TYPE.test(text(type))) {
    return {
      code: 'media-type-unsupported',
      detail: 'Send content-type: application/json, in UTF-8 (curl: -H "content-type: application/json").',
      headers: { 'accept-post': 'application/json' },
    }
  }
  const coding = text(headers['content-encoding']).toLowerCase()
  if (coding === '' || coding === 'identity') return undefined
  return {
    code: 'media-type-unsupported',
    detail: 'Send the body without a Content-Encoding.',
    // RFC 9110 section 12.5.3: with it a caller can tell a wrong coding from a wrong type.
    headers: { 'accept-encoding': 'identity' },
  }
}

/** RFC 8259 section 8.1: JSON between systems is UTF-8. */
const JSON_TYPE = /^\s*application\/(?:[\w.!#$&^-]{1,100}\+)?json\s*(?:;(?!.*charset=(?!"?utf-?8\b)).*)?$/i

function text(value: string | readonly string[] | undefined): string {
  return (typeof value === 'string' ? value : (value?.join(',') ?? '')).trim()
}

/** An IPv6 address as a Host header writes it. */
function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host.toLowerCase()}]` : host.toLowerCase()
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest()
}
