import fc from 'fast-check'
import t from 'tap'
import { ReceiverList } from '../../src/core/receiver.ts'

interface Entry {
  readonly id: string
  readonly name: string
  readonly type: string
}
const WANTED = { name: 'deployer-receiver', type: 'worker' }

/** A server's list, read to its end; `asked` counts the pages. */
function read(
  all: readonly Entry[],
  answer: 'honest' | 'deaf' | 'silent',
): { ours: string | undefined; asked: number } {
  const list = new ReceiverList(WANTED)
  let asked = 0
  for (let page = list.page; page !== undefined; page = list.page) {
    asked += 1
    const { limit, offset } = page
    const data = answer === 'deaf' ? all : all.slice(offset, offset + limit)
    const hasMore = answer === 'deaf' || offset + limit < all.length
    const pagination = answer === 'silent' ? undefined : { limit, offset, total: all.length, has_more: hasMore }
    t.equal(list.read(JSON.stringify({ data, pagination })), undefined)
  }
  return { ours: list.ours, asked }
}

void t.test('ours is the smallest id that matches name and type exactly, wherever in the list it stands', async () => {
  const entry = fc.record({
    id: fc.uuid(),
    name: fc.constantFrom('deployer-receiver', 'Deployer-receiver', 'deployer-receiver ', 'other'),
    type: fc.constantFrom('worker', 'worker2'),
  })
  fc.assert(
    fc.property(
      fc.uniqueArray(entry, { selector: ({ id }) => id, maxLength: 350 }),
      fc.constantFrom('honest' as const, 'deaf' as const, 'silent' as const),
      (all, answer) => {
        const matching = all.filter(({ name, type }) => name === WANTED.name && type === WANTED.type)
        return read(all, answer).ours === matching.map(({ id }) => id).sort()[0]
      },
    ),
    { numRuns: 50 },
  )
})

void t.test('a list without an end is left', async (t) => {
  const all = Array.from({ length: 3 }, (_, at) => ({ id: `0${at}`, name: 'x', type: 'y' }))
  t.equal(read(all, 'deaf').asked, 2, 'a page that brings nothing new ends it')
  t.equal(read([], 'deaf').asked, 1)
  const endless = new ReceiverList(WANTED)
  let pages = 0
  for (; endless.page !== undefined; pages++) {
    endless.read(JSON.stringify({ data: [{ id: `id ${pages}` }], pagination: { has_more: true } }))
  }
  t.equal(pages, 1000)
})

void t.test('a page too large to read is asked for in smaller pieces, down to one', async (t) => {
  const list = new ReceiverList(WANTED)
  const limits: (number | undefined)[] = [list.page?.limit]
  while (list.smaller()) limits.push(list.page?.limit)
  t.same(limits, [100, 10, 1])
})

void t.test(
  'what is no page of receivers is said to be none, and members that are no receivers are passed over',
  async (t) => {
    for (const body of ['', 'null', '7', '[]', '{}', '{"data":{}}', '<html>']) {
      t.match(new ReceiverList(WANTED).read(body), /XZEPR_API_URL/, body)
    }
    const list = new ReceiverList(WANTED)
    const data = [null, 7, {}, { id: 8, ...WANTED }, { id: '', ...WANTED }, { id: '01B', ...WANTED }]
    t.equal(list.read(JSON.stringify({ data })), undefined)
    t.equal(list.ours, '01B')
  },
)
