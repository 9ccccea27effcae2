import t from 'tap'
import { XzeprJournal } from '../../src/dev/xzepr-journal.ts'
import type { XzeprEvent } from '../../src/dev/xzepr-message.ts'

const event = (id: number): XzeprEvent => ({ id: `${id}` }) as XzeprEvent

void t.test('events are kept in order up to a bound, and what is forgotten is counted', (t) => {
  const journal = new XzeprJournal(3)
  for (let id = 0; id < 20; id++) {
    journal.stored(event(id))
    t.ok(journal.events.length < 6)
    t.equal(journal.forgotten + journal.events.length, id + 1)
    t.same(
      journal.events.map((kept) => kept.id),
      journal.events.map((_, at) => `${journal.forgotten + at}`),
    )
  }
  t.end()
})

void t.test('requests are counted by route and answer', (t) => {
  const journal = new XzeprJournal()
  journal.ended('POST /api/v1/events', 200)
  journal.ended('POST /api/v1/events', 200)
  journal.ended('POST /api/v1/events', 'reset')
  journal.ended('other', 404)
  t.same(journal.outcomes, { 'POST /api/v1/events 200': 2, 'POST /api/v1/events reset': 1, 'other 404': 1 })
  t.equal(journal.count('POST /api/v1/events'), 3)
  t.equal(journal.count('POST /api/v1/events', 200), 2)
  t.equal(journal.count('POST /api/v1/events', 500), 0)
  t.equal(journal.count('GET /health'), 0)
  t.end()
})
