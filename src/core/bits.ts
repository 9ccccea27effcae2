/**
 * Bits in text: numbers as base64url characters, six bits each, for what must be short and must be ASCII.
 *
 * Lengths of unknown size are written in Exp-Golomb codes of an order from 0 to 15: `value + 2^order` in binary, after as
 * many zeros as it has bits more than `order + 1`. Small values are short whatever the order; a higher order makes large
 * ones shorter.
 *
 *   order 0: 0 ▸ 1   1 ▸ 010   2 ▸ 011   3 ▸ 00100        order 2: 0 ▸ 100   3 ▸ 111   4 ▸ 01000
 *
 * The law: what was written is read, and a reader of anything else ends, says that it failed, and has taken no more
 * than the text's length.
 */

export const BITS_PER_CHAR = 6
/** The largest number that is written: with any order added it is still exact. */
export const MAX_NUMBER = 2 ** 52

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const CODES = Uint8Array.from(ALPHABET, (char) => char.charCodeAt(0))
const NO_SYMBOL = 64
const SYMBOLS = new Uint8Array(128).fill(NO_SYMBOL)
CODES.forEach((code, symbol) => (SYMBOLS[code] = symbol))

/** Orders are 0 to 15, four bits. */
export const ORDER_BITS = 4
const ORDERS = 2 ** ORDER_BITS
/** What is written or read at once: with what is left of a character it stays within 32 bits. */
const STEP_BITS = 24
const STEP = 2 ** STEP_BITS

/** How many binary digits a positive number has. */
function digits(value: number): number {
  return value < 2 ** 32 ? 32 - Math.clz32(value) : 64 - Math.clz32(value / 2 ** 32)
}

/** How many bits a number takes in the code of an order. */
export function codeBits(value: number, order: number): number {
  return 2 * digits(value + 2 ** order) - order - 1
}

/** What numbers cost in the code of each order, summed up to choose one. */
export class CodeCosts {
  readonly #sums = new Float64Array(ORDERS)

  add(value: number): void {
    const sums = this.#sums
    for (let order = 0; order < ORDERS; order++) sums[order] = (sums[order] ?? 0) + codeBits(value, order)
  }

  /** The order in which they cost least, and what they cost in it. */
  best(): { readonly order: number; readonly bits: number } {
    let order = 0
    let bits = Infinity
    for (let each = 0; each < ORDERS; each++) {
      const cost = this.#sums[each] ?? 0
      if (cost >= bits) continue
      order = each
      bits = cost
    }
    return { order, bits }
  }

  /** What they cost in each order. */
  get inEach(): Float64Array {
    return this.#sums
  }
}

export class BitWriter {
  readonly #codes: Uint8Array
  #length = 0
  #pending = 0
  #pendingBits = 0

  /** @param maxBits what will be written at most. */
  constructor(maxBits: number) {
    this.#codes = new Uint8Array(Math.ceil(maxBits / BITS_PER_CHAR))
  }

  /** A number in so many bits, the highest first. */
  write(value: number, bits: number): void {
    if (bits > STEP_BITS) {
      this.write(Math.floor(value / STEP), bits - STEP_BITS)
      this.write(value % STEP, STEP_BITS)
      return
    }
    let pending = (this.#pending << bits) | value
    let pendingBits = this.#pendingBits + bits
    while (pendingBits >= BITS_PER_CHAR) {
      pendingBits -= BITS_PER_CHAR
      this.#codes[this.#length++] = CODES[pending >>> pendingBits] ?? 0
      pending &= (1 << pendingBits) - 1
    }
    this.#pending = pending
    this.#pendingBits = pendingBits
  }

  /** The same bit so many times. */
  repeat(bit: 0 | 1, times: number): void {
    for (let left = times; left > 0; left -= STEP_BITS) {
      const bits = Math.min(left, STEP_BITS)
      this.write(bit === 0 ? 0 : 2 ** bits - 1, bits)
    }
  }

  /** A number in the code of an order. */
  code(value: number, order: number): void {
    const shifted = value + 2 ** order
    const bits = digits(shifted)
    this.write(0, bits - order - 1)
    this.write(shifted, bits)
  }

  /** All that was written; the last character is filled up with zeros. */
  text(): string {
    if (this.#pendingBits > 0) this.write(0, BITS_PER_CHAR - this.#pendingBits)
    return String.fromCharCode(...this.#codes.subarray(0, this.#length))
  }
}

/** Reads what a BitWriter wrote. Past the end, or at what is no number, it has failed and gives zeros. */
export class BitReader {
  readonly #text: string
  #at = 0
  #pending = 0
  #pendingBits = 0
  #failed = false

  constructor(text: string) {
    this.#text = text
  }

  get failed(): boolean {
    return this.#failed
  }

  /** How many bits are left. */
  get left(): number {
    return (this.#text.length - this.#at) * BITS_PER_CHAR + this.#pendingBits
  }

  read(bits: number): number {
    if (bits > STEP_BITS) return this.read(bits - STEP_BITS) * STEP + this.read(STEP_BITS)
    while (this.#pendingBits < bits && !this.#failed) {
      const symbol = SYMBOLS[this.#text.charCodeAt(this.#at)] ?? NO_SYMBOL
      if (symbol === NO_SYMBOL) this.#failed = true
      this.#at += 1
      this.#pending = (this.#pending << BITS_PER_CHAR) | symbol
      this.#pendingBits += BITS_PER_CHAR
    }
    if (this.#failed) return 0
    this.#pendingBits -= bits
    const value = this.#pending >>> this.#pendingBits
    this.#pending &= (1 << this.#pendingBits) - 1
    return value
  }

  code(order: number): number {
    let bits = order
    while (this.read(1) === 0) {
      bits += 1
      if (bits > MAX_NUMBER_BITS) this.#failed = true
      if (this.#failed) return 0
    }
    const value = 2 ** bits + this.read(bits) - 2 ** order
    if (value > MAX_NUMBER) this.#failed = true
    return this.#failed ? 0 : value
  }

  /** True when everything was read but the zeros that fill up the last character. */
  atEnd(): boolean {
    return !this.#failed && this.left < BITS_PER_CHAR && this.read(this.left) === 0
  }
}
const MAX_NUMBER_BITS = digits(MAX_NUMBER)

/** CRC-30/CDMA: a checksum of five characters that no damage to one character, nor to 30 bits in a row, leaves as it was. */
export function crc30(text: string): number {
  let crc = CRC_MASK
  for (let at = 0; at < text.length; at++) {
    crc = ((crc << 8) & CRC_MASK) ^ (CRC_TABLE[((crc >>> 22) ^ text.charCodeAt(at)) & 0xff] ?? 0)
  }
  return crc ^ CRC_MASK
}
export const CRC_BITS = 30
const CRC_MASK = 2 ** CRC_BITS - 1
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << (CRC_BITS - 8)
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & (2 ** (CRC_BITS - 1)) ? 0x2030b9c7 : 0)
  return crc & CRC_MASK
})
