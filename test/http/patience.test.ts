import t from 'tap'
import type { Told } from '../../src/core/report.ts'
import { Patience } from '../../src/http/patience.ts'
import { VirtualClock } from '../support/clock.ts'

const STORED: Told = { kind: 'stored', eventId: 'e1' }
const never = new Promise<Told>(() => undefined)
const stays = (): void => undefined

void t.test('a wait ends with what XZepr said', async (t) => {
  const clock = new VirtualClock()
  const patience = new Patience(clock, 1)
  t.same(await patience.within(Promise.resolve(STORED), 1000, stays), STORED)
  t.equal(clock.pending, 0, 'and leaves no timer behind')
  t.equal(patience.waiting, 0)
})

void t.test('a wait ends when its time is up, when the caller is gone, and when the listener stops', async (t) => {
  const clock = new VirtualClock()
  const patience = new Patience(clock, 3)
  let hangUp: () => void = stays
  const timed = patience.within(never, 1000, stays)
  const left = patience.within(never, 5000, (end) => (hangUp = end))
  const stopped = patience.within(never, 5000, stays)
  t.ok(patience.full)
  await clock.advance(1000)
  t.equal(await timed, undefined)
  t.equal(patience.waiting, 2)
  hangUp()
  t.equal(await left, undefined)
  patience.stop()
  t.equal(await stopped, undefined)
  t.equal(await patience.within(Promise.resolve(STORED), 1000, stays), undefined, 'nor does a new one begin')
  t.equal(clock.pending, 0)
})

void t.test('a wait rejects as telling does, and leaves nothing behind', async (t) => {
  const clock = new VirtualClock()
  const patience = new Patience(clock, 1)
  await t.rejects(patience.within(Promise.reject(new Error('gone')), 1000, stays), { message: 'gone' })
  t.equal(clock.pending + patience.waiting, 0)
})
