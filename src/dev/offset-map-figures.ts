/**
 * How much the offset map holds, and how fast it is written: the figures of docs/reference/offset-map.md.
 *
 *   npm run build && node dist/dev/offset-map-figures.js
 *
 * The patterns come from a generator with a fixed seed, so that whoever runs it again gets the same counts.
 */
import { decodeOffsetMap, encodeOffsetMap, worstChars } from '../core/offset-map.ts'
import type { OffsetMap, Run } from '../core/offset-map.ts'

const COMMITTED = 1_000_000n

/** Numbers from 0 to 1, always the same ones (mulberry32). */
function chances(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Holes and runs in turn, each as long as is said. */
function mapOf(count: number, hole: () => number, run: () => number): OffsetMap {
  const settled: Run[] = []
  let end = COMMITTED
  for (let at = 0; at < count; at++) {
    const from = end + BigInt(hole())
    end = from + BigInt(run())
    settled.push({ from, to: end })
  }
  return { settled, attempts: [{ from: COMMITTED, attempts: 1 }] }
}

/** How many offsets in a row fall the same way when each falls so with this share. */
function inARow(share: number, chance: () => number): () => number {
  return () => 1 + Math.floor(Math.log(1 - chance()) / Math.log(share))
}

interface Held {
  readonly holes: number
  readonly records: number
}

/** What a map holds once it is cut to fit. */
function held(map: OffsetMap): Held {
  const reading = decodeOffsetMap(COMMITTED, encodeOffsetMap(COMMITTED, map).text)
  if (reading.kind !== 'map') return { holes: 0, records: 0 }
  const { settled } = reading.map
  const records = settled.reduce((sum, { from, to }) => sum + Number(to - from), 0)
  return { holes: Number((settled.at(-1)?.to ?? COMMITTED) - COMMITTED) - records, records }
}

function median(numbers: number[]): number {
  return numbers.sort((one, other) => one - other)[numbers.length >> 1] ?? NaN
}

function timed(rounds: number, act: () => unknown): string {
  const times = Array.from({ length: rounds }, () => {
    const startedAt = performance.now()
    act()
    return performance.now() - startedAt
  })
  return `${median(times).toFixed(2)} ms`
}

function row(...cells: (string | number)[]): void {
  console.log(`| ${cells.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en') : cell)).join(' | ')} |`)
}

row('holes', 'settled records that fit', 'holes among them', 'bits a hole')
for (const share of [0.001, 0.01, 0.1, 0.5]) {
  const all = Array.from({ length: 9 }, (_, seed) => {
    const chance = chances(seed)
    return held(mapOf(20_000, inARow(share, chance), inARow(1 - share, chance)))
  })
  const holes = median(all.map((each) => each.holes))
  row(`${share * 100} % at random`, median(all.map((each) => each.records)), holes, ((4096 * 6) / holes).toFixed(1))
}
for (const hole of [64, 1000]) {
  const { holes, records } = held(mapOf(20_000, () => hole, inARow(0.9999, chances(1))))
  row(`${hole} in a row, then some 10,000 settled`, records, holes, ((4096 * 6) / holes).toFixed(2))
}

console.log()
row('map', 'characters', 'at worst', 'written in', 'read in', 'worst case told in')
const chance = chances(7)
const maps: Readonly<Record<string, OffsetMap>> = {
  '1 hole, 10,000 settled': mapOf(
    1,
    () => 1,
    () => 10_000,
  ),
  '64 holes in 1,000,000 settled': mapOf(64, () => 1, inARow(1 - 64 / 1_000_000, chance)),
  '2,000 holes, runs of 100': mapOf(2_000, () => 1, inARow(0.99, chance)),
  '10,000 holes, runs of 1 or 2': mapOf(10_000, () => 1, inARow(0.2, chance)),
  '10,000 holes, runs of 100: cut': mapOf(10_000, () => 1, inARow(0.99, chance)),
}
for (const [name, map] of Object.entries(maps)) {
  const { text } = encodeOffsetMap(COMMITTED, map)
  const touchedTo = map.settled.at(-1)?.to ?? COMMITTED
  row(
    name,
    text.length,
    worstChars(COMMITTED, map, touchedTo),
    timed(50, () => encodeOffsetMap(COMMITTED, map)),
    timed(50, () => decodeOffsetMap(COMMITTED, text)),
    timed(50, () => worstChars(COMMITTED, map, touchedTo)),
  )
}
