import t from 'tap'
import { Faults } from '../../src/dev/xzepr-faults.ts'

const EVENTS = 'POST /api/v1/events'

void t.test('a fault strikes once, or as often as it says, after letting some pass', (t) => {
  const faults = new Faults()
  const once = faults.add({ kind: 'reset', route: EVENTS })
  t.equal(once.left, 1)
  t.equal(faults.strike(EVENTS)?.kind, 'reset')
  t.equal(once.left, 0)
  t.equal(faults.strike(EVENTS), undefined)

  const late = faults.add({ kind: 'hang', times: 2, skip: 1 })
  t.same(
    [1, 2, 3, 4].map(() => faults.strike(EVENTS)?.kind),
    [undefined, 'hang', 'hang', undefined],
  )
  t.equal(late.left, 0)
  t.end()
})

void t.test('a fault strikes its own route, or any when it names none', (t) => {
  const faults = new Faults()
  faults.add({ kind: 'reset', route: EVENTS, times: Infinity })
  t.equal(faults.strike('GET /health'), undefined)
  faults.add({ kind: 'hang', times: Infinity })
  t.equal(faults.strike('GET /health')?.kind, 'hang')
  t.equal(faults.strike('other')?.kind, 'hang')
  t.equal(faults.strike(EVENTS)?.kind, 'reset', 'the oldest that fits')
  t.end()
})

void t.test('a fault that is removed or cleared strikes no more', (t) => {
  const faults = new Faults()
  const [one, other] = [faults.add({ kind: 'reset', times: Infinity }), faults.add({ kind: 'hang', times: 3 })]
  one.remove()
  t.equal(one.left, 0)
  t.equal(faults.strike(EVENTS)?.kind, 'hang')
  faults.clear()
  t.equal(other.left, 0)
  t.equal(faults.strike(EVENTS), undefined)
  t.end()
})
