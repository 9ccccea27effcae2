import fc from 'fast-check'
import t from 'tap'
import type { DeadLetter } from '../../src/core/dead-letter.ts'
import type { Parcel, Refusal } from '../../src/core/outbox.ts'
import { COMPANY_MAX_BYTES, COMPANY_MAX_LETTERS, Outbox } from '../../src/core/outbox.ts'
import { recordOf } from '../support/books.ts'

const OPTIONS = { retryInitialMs: 100, retryMaxMs: 1000 }
const letterOf = (valueBytes: number | null = 10, offset = 0n): DeadLetter => ({
  record: recordOf({ offset, value: valueBytes === null ? null : new Uint8Array(valueBytes) }),
  reason: 'rejected',
  error: 'HTTP 422',
  attempts: 1,
  answer: 'HTTP 422',
})
const offsets = (parcels: readonly Parcel[]): number[] => parcels.map(({ letter }) => Number(letter.record.offset))

void t.test('letters go in the order in which they came, as many as a request may hold', async (t) => {
  const outbox = new Outbox(OPTIONS)
  t.same([outbox.next(0), outbox.nextAtMs], [[], undefined])
  for (let at = 0; at < COMPANY_MAX_LETTERS + 3; at++) outbox.put(letterOf(0, BigInt(at)))
  const company = outbox.next(0)
  t.ok(company.length <= COMPANY_MAX_LETTERS && company.length > 50)
  t.same(offsets(company.slice(0, 3)), [0, 1, 2])
  for (const parcel of company) outbox.written(parcel)
  t.same(offsets(outbox.next(0))[0], company.length)
})

void t.test('a request is bounded in bytes, and a letter above the bound goes alone', async (t) => {
  const outbox = new Outbox(OPTIONS)
  for (const bytes of [1, COMPANY_MAX_BYTES, 1]) outbox.put(letterOf(bytes))
  for (const bytes of [1, COMPANY_MAX_BYTES, 1]) {
    const [first, ...more] = outbox.next(0)
    t.same([first?.letter.record.value?.length, more.length], [bytes, 0])
    if (first !== undefined) outbox.written(first)
  }
})

void t.test('what is refused in company goes alone, behind the others', async (t) => {
  for (const refusal of ['too-large', 'unfit'] as const) {
    const outbox = new Outbox(OPTIONS)
    for (const at of [0n, 1n, 2n]) outbox.put(letterOf(10, at))
    for (const parcel of outbox.next(0)) t.equal(outbox.refused(parcel, refusal, 0, 0), undefined)
    outbox.put(letterOf(10, 3n))
    t.same(offsets(outbox.next(0)), [0], 'at once, and by itself')
    t.notOk(outbox.refusing, 'nothing is known of it yet')
  }
})

void t.test('a letter that is too large by itself is made lighter until it is bare', async (t) => {
  const lighter = (valueBytes: number | null): (string | undefined)[] => {
    const outbox = new Outbox(OPTIONS)
    const parcel = outbox.put(letterOf(valueBytes))
    outbox.refused(parcel, 'too-large', 0, 0)
    return [1, 2, 3].map(() => outbox.refused(parcel, 'too-large', 0, 0))
  }
  t.same(lighter(10), ['value', 'all', undefined])
  t.same(lighter(null), ['all', undefined, undefined], 'there is no value to leave out')
})

void t.test('a letter that Kafka will not have rests longer each time, and the others go on', async (t) => {
  const outbox = new Outbox(OPTIONS)
  const [stuck, other] = [outbox.put(letterOf(10, 0n)), outbox.put(letterOf(10, 1n))]
  outbox.refused(stuck, 'unfit', 0, 0)
  outbox.refused(stuck, 'unfit', 0, 0.999)
  t.same([outbox.refusing, stuck.restsUntilMs], [true, 199])
  t.same(offsets(outbox.next(0)), [1])
  outbox.written(other)
  t.same([outbox.next(198).length, outbox.nextAtMs, outbox.next(199).length], [0, 199, 1])
  for (let times = 0; times < 20; times++) outbox.refused(stuck, 'unfit', 0, 0.999)
  t.ok(stuck.restsUntilMs < 1000, 'never longer than the cap')
})

void t.test('while Kafka cannot be asked nothing is sent, and one letter that is written ends the pause', async (t) => {
  const outbox = new Outbox(OPTIONS)
  const [first] = [outbox.put(letterOf()), outbox.put(letterOf())]
  outbox.unreached(1000, 0.5)
  t.same([outbox.next(1149).length, outbox.nextAtMs, outbox.next(1150).length], [0, 1150, 2])
  outbox.unreached(1150, 0.5)
  t.equal(outbox.nextAtMs, 1350, 'a longer one')
  outbox.written(first)
  t.equal(outbox.next(1151).length, 1)
})

void t.test(
  'whatever Kafka answers, a letter leaves only when it is written, and always comes to its turn',
  async (t) => {
    const anyRefusal = fc.constantFrom<Refusal | 'written' | 'unreached'>(
      'too-large',
      'unfit',
      'not-now',
      'written',
      'unreached',
    )
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(1_000_000)), { maxLength: 8 }), fc.array(anyRefusal), (sizes, answers) => {
        const outbox = new Outbox(OPTIONS)
        let owed = 0
        for (const size of sizes) owed += outbox.put(letterOf(size)).refusals + 1
        let nowMs = 0
        for (const answer of answers) {
          nowMs = Math.max(nowMs, outbox.nextAtMs ?? 0)
          const company = outbox.next(nowMs)
          if (owed > 0 && company.length === 0) return false
          if (answer === 'unreached') outbox.unreached(nowMs, 0.5)
          else
            for (const parcel of company) {
              if (answer === 'written') outbox.written(parcel)
              else outbox.refused(parcel, answer, nowMs, 0.5)
            }
          if (answer === 'written') owed -= company.length
          if (outbox.size !== owed) return false
        }
        return true
      }),
    )
    t.pass()
  },
)
