/**
 * The bounds of the whole road in numbers that a person would try: a backlog of a million records in front of an app that
 * hangs, and ten thousand works that it holds.
 */
import t from 'tap'
import { settled } from './support/clock.ts'
import { ACCEPTED, DONE, Road } from './support/road.ts'

void t.test(
  'an app that hangs in front of a backlog without an end holds up the fetch, and memory is bounded',
  async (t) => {
    const maxBufferedBytes = 1 << 20
    const road = new Road({
      bounds: { maxInFlight: 8, maxRunning: 100, maxBufferedBytes, maxReports: 100 },
    })
    for (const partition of [0, 1]) road.assign(partition)
    const fetch = 100
    let given = 0
    for (let turn = 0; turn < 5000; turn++) {
      const partition = turn % 2
      if (road.paused.has(partition)) continue
      const from = Math.floor(turn / 2) * fetch
      road.receive(
        Array.from({ length: fetch }, (_, n) => [from + n, `p${partition}w${from + n}`] as const),
        partition,
      )
      given += fetch
    }
    const { buffers, registry } = road.bridge.inHand
    const bytesOfOne = buffers.waitingBytes / given
    t.same([...road.paused].sort(), [0, 1])
    t.ok(buffers.waitingBytes <= maxBufferedBytes + 2 * fetch * bytesOfOne, `${buffers.waitingBytes} bytes`)
    t.equal(registry.size, given)
    t.equal(road.out.length, 8)
    await road.clock.advance(3_600_000)
    t.equal(road.out.length, 8, 'nothing more is sent, however long it hangs')
    t.equal(road.clock.pending, 0, 'and nothing turns while it does')
  },
)

void t.test('ten thousand works held hold up nobody, and after a crash exactly they come again', async (t) => {
  const held = 10_000
  const bounds = { maxInFlight: 64, maxRunning: held + 64, maxBufferedBytes: 1 << 25, maxReports: 1000 }
  const road = new Road({ bounds })
  road.assign()
  // Every second record is held: the most holes there can be.
  const isHeld = (offset: bigint): boolean => offset % 2n === 0n
  const events = Array.from({ length: 2 * held }, (_, n) => [n, `w${n}`] as const)
  for (let from = 0; from < events.length; from += 500) {
    road.receive(events.slice(from, from + 500))
    while (road.out.length > 0) {
      for (const out of [...road.out]) out.answer(out.events.every(({ offset }) => isHeld(offset)) ? ACCEPTED : DONE)
      await settled()
    }
  }
  t.equal(road.bridge.inHand.running, held)
  t.equal(road.bridge.inHand.buffers.waitingBytes, 0, 'they hold up no fetch')
  road.receive([[2 * held, 'last']])
  t.strictSame(road.outIds, ['last'], 'the next goes at once')
  await road.answer('last', DONE)
  await road.clock.advance(1000)
  const last = road.commits.at(-1)
  t.equal(last?.offset, 0n)
  t.strictSame(road.names('offset-map.cut'), [])

  const next = new Road({ bounds })
  next.assign(0, last?.offset, last?.metadata)
  next.receive([...events, [2 * held, 'last']])
  const again = next.names('record.received').map((entry) => ('offset' in entry ? entry.offset : -1n))
  t.equal(again.length, held)
  t.ok(again.every(isHeld), 'what had settled does not come again')
  t.strictSame(next.sent.slice(0, 2), ['w0#2', 'w2#2'], 'and the rest knows its attempts')
})
