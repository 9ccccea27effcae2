import fc from 'fast-check'
import t from 'tap'
import {
  ATTEMPTS_RESERVE_CHARS,
  METADATA_MAX_CHARS,
  decodeOffsetMap,
  encodeOffsetMap,
  worstChars,
} from '../../src/core/offset-map.ts'
import type { AttemptStep, OffsetMap, Run } from '../../src/core/offset-map.ts'
import { BitWriter, crc30 } from '../../src/core/bits.ts'
import { anyText } from '../support/any-text.ts'

/** Holes and runs in turn from the committed offset on; then steps, as ways and attempts. */
function mapOf(
  committed: bigint,
  lengths: readonly (readonly [hole: number, run: number])[],
  steps: readonly (readonly [way: number, attempts: number])[] = [],
): OffsetMap {
  let end = committed
  const settled: Run[] = []
  for (const [hole, run] of lengths) {
    const from = end + BigInt(hole)
    end = from + BigInt(run)
    settled.push({ from, to: end })
  }
  let at = committed - 1n
  let before = 0
  const attempts: AttemptStep[] = []
  for (const [way, count] of steps) {
    if (count === before) continue
    at += BigInt(way)
    before = count
    attempts.push({ from: at, attempts: count })
  }
  return { settled, attempts }
}

/** A map of single offsets: which of those after the first one, `from`, are settled. */
function mapOfEach(from: bigint, settled: readonly boolean[], attempts: readonly AttemptStep[] = []): OffsetMap {
  const runs: { from: bigint; to: bigint }[] = []
  settled.forEach((is, at) => {
    const offset = from + BigInt(at)
    const last = runs.at(-1)
    if (!is) return
    if (last?.to === offset) last.to += 1n
    else runs.push({ from: offset, to: offset + 1n })
  })
  return { settled: runs, attempts }
}

/** Lengths as they come about: single ones, a few, stretches, gaps that only compaction makes. */
const length = fc.oneof(
  { weight: 6, arbitrary: fc.constant(1) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 1000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 2 ** 40 }) },
)
const small = fc.integer({ min: 1, max: 4 })
const lengths = (of: fc.Arbitrary<number>, maxLength: number): fc.Arbitrary<[number, number][]> =>
  fc.array(fc.tuple(of, of), { maxLength, size: 'max' })
const counts = fc.oneof(fc.nat(3), fc.nat(10), fc.nat(2 ** 31))
const steps = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 3, arbitrary: fc.array(fc.tuple(length, counts), { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.array(fc.tuple(length, counts), { maxLength: 60, size: 'max' }) },
)
const committedAt = fc.oneof(fc.bigInt(0n, 20n), fc.bigInt(0n, 2n ** 62n))
const anyMap = (maxRuns: number): fc.Arbitrary<{ committed: bigint; map: OffsetMap }> =>
  fc
    .tuple(committedAt, fc.oneof(lengths(length, maxRuns), lengths(small, maxRuns)), steps)
    .map(([committed, pairs, ways]) => ({ committed, map: mapOf(committed, pairs, ways) }))

function read(committed: bigint, text: string): OffsetMap {
  const reading = decodeOffsetMap(committed, text)
  if (reading.kind === 'foreign') throw new Error(reading.why)
  return reading.kind === 'none' ? { settled: [], attempts: [] } : reading.map
}

const plain = (map: unknown): string =>
  JSON.stringify(map, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
const equal = (one: unknown, other: unknown): boolean => plain(one) === plain(other)

function isSettled(map: OffsetMap, offset: bigint): boolean {
  return map.settled.some(({ from, to }) => from <= offset && offset < to)
}

function attemptsAt(map: OffsetMap, offset: bigint): number {
  return map.attempts.filter(({ from }) => from <= offset).at(-1)?.attempts ?? 0
}

/** Whether one map says no more than another: nothing else is settled, no attempt is added where one is to come. */
function saysNoMore(less: OffsetMap, more: OffsetMap): boolean {
  const within = less.settled.every((run) => more.settled.some(({ from, to }) => from <= run.from && run.to <= to))
  // Attempts can only be more from a step of either map on, or behind a run that begins there.
  const starts = [...less.attempts, ...more.attempts].map(({ from }) => from)
  const open = starts.map((from) => more.settled.find((run) => run.from <= from && from < run.to)?.to ?? from)
  const next = more.settled.map(({ to }) => to)
  return within && [...open, ...next].every((at) => isSettled(more, at) || attemptsAt(less, at) <= attemptsAt(more, at))
}

void t.test('what fits is read as it was written', async () => {
  fc.assert(
    fc.property(anyMap(60), ({ committed, map }) => {
      const { text, complete } = encodeOffsetMap(committed, map)
      return complete && equal(read(committed, text), map)
    }),
    { numRuns: 3000 },
  )
})

void t.test('thousands of runs are read as they were written, or fill the text', async () => {
  const count = fc.integer({ min: 1000, max: 6000 })
  fc.assert(
    fc.property(committedAt, count, fc.infiniteStream(small), (committed, runs, sizes) => {
      const map = mapOf(
        committed,
        Array.from({ length: runs }, () => [1, sizes.next().value ?? 1]),
      )
      const { text, complete } = encodeOffsetMap(committed, map)
      const back = read(committed, text)
      return complete ? equal(back, map) : text.length > METADATA_MAX_CHARS - 10 && saysNoMore(back, map)
    }),
    { numRuns: 20 },
  )
})

void t.test('every pattern of nine offsets, with a step at every place, is read as it was written', async (t) => {
  const wrong: string[] = []
  for (let pattern = 0; pattern < 2 ** 9; pattern++) {
    const settled = Array.from({ length: 9 }, (_, at) => (pattern >> at) % 2 === 1)
    for (let place = -1; place < 10; place++) {
      const map = mapOfEach(101n, settled, place < 0 ? [] : [{ from: 100n + BigInt(place), attempts: 1 }])
      const { text, complete } = encodeOffsetMap(100n, map)
      if (!complete || !equal(read(100n, text), map)) wrong.push(plain(map))
    }
  }
  t.same(wrong, [])
})

void t.test('no text is longer than it may be, and one that was cut to fit says no more than the map', async () => {
  const maxChars = fc.oneof(fc.integer({ min: -5, max: 60 }), fc.integer({ min: 0, max: 400 }))
  fc.assert(
    fc.property(anyMap(200), maxChars, ({ committed, map }, max) => {
      const { text, complete } = encodeOffsetMap(committed, map, max)
      const back = read(committed, text)
      return (
        text.length <= Math.max(0, max) &&
        /^[!-~]*$/.test(text) &&
        saysNoMore(back, map) &&
        complete === equal(back, map)
      )
    }),
    { numRuns: 3000 },
  )
})

void t.test('attempts are left out before anything settled is', async () => {
  fc.assert(
    fc.property(anyMap(40), ({ committed, map }) => {
      const alone = encodeOffsetMap(committed, { ...map, attempts: [] }).text
      const { text } = encodeOffsetMap(committed, map, alone.length)
      return map.settled.length === 0 || equal(read(committed, text).settled, map.settled)
    }),
    { numRuns: 1000 },
  )
})

void t.test('a map that is not in order is written up to the fault', async (t) => {
  const run = (from: bigint, to: bigint): Run => ({ from, to })
  const first = run(12n, 14n)
  for (const [fault, bad] of Object.entries({
    'that holds the committed offset': run(10n, 11n),
    'that touches the one before': run(14n, 15n),
    'that overlaps it': run(13n, 15n),
    'that is empty': run(20n, 20n),
    'that ends before it begins': run(20n, 19n),
    'too far away to be counted': run(2n ** 60n, 2n ** 61n),
  })) {
    const { text, complete } = encodeOffsetMap(10n, { settled: [first, bad, run(2n ** 62n, 2n ** 63n)], attempts: [] })
    t.notOk(complete, `a run ${fault}`)
    t.strictSame(read(10n, text).settled, [first], `a run ${fault}`)
  }
  const step = { from: 10n, attempts: 3 }
  for (const bad of [
    { from: 10n, attempts: 4 },
    { from: 9n, attempts: 4 },
    { from: 11n, attempts: 3 },
    { from: 11n, attempts: -1 },
    { from: 11n, attempts: 1.5 },
    { from: 11n, attempts: NaN },
    { from: 2n ** 60n, attempts: 4 },
  ]) {
    const map = { settled: [first], attempts: [step, bad] }
    const { text, complete } = encodeOffsetMap(10n, map)
    t.notOk(complete, plain(bad))
    t.strictSame(read(10n, text), { settled: [first], attempts: [] }, 'no attempt is made up')
  }
})

void t.test('metadata that is empty says nothing, and nothing is written as empty metadata', async (t) => {
  t.strictSame(decodeOffsetMap(7n, ''), { kind: 'none' })
  t.strictSame(encodeOffsetMap(7n, { settled: [], attempts: [] }), { text: '', complete: true })
})

void t.test('a text with any character changed, lost, added or swapped is foreign', async () => {
  const chars = fc.constantFrom(...Array.from('ABYZabyz0189-_.=+/ \u0000é'))
  fc.assert(
    fc.property(anyMap(30), fc.nat(), chars, ({ committed, map }, place, char) => {
      const { text } = encodeOffsetMap(committed, map)
      if (text === '') return true
      const at = place % text.length
      const [before, here, after] = [text.slice(0, at), text.charAt(at), text.slice(at + 1)]
      return [
        before + char + after,
        before + after,
        before + char + here + after,
        before + after.charAt(0) + here + after.slice(1),
        before,
        text + char,
        here + after,
      ].every((damaged) => damaged === text || damaged === '' || decodeOffsetMap(committed, damaged).kind === 'foreign')
    }),
    { numRuns: 3000 },
  )
})

void t.test('a text that was written for another committed offset is foreign, and its offset is named', async (t) => {
  fc.assert(
    fc.property(anyMap(30), committedAt, ({ committed, map }, other) => {
      const { text } = encodeOffsetMap(committed, map)
      return text === '' || other === committed || decodeOffsetMap(other, text).kind === 'foreign'
    }),
    { numRuns: 1000 },
  )
  const { text } = encodeOffsetMap(12n, mapOf(12n, [[1, 1]]))
  t.strictSame(decodeOffsetMap(112n, text), { kind: 'foreign', why: 'it was written for the offset 12' })
})

void t.test('what others leave in the metadata is foreign', async (t) => {
  const theirs = [
    ' ',
    'none',
    '{"epoch":3}',
    '2026-11-23T10:35:00Z',
    'AAAAAAAA',
    'xb1',
    'xb1.',
    'xb1.7.',
    'xb1.7.AAAAAAAAAAAAAAA',
    'xb2.7.AAAAAAAAAAAAAAA',
    'xb1.-7.AAAAAAAAAAAAAAA',
    'xb1.07.AAAAAAAAAAAAAAA',
    '\u{1f9ed}',
    'x'.repeat(METADATA_MAX_CHARS + 1),
  ]
  for (const text of theirs) t.equal(decodeOffsetMap(7n, text).kind, 'foreign', text.slice(0, 30))
  fc.assert(
    fc.property(anyText(200), (text) => text === '' || decodeOffsetMap(7n, text).kind === 'foreign'),
    { numRuns: 2000 },
  )
})

/** A text with a checksum that is right, around any bits: parts are numbers in so many bits. */
function forged(parts: readonly (readonly [value: number, bits: number])[]): string {
  const writer = new BitWriter(parts.reduce((sum, [, bits]) => sum + bits, 0))
  for (const [value, bits] of parts) writer.write(value, bits)
  const said = `xb1.7.${writer.text()}`
  const check = new BitWriter(30)
  check.write(crc30(said), 30)
  return said + check.text()
}

void t.test('bits that no encoder writes are foreign, although the checksum is right', async (t) => {
  const orders = (first: number, second: number): [number, number] => [first * 16 + second, 8]
  const one: [number, number][] = [[0, 1], [1, 15], orders(0, 0), [0b11, 2]]
  const noSteps: [number, number] = [0, 15]
  t.strictSame(read(7n, forged([...one, noSteps])), mapOf(7n, [[1, 1]]), 'the forger can write')
  const bad: Readonly<Record<string, [number, number][]>> = {
    'nothing at all': [],
    'a map that says nothing': [[0, 1], [0, 15], noSteps],
    'no attempts': one,
    'more runs than there are bits': [[0, 1], [32767, 15], orders(0, 0), [0b11, 2], noSteps],
    'a length past every end': [[0, 1], [1, 15], orders(0, 15), [1, 1], [0, 45], [1, 53], noSteps],
    'lengths past what can be counted': [
      [0, 1],
      [2, 15],
      orders(0, 0),
      ...[0, 1].flatMap((): [number, number][] => [
        [1, 1],
        [0, 51],
        [2 ** 51, 52],
      ]),
      noSteps,
      [0, 51],
    ],
    'an empty bitmap': [[1, 1], [0, 15], noSteps],
    'a bitmap that ends in a hole': [[1, 1], [2, 15], [0b10, 2], noSteps],
    'a bitmap longer than the text': [[1, 1], [900, 15], [0b11, 2], noSteps],
    'a step that changes nothing': [...one, [1, 15], orders(0, 0), [0b11, 2]],
    'bits behind the end': [...one, noSteps, [0, 6]],
    'an end that is not filled with zeros': [...one, noSteps, [1, 2]],
  }
  for (const [name, parts] of Object.entries(bad)) t.equal(decodeOffsetMap(7n, forged(parts)).kind, 'foreign', name)
})

void t.test(
  'whatever bits a text with a right checksum holds, it is foreign or a map that can be written',
  async () => {
    const parts = fc.array(fc.tuple(fc.nat(255), fc.constant(8)), { maxLength: 60, size: 'max' })
    const start = fc.constantFrom<[number, number][]>(
      [],
      [[2, 16]],
      [
        [1, 1],
        [9, 15],
      ],
      [
        [0, 16],
        [1, 15],
      ],
    )
    fc.assert(
      fc.property(start, parts, (head, tail) => {
        const reading = decodeOffsetMap(7n, forged([...head, ...tail]))
        if (reading.kind !== 'map') return reading.kind === 'foreign'
        const { text, complete } = encodeOffsetMap(7n, reading.map)
        return complete && equal(read(7n, text), reading.map)
      }),
      { numRuns: 3000 },
    )
  },
)

/** So that a map written today is read by every later version. */
const VECTORS: readonly [text: string, committed: bigint, map: OffsetMap][] = [
  ['xb1.4711.AAEHs-AAALWNyR', 4711n, mapOf(4711n, [[1, 288]])],
  ['xb1.4711.AAAAAgXgx49cs', 4711n, mapOf(4711n, [], [[1, 3]])],
  [
    'xb1.4711.AAMT-oBPACcXAAYBdCIehVxb',
    4711n,
    mapOf(
      4711n,
      [
        [2, 7],
        [1, 1],
        [78, 10000],
      ],
      [
        [1, 2],
        [1, 1],
        [8, 0],
      ],
    ),
  ],
  [
    'xb1.0.gCuqyyUjWSAAA-Exem',
    0n,
    mapOfEach(
      1n,
      Array.from('1010101011001011001001010010001101011001001', (bit) => bit === '1'),
    ),
  ],
]

void t.test('the written form stays what it is', async (t) => {
  for (const [text, committed, map] of VECTORS) {
    t.equal(encodeOffsetMap(committed, map).text, text)
    t.strictSame(read(committed, text), map)
  }
})

/** The map after more has settled: which of the offsets from the committed one on are settled then. */
function later(committed: bigint, settled: readonly boolean[], { attempts }: OffsetMap): [bigint, OffsetMap] {
  const open = settled.indexOf(false)
  const skipped = open === -1 ? settled.length : open
  const next = committed + BigInt(skipped)
  const inForce = attemptsAt({ settled: [], attempts }, next)
  const behind = attempts.filter(({ from }) => from > next)
  const kept = inForce === 0 ? behind : [{ from: next, attempts: inForce }, ...behind]
  return [next, mapOfEach(next, settled.slice(skipped), kept)]
}

/** What is wrong with the bound, for the map as it is and once more has settled. */
function bound(committed: bigint, now: readonly boolean[], then: readonly boolean[], counts: AttemptStep[]): string {
  const map = mapOfEach(committed, now, counts)
  const worst = worstChars(committed, map, committed + BigInt(now.length))
  const [next, after] = later(committed, then, map)
  const { text, complete } = encodeOffsetMap(next, after)
  if (complete && text.length <= worst - ATTEMPTS_RESERVE_CHARS) return ''
  if (!complete && worst > METADATA_MAX_CHARS) return ''
  return `${text.length} of ${worst - ATTEMPTS_RESERVE_CHARS}: ${plain(map)} ${plain(after)}`
}

const none = (length: number): boolean[] => Array.from({ length }, () => false)
const all = (length: number): boolean[] => Array.from({ length }, () => true)
const subset = (length: number, of: number): boolean[] => Array.from({ length }, (_, at) => (of >> at) % 2 === 1)

void t.test('no settling of any holes makes a map longer than was said, for all small holes', async (t) => {
  const wrong: string[] = []
  const runs = [1, 3, 8, 63, 500]
  for (const [one, two] of runs.flatMap((each) => runs.map((other) => [each, other] as const))) {
    for (let hole = 1; hole <= 5; hole++) {
      for (let tail = 0; tail <= 4; tail++) {
        const now = [...none(2), ...all(one), ...none(hole), ...all(two), ...none(tail)]
        for (let pattern = 0; pattern < 2 ** (hole + tail); pattern++) {
          const then = [
            ...none(2),
            ...all(one),
            ...subset(hole, pattern),
            ...all(two),
            ...subset(tail, pattern >> hole),
          ]
          const fault = bound(5n, now, then, [])
          if (fault !== '') wrong.push(fault)
        }
      }
    }
  }
  t.same(wrong.slice(0, 3), [])
})

void t.test('no settling of any holes makes a map longer than was said', async () => {
  const stretch = fc.oneof(small, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 600 }))
  /** What settles of a stretch: every nth but some, or by chance. */
  const settling = fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(4)).map(
      ([every, first]) =>
        (at: number) =>
          at % every === first,
    ),
    fc.tuple(fc.integer({ min: 2, max: 9 }), fc.nat(8)).map(
      ([every, but]) =>
        (at: number) =>
          at % every !== but,
    ),
    fc.tuple(fc.nat(100), fc.integer()).map(
      ([share, seed]) =>
        (at: number) =>
          (Math.imul(at + seed, 0x9e3779b1) >>> 8) % 100 < share,
    ),
  )
  const stretches = fc.array(fc.tuple(stretch, settling, stretch), { maxLength: 60, size: 'max' })
  const tail = fc.tuple(fc.oneof(fc.constant(0), stretch), settling)
  fc.assert(
    fc.property(committedAt, stretches, tail, steps, (committed, holes, [last, lastSettling], ways) => {
      const now = [...holes.flatMap(([hole, , run]) => [...none(hole), ...all(run)]), ...none(last)]
      const then = [
        ...holes.flatMap(([hole, settles, run]) => [
          ...Array.from({ length: hole }, (_, at) => settles(at)),
          ...all(run),
        ]),
        ...Array.from({ length: last }, (_, at) => lastSettling(at)),
      ]
      const counted = mapOf(committed, [], ways).attempts
      const fault = now[0] === true ? '' : bound(committed, now, then, [...counted])
      if (fault !== '') throw new Error(fault)
    }),
    { numRuns: 300 },
  )
})

void t.test('a map that need not grow is said to take hardly more than it does', async (t) => {
  const map = mapOf(
    0n,
    Array.from({ length: 1000 }, () => [1, 200] as const),
  )
  const { text } = encodeOffsetMap(0n, map)
  const worst = worstChars(0n, map, map.settled.at(-1)?.to ?? 0n)
  t.ok(worst - ATTEMPTS_RESERVE_CHARS < text.length * 1.01 + 10, `${worst} for ${text.length}`)
})
