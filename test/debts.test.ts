import t from 'tap'
import type { DeadLetter } from '../src/core/dead-letter.ts'
import { NO_MEMBERS } from '../src/core/json.ts'
import type { Told } from '../src/core/report.ts'
import type { WorkReport } from '../src/core/work.ts'
import { Debts } from '../src/debts.ts'
import { recordOf, workOf } from './support/books.ts'
import { settled } from './support/clock.ts'
import { Road } from './support/road.ts'

const IDENTITY = { group: 'g', package: 'p', workName: 'w', workVersion: '1.0.0' }
const LETTER: DeadLetter = { record: recordOf(), reason: 'poison', error: 'no JSON', attempts: 0, answer: undefined }

function made(road = new Road()): { road: Road; debts: Debts; said: string[] } {
  const said: string[] = []
  const debts = new Debts({
    identity: IDENTITY,
    reporter: road.reporter,
    deadLetters: road.deadLetters,
    clock: road.clock,
    changed: () => void said.push('changed'),
  })
  return { road, debts, said }
}

void t.test('a report is owed until its outcome is known; it is paid first, then the road may go on', async (t) => {
  const { road, debts, said } = made()
  const work = workOf({ id: 'a', serial: 7 })
  work.name = 'deploy'
  const report: WorkReport = { status: 'failed', atMs: 5, outcome: undefined, told: undefined }
  debts.tell(work, report, NO_MEMBERS, (outcome: Told) => void said.push(outcome.kind))
  t.same([debts.size, debts.reports.events, debts.letters], [1, 1, 0])
  t.match(road.owed, [{ thread: '7', event: { workId: 'a', name: 'deploy', status: 'failed', atMs: 5 } }])
  await settled()
  t.strictSame(said, [])
  road.owed[0]?.end({ kind: 'given-up', why: 'HTTP 400' })
  await settled()
  t.strictSame(said, ['given-up', 'changed'])
  t.same(await report.told, { kind: 'given-up', why: 'HTTP 400' })
  t.equal(debts.size, 0)
})

void t.test('a letter is owed until it is written, and each of several by itself', async (t) => {
  const { road, debts, said } = made()
  for (const name of ['first', 'second']) debts.write(LETTER, () => void said.push(`${name} ${debts.letters}`))
  t.same([debts.size, debts.letters], [2, 2])
  road.letters[1]?.written()
  await settled()
  t.strictSame(said, ['second 1', 'changed'], 'who is told that it is written sees it paid')
  road.letters[0]?.written()
  await settled()
  t.equal(debts.size, 0)
})

void t.test('without a topic no letters are taken', async (t) => {
  const { reporter } = new Road()
  const debts = new Debts({
    identity: IDENTITY,
    reporter,
    deadLetters: undefined,
    clock: new Road().clock,
    changed: () => undefined,
  })
  t.equal(debts.takesLetters, false)
  t.throws(() => {
    debts.write(LETTER, () => undefined)
  })
  t.equal(debts.size, 0)
  t.equal(made().debts.takesLetters, true)
})
