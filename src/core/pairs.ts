/**
 * Pairs of numbers as bits, as the offset map is made of: a hole and the run behind it; the way to a step and its attempts.
 *
 *   how many (15 bits) │ order of the firsts (4) │ order of the seconds (4) │ first second first second …
 *                                └── only when there are any ──┘
 *
 * Firsts and seconds are Exp-Golomb codes, each in the order in which all of them together are shortest. The law: what is
 * cut off to fit is the end.
 */
import type { BitReader, BitWriter } from './bits.ts'
import { CodeCosts, ORDER_BITS, codeBits } from './bits.ts'

export const COUNT_BITS = 15
const COUNT_MAX = 2 ** COUNT_BITS - 1
export const ORDERS_BITS = 2 * ORDER_BITS
/** No pair is shorter. */
const PAIR_BITS = 2 * codeBits(0, 0)

/** The pairs that fit, from the first on, and how they are written shortest. */
export interface Section {
  readonly bits: number
  readonly count: number
  readonly firstOrder: number
  readonly secondOrder: number
}

export const EMPTY_SECTION: Section = { bits: COUNT_BITS, count: 0, firstOrder: 0, secondOrder: 0 }

export class Pairs {
  readonly #firsts: Float64Array
  readonly #seconds: Float64Array
  #count = 0

  constructor(capacity: number) {
    this.#firsts = new Float64Array(capacity)
    this.#seconds = new Float64Array(capacity)
  }

  get count(): number {
    return this.#count
  }

  add(first: number, second: number): void {
    this.#firsts[this.#count] = first
    this.#seconds[this.#count] = second
    this.#count += 1
  }

  first(at: number): number {
    return this.#firsts[at] ?? 0
  }

  second(at: number): number {
    return this.#seconds[at] ?? 0
  }

  /** Puts another second into a pair. */
  replace(at: number, second: number): void {
    this.#seconds[at] = second
  }

  section(room: number): Section {
    const firsts = new CodeCosts()
    const seconds = new CodeCosts()
    for (let at = 0; at < this.#count; at++) {
      firsts.add(this.first(at))
      seconds.add(this.second(at))
    }
    const all = sectionOf(this.#count, firsts, seconds)
    return all.bits <= room && all.count <= COUNT_MAX ? all : this.#cut(room)
  }

  #cut(room: number): Section {
    const firsts = new CodeCosts()
    const seconds = new CodeCosts()
    let fits = EMPTY_SECTION
    for (let at = 0; at < Math.min(this.#count, COUNT_MAX); at++) {
      firsts.add(this.first(at))
      seconds.add(this.second(at))
      const longer = sectionOf(at + 1, firsts, seconds)
      if (longer.bits > room) break
      fits = longer
    }
    return fits
  }

  write(writer: BitWriter, { count, firstOrder, secondOrder }: Section): void {
    writer.write(count, COUNT_BITS)
    if (count === 0) return
    writer.write(firstOrder, ORDER_BITS)
    writer.write(secondOrder, ORDER_BITS)
    for (let at = 0; at < count; at++) {
      writer.code(this.first(at), firstOrder)
      writer.code(this.second(at), secondOrder)
    }
  }
}

function sectionOf(count: number, firsts: CodeCosts, seconds: CodeCosts): Section {
  if (count === 0) return EMPTY_SECTION
  const { order: firstOrder, bits: firstBits } = firsts.best()
  const { order: secondOrder, bits: secondBits } = seconds.best()
  return { bits: COUNT_BITS + ORDERS_BITS + firstBits + secondBits, count, firstOrder, secondOrder }
}

/** @returns undefined when the bits hold no such section. */
export function readPairs(reader: BitReader): Pairs | undefined {
  const count = reader.read(COUNT_BITS)
  if (count * PAIR_BITS > reader.left) return undefined
  const pairs = new Pairs(count)
  const firstOrder = count === 0 ? 0 : reader.read(ORDER_BITS)
  const secondOrder = count === 0 ? 0 : reader.read(ORDER_BITS)
  while (pairs.count < count) pairs.add(reader.code(firstOrder), reader.code(secondOrder))
  return reader.failed ? undefined : pairs
}
