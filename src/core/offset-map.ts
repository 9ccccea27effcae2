/**
 * The offset map: what is settled beyond the committed offset, and how often the rest was attempted, as the text that
 * travels in the metadata of a Kafka commit. After a crash or a rebalance only what is not settled comes again, with its
 * attempts. docs/reference/offset-map.md has the format bit by bit.
 *
 *   committed offset ▾                        settled   runs, as the lengths of holes and runs, or as a bitmap
 *                    □□■■■■□■■■■■■■■□■■       attempts  steps: from here on so many
 *
 * The law: what is read is never more than what was written. What does not fit is left out, at the cost of duplicates or
 * of counts; a text that is damaged, or that was copied onto another offset, is foreign.
 */
import { BITS_PER_CHAR, BitReader, BitWriter, CRC_BITS, MAX_NUMBER, crc30 } from './bits.ts'
import { EMPTY_SECTION, Pairs, readPairs } from './pairs.ts'
import type { Form } from './settled-form.ts'
import { readSettled, settledForm, worstSettledBits } from './settled-form.ts'

/** Offsets from `from` (included) to `to` (excluded) that are settled. */
export interface Run {
  readonly from: bigint
  readonly to: bigint
}

/** From `from` on, until the next step, what is not settled has been attempted `attempts` times. */
export interface AttemptStep {
  readonly from: bigint
  readonly attempts: number
}

export interface OffsetMap {
  /** Ascending, disjoint, not touching, all beyond the committed offset, which itself is never settled. */
  readonly settled: readonly Run[]
  /**
   * Ascending, none before the committed offset; neighbours differ in attempts, before the first it is 0. Only the
   * values at offsets that are not settled matter.
   */
  readonly attempts: readonly AttemptStep[]
}

/** What a broker takes (`offset.metadata.max.bytes`, counted in characters). */
export const METADATA_MAX_CHARS = 4096

export type OffsetMapReading =
  | { readonly kind: 'map'; readonly map: OffsetMap }
  /** The metadata is empty. */
  | { readonly kind: 'none' }
  /** Not written by this codec for this committed offset, or damaged since. */
  | { readonly kind: 'foreign'; readonly why: string }

const CHECK_CHARS = CRC_BITS / BITS_PER_CHAR
/** Room that back-pressure keeps for attempts that are still to come: those of some sixty records. */
export const ATTEMPTS_RESERVE_CHARS = 256

/** What stands before the bits. The offset is in it because MirrorMaker copies metadata onto offsets of its own. */
function headOf(committed: bigint): string {
  return `xb1.${committed}.`
}

/**
 * @returns '' when there is nothing to say; `complete` is false when something had to be left out: of the attempts what
 * is farthest, then of what is settled. Of a map that is not in order, what follows the fault is left out.
 */
export function encodeOffsetMap(
  committed: bigint,
  map: OffsetMap,
  maxChars = METADATA_MAX_CHARS,
): { readonly text: string; readonly complete: boolean } {
  const head = headOf(committed)
  const room = (Math.min(maxChars, METADATA_MAX_CHARS) - head.length - CHECK_CHARS) * BITS_PER_CHAR
  const runs = runPairs(committed, map.settled)
  const settled = settledForm(runs, room - EMPTY_SECTION.bits)
  const attempts = attemptsForm(committed, map.attempts, room - settled.bits)
  const complete = runs.count === map.settled.length && settled.complete && attempts.complete
  if (settled.empty && attempts.empty) return { text: '', complete }
  const writer = new BitWriter(room)
  settled.write(writer)
  attempts.write(writer)
  const said = head + writer.text()
  return { text: said + checkOf(said), complete }
}

function checkOf(said: string): string {
  const writer = new BitWriter(CRC_BITS)
  writer.write(crc30(said), CRC_BITS)
  return writer.text()
}

/** Holes and the runs behind them, each less 1, as far as they are in order. */
function runPairs(committed: bigint, runs: readonly Run[]): Pairs {
  const pairs = new Pairs(runs.length)
  let end = 0
  for (const run of runs) {
    const from = Number(run.from - committed)
    const to = Number(run.to - committed)
    if (!(from > end && to > from && to <= MAX_NUMBER)) break
    pairs.add(from - end - 1, to - from - 1)
    end = to
  }
  return pairs
}

/** The ways from the committed offset to the first step and from each step to the next less 1, and the attempts. */
function stepPairs(committed: bigint, steps: readonly AttemptStep[]): Pairs {
  const pairs = new Pairs(steps.length)
  let next = 0
  let before = 0
  for (const { from, attempts } of steps) {
    const at = Number(from - committed)
    const sound = Number.isInteger(attempts) && attempts >= 0 && attempts <= MAX_NUMBER && attempts !== before
    if (!(at >= next && at <= MAX_NUMBER && sound)) break
    pairs.add(at - next, attempts)
    next = at + 1
    before = attempts
  }
  return pairs
}

function attemptsForm(committed: bigint, steps: readonly AttemptStep[], room: number): Form {
  const all = stepPairs(committed, steps)
  const section = all.section(room)
  const complete = section.count === steps.length
  const kept = complete ? all : shortened(all, section.count, all.count === steps.length)
  const written = complete ? section : kept.section(room)
  return {
    bits: written.bits,
    empty: written.count === 0,
    complete,
    write: (writer) => {
      kept.write(writer, written)
    },
  }
}

/** The first steps, the last of which counts from now on for all that follow it: it takes the least of their attempts. */
function shortened(all: Pairs, count: number, inOrder: boolean): Pairs {
  let least = inOrder ? Infinity : 0
  for (let at = count - 1; at < all.count; at++) least = Math.min(least, all.second(at))
  const kept = new Pairs(count)
  for (let at = 0; at < count - 1; at++) kept.add(all.first(at), all.second(at))
  const before = count > 1 ? all.second(count - 2) : 0
  if (count > 0 && least !== before) kept.add(all.first(count - 1), least)
  return kept
}

/** Never throws. */
export function decodeOffsetMap(committed: bigint, text: string): OffsetMapReading {
  if (text === '') return { kind: 'none' }
  const foreign = (why: string): OffsetMapReading => ({ kind: 'foreign', why })
  if (text.length > METADATA_MAX_CHARS) return foreign(`it is longer than ${METADATA_MAX_CHARS} characters`)
  const [, version, offset, body = ''] = /^xb(\d{1,9})\.(\d{1,19})\.([\w-]*)$/.exec(text) ?? []
  if (version === undefined) return foreign('it is no offset map of an xzepr-bridge')
  if (version !== '1') return foreign(`it is an offset map of version ${version}, and this bridge reads version 1`)
  const said = text.slice(0, -CHECK_CHARS)
  if (body.length < CHECK_CHARS || text !== said + checkOf(said)) return foreign('its checksum does not match')
  if (!text.startsWith(headOf(committed))) return foreign(`it was written for the offset ${offset}`)
  const map = mapIn(committed, new BitReader(body.slice(0, -CHECK_CHARS)))
  return map === undefined ? foreign('its bits hold no offset map') : { kind: 'map', map }
}

function mapIn(committed: bigint, reader: BitReader): OffsetMap | undefined {
  const runs = readSettled(reader)
  const steps = readPairs(reader)
  if (runs === undefined || steps === undefined || !reader.atEnd() || runs.count + steps.count === 0) return undefined
  const settled = runsOf(committed, runs)
  const attempts = stepsOf(committed, steps)
  return settled === undefined || attempts === undefined ? undefined : { settled, attempts }
}

function runsOf(committed: bigint, pairs: Pairs): Run[] | undefined {
  const runs: Run[] = []
  let end = 0
  for (let at = 0; at < pairs.count; at++) {
    const from = end + pairs.first(at) + 1
    end = from + pairs.second(at) + 1
    if (end > MAX_NUMBER) return undefined
    runs.push({ from: committed + BigInt(from), to: committed + BigInt(end) })
  }
  return runs
}

function stepsOf(committed: bigint, pairs: Pairs): AttemptStep[] | undefined {
  const steps: AttemptStep[] = []
  let next = 0
  let before = 0
  for (let at = 0; at < pairs.count; at++) {
    const from = next + pairs.first(at)
    const attempts = pairs.second(at)
    if (from > MAX_NUMBER || attempts === before) return undefined
    steps.push({ from: committed + BigInt(from), attempts })
    next = from + 1
    before = attempts
  }
  return steps
}

/**
 * How many characters the map may take at most, once any of what is not settled yet up to `touchedTo` (the offset after
 * the last that was sent) has settled, the committed offset included; room for attempts to come is part of it. As long as
 * this stays within METADATA_MAX_CHARS, no settled offset is ever left out.
 */
export function worstChars(committed: bigint, map: OffsetMap, touchedTo: bigint): number {
  const runs = runPairs(committed, map.settled)
  const end = map.settled.at(-1)?.to ?? committed
  const tail = Math.max(0, Number(touchedTo - end))
  const steps = stepPairs(committed, map.attempts).section(Infinity)
  const bits = worstSettledBits(runs, tail) + steps.bits
  const head = headOf(touchedTo > end ? touchedTo : end)
  return head.length + Math.ceil(bits / BITS_PER_CHAR) + CHECK_CHARS + ATTEMPTS_RESERVE_CHARS
}
