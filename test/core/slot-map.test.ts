import fc from 'fast-check'
import t from 'tap'
import { SlotMap } from '../../src/core/slot-map.ts'
import { collectGarbage, stillHeld } from '../support/garbage.ts'

const key = fc.nat(12)
const move = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), key }),
  fc.record({ kind: fc.constant('delete' as const), key }),
)

void t.test('a slot map holds what a Map holds, in the same order', async () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 80 }), (moves) => {
      const slots = new SlotMap<number, object>()
      const model = new Map<number, object>()
      for (const { kind, key: at } of moves) {
        if (kind === 'set') {
          const value = {}
          slots.set(at, value)
          model.set(at, value)
        } else {
          if (slots.delete(at) !== model.get(at)) return false
          model.delete(at)
        }
        if (slots.size !== model.size || slots.get(at) !== model.get(at) || slots.has(at) !== model.has(at))
          return false
        const [values, expected] = [[...slots], [...model.values()]]
        if (values.length !== expected.length || !values.every((value, n) => value === expected[n])) return false
        if (slots.first !== expected[0]) return false
      }
      return true
    }),
    { numRuns: 300 },
  )
})

void t.test('who looks through it meets what comes meanwhile, and not what goes', async (t) => {
  const slots = new SlotMap<string, { readonly name: string }>()
  for (const name of ['a', 'b', 'c']) slots.set(name, { name })
  const met: string[] = []
  for (const { name } of slots) {
    met.push(name)
    if (name !== 'a') continue
    slots.delete('b')
    slots.set('d', { name: 'd' })
  }
  t.same(met, ['a', 'c', 'd'])
})

/** In a function of its own: what a test's frame still holds is not garbage. */
function comeAndGo(slots: SlotMap<number, object>): WeakRef<object>[] {
  return Array.from({ length: 1000 }, (_, at) => {
    const value = { at }
    slots.set(at, value)
    if (at >= 100) slots.delete(at - 100)
    return new WeakRef(value)
  })
}

void t.test('what was deleted is held by nobody', async (t) => {
  const slots = new SlotMap<number, object>()
  const gone = comeAndGo(slots)
  for (let at = 900; at < 1000; at++) slots.delete(at)
  t.equal(await stillHeld(gone), 0)
  t.equal(slots.size, 0)
  t.equal(slots.first, undefined)
})

void t.test('a place that was left is taken again: only what is held at one time takes room', async (t) => {
  const slots = new SlotMap<number, object>()
  const value = {}
  const heapBytes = (): number => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  const turn = (from: number): void => {
    for (let at = from; at < from + 1_000_000; at++) {
      slots.set(at, value)
      slots.delete(at - 100)
    }
  }
  turn(0)
  const before = heapBytes()
  turn(1_000_000)
  turn(2_000_000)
  const grownBytes = heapBytes() - before
  t.ok(grownBytes < 4_000_000, `two million places would be 16 MB; it grew by ${grownBytes}`)
  t.equal(slots.size, 100)
})
