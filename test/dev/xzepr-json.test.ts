import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { isObject, readJson, rustNumber, writeJson } from '../../src/dev/xzepr-json.ts'
import { UNIT } from './xzepr-started.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function again(text: string): string {
  const read = readJson(bytes(text))
  return read.kind === 'json' ? writeJson(read.value) : `unreadable: ${read.why}`
}

void t.test('a number is spelled as Rust prints it', (t) => {
  for (const [given, printed] of [
    ['0', '0'],
    ['-7', '-7'],
    ['9007199254740993', '9007199254740993'],
    ['12345678901234567890', '12345678901234567890'],
    ['18446744073709551615', '18446744073709551615'],
    ['18446744073709551616', '1.8446744073709552e19'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['-9223372036854775809', '-9.223372036854776e18'],
    ['-0', '-0.0'],
    ['0.0', '0.0'],
    ['1.0', '1.0'],
    ['1.5e3', '1500.0'],
    ['1e15', '1000000000000000.0'],
    ['1e16', '1e16'],
    ['123456789012345680000', '1.2345678901234568e20'],
    ['12.34', '12.34'],
    ['-0.001234', '-0.001234'],
    ['0.00001', '0.00001'],
    ['0.000001', '1e-6'],
    ['1.25e-7', '1.25e-7'],
    ['1e-400', '0.0'],
  ] as const) {
    t.equal(rustNumber(given), printed, given)
  }
  t.throws(() => rustNumber('1e400'), SyntaxError)
  t.end()
})

void t.test('every 64-bit integer keeps its digits, every double its value', (t) => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      (integer) => again(`${integer}`) === `${integer}`,
    ),
  )
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (double) => {
      const printed = rustNumber(`${Object.is(double, -0) ? '-' : ''}${double.toExponential()}`)
      return Object.is(Number(printed), double) && /^-?\d+(\.\d+)?(e-?\d+)?$/.test(printed)
    }),
  )
  t.end()
})

void t.test('whatever JSON comes, it is read and written as the same value', (t) => {
  fc.assert(
    fc.property(fc.json({ stringUnit: UNIT }), (text) => isDeepStrictEqual(JSON.parse(again(text)), JSON.parse(text))),
  )
  t.end()
})

void t.test('keys are sorted by their bytes at every depth, the last of two same ones stays', (t) => {
  t.equal(again('{"b":1,"a":{"10":1,"9":2,"1":[{"z":0,"y":0}]}}'), '{"a":{"1":[{"y":0,"z":0}],"10":1,"9":2},"b":1}')
  // By UTF-16 units U+FFFD would come after the emoji; by bytes it comes before.
  t.equal(again('{"\u{1f600}":1,"\ufffd":2}'), '{"\ufffd":2,"\u{1f600}":1}')
  t.equal(again('{"a":1,"a":2}'), '{"a":2}')
  t.equal(again('{"__proto__":{"x":1}}'), '{"__proto__":{"x":1}}')
  t.end()
})

void t.test('what serde_json refuses is unreadable', (t) => {
  for (const text of [
    '',
    '{',
    '{"a":}',
    '[1,]',
    '"\\ud800"',
    '{"\\udfff":1}',
    '["\\ude00\\ud83d"]',
    '1e400',
    '"\u0001"',
    '01',
  ]) {
    t.match(again(text), /^unreadable: /, text)
  }
  t.equal(again('"\\ud83d\\ude00"'), '"\u{1f600}"', 'a whole pair is no lone surrogate')
  t.match(readJson(Uint8Array.of(0x22, 0xff, 0x22)), { kind: 'unreadable' }, 'broken UTF-8')
  t.equal(again('['.repeat(127) + ']'.repeat(127)), '['.repeat(127) + ']'.repeat(127))
  t.equal(again('['.repeat(128) + ']'.repeat(128)), 'unreadable: recursion limit exceeded')
  t.equal(again('['.repeat(500_000)), 'unreadable: recursion limit exceeded', 'deeper than any stack')
  t.end()
})

void t.test('an object is neither a list, nor null, nor a number', (t) => {
  const read = readJson(bytes('[{}, [], null, 1, "x"]'))
  t.ok(read.kind === 'json')
  if (read.kind === 'json') t.same((read.value as unknown[]).map(isObject), [true, false, false, false, false])
  t.end()
})
