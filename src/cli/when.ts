/**
 * Times and lengths of time as a person writes them on a command line.
 *
 * RFC 3339 (`2026-11-23T10:35:00Z`; a day alone is its beginning in UTC), or how long ago (`2h`, `90m`, `1d12h`). A time
 * without a zone is refused: the person's clock and the pod's are seldom in the same one.
 */

export type When = { readonly kind: 'at'; readonly atMs: number } | { readonly kind: 'ago'; readonly agoMs: number }

const SHAPE = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})?)?$/
const AGO = /^(?:\d+(?:ms|[smhdw]))+$/
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
/** Ten thousand years, and well within what a Date can hold. */
const AGO_MAX_MS = 3.2e14

export type WhenReading =
  { readonly kind: 'when'; readonly when: When } | { readonly kind: 'wrong'; readonly why: string }

export function readWhen(text: string): WhenReading {
  if (AGO.test(text)) {
    let agoMs = 0
    for (const [, count, unit = ''] of text.matchAll(/(\d+)(ms|[smhdw])/g))
      agoMs += Number(count) * (UNIT_MS[unit] ?? 0)
    if (agoMs > AGO_MAX_MS) return { kind: 'wrong', why: 'is longer ago than there are letters' }
    return { kind: 'when', when: { kind: 'ago', agoMs } }
  }
  const found = SHAPE.exec(text)
  if (found === null)
    return { kind: 'wrong', why: 'is neither a time such as 2026-11-23T10:35:00Z nor a length such as 2h' }
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone = ''] = found
  if (hour !== undefined && zone === '')
    return { kind: 'wrong', why: 'has no zone: put Z behind it for UTC, or +02:00' }
  const date = `${year ?? ''}-${month ?? ''}-${day ?? ''}`
  const time = hour === undefined ? '00:00:00Z' : `${hour}:${minute ?? ''}:${second}${fraction}${zone.toUpperCase()}`
  const atMs = Date.parse(`${date}T${time}`)
  // Date.parse takes the 31st of February for the 3rd of March.
  const isDay = new Date(`${date}T00:00:00Z`).getUTCDate() === Number(day)
  if (Number.isNaN(atMs) || !isDay) return { kind: 'wrong', why: 'is no time of any calendar' }
  return { kind: 'when', when: { kind: 'at', atMs } }
}

export function atMsOf(when: When, nowMs: number): number {
  return when.kind === 'at' ? when.atMs : nowMs - when.agoMs
}
