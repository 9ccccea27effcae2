/** The gate on the road: what becomes of works while the app comes and goes. */
import t from 'tap'
import type { Answer } from '../src/core/answer.ts'
import { NO_MEMBERS } from '../src/core/json.ts'
import { AWAY, LATER, POLICY, Road } from './support/road.ts'

const STARTED = { kind: 'started', details: NO_MEMBERS } as const

void t.test(
  'whatever the app does in turn, an attempt is burned only for what reached it, and the gate does not flap',
  async (t) => {
    const RESET = { kind: 'later', why: 'ECONNRESET', responded: false } as const
    const kinds: readonly Answer[] = [AWAY, RESET, LATER]
    let sequences = 0
    for (let code = 0; code < kinds.length ** 6; code++) {
      const road = new Road({ policy: { ...POLICY, attemptsMax: 0 } })
      road.assign()
      road.receive(['a'])
      let reached = 0
      for (let at = 0; at < 6; at++) {
        const answer = kinds[Math.floor(code / kinds.length ** at) % kinds.length] ?? AWAY
        if (road.outIds.length === 0) await road.clock.advance(120_000)
        if (road.out[0]?.attempt !== reached + 1)
          return void t.fail(`${road.sent.join()} after ${reached} that reached it`)
        if (answer !== AWAY) reached += 1
        await road.answer('a', answer)
      }
      const inTurn = road.entries.filter(({ name }) => name === 'gate.closed' || name === 'gate.opened')
      if (inTurn.some(({ name }, n) => name !== (n % 2 === 0 ? 'gate.closed' : 'gate.opened')))
        return void t.fail('it flaps')
      const responded = [...Array(6).keys()].filter((at) => kinds[Math.floor(code / 3 ** at) % 3] === LATER).length
      if (inTurn.length > 2 * responded + 1) return void t.fail('it opened without an answer')
      sequences += 1
    }
    t.equal(sequences, 729)
  },
)

void t.test('an app that reports about the probe opens the gate, however long its answer takes', async (t) => {
  const road = new Road()
  road.assign()
  road.receive(['a', 'b'])
  await road.answer('a', AWAY)
  await road.answer('b', AWAY)
  await road.clock.advance(1000)
  const [probe = ''] = road.outIds
  t.equal(road.outIds.length, 1)
  road.desk.report(probe, STARTED)
  t.equal(road.outIds.length, 2)
  t.match(road.names('gate.opened'), [{ closedMs: 1000 }])
})
