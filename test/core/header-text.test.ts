import fc from 'fast-check'
import t from 'tap'
import { headerText, percentEncode } from '../../src/core/header-text.ts'
import { anyText } from '../support/any-text.ts'

const wellFormed = anyText().map((text) => text.replace(/\p{Surrogate}/gu, '\ufffd'))

void t.test('what HTTP can carry stays, and the rest decodes back: space, quote, percent, beyond ASCII', async (t) => {
  t.equal(headerText('a b"c%d\u0000é\u20ac\u{1f600}'), 'a%20b%22c%25d%00%C3%A9%E2%82%AC%F0%9F%98%80')
  t.equal(headerText("!#$&'()*+,-./:;<=>?@[\\]^_`{|}~Az09"), "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~Az09")
  t.equal(headerText('Euro \u20ac \u{1f600}'), 'Euro%20%E2%82%AC%20%F0%9F%98%80', 'the binding’s own example')
  t.equal(headerText('a\ud800b'), 'a%EF%BF%BDb')
  fc.assert(
    fc.property(wellFormed, (any) => decodeURIComponent(headerText(any)) === any),
    { numRuns: 500 },
  )
})

void t.test('bytes decode back, and nothing but unreserved characters stands for itself', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = percentEncode(bytes)
      const back = text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
      return /^[A-Za-z0-9._~%-]*$/.test(text) && Buffer.from(back, 'latin1').equals(Buffer.from(bytes))
    }),
    { numRuns: 500 },
  )
  t.equal(percentEncode(Uint8Array.of(0, 0x20, 0x25, 0x7e, 0xff)), '%00%20%25~%FF')
})
