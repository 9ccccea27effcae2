/**
 * What is settled beyond the committed offset, as bits, in the shorter of two forms.
 *
 *   lengths   0 │ pairs: a hole and the run behind it, each less 1; the first hole begins with the committed offset
 *   bitmap    1 │ how many bits (15) │ one for each offset after the committed one, to the last that is settled
 *
 * Lengths make few holes cheap, and never cost more than 1.5 bits an offset; a bitmap never costs more than one. So it
 * can be said beforehand how long the form gets at worst, whatever of the holes settles next.
 */
import type { BitReader, BitWriter } from './bits.ts'
import { CodeCosts, codeBits } from './bits.ts'
import { COUNT_BITS, ORDERS_BITS, Pairs, readPairs } from './pairs.ts'

const FORM_BITS = 1
const LENGTHS = 0
const BITMAP = 1
const SPAN_BITS = 15
const SPAN_MAX = 2 ** SPAN_BITS - 1

/** How one part of a map is written. */
export interface Form {
  readonly bits: number
  readonly empty: boolean
  readonly complete: boolean
  write(writer: BitWriter): void
}

interface SettledForm extends Form {
  /** How many offsets it says are settled. */
  readonly settled: number
}

/** The shorter form, or the one that says more when neither says all. @param pairs holes and runs, each less 1. */
export function settledForm(pairs: Pairs, room: number): Form {
  const lengths = asLengths(pairs, room)
  const bitmap = asBitmap(pairs, room)
  const better = lengths.settled === bitmap.settled ? lengths.bits <= bitmap.bits : lengths.settled > bitmap.settled
  return better ? lengths : bitmap
}

function asLengths(pairs: Pairs, room: number): SettledForm {
  const section = pairs.section(room - FORM_BITS)
  let settled = 0
  for (let at = 0; at < section.count; at++) settled += pairs.second(at) + 1
  return {
    bits: FORM_BITS + section.bits,
    empty: section.count === 0,
    complete: section.count === pairs.count,
    settled,
    write(writer) {
      writer.write(LENGTHS, FORM_BITS)
      pairs.write(writer, section)
    },
  }
}

/** How many zeros the bitmap has for a hole: the committed offset, which the first begins with, has none. */
function zeros(pairs: Pairs, at: number): number {
  return pairs.first(at) + (at === 0 ? 0 : 1)
}

/** Unlike lengths, a bitmap can end within a run. */
function asBitmap(pairs: Pairs, room: number): SettledForm {
  const most = Math.min(room - FORM_BITS - SPAN_BITS, SPAN_MAX)
  let span = 0
  let settled = 0
  let end = 0
  let count = 0
  while (count < pairs.count && span === end) {
    const from = end + zeros(pairs, count)
    end = from + pairs.second(count) + 1
    const to = Math.min(end, most)
    if (to <= from) break
    settled += to - from
    span = to
    count += 1
  }
  return {
    bits: FORM_BITS + SPAN_BITS + span,
    empty: span === 0,
    complete: count === pairs.count && span === end,
    settled,
    write(writer) {
      writer.write(BITMAP, FORM_BITS)
      writer.write(span, SPAN_BITS)
      let left = span
      for (let at = 0; at < count; at++) {
        const hole = zeros(pairs, at)
        const run = Math.min(pairs.second(at) + 1, left - hole)
        writer.repeat(0, hole)
        writer.repeat(1, run)
        left -= hole + run
      }
    },
  }
}

/** @returns holes and runs as `settledForm` takes them, or undefined when the bits hold no such form. */
export function readSettled(reader: BitReader): Pairs | undefined {
  if (reader.read(FORM_BITS) === LENGTHS) return readPairs(reader)
  const span = reader.read(SPAN_BITS)
  if (span === 0 || span > reader.left) return undefined
  const pairs = new Pairs(Math.ceil(span / 2))
  let hole = 1
  let run = 0
  for (let at = 0; at < span; at++) {
    const settled = reader.read(1) === 1
    if (!settled && run > 0) {
      pairs.add(hole - 1, run - 1)
      hole = 0
      run = 0
    }
    if (settled) run += 1
    else hole += 1
  }
  if (run === 0 || reader.failed) return undefined
  pairs.add(hole - 1, run - 1)
  return pairs
}

/**
 * How many bits the form takes at most, once any of the holes have settled in part or in whole.
 *
 * A hole of one offset costs one bit, and less when it settles: the two runs that become one take at most one bit more
 * than the longer of them took. Of a longer hole, what settles at its ends makes the runs beside it longer, by x at the
 * cost of 1.5 x + 1; what settles inside makes holes and runs in turn, of which a hole of p costs 1.5 p (order 0) and a
 * run of one `order + 1`. The densest patterns are holes of one and of two with runs of one between them.
 *
 * @param pairs holes and runs, each less 1.
 * @param tail how many offsets behind the last run may settle too.
 */
export function worstSettledBits(pairs: Pairs, tail: number): number {
  const runs = new CodeCosts()
  let span = tail - 1
  let single = 0
  let longer = 0
  let inLonger = 0
  for (let at = 0; at < pairs.count; at++) {
    const hole = pairs.first(at) + 1
    runs.add(pairs.second(at))
    span += hole + pairs.second(at) + 1
    if (hole === 1) single += 1
    else {
      longer += 1
      inLonger += hole
    }
  }
  if (tail > 0) {
    longer += 1
    inLonger += tail
  }
  let asLengths = Infinity
  for (const [order, bits] of runs.inEach.entries()) {
    const densest = Math.max(1.5, (order + 2) / 2, (order + 4) / 3)
    asLengths = Math.min(asLengths, bits + single * codeBits(0, 0) + densest * inLonger + 2 * longer)
  }
  return FORM_BITS + Math.min(COUNT_BITS + ORDERS_BITS + Math.ceil(asLengths), SPAN_BITS + Math.max(span, 0))
}
