import fc from 'fast-check'
import t from 'tap'
import type { RecordHeader } from '../../src/core/record.ts'
import type { Trace } from '../../src/core/trace.ts'
import { traceOf } from '../../src/core/trace.ts'

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const OTHER = '00-11111111111111111111111111111111-2222222222222222-00'
const FORM = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const half = (): number => 0.5

const header = (name: string, value: string | Uint8Array | null): RecordHeader => ({
  name,
  value: typeof value === 'string' ? Buffer.from(value) : value,
})
const trace = (headers: readonly RecordHeader[], fields: Readonly<Record<string, unknown>> = {}): Trace =>
  traceOf(headers, fields, half)
const parentOf = (value: string | Uint8Array | null | undefined, fromEvent?: unknown): string =>
  trace(value === undefined ? [] : [header('TraceParent', value)], { traceparent: fromEvent }).traceparent

void t.test('the record’s trace goes on, else the event’s, else a new one begins', async (t) => {
  t.equal(parentOf(TRACE, OTHER), TRACE)
  t.equal(parentOf(undefined, OTHER), OTHER)
  t.equal(parentOf(null, OTHER), OTHER)
  t.match(parentOf(undefined), FORM)
})

void t.test('a trace that W3C would not accept is none', async (t) => {
  for (const bad of [
    '',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
    TRACE.toUpperCase(),
    `${TRACE}-x`,
    `${TRACE}\n`,
    ` ${TRACE}`,
    TRACE.slice(1),
    `01${TRACE.slice(2)}x`,
    `01${TRACE.slice(2)}-${'x'.repeat(300)}`,
    '\u00ff'.repeat(55),
  ]) {
    t.equal(parentOf(bad, OTHER), OTHER, JSON.stringify(bad))
    const fresh = parentOf(bad, bad)
    t.match(fresh, FORM)
    t.not(fresh, bad)
  }
  t.match(parentOf(new Uint8Array(1 << 20), 7), FORM, 'however long, it is not read')
})

void t.test('a later version of the format is continued as the one we know', async (t) => {
  const [ids, sampled, not] = [TRACE.slice(2, -2), 'cd', 'cc']
  t.equal(parentOf(`01${ids}${sampled}`), `00${ids}01`)
  t.equal(parentOf(`cc${ids}${not}-what-the-future-will-bring`), `00${ids}00`)
})

void t.test('of two headers of the name the last counts', async (t) => {
  t.equal(trace([header('traceparent', TRACE), header('traceparent', OTHER)]).traceparent, OTHER)
})

void t.test('a trace state goes along with the trace that it came with, and with no other', async (t) => {
  const state = 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'
  const [parent, tracestate] = [header('traceparent', TRACE), header('tracestate', state)]
  t.equal(trace([parent, tracestate]).tracestate, state)
  t.equal(trace([parent], { traceparent: OTHER, tracestate: state }).tracestate, undefined)
  t.equal(trace([], { traceparent: OTHER, tracestate: state }).tracestate, state)
  t.equal(trace([tracestate]).tracestate, undefined, 'a new trace has none')
  t.equal(trace([tracestate], { traceparent: OTHER }).tracestate, undefined)
})

void t.test(
  'a state that no header could carry, or beyond what all pass on, is let go; the trace is not',
  async (t) => {
    for (const bad of ['', ' ', 'é', 'a=b\r\nx: y', 'a=b ', 'x'.repeat(513), new Uint8Array(1 << 20), null]) {
      t.same(trace([header('traceparent', TRACE), header('tracestate', bad)]), {
        traceparent: TRACE,
        tracestate: undefined,
      })
    }
    t.equal(trace([], { traceparent: OTHER, tracestate: 7 }).tracestate, undefined)
    t.equal(trace([header('traceparent', TRACE), header('tracestate', 'x'.repeat(512))]).tracestate?.length, 512)
  },
)

void t.test('a new trace is valid by any chance', async () => {
  const chance = fc.oneof(
    fc.constantFrom(0, 1 - 2 ** -53),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  )
  fc.assert(
    fc.property(fc.array(chance, { minLength: 6, maxLength: 6 }), (chances) => {
      const { traceparent } = traceOf([], {}, () => chances.shift() ?? 0)
      // A valid trace is one that the bridge itself would go on with.
      return FORM.test(traceparent) && parentOf(traceparent) === traceparent
    }),
    { numRuns: 300 },
  )
})
