import fc from 'fast-check'
import t from 'tap'
import type { Drainable } from '../src/rejoin.ts'
import { Rejoin } from '../src/rejoin.ts'
import { settled, VirtualClock } from './support/clock.ts'

/** A road that has as much under way as a test says. */
class Underway implements Drainable {
  readonly calls = { size: 0 }
  readonly debts = { size: 0 }
  commits = 0
  steps = 0
  readonly watchers = new Set<() => void>()
  readonly committer = {
    now: async () => {
      this.commits += 1
    },
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  step(): void {
    this.steps += 1
    for (const watcher of this.watchers) watcher()
  }
}

const move = fc.oneof(
  fc.constantFrom({ kind: 'drain' } as const, { kind: 'drain' } as const, { kind: 'over' } as const),
  fc.record({ kind: fc.constant('calls' as const), count: fc.nat(2) }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(1, 500, 1999, 2000, 8000, 10_000) }),
)

void t.test('every drain ends: when nothing is under way or after two seconds, and then with a commit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 25 }), async (moves) => {
      const clock = new VirtualClock()
      const road = new Underway()
      const rejoin = new Rejoin(road, clock)
      const drains: { readonly sinceMs: number; over: boolean; ready: boolean }[] = []
      let heldUntilMs = 0
      let underWay = false
      for (const each of moves) {
        if (each.kind === 'drain') {
          const drain = { sinceMs: clock.nowMs(), over: false, ready: road.calls.size === 0 }
          drains.push(drain)
          void rejoin.drain().then(() => (drain.over = true))
          heldUntilMs = clock.nowMs() + 10_000
          underWay = true
        } else if (each.kind === 'over') {
          rejoin.over()
          heldUntilMs = 0
          underWay = false
        } else if (each.kind === 'calls') {
          road.calls.size = each.count
          road.step()
        } else await clock.advance(each.ms)
        // A step of the road, of whatever cause, sees that nothing is under way.
        if (each.kind !== 'time' && each.kind !== 'drain' && road.calls.size === 0)
          for (const drain of drains) drain.ready = true
        await settled()
        const over = drains.filter((drain) => drain.ready || clock.nowMs() >= drain.sinceMs + 2000)
        if (drains.filter((drain) => drain.over).length !== over.length || road.commits !== over.length) return false
        if (rejoin.holdsBack !== clock.nowMs() < heldUntilMs) return false
        if (rejoin.commitWithinMs !== (underWay ? 0 : undefined)) return false
      }
      rejoin.over()
      await clock.advance(2000)
      return clock.pending === 0 && road.watchers.size === 0 && drains.every(({ over }) => over)
    }),
  )
})

void t.test(
  'what may go again is told to the road: at the end of a rejoin, and after ten seconds without one',
  async (t) => {
    const clock = new VirtualClock()
    const road = new Underway()
    const rejoin = new Rejoin(road, clock)
    void rejoin.drain()
    rejoin.over()
    t.equal(road.steps, 1)
    void rejoin.drain()
    await clock.advance(10_000)
    t.equal(road.steps, 2)
  },
)

void t.test('once it is closed nothing waits, and a drain that comes all the same holds nothing back', async (t) => {
  const clock = new VirtualClock()
  const road = new Underway()
  const rejoin = new Rejoin(road, clock)
  void rejoin.drain()
  rejoin.close()
  await rejoin.drain()
  t.same([rejoin.holdsBack, clock.pending], [false, 0])
})

void t.test('a queue at XZepr holds up a rejoin for a quarter of a second, once the calls are back', async (t) => {
  const clock = new VirtualClock()
  const road = new Underway()
  const rejoin = new Rejoin(road, clock)
  Object.assign(road.calls, { size: 1 })
  Object.assign(road.debts, { size: 7 })
  let over = false
  void rejoin.drain().then(() => (over = true))
  await clock.advance(1000)
  Object.assign(road.calls, { size: 0 })
  road.step()
  await clock.advance(249)
  t.equal(over, false)
  await clock.advance(1)
  t.equal(over, true)
})
