import fc from 'fast-check'
import t from 'tap'
import { Rests } from '../../src/core/rests.ts'

void t.test('whoever is due comes once, soonest first, and nobody else', async () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100)), fc.nat(100), (instants, nowMs) => {
      const rests = new Rests<number>()
      for (const dueAtMs of instants) rests.add(dueAtMs, dueAtMs)
      const sorted = [...instants].sort((a, b) => a - b)
      if (rests.soonestAtMs !== sorted[0]) return false
      const now = [...rests.due(nowMs)]
      const later = [...rests.due(Infinity)]
      return now.every((atMs) => atMs <= nowMs) && [...now, ...later].every((atMs, place) => atMs === sorted[place])
    }),
  )
})
