import fc from 'fast-check'
import t from 'tap'
import { Committer } from '../src/committer.ts'
import type { JournalEntry } from '../src/core/journal.ts'
import type { Ledger } from '../src/core/ledger.ts'
import type { Commit, CommitOutcome } from '../src/core/seams.ts'
import { ledgerOf } from './support/books.ts'
import { settled, VirtualClock } from './support/clock.ts'

/** A committer for some ledgers and a Kafka that answers when it is told to. */
function made(ledgers: readonly Ledger[]) {
  const clock = new VirtualClock()
  const entries: JournalEntry[] = []
  const asked: {
    readonly atMs: number
    readonly commits: readonly Commit[]
    answer(kind: CommitOutcome['kind']): void
  }[] = []
  const commit = (commits: readonly Commit[]): Promise<readonly CommitOutcome[]> =>
    new Promise((resolve) => {
      const answer = (kind: CommitOutcome['kind']): void => {
        resolve(commits.map(() => (kind === 'committed' ? { kind } : { kind, why: 'rebalancing' })))
      }
      asked.push({ atMs: clock.nowMs(), commits, answer })
    })
  const source = {
    start: () => Promise.resolve(),
    pause: () => undefined,
    resume: () => undefined,
    commit,
    health: () => ({ joined: true, partitions: 1, fetchedAtMs: undefined, problem: undefined }),
    stop: () => Promise.resolve(),
  }
  const committer = new Committer(source, clock, (entry) => void entries.push(entry), ledgers)
  return { clock, entries, asked, committer }
}

/** Something settles: there is an offset to commit. */
function settleOne(ledger: Ledger): void {
  const entry = ledger.receive(ledger.next ?? 0n)
  if (entry !== undefined) ledger.settle(entry)
}

void t.test('of several wishes the soonest holds, and one turn is enough for all of them', async () => {
  const wishes = fc.array(fc.tuple(fc.nat(250), fc.constantFrom(undefined, 0, 50, 200, 1000)), {
    minLength: 1,
    maxLength: 8,
  })
  await fc.assert(
    fc.asyncProperty(wishes, async (wishes) => {
      const { clock, committer } = made([])
      const turns: number[] = []
      committer.afterTurn = () => void turns.push(clock.nowMs())
      const startMs = clock.nowMs()
      const due: number[] = []
      let dueAtMs: number | undefined
      let nowMs = startMs
      for (const [laterMs, afterMs] of wishes) {
        await clock.advance(laterMs)
        nowMs += laterMs
        if (dueAtMs !== undefined && dueAtMs <= nowMs) {
          due.push(dueAtMs)
          dueAtMs = undefined
        }
        committer.soon(afterMs)
        dueAtMs = Math.min(dueAtMs ?? Infinity, nowMs + (afterMs ?? 200))
      }
      await clock.advance(5000)
      if (dueAtMs !== undefined) due.push(dueAtMs)
      return turns.join() === due.join() && clock.pending === 0
    }),
  )
})

void t.test('a commit that is out holds up the next, which then has all that is so', async (t) => {
  const ledger = ledgerOf(0)
  const { asked, committer } = made([ledger])
  settleOne(ledger)
  const first = committer.now()
  await settled()
  settleOne(ledger)
  const second = committer.now()
  await settled()
  t.equal(asked.length, 1)
  asked[0]?.answer('committed')
  await first
  await settled()
  settleOne(ledger)
  t.same(
    asked.map(({ commits }) => commits.map(({ offset }) => offset)),
    [[1n], [2n]],
  )
  asked[1]?.answer('committed')
  await second
  t.same([ledger.committed, ledger.uncommitted?.offset], [2n, 3n])
})

void t.test('a commit that is refused is tried every second, said once, and said again when it is news', async (t) => {
  const ledger = ledgerOf(0)
  const { clock, entries, asked, committer } = made([ledger])
  settleOne(ledger)
  committer.soon()
  for (const [at, kind] of (['refused', 'refused', 'committed', 'refused'] as const).entries()) {
    await clock.advance(1000)
    asked[at]?.answer(kind)
    await settled()
    t.equal(ledger.commitRefusedSinceMs === undefined, kind === 'committed')
    if (kind !== 'committed') continue
    settleOne(ledger)
    committer.soon()
  }
  t.same(
    entries.map(({ name }) => name),
    ['commit.refused', 'offset.committed', 'commit.refused'],
  )
})

void t.test('what is said of a partition that was lost meanwhile counts nowhere', async (t) => {
  const ledger = ledgerOf(0)
  const { clock, entries, asked, committer } = made([ledger])
  settleOne(ledger)
  void committer.now()
  await settled()
  ledger.close()
  asked[0]?.answer('committed')
  await settled()
  t.same([ledger.committed, entries, clock.pending], [undefined, [], 0])
})

void t.test('nothing to commit asks nobody, and after the close no turn comes by itself', async (t) => {
  const ledger = ledgerOf(0)
  const { clock, asked, committer } = made([ledger])
  await committer.now()
  settleOne(ledger)
  committer.soon()
  committer.close()
  await clock.advance(10_000)
  t.same([asked, clock.pending], [[], 0])
})
