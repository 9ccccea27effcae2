import t from 'tap'
import { AppHealth } from '../src/app-health.ts'
import type { Answer } from '../src/core/answer.ts'
import type { HealthAnswer } from '../src/core/gate.ts'
import { Gate } from '../src/core/gate.ts'
import type { JournalEntry } from '../src/core/journal.ts'
import { settled, VirtualClock } from './support/clock.ts'

const AWAY: Answer = { kind: 'away', why: 'ECONNREFUSED' }
const DONE: Answer = { kind: 'done', why: 'HTTP 200' }

/** A gate with a driver, and an app whose health is what a test says. */
function made() {
  const clock = new VirtualClock()
  const gate = new Gate()
  const entries: JournalEntry[] = []
  const asked: number[] = []
  const app = { health: { well: true, why: 'HTTP 200' } as HealthAnswer | undefined, changes: 0 }
  const startMs = clock.nowMs()
  const health = new AppHealth({
    gate,
    clock,
    journal: (entry) => entries.push(entry),
    ask: async () => {
      asked.push(clock.nowMs() - startMs)
      return app.health ?? new Promise<never>(() => undefined)
    },
    onChange: () => (app.changes += 1),
  })
  health.look()
  const learn = (answer: Answer, pass = gate.pass()): void => {
    gate.learn(answer, pass, clock.nowMs(), 0.5)
    health.look()
  }
  return { clock, gate, entries, asked, app, health, learn }
}

void t.test('an app that is well is asked now and then, and nothing changes', async (t) => {
  const { clock, asked, entries, app, gate } = made()
  await clock.advance(20_000)
  t.same(asked, [0, 5000, 10_000, 15_000, 20_000])
  t.same([entries.length, app.changes, gate.closedAtMs], [0, 0, undefined])
})

void t.test('a health that fails closes the gate and says why; a delivery may go once it is well', async (t) => {
  const { clock, gate, entries, app, learn } = made()
  await clock.advance(0)
  app.health = { well: false, why: 'HTTP 503' }
  await clock.advance(60_000)
  t.same(entries, [{ name: 'gate.closed', why: 'its health is ill: HTTP 503' }])
  t.equal(app.changes, 1)
  t.equal(gate.admits(Infinity), false)
  app.health = { well: true, why: 'HTTP 204' }
  await clock.advance(5000)
  t.equal(app.changes, 2, 'the road is told once')
  t.equal(gate.admits(clock.nowMs()), true)
  t.notSame(gate.closedAtMs, undefined, 'a delivery opens it')
  const probe = gate.pass()
  t.equal(gate.admits(Infinity), false)
  learn(DONE, probe)
  t.equal(gate.closedAtMs, undefined)
})

void t.test('a refused delivery has the app asked soon instead of sending another', async (t) => {
  const { clock, gate, app, asked, learn } = made()
  await clock.advance(1000)
  app.health = { well: false, why: 'ECONNREFUSED' }
  learn(AWAY)
  await clock.advance(1000)
  t.same(asked, [0, 1150, 1450])
  t.equal(gate.admits(Infinity), false)
})

void t.test('an app that is well with nothing to send stays asked, and no delivery goes on an old word', async (t) => {
  const { clock, gate, app, learn } = made()
  await clock.advance(1000)
  learn(AWAY)
  await clock.advance(1000)
  t.equal(gate.admits(clock.nowMs()), true)
  app.health = { well: false, why: 'HTTP 503' }
  await clock.advance(5000)
  t.equal(gate.admits(Infinity), false)
  t.equal(app.changes, 2)
})

void t.test('one ask at a time, and none once it is closed', async (t) => {
  const { clock, asked, app, health, learn } = made()
  await clock.advance(0)
  app.health = undefined
  await clock.advance(60_000)
  t.equal(asked.length, 2)
  learn(AWAY)
  await clock.advance(60_000)
  t.equal(asked.length, 2, 'the second is still out')
  health.close()
  t.equal(clock.pending, 0)
  const other = made()
  other.health.close()
  other.health.look()
  await other.clock.advance(60_000)
  t.same(other.asked, [])
})

void t.test('no ask goes out beside a probe, also when nobody said look', async (t) => {
  const { clock, gate, asked, app } = made()
  app.health = { well: false, why: 'HTTP 503' }
  await clock.advance(0)
  app.health = { well: true, why: 'HTTP 200' }
  await clock.advance(1000)
  const before = asked.length
  const probe = gate.pass()
  await clock.advance(60_000)
  t.equal(asked.length, before)
  gate.callOff(probe)
  await settled()
  t.equal(asked.length, before, 'it waits for look')
})
