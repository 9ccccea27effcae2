import fc from 'fast-check'
import t from 'tap'
import { BITS_PER_CHAR, BitReader, BitWriter, CodeCosts, MAX_NUMBER, codeBits, crc30 } from '../../src/core/bits.ts'
import { anyText } from '../support/any-text.ts'

const order = fc.nat(15)
const number = fc.oneof(fc.nat(40), fc.nat(2 ** 16), fc.integer({ min: 0, max: MAX_NUMBER }))

const bitsOf = (text: string): string => {
  const reader = new BitReader(text)
  return Array.from({ length: reader.left }, () => reader.read(1)).join('')
}

void t.test('a code is the number in binary after as many zeros as it needs, by its order', async (t) => {
  for (const [value, of, bits] of [
    [0, 0, '1'],
    [1, 0, '010'],
    [2, 0, '011'],
    [3, 0, '00100'],
    [0, 2, '100'],
    [3, 2, '111'],
    [4, 2, '01000'],
  ] as const) {
    const writer = new BitWriter(60)
    writer.code(value, of)
    t.equal(codeBits(value, of), bits.length)
    t.equal(bitsOf(writer.text()), bits.padEnd(6, '0'))
  }
})

void t.test('numbers, codes and repeated bits are read as they were written', async () => {
  const part = fc.oneof(
    fc.record({ value: number, bits: fc.constant(53) }),
    fc.record({ value: number, order }),
    fc.record({ bit: fc.constantFrom(0 as const, 1 as const), times: fc.nat(80) }),
  )
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const writer = new BitWriter(parts.length * 110)
      let total = 0
      for (const each of parts) {
        if ('bits' in each) writer.write(each.value, each.bits)
        else if ('order' in each) writer.code(each.value, each.order)
        else writer.repeat(each.bit, each.times)
        total += 'bits' in each ? each.bits : 'order' in each ? codeBits(each.value, each.order) : each.times
      }
      const text = writer.text()
      const reader = new BitReader(text)
      const same = parts.every((each) => {
        if ('bits' in each) return reader.read(each.bits) === each.value
        if ('order' in each) return reader.code(each.order) === each.value
        return Array.from({ length: each.times }, () => reader.read(1)).every((bit) => bit === each.bit)
      })
      return same && reader.atEnd() && text.length === Math.ceil(total / BITS_PER_CHAR) && /^[\w-]*$/.test(text)
    }),
    { numRuns: 1000 },
  )
})

void t.test('the order that is chosen is the one in which all numbers together are shortest', async () => {
  fc.assert(
    fc.property(fc.array(number), (numbers) => {
      const costs = new CodeCosts()
      for (const each of numbers) costs.add(each)
      const sums = Array.from({ length: 16 }, (_, of) => numbers.reduce((sum, each) => sum + codeBits(each, of), 0))
      const { order: best, bits } = costs.best()
      return bits === Math.min(...sums) && sums[best] === bits && costs.inEach.every((sum, of) => sum === sums[of])
    }),
  )
})

void t.test('a reader of any text ends; past the end, or at what is no character of it, it has failed', async (t) => {
  fc.assert(
    fc.property(anyText(40), order, (text, of) => {
      const reader = new BitReader(text)
      let read = 0
      while (!reader.failed && read <= text.length * BITS_PER_CHAR) {
        reader.code(of)
        read += 1
      }
      return reader.failed && reader.read(3) === 0 && !reader.atEnd()
    }),
    { numRuns: 1000 },
  )
  const short = new BitReader('A')
  t.equal(short.read(6), 0)
  t.notOk(short.failed)
  short.read(1)
  t.ok(short.failed)
})

void t.test('what fills up the last character is zeros', async (t) => {
  for (const [text, sound] of [
    ['', true],
    ['gA', false],
    ['g', true],
    ['h', false],
  ] as const) {
    const reader = new BitReader(text)
    if (text !== '') reader.read(1)
    t.equal(reader.atEnd(), sound, text)
  }
})

void t.test('the checksum is CRC-30/CDMA', async (t) => {
  t.equal(crc30('123456789'), 0x04c34abf, 'the check value of its catalogue')
})
