import t from 'tap'
import { heldBytes } from '../src/core/record.ts'
import { recordOf } from './support/books.ts'
import { DONE, Road } from './support/road.ts'

void t.test('each record is taken in once, and said before anything becomes of it', async (t) => {
  const road = new Road({ eventTypes: 'build.*' })
  road.assign()
  road.receive([
    [0, 'a'],
    [1, 'b', { value: 'no JSON' }],
    [2, 'c', { value: null }],
    [3, 'd', { type: 'other' }],
  ])
  const said = road.entries.filter((entry) => 'offset' in entry).map((entry) => `${entry.name} ${entry.offset}`)
  t.strictSame(said, [
    'record.received 0',
    'record.received 1',
    'record.poison 1',
    'record.settled 1',
    'record.received 2',
    'record.passed-over 2',
    'record.settled 2',
    'record.received 3',
    'record.passed-over 3',
    'record.settled 3',
    'attempt.started 0',
  ])
})

void t.test('poison holds its bytes and its offset until its letter is written, and nobody else', async (t) => {
  const road = new Road({ deadLetters: true })
  road.assign()
  road.receive([
    [0, 'a', { value: 'no JSON' }],
    [1, 'b'],
  ])
  t.strictSame(road.outIds, ['b'])
  await road.answer('b', DONE)
  const [letter] = road.letters
  t.match(letter?.letter, { reason: 'poison', attempts: 0, answer: undefined, record: { offset: 0n } })
  const bytes = heldBytes(recordOf({ key: Buffer.from('a'), value: Buffer.from('no JSON') }))
  t.equal(road.bridge.inHand.buffers.waitingBytes, bytes)
  await road.clock.advance(1000)
  t.equal(road.committed, 0n)
  letter?.written()
  await road.clock.advance(1000)
  t.same([road.committed, road.bridge.inHand.buffers.waitingBytes], [2n, 0])
})

void t.test('poison whose partition has gone meanwhile settles an orphan, and its bytes count nowhere', async (t) => {
  const road = new Road({ deadLetters: true })
  road.assign()
  road.receive([[0, 'a', { value: 'no JSON' }]])
  road.revoke()
  road.assign()
  road.letters[0]?.written()
  await road.clock.advance(1000)
  t.strictSame([road.commits, road.names('record.settled')], [[], []])
  t.equal(road.bridge.inHand.buffers.waitingBytes, 0)
  t.equal(road.bridge.debts.size, 0)
})
