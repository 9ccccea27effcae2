import fc from 'fast-check'
import t from 'tap'
import { Registry, REMEMBERED_MAX, viewOf } from '../../src/core/registry.ts'
import type { Work } from '../../src/core/work.ts'
import { ledgerOf, TOPIC, workOf } from '../support/books.ts'

void t.test('an id names the oldest work in hand that carries it', async (t) => {
  const registry = new Registry()
  const works = [workOf({ id: 'x' }), workOf({ id: 'y' }), workOf({ id: 'x' })]
  const [first, other, second] = works
  if (first === undefined || other === undefined || second === undefined) throw new Error('unreachable')
  for (const work of works) registry.add(work)
  t.equal(registry.find('x'), first)
  t.equal(registry.find('y'), other)
  t.equal(registry.find('z'), undefined)
  registry.remove(first, true)
  t.equal(registry.find('x'), second)
  t.same([registry.has(first), registry.has(second), registry.size], [false, true, 2])
  registry.remove(second, true)
  t.equal(registry.find('x'), undefined)
  t.equal(registry.recall('x'), second, 'the last that ended')
})

void t.test('a work that leaves before an older one of its id leaves that one in place', async (t) => {
  const registry = new Registry()
  const [first, second] = [workOf({ id: 'x' }), workOf({ id: 'x' })]
  registry.add(first)
  registry.add(second)
  registry.remove(second, false)
  t.equal(registry.find('x'), first)
  t.equal(registry.recall('x'), undefined, 'only what is to be remembered is')
})

void t.test('a work is removed once: a second time changes nothing', async (t) => {
  const registry = new Registry()
  const work = workOf({ id: 'x' })
  registry.add(work)
  registry.remove(work, false)
  registry.remove(work, true)
  t.equal(registry.recall('x'), undefined)
  t.equal(registry.size, 0)
})

void t.test(
  'the memory of ended works is bounded: the oldest go first, and one that ends again is young',
  async (t) => {
    const registry = new Registry()
    const ledger = ledgerOf(0)
    const end = (id: string): void => {
      const work = workOf({ id, ledger })
      registry.add(work)
      registry.remove(work, true)
    }
    for (let at = 0; at < REMEMBERED_MAX; at++) end(String(at))
    t.ok(registry.recall('0'))
    end('0')
    end('new')
    t.ok(registry.recall('0'))
    t.equal(registry.recall('1'), undefined)
    t.ok(registry.recall('2'))
  },
)

void t.test('pages give every work once, oldest first, whatever is removed between them', async () => {
  fc.assert(
    fc.property(
      fc.nat(30),
      fc.integer({ min: 1, max: 7 }),
      fc.uniqueArray(fc.nat(30), { maxLength: 10 }),
      (count, limit, leaving) => {
        const registry = new Registry()
        const works: Work[] = []
        for (let serial = 1; serial <= count; serial++) {
          const work = workOf({ id: `w${serial % 5}`, serial })
          works.push(work)
          registry.add(work)
        }
        const seen: Work[] = []
        const removed = new Set<Work>()
        for (let more = true; more;) {
          const page = registry.page(seen.at(-1)?.serial ?? 0, limit)
          if (page.works.length > limit || (page.more && page.works.length < limit)) return false
          seen.push(...page.works)
          more = page.more
          const gone = works[leaving.shift() ?? -1]
          if (gone === undefined) continue
          registry.remove(gone, true)
          removed.add(gone)
        }
        const serials = seen.map(({ serial }) => serial)
        if (serials.some((serial, at) => at > 0 && serial <= (serials[at - 1] ?? 0))) return false
        return works.every((work) => seen.includes(work) || removed.has(work))
      },
    ),
    { numRuns: 300 },
  )
})

void t.test('the works of one assignment are told from those of another', async (t) => {
  const registry = new Registry()
  const [before, after] = [ledgerOf(0), ledgerOf(0)]
  const works = [workOf({ ledger: before }), workOf({ ledger: after }), workOf({ ledger: before })]
  for (const work of works) registry.add(work)
  t.same(
    registry.of(new Set([before])).map(({ serial }) => serial),
    [works[0]?.serial, works[2]?.serial],
  )
  t.equal([...registry].length, 3)
})

void t.test('a view says where a work stands, and what of its reports XZepr has', async (t) => {
  const work = workOf({ id: 'x', ledger: ledgerOf(2) })
  const bare = { id: 'x', attempt: 0, attemptsMax: 10, topic: TOPIC, partition: 2, offset: 0n, settled: false }
  t.match(viewOf(work, 10), {
    ...bare,
    state: 'waiting',
    eventType: 'deployment.success',
    receivedAtMs: 0,
    reports: [],
  })
  t.notOk('leaseEndsAtMs' in viewOf(work, 10) || 'nextAttemptAtMs' in viewOf(work, 10))
  work.state = { name: 'running', leaseEndsAtMs: 7 }
  t.match(viewOf(work, 10), { state: 'running', leaseEndsAtMs: 7 })
  work.state = { name: 'resting', untilMs: 8 }
  t.match(viewOf(work, 10), { state: 'resting', nextAttemptAtMs: 8 })
  work.reports.push(
    { status: 'started', atMs: 1, outcome: { kind: 'stored', eventId: 'e1' }, told: undefined },
    { status: 'failed', atMs: 2, outcome: { kind: 'given-up', why: '422' }, told: undefined },
    { status: 'completed', atMs: 3, outcome: undefined, told: undefined },
  )
  t.same(viewOf(work, 10).reports, [
    { status: 'started', atMs: 1, told: 'stored', eventId: 'e1' },
    { status: 'failed', atMs: 2, told: 'given-up', why: '422' },
    { status: 'completed', atMs: 3, told: 'held' },
  ])
})

void t.test('of many works of one id the oldest is found, and each leaves at the same cost', async (t) => {
  const registry = new Registry()
  const works = Array.from({ length: 30_000 }, () => workOf({ id: 'same' }))
  for (const work of works) registry.add(work)
  for (const [n, work] of works.entries()) {
    if (registry.find('same') !== work) t.fail(`work ${n} is not found`)
    registry.remove(work, false)
  }
  t.equal(registry.find('same'), undefined)
  t.equal(registry.size, 0)
})
