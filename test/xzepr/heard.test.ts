import t from 'tap'
import { Heard } from '../../src/xzepr/heard.ts'

void t.test(
  'what was heard is known by its delivery id, the first of several, and the oldest is forgotten',
  async (t) => {
    const heard = new Heard()
    t.equal(heard.eventIdOf('g/w/completed'), undefined)
    heard.add({ deliveryId: 'g/w/completed', eventId: 'E1' })
    heard.add({ deliveryId: 'g/w/completed', eventId: 'E2' })
    t.equal(heard.eventIdOf('g/w/completed'), 'E1')
    for (let at = 0; at < 10_000; at++) heard.add({ deliveryId: `g/${at}/completed`, eventId: 'E' })
    t.equal(heard.eventIdOf('g/w/completed'), undefined)
    t.equal(heard.eventIdOf('g/9999/completed'), 'E')
  },
)
