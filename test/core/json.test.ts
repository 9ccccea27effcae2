import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import {
  NO_MEMBERS,
  jsonMembers,
  jsonObject,
  storableText,
  unstorableJson,
  unstorableText,
  utf8Bytes,
} from '../../src/core/json.ts'

/** UTF-16 of every kind: plain, NUL, pairs, halves in both orders, and what looks like an escape but is none. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\u0000',
        '\ud83d',
        '\ude00',
        '😀',
        '\\',
        '\\u0000',
        '\\ud83d',
        'u0000',
        '"',
        'é',
        '€',
        'a',
        '\n',
      ),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))

/** What PostgreSQL's jsonb refuses, said in the platform's own words. */
const isStorable = (text: string): boolean => !text.includes('\u0000') && /^\P{Surrogate}*$/u.test(text)

/** Every string inside a value, names of members included. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => [name, ...stringsIn(inner)])
}

void t.test('utf8Bytes counts what the platform would write', async (t) => {
  for (let unit = 0; unit <= 0xffff; unit += 1) {
    const text = String.fromCharCode(unit)
    if (utf8Bytes(text) !== Buffer.byteLength(text)) t.fail(`U+${unit.toString(16)}`)
  }
  fc.assert(fc.property(hostileText, (text) => utf8Bytes(text) === Buffer.byteLength(text)))
})

void t.test('a text is storable exactly when it holds neither NUL nor half a pair', async (t) => {
  t.equal(unstorableText('a\u0000b'), 'holds U+0000')
  t.equal(unstorableText('\ud83d'), 'holds a lone surrogate')
  t.equal(unstorableText('\ude00\ud83d'), 'holds a lone surrogate')
  t.equal(unstorableText('😀'), undefined)
  fc.assert(fc.property(hostileText, (text) => (unstorableText(text) === undefined) === isStorable(text)))
})

void t.test('JSON text is storable exactly when every string in it is', async (t) => {
  t.equal(unstorableJson('{"a":"\\u0000"}'), 'holds U+0000')
  t.equal(unstorableJson('{"\\ud83d":1}'), 'holds a lone surrogate')
  t.equal(unstorableJson('"\\\\u0000"'), undefined)
  t.equal(unstorableJson('"\\\\\\u0000"'), 'holds U+0000')
  t.equal(unstorableJson('12345678901234567890'), undefined)
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      hostileText,
      fc.integer(),
      fc.constantFrom(null, true),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(hostileText, tie('value'), { maxKeys: 3 }),
    ),
  }))
  fc.assert(
    fc.property(value, (any) => {
      return (unstorableJson(JSON.stringify(any)) === undefined) === stringsIn(any).every(isStorable)
    }),
    { numRuns: 1000 },
  )
})

void t.test('finding an escape costs no more than a look at each character', async (t) => {
  // A pattern that steps back over a run of backslashes would take minutes for this one.
  t.equal(unstorableJson(JSON.stringify('\\'.repeat(300_000))), undefined)
})

void t.test('storableText is storable, fits, and leaves what is storable and fits as it is', async (t) => {
  t.equal(storableText('a\u0000b\ud83dc', 100), 'a\uFFFDb\uFFFDc')
  t.equal(storableText('€€', 5), '€')
  t.equal(storableText('😀', 3), '')
  fc.assert(
    fc.property(hostileText, fc.nat(40), (text, maxBytes) => {
      const kept = storableText(text, maxBytes)
      const fits = isStorable(text) && Buffer.byteLength(text) <= maxBytes
      return isStorable(kept) && Buffer.byteLength(kept) <= maxBytes && (!fits || kept === text)
    }),
  )
})

void t.test('an object is written from its members in order, values digit for digit', async (t) => {
  t.equal(jsonObject(NO_MEMBERS), '{}')
  const members = [
    ['b', '12345678901234567890'],
    ['a"', '1.0'],
  ] as const
  t.equal(jsonObject(members), '{"b":12345678901234567890,"a\\"":1.0}')
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (object) => {
      const text = jsonObject(Object.entries(object).map(([name, value]) => [name, JSON.stringify(value)] as const))
      return text === JSON.stringify(object)
    }),
  )
})

void t.test('the members of an object are cut out as they stand, whatever is in them', async (t) => {
  const text = '\n{ "a" : 12345678901234567890 ,"b":[1.0,{"]":"}\\\\\\""}],"c\\u0064":"x\\"y" , "e":{} ,"f":null}\t'
  t.same(
    [...jsonMembers(text)],
    [
      ['a', '12345678901234567890'],
      ['b', '[1.0,{"]":"}\\\\\\""}]'],
      ['cd', '"x\\"y"'],
      ['e', '{}'],
      ['f', 'null'],
    ],
  )
  t.same([...jsonMembers('{}')], [])
  t.same([...jsonMembers(' { } ')], [])
})

void t.test('of members of one name the last counts, in the place of the first', async (t) => {
  t.same(
    [...jsonMembers('{"a":1,"b":2,"\\u0061":3,"__proto__":4}')],
    [
      ['a', '3'],
      ['b', '2'],
      ['__proto__', '4'],
    ],
  )
})

void t.test('members read one by one are what JSON.parse reads, for any object in any layout', async () => {
  const objects = fc.dictionary(fc.oneof(hostileText, fc.constantFrom('__proto__', '')), fc.jsonValue(), {
    noNullPrototype: true,
  })
  fc.assert(
    fc.property(objects, fc.constantFrom(undefined, 1, '\t'), (object, indent) => {
      const text = JSON.stringify(object, null, indent)
      const whole = JSON.parse(text) as Record<string, unknown>
      const members = jsonMembers(text)
      return (
        members.size === Object.keys(whole).length &&
        [...members].every(([name, json]) => text.includes(json) && isDeepStrictEqual(JSON.parse(json), whole[name]))
      )
    }),
    { numRuns: 500 },
  )
})

void t.test('a million brackets, or backslashes, cost no more than a look at each', async (t) => {
  const deep = '['.repeat(500_000) + ']'.repeat(500_000)
  t.equal(jsonMembers(`{"a":${deep},"b":1}`).get('a'), deep)
  const slashes = `"${'\\\\'.repeat(500_000)}\\""`
  t.equal(jsonMembers(`{"a":${slashes}}`).get('a'), slashes)
})
