import fc from 'fast-check'
import t from 'tap'
import { Lanes } from '../../src/core/lanes.ts'

interface Member {
  readonly serial: number
  /** Where it still stands. */
  readonly in: Set<string>
}

const member = (serial: number): Member => ({ serial, in: new Set() })

type Move =
  | { readonly kind: 'join'; readonly names: readonly string[] }
  | { readonly kind: 'leave'; readonly pick: number; readonly name: string }
  | { readonly kind: 'leaveAll'; readonly pick: number }

const name = fc.constantFrom('a', 'b', 'c', 'd')
const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), names: fc.array(name, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant('leave' as const), pick: fc.nat(100), name }),
  fc.record({ kind: fc.constant('leaveAll' as const), pick: fc.nat(100) }),
)

void t.test('whoever is first of all its lanes may go, and nobody else', async () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      const lanes = new Lanes<Member>()
      const all: Member[] = []
      const firstOf = (lane: string): Member | undefined => all.find((each) => each.in.has(lane))
      for (const each of moves) {
        if (each.kind === 'join') {
          const joining = member(all.length)
          all.push(joining)
          for (const lane of each.names) joining.in.add(lane)
          lanes.join(joining, each.names)
        } else {
          const leaving = all[each.pick % all.length]
          if (leaving === undefined) continue
          const left = [...leaving.in].filter((lane) => each.kind === 'leaveAll' || lane === each.name)
          const wasFirst = left.filter((lane) => firstOf(lane) === leaving)
          for (const lane of left) leaving.in.delete(lane)
          const expected = wasFirst.flatMap((lane) => firstOf(lane) ?? [])
          const told =
            each.kind === 'leaveAll'
              ? lanes.leaveAll(leaving)
              : [lanes.leave(leaving, each.name)].flatMap((m) => m ?? [])
          if (told.length !== expected.length || !told.every((m, at) => m === expected[at])) return false
        }
        if (lanes.size !== new Set(all.flatMap((m) => [...m.in])).size) return false
        for (const m of all)
          if ((lanes.before(m) === undefined) !== [...m.in].every((lane) => firstOf(lane) === m)) return false
        // The oldest that stands anywhere is first everywhere: lanes cannot lock each other.
        const oldest = all.find((m) => m.in.size > 0)
        if (oldest !== undefined && lanes.before(oldest) !== undefined) return false
      }
      return true
    }),
    { numRuns: 300 },
  )
})

void t.test('a lane named twice is stood in once', async (t) => {
  const lanes = new Lanes<Member>()
  const [a, b] = [member(1), member(2)]
  lanes.join(a, ['x', 'x'])
  lanes.join(b, ['x'])
  t.same([lanes.before(a), lanes.before(b)], [undefined, a])
  t.same(lanes.leaveAll(a), [b])
  t.equal(lanes.before(b), undefined)
})

void t.test('who leaves from the middle frees nobody, and who stands nowhere leaves nothing', async (t) => {
  const lanes = new Lanes<Member>()
  const [a, b, c] = [member(1), member(2), member(3)]
  for (const each of [a, b, c]) lanes.join(each, ['x'])
  t.equal(lanes.leave(b, 'x'), undefined)
  t.equal(lanes.leave(b, 'x'), undefined)
  t.equal(lanes.leave(a, 'y'), undefined)
  t.equal(lanes.leave(a, 'x'), c)
  t.same(lanes.leaveAll(a), [])
  t.equal(lanes.leave(c, 'x'), undefined)
  t.equal(lanes.size, 0)
})
