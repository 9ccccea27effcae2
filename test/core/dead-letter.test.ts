import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { DeadLetter, LetterReading, Sender } from '../../src/core/dead-letter.ts'
import { DEAD_LETTER_REASONS, LETTER_TEXT_MAX_BYTES, letterHeaders, readLetter } from '../../src/core/dead-letter.ts'
import { encodeUtf8 } from '../../src/core/json.ts'
import type { KafkaRecord, RecordHeader } from '../../src/core/record.ts'
import { anyText } from '../support/any-text.ts'
import { recordOf } from '../support/books.ts'
import { encodings } from '../../src/webhook/encodings.ts'

const AT_MS = Date.UTC(2026, 10, 23, 10, 35)
const SENDER: Sender = { group: 'xzepr-consumer-deployer', atMs: AT_MS }
const header = (name: string, value: string | null): RecordHeader => ({
  name,
  value: value === null ? null : Buffer.from(value),
})
const RECORD = recordOf({
  partition: 2,
  offset: 9_007_199_254_740_993n,
  timestampMs: 1_700,
  key: Buffer.from('k'),
  value: Buffer.from([0xff, 0, 1]),
  headers: [header('b', '1'), header('a', null), header('b', '2'), header('1', 'x')],
})
const LETTER: DeadLetter = {
  record: RECORD,
  reason: 'rejected',
  error: 'the app answered HTTP 422 — é',
  attempts: 1,
  answer: 'HTTP 422',
}

/** As it would stand in the dead-letter topic. */
function written(letter: DeadLetter, sender: Sender = SENDER): KafkaRecord {
  const { key, value } = letter.record
  const headers = letterHeaders(letter, sender)
  return recordOf({ topic: 'dead', partition: 7, offset: 8n, timestampMs: 9, key, value, headers })
}
const texts = (headers: readonly RecordHeader[]): (readonly [string, string | undefined])[] =>
  headers.map(({ name, value }) => [name, value === null ? undefined : encodings.decodeUtf8(value)])
const whyOf = (reading: LetterReading): string | undefined => (reading.kind === 'stranger' ? reading.why : undefined)

void t.test('a letter has the original headers as they came, then the contract’s', async (t) => {
  t.same(texts(letterHeaders(LETTER, SENDER)), [
    ['b', '1'],
    ['a', undefined],
    ['b', '2'],
    ['1', 'x'],
    ['dead-letter-reason', 'rejected'],
    ['dead-letter-error', 'the app answered HTTP 422 — é'],
    ['dead-letter-topic', 'xzepr.dev.events'],
    ['dead-letter-partition', '2'],
    ['dead-letter-offset', '9007199254740993'],
    ['dead-letter-timestamp', '1700'],
    ['dead-letter-attempts', '1'],
    ['dead-letter-answer', 'HTTP 422'],
    ['dead-letter-group', 'xzepr-consumer-deployer'],
    ['dead-letter-at', '2026-11-23T10:35:00.000Z'],
  ])
})

void t.test('where there was no answer none is told', async (t) => {
  const names = letterHeaders({ ...LETTER, answer: undefined }, SENDER).map(({ name }) => name)
  t.notOk(names.includes('dead-letter-answer'))
})

void t.test('a record that dies again carries the headers of one letter, the newest', async (t) => {
  const again = letterHeaders({ ...LETTER, record: written(LETTER), attempts: 9 }, SENDER)
  t.equal(again.length, letterHeaders(LETTER, SENDER).length)
  t.same(new Map(texts(again)).get('dead-letter-attempts'), '9')
  t.same(new Map(texts(again)).get('dead-letter-topic'), 'dead', 'it died where it was last read')
  t.same(again.slice(0, 4), RECORD.headers)
})

void t.test('texts from outside are cut', async (t) => {
  const long = 'é'.repeat(5000)
  for (const [name, value] of texts(letterHeaders({ ...LETTER, error: long, answer: long }, SENDER))) {
    t.ok(Buffer.byteLength(value ?? '') <= LETTER_TEXT_MAX_BYTES, name)
  }
})

void t.test('a letter that left something out says so, and what it left out is not there', async (t) => {
  const light = readLetter(written(LETTER, { ...SENDER, leftOut: 'value' }), encodings.decodeUtf8)
  t.match(light, { kind: 'letter', leftOut: 'value', letter: { record: { headers: RECORD.headers } } })
  const bare = readLetter(written(LETTER, { ...SENDER, leftOut: 'all' }), encodings.decodeUtf8)
  t.match(bare, { kind: 'letter', leftOut: 'all', letter: { record: { headers: [], offset: RECORD.offset } } })
})

const anyBytes = fc.option(fc.uint8Array({ maxLength: 40 }))
const plain = { noNullPrototype: true }
const anyHeaders = fc.array(
  fc.record({ name: fc.oneof(anyText(), fc.constantFrom('', '1', '__proto__')), value: anyBytes }, plain),
)
const anyRecord: fc.Arbitrary<KafkaRecord> = fc.record(
  {
    topic: fc.constantFrom('xzepr.dev.events', 'a', '0'),
    partition: fc.nat(),
    offset: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    timestampMs: fc.maxSafeInteger(),
    key: anyBytes,
    value: anyBytes,
    headers: anyHeaders,
  },
  plain,
)

void t.test('reading what was written gives back any record and all that was said of it', async (t) => {
  fc.assert(
    fc.property(
      anyRecord,
      fc.constantFrom(...DEAD_LETTER_REASONS),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.option(fc.constantFrom('HTTP 422', ''), { nil: undefined }),
      fc.nat(),
      (record, reason, error, answer, attempts) => {
        const letter: DeadLetter = { record, reason, error: error.replaceAll('\u0000', ''), answer, attempts }
        const reading = readLetter(written(letter), encodings.decodeUtf8)
        assert.deepStrictEqual(reading, {
          kind: 'letter',
          letter,
          group: SENDER.group,
          atMs: AT_MS,
          leftOut: undefined,
        })
      },
    ),
  )
  t.pass()
})

void t.test('what no bridge has written is a stranger, with the reason', async (t) => {
  const good = written(LETTER).headers
  const without = (name: string): KafkaRecord => recordOf({ headers: good.filter((each) => each.name !== name) })
  const withText = (name: string, value: string): KafkaRecord => recordOf({ headers: [...good, header(name, value)] })
  t.match(whyOf(readLetter(recordOf(), encodings.decodeUtf8)), /none of the headers/)
  for (const name of ['reason', 'topic', 'partition', 'offset', 'timestamp', 'attempts', 'at']) {
    t.match(whyOf(readLetter(without(`dead-letter-${name}`), encodings.decodeUtf8)), `dead-letter-${name}`)
    t.match(whyOf(readLetter(withText(`dead-letter-${name}`, ''), encodings.decodeUtf8)), `dead-letter-${name}`)
  }
  t.match(whyOf(readLetter(withText('dead-letter-left-out', 'half'), encodings.decodeUtf8)), /left-out/)
  t.match(whyOf(readLetter(withText('dead-letter-reason', 'boredom'), encodings.decodeUtf8)), /no reason/)
  const binary = recordOf({ headers: [...good, { name: 'dead-letter-error', value: Buffer.from([0xff]) }] })
  t.match(whyOf(readLetter(binary, encodings.decodeUtf8)), /not text/)
  t.match(whyOf(readLetter(recordOf({ headers: [header('dead-letter-at', null)] }), encodings.decodeUtf8)), /not text/)
})

void t.test('any record is a letter or a stranger, and never a failure', async (t) => {
  const names = ['reason', 'topic', 'partition', 'offset', 'timestamp', 'attempts', 'at', 'error', 'left-out']
  const headers = fc.array(
    fc.record({ name: fc.constantFrom(...names.map((each) => `dead-letter-${each}`)), value: anyBytes }),
  )
  fc.assert(
    fc.property(headers, (given) => {
      return ['letter', 'stranger'].includes(readLetter(recordOf({ headers: given }), encodings.decodeUtf8).kind)
    }),
  )
  t.pass()
})

void t.test('a text becomes the UTF-8 that the platform writes', async (t) => {
  fc.assert(
    fc.property(anyText(), (text) => {
      assert.deepStrictEqual(Buffer.from(encodeUtf8(text)), Buffer.from(text))
    }),
  )
  t.same(Buffer.from(encodeUtf8('a é € 😀 \ud800')).toString(), 'a é € 😀 \ufffd')
})
