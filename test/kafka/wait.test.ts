import t from 'tap'
import { Waits } from '../../src/kafka/wait.ts'
import { VirtualClock, settled } from '../support/clock.ts'

void t.test('a rest ends when its time has come', async (t) => {
  const clock = new VirtualClock()
  let over = false
  void new Waits(clock).rest(100).then(() => (over = true))
  await clock.advance(99)
  t.equal(over, false)
  await clock.advance(1)
  t.equal(over, true)
})

void t.test('work that is done in time ends the wait and leaves no wake behind', async (t) => {
  const clock = new VirtualClock()
  let beats = 0
  let done = (): void => undefined
  const work = new Promise<void>((resolve) => (done = resolve))
  const wait = new Waits(clock).within(5000, work, { everyMs: 500, beat: () => (beats += 1) })
  await clock.advance(1700)
  t.equal(beats, 3)
  done()
  await wait
  t.equal(clock.pending, 0)
})

void t.test('work that takes too long is not waited for, and its late failure is nobody’s', async (t) => {
  const clock = new VirtualClock()
  let fail: (error: Error) => void = () => undefined
  const work = new Promise<void>((_, reject) => (fail = reject))
  const wait = new Waits(clock).within(5000, work, { everyMs: 500, beat: () => undefined })
  await clock.advance(5000)
  await wait
  t.equal(clock.pending, 0)
  fail(new Error('late'))
  await settled()
})

void t.test('work that fails in time fails the wait', async (t) => {
  const clock = new VirtualClock()
  await t.rejects(new Waits(clock).within(5000, Promise.reject<string>(new Error('no'))), { message: 'no' })
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what a library may do.
  await t.rejects(new Waits(clock).within(5000, Promise.reject('bare')), { message: 'bare' })
  t.equal(clock.pending, 0)
})

void t.test('with the end everyone is let go who waits, and whoever comes later', async (t) => {
  const clock = new VirtualClock()
  const waits = new Waits(clock)
  let beats = 0
  const never = new Promise<string>(() => undefined)
  const rest = waits.rest(5000)
  const wait = waits.within(5000, never, { everyMs: 500, beat: () => (beats += 1) })
  t.equal(await waits.within(5000, Promise.resolve('done')), 'done')
  t.equal(clock.pending, 3)
  waits.end()
  await rest
  t.equal(await wait, undefined)
  t.equal(await waits.within(5000, never), undefined)
  t.equal(await waits.within(5000, Promise.reject<string>(new Error('late'))), undefined)
  await waits.rest(5000)
  t.same([clock.pending, beats], [0, 0])
})
