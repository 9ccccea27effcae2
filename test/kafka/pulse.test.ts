import t from 'tap'
import { Pulse } from '../../src/kafka/pulse.ts'

void t.test('silence is a stall while there is something to read, and only then', async (t) => {
  const pulse = new Pulse(0, 30_000, 60_000)
  pulse.joined(0)
  t.equal(pulse.stalled(29_999, true), false)
  t.equal(pulse.stalled(30_000, true), true)
  pulse.fetched(30_000)
  t.equal(pulse.stalled(59_999, true), false)
  t.equal(pulse.stalled(600_000, false), false, 'all paused: nothing is expected')
  t.equal(pulse.stalled(629_999, true), false, 'after a resume it counts anew')
  t.equal(pulse.stalled(630_000, true), true)
})

void t.test('a join may take as long as the group allows, and no longer', async (t) => {
  const pulse = new Pulse(0, 30_000, 60_000)
  t.equal(pulse.stalled(89_999, false), false)
  t.equal(pulse.stalled(90_000, false), true)
  pulse.joined(90_000)
  pulse.joining(100_000)
  t.equal(pulse.stalled(189_999, true), false)
  t.equal(pulse.stalled(190_000, true), true)
})
