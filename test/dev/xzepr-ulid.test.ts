import t from 'tap'
import { isUlid, ulids } from '../../src/dev/xzepr-ulid.ts'
import { VirtualClock } from '../support/clock.ts'

void t.test('an id says when it was made', (t) => {
  const next = ulids(new VirtualClock(1469918176385, [0, 0]))
  // The specification's own example of a time.
  t.equal(next(), '01ARYZ6S410000000000000000')
  t.end()
})

void t.test('ids always rise, also within a millisecond and when the clock steps back', async (t) => {
  const clock = new VirtualClock(1_800_000_000_000, [0.999, 0.999, 0.1, 0.1, 0, 0, 0.2, 0.2, 0.3, 0.3])
  const next = ulids(clock)
  const ids = [next(), next()]
  await clock.advance(1)
  ids.push(next())
  await clock.advance(-5)
  ids.push(next(), next())
  t.same([...ids].sort(), ids)
  t.equal(new Set(ids).size, ids.length)
  t.ok(ids.every(isUlid))
})

void t.test('an id is 26 characters of Crockford’s base 32 and no more than 128 bits', (t) => {
  for (const good of ['01M847HRZSMFZDV1KG79EPM357', '01m847hrzsmfzdv1kg79epm357', '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'])
    t.ok(isUlid(good))
  for (const bad of [
    '',
    '01M847HRZSMFZDV1KG79EPM35',
    '01M847HRZSMFZDV1KG79EPM35U',
    '8ZZZZZZZZZZZZZZZZZZZZZZZZZ',
    'x'.repeat(26),
  ]) {
    t.notOk(isUlid(bad), bad)
  }
  t.end()
})
