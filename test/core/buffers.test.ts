import fc from 'fast-check'
import t from 'tap'
import { Buffers } from '../../src/core/buffers.ts'

/** One object stands for an assignment. */
const PLACES = Array.from({ length: 10 }, (_, partition) => ({ topic: 'events', partition }))
const at = (partition: number): { topic: string; partition: number } => PLACES[partition] ?? { topic: '', partition }

void t.test('a partition pauses at its share and goes on below half of it, each said once', async (t) => {
  const buffers = new Buffers(1000, 20)
  buffers.assign(at(0))
  buffers.count(at(0), 999)
  t.same(buffers.changes(), [])
  buffers.count(at(0), 1)
  t.same(buffers.changes(), [{ partition: at(0), pause: true, waitingBytes: 1000, readyWorks: 0 }])
  t.same(buffers.changes(), [])
  t.equal(buffers.isPaused(at(0)), true)
  buffers.count(at(0), -500)
  t.same(buffers.changes(), [])
  buffers.count(at(0), -1)
  t.same(buffers.changes(), [{ partition: at(0), pause: false, waitingBytes: 499, readyWorks: 0 }])
  t.equal(buffers.isPaused(at(0)), false)
})

void t.test('each partition has an even share, so a long backlog takes nobody else’s room', async (t) => {
  const buffers = new Buffers(1000, 20)
  for (const partition of [0, 1]) buffers.assign(at(partition))
  buffers.count(at(0), 500)
  buffers.count(at(1), 499)
  t.same(
    buffers.changes().map(({ partition }) => partition),
    [at(0)],
  )
  buffers.revoke(at(1))
  t.same(buffers.changes(), [], 'its share is larger now, yet not half empty')
  buffers.count(at(0), -1)
  t.match(buffers.changes(), [{ pause: false, waitingBytes: 499 }])
  buffers.assign(at(1))
  buffers.assign(at(2))
  t.match(buffers.changes(), [{ partition: at(0), pause: true }], 'a share shrinks with each that comes')
})

void t.test('what is counted for a partition that is not ours counts nowhere', async (t) => {
  const buffers = new Buffers(1000, 20)
  buffers.count(at(0), 5000)
  t.equal(buffers.waitingBytes, 0)
  t.equal(buffers.waitingBytesOf(at(0)), 0)
  t.equal(buffers.isPaused(at(0)), false)
  buffers.assign(at(0))
  buffers.count(at(0), 5000)
  buffers.changes()
  buffers.assign(at(0))
  t.equal(buffers.waitingBytes, 0, 'assigned again it begins anew')
  t.equal(buffers.isPaused(at(0)), false)
})

void t.test('a partition with enough works that may go is read no further until half of them are gone', async (t) => {
  const buffers = new Buffers(1000, 20)
  for (const partition of [0, 1]) buffers.assign(at(partition))
  buffers.stock(at(0), 19)
  buffers.stock(at(1), 5)
  t.same(buffers.changes(), [])
  buffers.stock(at(0), 20)
  t.match(buffers.changes(), [{ partition: at(0), pause: true }])
  buffers.stock(at(0), 10)
  t.same(buffers.changes(), [])
  buffers.count(at(0), 600)
  buffers.stock(at(0), 9)
  t.same(buffers.changes(), [], 'its bytes would pause it again')
  buffers.count(at(0), -400)
  t.match(buffers.changes(), [{ partition: at(0), pause: false }])
  buffers.stock(at(7), 100)
  t.same(buffers.changes(), [], 'of a partition that is not ours nothing counts')
})

type Move = { readonly partition: number } & (
  | { readonly kind: 'assign' | 'revoke' | 'out' | 'look' }
  | { readonly kind: 'in'; readonly bytes: number }
  | { readonly kind: 'ready'; readonly ready: number }
)
const partition = fc.nat(2)
const sumOf = (bytes: readonly number[]): number => bytes.reduce((a, b) => a + b, 0)
const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ kind: fc.constantFrom('assign' as const, 'revoke' as const, 'look' as const), partition }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('in' as const), partition, bytes: fc.nat(700) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('out' as const), partition }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ready' as const), partition, ready: fc.nat(40) }) },
)

void t.test('who paused for one bound does not wait for half of the other', async (t) => {
  const buffers = new Buffers(1000, 20)
  buffers.assign(at(0))
  buffers.count(at(0), 700)
  buffers.stock(at(0), 20)
  t.match(buffers.changes(), [{ pause: true }])
  buffers.stock(at(0), 9)
  t.match(buffers.changes(), [{ pause: false }], 'nothing more may go, and there is room for bytes')
  buffers.count(at(0), 300)
  t.match(buffers.changes(), [{ pause: true }])
  buffers.stock(at(0), 15)
  buffers.count(at(0), -501)
  t.match(buffers.changes(), [{ pause: false }], 'the stock was not reached')
})

void t.test('of a stock that one fetch has made large, a quarter bridges the wait for the next', async (t) => {
  const buffers = new Buffers(1000, 20)
  buffers.assign(at(0))
  buffers.stock(at(0), 200)
  t.match(buffers.changes(), [{ pause: true }])
  buffers.stock(at(0), 400)
  buffers.stock(at(0), 100)
  t.same(buffers.changes(), [])
  buffers.stock(at(0), 99)
  t.match(buffers.changes(), [{ pause: false }])
  buffers.stock(at(0), 20)
  t.match(buffers.changes(), [{ pause: true }])
  buffers.stock(at(0), 10)
  t.same(buffers.changes(), [], 'the stock before counts no more')
  buffers.stock(at(0), 9)
  t.match(buffers.changes(), [{ pause: false }])
})

void t.test('bytes are what went in and not out, never negative, and pausing has its gaps', async () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 80 }), (moves) => {
      const buffers = new Buffers(1200, 8)
      const model = new Map<
        number,
        { held: number[]; ready: number; most: number; full: { bytes: boolean; ready: boolean } }
      >()
      /** Those that were said to be paused. */
      const told = new Set<number>()
      for (const each of moves) {
        const own = model.get(each.partition)
        switch (each.kind) {
          case 'assign':
            buffers.assign(at(each.partition))
            model.delete(each.partition)
            told.delete(each.partition)
            model.set(each.partition, { held: [], ready: 0, most: 0, full: { bytes: false, ready: false } })
            break
          case 'revoke':
            buffers.revoke(at(each.partition))
            model.delete(each.partition)
            told.delete(each.partition)
            break
          case 'in':
            buffers.count(at(each.partition), each.bytes)
            own?.held.push(each.bytes)
            break
          case 'out':
            buffers.count(at(each.partition), -(own?.held.shift() ?? 0))
            break
          case 'ready':
            buffers.stock(at(each.partition), each.ready)
            if (own === undefined) break
            own.ready = each.ready
            own.most = own.full.ready ? Math.max(own.most, each.ready) : each.ready
            break
          case 'look':
            for (const one of model.values()) {
              const shareBytes = 1200 / model.size
              one.full.bytes = sumOf(one.held) >= (one.full.bytes ? shareBytes / 2 : shareBytes)
              one.full.ready = one.ready >= (one.full.ready ? Math.max(4, one.most / 4) : 8)
            }
            for (const { partition: changed, pause, waitingBytes } of buffers.changes()) {
              const one = model.get(changed.partition)
              if (one === undefined || waitingBytes !== sumOf(one.held)) return false
              if (pause !== (one.full.bytes || one.full.ready) || pause === told.has(changed.partition)) return false
              if (pause) told.add(changed.partition)
              else told.delete(changed.partition)
            }
            if (buffers.changes().length > 0) return false
        }
        let all = 0
        for (const number of [0, 1, 2]) {
          const one = model.get(number)
          const sum = sumOf(one?.held ?? [])
          if (buffers.waitingBytesOf(at(number)) !== sum) return false
          const isPaused = one !== undefined && (one.full.bytes || one.full.ready)
          if (buffers.isPaused(at(number)) !== isPaused || told.has(number) !== isPaused) return false
          all += sum
        }
        if (buffers.waitingBytes !== all || all < 0) return false
      }
      return true
    }),
    { numRuns: 300 },
  )
})
