import t from 'tap'
import type { JournalEntry } from '../../src/core/journal.ts'
import type { KafkaRecord, TopicPartition } from '../../src/core/record.ts'
import { partitionName } from '../../src/core/record.ts'
import type { Batch } from '../../src/core/seams.ts'
import { Assignment } from '../../src/kafka/assignment.ts'
import type { Arrival, Held, Start } from '../../src/kafka/assignment.ts'

const p0 = { topic: 't', partition: 0 }
const from = (offset: bigint): Start => ({ from: offset, committed: offset, metadata: `at ${offset}` })

interface Road {
  readonly assignment: Assignment
  /** What the road and the consumer were told, in order. */
  readonly told: string[]
  readonly batches: Batch[]
  readonly journal: JournalEntry[]
}

function road(): Road {
  const told: string[] = []
  const batches: Batch[] = []
  const journal: JournalEntry[] = []
  const tell = (what: string) => (partition: TopicPartition) => void told.push(`${what} ${partitionName(partition)}`)
  const assignment = new Assignment(
    {
      pause: tell('pause'),
      resume: tell('resume'),
      seek: (partition, offset) => void told.push(`seek ${partitionName(partition)} ${offset}`),
    },
    {
      assigned: (partition, committed, metadata) =>
        void told.push(`assigned ${partitionName(partition)} ${committed} '${metadata}'`),
      revoked: (partitions) => void told.push(`revoked ${partitions.map(partitionName).join(' ')}`),
      received: (batch) => void batches.push(batch),
      drain: () => Promise.resolve(),
      rejoined: () => undefined,
    },
    (entry) => void journal.push(entry),
  )
  return { assignment, told, batches, journal }
}

function arrival(first: bigint, next: bigint, more: Partial<Arrival> = {}): Arrival {
  return {
    partition: p0,
    from: first,
    next,
    highWatermark: 1000n,
    tellsGaps: true,
    records: (at) =>
      Array.from({ length: Number(next - at) }, (_, index): KafkaRecord => {
        return { ...p0, offset: at + BigInt(index), timestampMs: 0, key: null, value: null, headers: [] }
      }),
    undecodable: () => [],
    ...more,
  }
}

/** The one holding among these. */
function only(fresh: readonly Held[]): Held {
  const [held, ...more] = fresh
  if (held === undefined || more.length > 0) throw new Error(`one was expected, not ${fresh.length}`)
  return held
}

/** Joined with partition 0, which is read from 10. */
function reading(): Road {
  const on = road()
  for (const held of on.assignment.join({ t: [0] })) on.assignment.begin(held, from(10n))
  on.told.length = 0
  return on
}

void t.test(
  'a new partition is paused until its start is known, and nothing of it is handed over before',
  async (t) => {
    const { assignment, told, batches } = road()
    const [held, ...more] = assignment.join({ t: [0] })
    t.equal(more.length, 0)
    t.same(told, ['pause t/0'])
    t.equal(assignment.begun, false)
    assignment.arrived(arrival(0n, 5n))
    t.same(batches, [])
    if (held === undefined) throw new Error('the partition is not held')
    assignment.begin(held, from(3n))
    t.same(told.slice(1), ['seek t/0 3', `assigned t/0 3 'at 3'`, 'resume t/0'])
    t.equal(assignment.begun, true)
    assignment.arrived(arrival(3n, 5n))
    t.match(batches, [{ ...p0, records: [{ offset: 3n }, { offset: 4n }], nextOffset: 5n, highWatermark: 1000n }])
  },
)

void t.test('a partition that stays goes on at the next offset, and is not told again', async (t) => {
  const { assignment, told } = reading()
  assignment.arrived(arrival(10n, 14n))
  t.same(assignment.join({ t: [0] }), [])
  t.same(told, ['seek t/0 14', 'resume t/0'])
})

void t.test('a partition that is lost is told at once; one whose start was never told is not', async (t) => {
  const { assignment, told } = reading()
  const held = only(assignment.join({ t: [0, 1] }))
  told.length = 0
  t.same(assignment.join({}), [])
  t.same(told, ['revoked t/0'])
  assignment.begin(held, from(1n))
  t.same(told, ['revoked t/0'], 'a start that was found too late begins nothing')
  t.equal(assignment.size, 0)
})

void t.test('a partition that went and came back is another holding', async (t) => {
  const { assignment, batches } = reading()
  const before = assignment.holding(p0)
  if (before === undefined) throw new Error('it is held')
  assignment.join({})
  assignment.join({ t: [0] })
  t.not(assignment.holding(p0), before)
  assignment.begin(before, from(1n))
  assignment.arrived(arrival(10n, 12n))
  t.same(batches, [])
})

void t.test('with the consumer every partition is lost', async (t) => {
  const { assignment, told } = reading()
  assignment.loseAll()
  t.same(told, ['revoked t/0'])
  t.same([assignment.size, assignment.reading, assignment.partitions], [0, false, []])
})

void t.test('what goes at once is told in one call, at a join and with the consumer', async (t) => {
  const { assignment, told } = road()
  const all = (): void => {
    for (const held of assignment.join({ t: [0, 1, 2] })) assignment.begin(held, from(1n))
    told.length = 0
  }
  all()
  assignment.join({ t: [1] })
  t.same(
    told.filter((what) => what.startsWith('revoked')),
    ['revoked t/0 t/2'],
  )
  all()
  assignment.loseAll()
  t.same(told, ['revoked t/1 t/0 t/2'])
  assignment.loseAll()
  t.equal(told.length, 1, 'and nothing is told when nothing goes')
})

void t.test('a pause holds through a join, and a resume ends it; neither touches what is not ours', async (t) => {
  const { assignment, told } = reading()
  assignment.pause(p0)
  t.equal(assignment.reading, false)
  assignment.join({ t: [0] })
  assignment.resume(p0)
  t.equal(assignment.reading, true)
  assignment.pause({ topic: 't', partition: 7 })
  assignment.resume({ topic: 't', partition: 7 })
  t.same(told, ['pause t/0', 'seek t/0 10', 'pause t/0', 'resume t/0'])
})

void t.test('a resume does not wake a partition whose start is not known', async (t) => {
  const { assignment, told } = road()
  assignment.join({ t: [0] })
  assignment.resume(p0)
  t.same(told, ['pause t/0', 'pause t/0'])
})

void t.test(
  'of a batch that was seen in part only the rest is handed over, and of one seen whole nothing',
  async (t) => {
    const { assignment, batches } = reading()
    assignment.arrived(arrival(8n, 12n))
    assignment.arrived(arrival(8n, 12n))
    t.match(batches, [{ records: [{ offset: 10n }, { offset: 11n }] }])
    t.equal(batches.length, 1)
  },
)

void t.test('a jump is read again; the same jump twice is retention, and is written down', async (t) => {
  const { assignment, told, batches, journal } = reading()
  assignment.arrived(arrival(20n, 22n))
  t.same(told, ['seek t/0 10'])
  t.same([batches.length, journal.length], [0, 0])
  assignment.arrived(arrival(20n, 22n))
  t.match(batches, [{ records: [{ offset: 20n }, { offset: 21n }] }])
  t.same(journal, [{ name: 'kafka.records-missing', ...p0, offset: 20n, expected: 10n }])
})

void t.test('a batch of markers moves on without records, and cries no gap', async (t) => {
  const { assignment, batches, journal } = reading()
  const markers = arrival(12n, 13n, { tellsGaps: false, records: () => [] })
  assignment.arrived(markers)
  assignment.arrived(markers)
  t.match(batches, [{ records: [], nextOffset: 13n }])
  t.same(journal, [])
})

void t.test('a log that was made anew is revoked and assigned again, unpaused, and read from its start', async (t) => {
  const { assignment, told, batches } = reading()
  const before = assignment.holding(p0)
  assignment.pause(p0)
  const anew = arrival(0n, 2n, { highWatermark: 2n })
  assignment.arrived(anew)
  assignment.arrived(anew)
  t.same(told, ['pause t/0', 'seek t/0 10', 'revoked t/0', `assigned t/0 undefined ''`, 'resume t/0'])
  t.match(batches, [{ records: [{ offset: 0n }, { offset: 1n }], nextOffset: 2n }])
  t.not(assignment.holding(p0), before, 'a commit for the old log finds no taker')
})

void t.test(
  'offsets that could not be read are said with their place and why, and only where they are new',
  async (t) => {
    const { assignment, journal, batches } = road()
    assignment.begin(only(assignment.join({ t: [0] })), from(3n))
    const asked: bigint[] = []
    const undecodable: Arrival['undecodable'] = (at) => {
      asked.push(at)
      return [{ from: 2n, last: 6n, why: 'no gzip' }]
    }
    assignment.arrived(arrival(0n, 7n, { undecodable }))
    assignment.arrived(arrival(0n, 7n, { undecodable }))
    t.same(asked, [3n], 'what was seen before is not said again')
    t.equal(batches.length, 1)
    t.match(journal, [
      { name: 'kafka.problem', code: 'XZB_KAFKA_DECOMPRESS', why: /t\/0: offsets 2 to 6 are passed over: no gzip/ },
    ])
  },
)
