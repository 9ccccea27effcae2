import fc from 'fast-check'
import t from 'tap'
import type { Place } from '../../src/core/queue.ts'
import { Queue } from '../../src/core/queue.ts'

void t.test('a queue keeps the order of arrival, whoever leaves from wherever', async () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant(undefined), fc.nat(1000)), { maxLength: 60 }), (moves) => {
      const queue = new Queue<number>()
      const model: Place<number>[] = []
      let joined = 0
      for (const move of moves) {
        if (move === undefined) model.push(queue.join(joined++))
        else if (model.length > 0) {
          const [place] = model.splice(move % model.length, 1)
          if (place !== undefined) queue.leave(place)
        }
        const members = model.map(({ member }) => member)
        if (queue.size !== members.length || queue.first !== members[0]) return false
        if (!members.every((member, at) => [...queue][at] === member) || [...queue].length !== members.length)
          return false
      }
      return true
    }),
    { numRuns: 300 },
  )
})

void t.test('an empty queue has nobody first, before anybody came and after all have left', async (t) => {
  const queue = new Queue<string>()
  t.equal(queue.first, undefined)
  queue.leave(queue.join('a'))
  t.equal(queue.first, undefined)
  t.equal(queue.size, 0)
  queue.join('b')
  t.same([...queue], ['b'])
})
