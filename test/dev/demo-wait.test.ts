import t from 'tap'
import { inTime, unlessAborted } from '../../src/dev/demo-wait.ts'
import { VirtualClock } from '../support/clock.ts'

const never = new Promise<never>(() => undefined)

void t.test('what is wanted comes through, good or bad', async (t) => {
  const clock = new VirtualClock()
  const { signal } = new AbortController()
  t.equal(await unlessAborted(Promise.resolve(1), signal), 1)
  t.equal(await inTime(Promise.resolve(1), clock, 10, 'late'), 1)
  await t.rejects(unlessAborted(Promise.reject(new Error('bad')), signal), { message: 'bad' })
  await t.rejects(inTime(Promise.reject(new Error('bad')), clock, 10, 'late'), { message: 'bad' })
  t.equal(clock.pending, 0)
})

void t.test('nothing is waited for once the person has had enough, before or meanwhile', async (t) => {
  const aborting = new AbortController()
  const meanwhile = unlessAborted(never, aborting.signal)
  aborting.abort()
  await t.rejects(meanwhile, { message: 'aborted' })
  await t.rejects(unlessAborted(never, aborting.signal), { message: 'aborted' })
})

void t.test('nothing is waited for longer than its time', async (t) => {
  const clock = new VirtualClock()
  const late = inTime(never, clock, 10, 'it is late')
  const rejected = t.rejects(late, { message: 'it is late' })
  await clock.advance(10)
  await rejected
})
