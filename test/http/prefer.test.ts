import t from 'tap'
import { preferredWait } from '../../src/http/prefer.ts'

void t.test('wait is read as RFC 7240 writes it, the first of several, and capped', async (t) => {
  const cases: [string | string[] | undefined, number | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['wait=5', 5],
    ['Wait = "5"', 5],
    ['respond-async, wait=5', 5],
    ['respond-async; foo=1, wait=10; bar', 10],
    [['respond-async', 'wait=7'], 7],
    ['wait=3, wait=9', 3],
    ['wait=soon, wait=9', undefined],
    ['wait=600', 60],
    ['wait=999999999999999', 60],
    ['wait=0', 0],
    ['wait', undefined],
    ['wait=-1', undefined],
    ['wait=1.5', undefined],
    ['waiting=5', undefined],
    ['respond-async', undefined],
  ]
  for (const [header, seconds] of cases) t.equal(preferredWait(header, 60), seconds, JSON.stringify(header))
})
