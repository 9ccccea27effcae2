import t from 'tap'
import { Tables } from '../../src/dev/xzepr-tables.ts'
import { VirtualClock } from '../support/clock.ts'
import { ALICE, BOB } from './xzepr-started.ts'

const fresh = (name: string, but = {}) => ({
  name,
  type: 'worker',
  version: '1.0.0',
  description: '',
  schema: '{}',
  ...but,
})

void t.test('a name and type is taken once, by whoever came first', (t) => {
  const tables = new Tables(new VirtualClock())
  t.ok(tables.addReceiver(fresh('a'), ALICE))
  t.equal(tables.addReceiver(fresh('a', { version: '2.0.0' }), ALICE), undefined)
  t.equal(tables.addReceiver(fresh('a'), BOB), undefined)
  t.ok(tables.addReceiver(fresh('a', { type: 'other' }), ALICE))
  t.ok(tables.addReceiver(fresh('b'), ALICE))
  t.end()
})

void t.test('in a race several creates of one name and type succeed, each with its id, and all stay', (t) => {
  const tables = new Tables(new VirtualClock())
  tables.race(3)
  const made = Array.from({ length: 8 }, () => tables.addReceiver(fresh('a'), ALICE))
  t.equal(made.filter((receiver) => receiver !== undefined).length, 3)
  t.equal(new Set(tables.receivers.map(({ id }) => id)).size, 3)
  t.end()
})

void t.test('a page is newest first, of one owner or of all', (t) => {
  const tables = new Tables(new VirtualClock())
  for (const name of ['a', 'b', 'c']) tables.addReceiver(fresh(name), ALICE)
  tables.addReceiver(fresh('d'), BOB)
  const names = (owner: string | undefined, limit: number, offset: number) =>
    tables.page(owner, limit, offset).receivers.map(({ name }) => name)
  t.same(names(ALICE, 2, 0), ['c', 'b'])
  t.same(names(ALICE, 2, 2), ['a'])
  t.same(names(ALICE, 2, 4), [])
  t.same(names(undefined, 50, 0), ['d', 'c', 'b', 'a'])
  t.equal(tables.page(ALICE, 1, 0).total, 3)
  t.end()
})

void t.test('a receiver is found and deleted by its id in either case, and its name is free again', (t) => {
  const tables = new Tables(new VirtualClock())
  const id = tables.addReceiver(fresh('a'), ALICE)?.id ?? ''
  t.equal(tables.receiver(id.toLowerCase())?.name, 'a')
  t.ok(tables.deleteReceiver(id.toLowerCase()))
  t.notOk(tables.deleteReceiver(id))
  t.equal(tables.receiver(id), undefined)
  t.ok(tables.addReceiver(fresh('a'), BOB))
  t.end()
})

void t.test('a fingerprint is the same for the same name, type, version and schema', (t) => {
  const tables = new Tables(new VirtualClock())
  tables.race(4)
  const print = (but: object) => tables.addReceiver(fresh('a', but), ALICE)?.fingerprint
  const first = print({})
  t.match(first, /^[0-9a-f]{64}$/)
  t.equal(print({ description: 'another' }), first)
  t.not(print({ version: '2.0.0' }), first)
  t.not(print({ schema: '{"type":"object"}' }), first)
  t.end()
})

void t.test('an instant has nine digits below the second', (t) => {
  const clock = new VirtualClock(Date.UTC(2026, 10, 23, 12, 54, 30, 137), [0.1, 0.1, 0.0000425])
  t.equal(new Tables(clock).addReceiver(fresh('a'), ALICE)?.createdAt, '2026-11-23T12:54:30.137000042Z')
  t.end()
})
