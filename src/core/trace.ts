/**
 * The trace of an event (W3C Trace Context): continued from the record, else from the event, else started here.
 *
 * The bridge keeps no spans of its own, so it passes the parent on as it came; a `tracestate` goes along only with the
 * `traceparent` that it came with, since it says what vendors know of that very trace. A version that is not known yet
 * is continued as version 00, as section 4.3 asks; what the specification does not accept is passed over.
 */
import type { RecordHeader } from './record.ts'

export interface Trace {
  readonly traceparent: string
  readonly tracestate: string | undefined
}

/** Version, trace id, parent id, flags; only of version 00 it is known that nothing follows. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32}-(?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** A later version may be longer; of one beyond this nothing is read. */
const TRACEPARENT_MAX_BYTES = 256
/** What everybody passes on at least (section 3.3.1.5); beyond it the state is let go, the trace is not. */
const TRACESTATE_MAX_BYTES = 512

export function traceOf(
  headers: readonly RecordHeader[],
  fields: Readonly<Record<string, unknown>>,
  chance: () => number,
): Trace {
  const fromRecord = traceparentIn(lastText(headers, 'traceparent', TRACEPARENT_MAX_BYTES))
  if (fromRecord !== undefined) {
    return { traceparent: fromRecord, tracestate: tracestateIn(lastText(headers, 'tracestate', TRACESTATE_MAX_BYTES)) }
  }
  const fromEvent = traceparentIn(fields.traceparent)
  if (fromEvent !== undefined) return { traceparent: fromEvent, tracestate: tracestateIn(fields.tracestate) }
  return { traceparent: newTraceparent(chance), tracestate: undefined }
}

function traceparentIn(given: unknown): string | undefined {
  const parts = typeof given === 'string' && given.length <= TRACEPARENT_MAX_BYTES ? TRACEPARENT.exec(given) : null
  if (parts === null) return undefined
  const [whole, version, ids = '', flags = '', more] = parts
  if (version === '00') return more === undefined ? whole : undefined
  // Of a later version's flags only `sampled` means here what it means there.
  return `00-${ids}-0${parseInt(flags, 16) & 1}`
}

function tracestateIn(given: unknown): string | undefined {
  return typeof given === 'string' &&
    given.length <= TRACESTATE_MAX_BYTES &&
    /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(given)
    ? given
    : undefined
}

/** The last header of a name, as Java's lastHeader reads it; undefined beyond the bound: no value has a bound of its own. */
function lastText(headers: readonly RecordHeader[], name: string, maxBytes: number): string | undefined {
  let last: Uint8Array | null = null
  for (const header of headers) if (header.name.toLowerCase() === name) last = header.value
  return last === null || last.length > maxBytes ? undefined : String.fromCharCode(...last)
}

const codesOf = (text: string): number[] => Array.from(text, (char) => char.charCodeAt(0))
const DIGITS = codesOf('0123456789abcdef')
/** Version 00, sampled; the last bit keeps either id from being all zeros, whatever chance says. */
const NEW = codesOf(`00-${'0'.repeat(31)}1-${'0'.repeat(15)}1-01`)
/** Where chance writes: [from, to). */
const TRACE_ID = [3, 34] as const
const PARENT_ID = [36, 51] as const

/** In one piece: a text that is joined from parts holds on to each of them, and this one is held as long as its work. */
function newTraceparent(chance: () => number): string {
  const codes = NEW.slice()
  let bits = 0
  let digits = 0
  for (const [from, to] of [TRACE_ID, PARENT_ID]) {
    for (let at = from; at < to; at++) {
      if (digits === 0) {
        bits = Math.floor(chance() * 2 ** 32)
        digits = 8
      }
      codes[at] = DIGITS[bits & 15] ?? 48
      bits >>>= 4
      digits -= 1
    }
  }
  return String.fromCharCode.apply(null, codes)
}
