import fc from 'fast-check'
import t from 'tap'
import { atMsOf, readWhen } from '../../src/cli/when.ts'
import { anyText } from '../support/any-text.ts'

const NOW_MS = Date.UTC(2026, 10, 23, 12)
const ms = (text: string): number | string => {
  const reading = readWhen(text)
  return reading.kind === 'wrong' ? reading.why : atMsOf(reading.when, NOW_MS)
}

void t.test('a time with its zone is that time', async (t) => {
  const at = Date.UTC(2026, 10, 23, 10, 35)
  for (const text of [
    '2026-11-23T10:35:00Z',
    '2026-11-23t10:35:00z',
    '2026-11-23 10:35Z',
    '2026-11-23T12:35:00+02:00',
    '2026-11-23T10:35:00.000Z',
  ])
    t.equal(ms(text), at, text)
  t.equal(ms('2026-11-23T10:35:00.250Z'), at + 250)
  t.equal(ms('2026-11-23'), Date.UTC(2026, 10, 23), 'a day alone is its beginning')
})

void t.test('a length is how long ago', async (t) => {
  t.equal(ms('2h'), NOW_MS - 7_200_000)
  t.equal(ms('90m'), NOW_MS - 5_400_000)
  t.equal(ms('1d12h'), NOW_MS - 129_600_000)
  t.equal(ms('1w500ms'), NOW_MS - 604_800_500)
})

void t.test('what is neither is refused with the reason', async (t) => {
  for (const text of ['', 'yesterday', '2', 'h', '-2h', '2 h', '2026', '1.5h', '2026-11-23T10'])
    t.match(ms(text), /neither a time/, text)
  t.match(ms('2026-11-23T10:35:00'), /no zone/)
  for (const text of ['2026-13-01', '2026-02-31', '2026-11-23T25:00Z', '2026-11-23T10:61:00Z'])
    t.match(ms(text), /no time/, text)
  t.match(ms('99999999999w'), /longer ago/)
})

void t.test('any text is a time that can be written, or wrong', async (t) => {
  fc.assert(
    fc.property(fc.oneof(anyText(), fc.stringMatching(/^[0-9TZ:+.hdwms -]{0,24}$/)), (text) => {
      const at = ms(text)
      return typeof at === 'string' || new Date(at).toISOString().length > 0
    }),
  )
  t.pass()
})
