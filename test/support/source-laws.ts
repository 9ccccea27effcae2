/**
 * The laws that every source keeps, run against the in-memory log and against real Kafka.
 *
 * They wait for what the source tells, with a deadline around the whole wait, and never for time to pass. That
 * something does not arrive is shown by something later that does. A Watch takes down what it is told and notes, at
 * every call, what a source must never do.
 */
import type { Test } from 'tap'
import type { KafkaRecord, RecordHeader, TopicPartition } from '../../src/core/record.ts'
import { partitionName } from '../../src/core/record.ts'
import type { Batch, Source, SourceEvents } from '../../src/core/seams.ts'
import type { CommittedOffset, NewRecord, Place } from '../../src/dev/memory-log.ts'

export interface SourceHarness {
  /** @returns the name of the topic; a new one unless it is given. */
  makeTopic(partitions: number, topic?: string): Promise<string>
  /** Appends in order within each partition. @returns where each record stands. */
  append(topic: string, records: readonly NewRecord[]): Promise<readonly Place[]>
  /** A new member, not started. Members are to notice each other quickly: short sessions, quick heartbeats. */
  source(options: SourceOptions): Source
  committed(groupId: string, topic: string): Promise<ReadonlyMap<number, CommittedOffset>>
  /** A name that no other law uses. */
  name(what: string): string
}

export interface SourceOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  readonly startFrom: 'earliest' | 'latest'
}

interface Assignment {
  readonly committed: bigint | undefined
  readonly metadata: string
  readonly records: KafkaRecord[]
  next: bigint
}

const DEADLINE_MS = 40_000
/** The outcome of one commit that went well. */
const COMMITTED = [{ kind: 'committed' }]

/** What a source has told, and whether it was allowed to. */
export class Watch implements SourceEvents {
  /** What it owns now. */
  readonly owned = new Map<string, Assignment>()
  /** Every record that arrived, in order of arrival, over all assignments. */
  readonly records: KafkaRecord[] = []
  /** `assigned t/0`, `revoked t/0`, `drain`, in order; a call that revokes several is as many entries. */
  readonly told: string[] = []
  /** How many partitions went with each call of `revoked`. */
  readonly losses: number[] = []
  /** What it must never do, and did. */
  readonly violations: string[] = []
  /** What `drain` waits for. */
  onDrain: () => Promise<void> = async () => undefined
  /** How often a rejoin was over. */
  rejoins = 0
  #silent = false
  readonly #looks = new Set<() => void>()

  assigned(partition: TopicPartition, committed: bigint | undefined, metadata: string): void {
    const name = this.#tell('assigned', partition)
    if (this.owned.has(name)) this.violations.push(`${name} was assigned twice`)
    this.owned.set(name, { committed, metadata, records: [], next: committed ?? 0n })
    this.#changed()
  }

  revoked(partitions: readonly TopicPartition[]): void {
    this.losses.push(partitions.length)
    for (const partition of partitions) {
      const name = this.#tell('revoked', partition)
      if (!this.owned.delete(name)) this.violations.push(`${name} was revoked but not ours`)
    }
    if (partitions.length === 0) this.violations.push('a loss of nothing was told')
    this.#changed()
  }

  received(batch: Batch): void {
    const name = partitionName(batch)
    const assignment = this.owned.get(name)
    if (this.#silent) this.violations.push(`${name} arrived after stop`)
    if (assignment === undefined) {
      this.violations.push(`records of ${name} arrived, which is not ours`)
      return
    }
    for (const record of batch.records) {
      if (partitionName(record) !== name) this.violations.push(`${partitionName(record)} came in a batch of ${name}`)
      if (record.offset < assignment.next) this.violations.push(`${name}/${record.offset} came again, or out of order`)
      assignment.next = record.offset + 1n
      assignment.records.push(record)
      this.records.push(record)
    }
    if (batch.nextOffset < assignment.next) this.violations.push(`${name}: nextOffset does not cover the batch`)
    // Kafka notes its high watermark before it reads: what is appended meanwhile ends past it (Partition.readRecords).
    assignment.next = batch.nextOffset
    this.#changed()
  }

  rejoined(): void {
    this.rejoins += 1
  }

  async drain(): Promise<void> {
    this.told.push('drain')
    await this.onDrain()
  }

  /** From here on nothing may be told. */
  silence(): void {
    this.#silent = true
  }

  /** The assignment of a partition that is ours. */
  at(topic: string, partition: number): Assignment {
    const assignment = this.owned.get(partitionName({ topic, partition }))
    if (assignment === undefined) throw new Error(`${topic}/${partition} is not ours`)
    return assignment
  }

  /** Resolves once it holds; looked at whenever the source tells something. */
  async until(what: string, holds: () => boolean): Promise<void> {
    await until([this], what, holds)
  }

  /** Calls this after everything that is told, until the answer is called. */
  afterEach(look: () => void): () => void {
    this.#looks.add(look)
    return () => void this.#looks.delete(look)
  }

  toString(): string {
    const held = [...this.owned].map(([name, { records }]) => `${name} with ${records.length} records`)
    return `told ${this.told.join(', ') || 'nothing'}; holds ${held.join(', ') || 'nothing'}`
  }

  #tell(what: string, partition: TopicPartition): string {
    const name = partitionName(partition)
    this.told.push(`${what} ${name}`)
    if (this.#silent) this.violations.push(`${what} ${name} was told after stop`)
    return name
  }

  #changed(): void {
    for (const look of this.#looks) look()
  }
}

/** Resolves once it holds; looked at whenever one of the members is told something. */
async function until(watches: readonly Watch[], what: string, holds: () => boolean): Promise<void> {
  if (holds()) return
  await new Promise<void>((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(deadline)
      for (const leave of leaves) leave()
      settle()
    }
    const deadline = setTimeout(() => {
      const error = new Error(`not within ${DEADLINE_MS} ms: ${what}. Members: ${watches.map(String).join(' | ')}`)
      end(() => {
        reject(error)
      })
    }, DEADLINE_MS)
    const leaves = watches.map((watch) =>
      watch.afterEach(() => {
        if (holds()) end(resolve)
      }),
    )
  })
}

const text = (value: Uint8Array | null): string | null => value && Buffer.from(value).toString()
const values = (records: readonly KafkaRecord[]): (string | null)[] => records.map(({ value }) => text(value))
const numbered = (count: number, partition: number, from = 0): NewRecord[] =>
  Array.from({ length: count }, (_, at) => ({ partition, key: `k${from + at}`, value: `v${from + at}` }))

/** Runs every law. The harness may share one broker between them: each law has its own topic and group. */
export function sourceLaws(t: Test, harness: SourceHarness): void {
  async function member(t: Test, options: SourceOptions): Promise<{ source: Source; watch: Watch }> {
    const source = harness.source(options)
    const watch = new Watch()
    t.teardown(() => source.stop())
    await source.start(watch)
    return { source, watch }
  }
  const group = (topic: string, startFrom: 'earliest' | 'latest' = 'earliest'): SourceOptions => ({
    groupId: harness.name('group'),
    topics: [topic],
    startFrom,
  })
  const law = (name: string, keeps: (t: Test) => Promise<void>): void => {
    void t.test(name, keeps)
  }

  law('every record arrives once, in the order of its partition', async (t) => {
    const topic = await harness.makeTopic(3)
    const places = await harness.append(
      topic,
      Array.from({ length: 120 }, (_, at) => ({ key: `k${at % 17}`, value: `v${at}` })),
    )
    const { source, watch } = await member(t, group(topic))
    await watch.until('120 records', () => watch.records.length >= 120)
    for (let partition = 0; partition < 3; partition++) {
      const written = places.flatMap((place, at) => (place.partition === partition ? [`v${at}`] : []))
      t.same(values(watch.at(topic, partition).records), written, `partition ${partition} is in order`)
    }
    t.same(watch.violations, [])
    t.match(source.health(), { joined: true, partitions: 3, fetchedAtMs: Number, problem: undefined })
  })

  law('a group without offsets starts at the earliest record and is told so', async (t) => {
    const topic = await harness.makeTopic(1)
    await harness.append(topic, numbered(3, 0))
    const { watch } = await member(t, group(topic))
    await watch.until('3 records', () => watch.records.length >= 3)
    t.match(watch.at(topic, 0), { committed: undefined, metadata: '' })
    t.same(values(watch.records), ['v0', 'v1', 'v2'])
  })

  law('with latest a new group starts at the end, and skips nothing from then on', async (t) => {
    const topic = await harness.makeTopic(1)
    await harness.append(topic, numbered(3, 0))
    const options = group(topic, 'latest')
    const first = await member(t, options)
    await first.watch.until('the partition', () => first.watch.owned.size === 1)
    await harness.append(topic, numbered(1, 0, 3))
    await first.watch.until('the new record', () => first.watch.records.length >= 1)
    t.same(values(first.watch.records), ['v3'], 'what stood before the start does not come')
    // Nothing of it is committed by us: had the group no start of its own, a rejoin would begin at the end again.
    await first.source.stop()
    await harness.append(topic, numbered(1, 0, 4))
    const second = await member(t, options)
    await second.watch.until('both records', () => second.watch.records.length >= 2)
    t.same(values(second.watch.records), ['v3', 'v4'])
  })

  law('keys, values and headers arrive byte for byte', async (t) => {
    const topic = await harness.makeTopic(1)
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const headers: RecordHeader[] = [
      { name: 'twice', value: Buffer.from('one') },
      { name: 'twice', value: Buffer.from('two') },
      { name: 'bytes', value: every },
      { name: 'empty', value: new Uint8Array() },
      { name: 'größe', value: Buffer.from('größe') },
    ]
    const written: NewRecord[] = [
      { key: null, value: null, headers: [], timestampMs: 1_700_000_000_000 },
      { key: '', value: '', headers, timestampMs: 1_700_000_000_001 },
      { key: every, value: every, headers: [], timestampMs: 1_700_000_000_002 },
    ]
    await harness.append(topic, written)
    const { watch } = await member(t, group(topic))
    await watch.until('3 records', () => watch.records.length >= 3)
    const plain = (value: Uint8Array | string | null | undefined): string | null =>
      value === null || value === undefined ? null : Buffer.from(value as Uint8Array).toString('hex')
    const shape = (record: NewRecord | KafkaRecord): unknown => ({
      key: plain(record.key),
      value: plain(record.value),
      headers: (record.headers ?? []).map(({ name, value }) => [name, plain(value)]),
      timestampMs: record.timestampMs,
    })
    t.same(watch.records.map(shape), written.map(shape))
  })

  law('a committed offset and its metadata are where the next member starts', async (t) => {
    const topic = await harness.makeTopic(1)
    await harness.append(topic, numbered(10, 0))
    const options = group(topic)
    const first = await member(t, options)
    await first.watch.until('10 records', () => first.watch.records.length >= 10)
    const commit = { topic, partition: 0, offset: 4n, metadata: 'beyond: 6 8-9' }
    t.same(await first.source.commit([commit]), COMMITTED)
    t.same((await harness.committed(options.groupId, topic)).get(0), { offset: 4n, metadata: commit.metadata })
    await first.source.stop()
    const second = await member(t, options)
    await second.watch.until('6 records', () => second.watch.records.length >= 6)
    t.match(second.watch.at(topic, 0), { committed: 4n, metadata: commit.metadata })
    t.same(values(second.watch.records), ['v4', 'v5', 'v6', 'v7', 'v8', 'v9'])
    t.same(second.watch.violations, [])
  })

  law('a commit moves no position: nothing comes again and nothing is skipped', async (t) => {
    const topic = await harness.makeTopic(1)
    await harness.append(topic, numbered(5, 0))
    const { source, watch } = await member(t, group(topic))
    await watch.until('5 records', () => watch.records.length >= 5)
    t.same(await source.commit([{ topic, partition: 0, offset: 2n, metadata: '' }]), COMMITTED)
    await harness.append(topic, numbered(2, 0, 5))
    await watch.until('7 records', () => watch.records.length >= 7)
    t.same(values(watch.records), ['v0', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6'])
  })

  law(
    'a paused partition delivers nothing that is appended later, and goes on where it was after resume',
    async (t) => {
      const topic = await harness.makeTopic(2)
      await harness.append(topic, [...numbered(5, 0), ...numbered(5, 1)])
      const { source, watch } = await member(t, group(topic))
      await watch.until('10 records', () => watch.records.length >= 10)
      source.pause([{ topic, partition: 0 }])
      for (let round = 0; round < 3; round++) {
        await harness.append(topic, [...numbered(1, 0, 5 + round), ...numbered(1, 1, 5 + round)])
        await watch.until('the neighbour goes on', () => watch.at(topic, 1).records.length >= 6 + round)
      }
      t.equal(watch.at(topic, 0).records.length, 5)
      source.resume([{ topic, partition: 0 }])
      await watch.until('the rest', () => watch.at(topic, 0).records.length >= 8)
      t.same(values(watch.at(topic, 0).records), ['v0', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7'])
      t.same(watch.violations, [])
    },
  )

  law('two members share the partitions, and who is left takes over from the committed offsets', async (t) => {
    const topic = await harness.makeTopic(4)
    const all = [0, 1, 2, 3]
    await harness.append(
      topic,
      all.flatMap((partition) => numbered(6, partition)),
    )
    const options = group(topic)
    const a = await member(t, options)
    await a.watch.until('all partitions', () => a.watch.records.length >= 24)
    const b = await member(t, options)
    await until([a.watch, b.watch], 'two each', () => a.watch.owned.size === 2 && b.watch.owned.size === 2)
    t.same(a.watch.losses, [2], 'both that went were told at once')
    const names = [...a.watch.owned.keys(), ...b.watch.owned.keys()]
    t.equal(new Set(names).size, 4, 'each partition has one owner')
    const before = a.watch.records.length
    await harness.append(
      topic,
      all.flatMap((partition) => numbered(1, partition, 6)),
    )
    await a.watch.until('its new records', () => a.watch.records.length >= before + 2)
    await b.watch.until('its partitions whole', () => b.watch.records.length >= 14)
    t.equal(a.watch.records.length, before + 2, 'a sees its own alone')
    for (const partition of all.filter((partition) => a.watch.owned.has(partitionName({ topic, partition })))) {
      const outcome = await a.source.commit([{ topic, partition, offset: 3n, metadata: 'from a' }])
      t.same(outcome, COMMITTED)
    }
    const left = [...a.watch.owned.keys()]
    await a.source.stop()
    await b.watch.until('all partitions', () => b.watch.owned.size === 4)
    for (const name of left) t.match(b.watch.owned.get(name), { committed: 3n, metadata: 'from a' })
    await b.watch.until('the rest of a', () => b.watch.records.length >= 14 + 8)
    for (const name of left) t.same(values(b.watch.owned.get(name)?.records ?? []), ['v3', 'v4', 'v5', 'v6'])
    t.same([...a.watch.violations, ...b.watch.violations], [])
  })

  law('a partition that is kept through a rejoin is not told again and sees no record twice', async (t) => {
    const topic = await harness.makeTopic(4)
    const all = [0, 1, 2, 3]
    await harness.append(
      topic,
      all.flatMap((partition) => numbered(5, partition)),
    )
    const options = group(topic)
    const a = await member(t, options)
    await a.watch.until('all records', () => a.watch.records.length >= 20)
    const b = await member(t, options)
    await until([a.watch, b.watch], 'two each', () => a.watch.owned.size === 2 && b.watch.owned.size === 2)
    await harness.append(
      topic,
      all.flatMap((partition) => numbered(1, partition, 5)),
    )
    await a.watch.until('one more each', () => a.watch.records.length >= 22)
    for (const [name, { records }] of a.watch.owned) {
      t.same(values(records), ['v0', 'v1', 'v2', 'v3', 'v4', 'v5'], `${name} went on`)
      t.same(
        a.watch.told.filter((what) => what.endsWith(name)),
        [`assigned ${name}`],
      )
    }
    t.same(a.watch.violations, [])
  })

  law(
    'a member drains before it loses a partition, and what it commits then is where the next owner starts',
    async (t) => {
      const topic = await harness.makeTopic(2)
      await harness.append(topic, [...numbered(5, 0), ...numbered(5, 1)])
      const options = group(topic)
      const a = await member(t, options)
      await a.watch.until('all records', () => a.watch.records.length >= 10)
      a.watch.onDrain = async () => {
        for (const partition of [0, 1]) {
          if (!a.watch.owned.has(partitionName({ topic, partition }))) continue
          await a.source.commit([{ topic, partition, offset: 5n, metadata: 'drained' }])
        }
      }
      const b = await member(t, options)
      await b.watch.until('a partition', () => b.watch.owned.size === 1)
      const [[, assignment] = []] = b.watch.owned
      t.match(assignment, { committed: 5n, metadata: 'drained' })
      await a.watch.until('its loss', () => a.watch.owned.size === 1)
      t.ok(a.watch.told.indexOf('drain') < a.watch.told.findIndex((what) => what.startsWith('revoked')))
      t.same([...a.watch.violations, ...b.watch.violations], [])
    },
  )

  law('a commit for a partition that a member has lost is refused and moves nothing', async (t) => {
    const topic = await harness.makeTopic(2)
    await harness.append(topic, [...numbered(5, 0), ...numbered(5, 1)])
    const options = group(topic)
    const a = await member(t, options)
    await a.watch.until('all records', () => a.watch.records.length >= 10)
    const b = await member(t, options)
    await until([a.watch, b.watch], 'one each', () => a.watch.owned.size === 1 && b.watch.owned.size === 1)
    const lost = [0, 1].find((partition) => b.watch.owned.has(partitionName({ topic, partition }))) ?? -1
    t.same(await b.source.commit([{ topic, partition: lost, offset: 2n, metadata: 'b' }]), COMMITTED)
    t.match(await a.source.commit([{ topic, partition: lost, offset: 5n, metadata: 'a' }]), [{ kind: 'refused' }])
    t.same((await harness.committed(options.groupId, topic)).get(lost), { offset: 2n, metadata: 'b' })
  })

  law('each commit of several has an outcome of its own, and one that is refused holds up no other', async (t) => {
    const topic = await harness.makeTopic(3)
    await harness.append(
      topic,
      [0, 1, 2].flatMap((partition) => numbered(5, partition)),
    )
    const options = group(topic)
    const { source, watch } = await member(t, options)
    await watch.until('all records', () => watch.records.length >= 15)
    const outcomes = await source.commit([
      { topic, partition: 7, offset: 1n, metadata: '' },
      { topic, partition: 0, offset: 2n, metadata: 'kept' },
      { topic, partition: 1, offset: 3n, metadata: 'x'.repeat(4097) },
      { topic, partition: 2, offset: 4n, metadata: '' },
    ])
    t.match(outcomes, [
      { kind: 'refused', why: 'the partition is no longer ours' },
      { kind: 'committed' },
      { kind: 'refused', why: /^OFFSET_METADATA_TOO_LARGE/ },
      { kind: 'committed' },
    ])
    const committed = await harness.committed(options.groupId, topic)
    t.same([committed.get(0)?.offset, committed.get(1), committed.get(2)?.offset], [2n, undefined, 4n])
    t.same(await source.commit([]), [])
  })

  law('a source that is stopped before it starts stays outside the group', async (t) => {
    const topic = await harness.makeTopic(1)
    const options = group(topic)
    const source = harness.source(options)
    const watch = new Watch()
    watch.silence()
    await source.stop()
    await source.start(watch)
    t.teardown(() => source.stop())
    await harness.append(topic, numbered(1, 0))
    const next = await member(t, options)
    await next.watch.until('the record', () => next.watch.records.length >= 1)
    t.same([watch.told, watch.violations], [[], []])
    t.match(source.health(), { joined: false, partitions: 0 })
  })

  law('a source can be stopped twice, and is silent and without a say from then on', async (t) => {
    const topic = await harness.makeTopic(1)
    await harness.append(topic, numbered(3, 0))
    const options = group(topic)
    const { source, watch } = await member(t, options)
    await watch.until('3 records', () => watch.records.length >= 3)
    t.same(await source.commit([{ topic, partition: 0, offset: 1n, metadata: '' }]), COMMITTED)
    await source.stop()
    watch.silence()
    await source.stop()
    t.match(await source.commit([{ topic, partition: 0, offset: 3n, metadata: '' }]), [{ kind: 'refused' }])
    t.match(source.health(), { joined: false, partitions: 0 })
    await harness.append(topic, numbered(1, 0, 3))
    const next = await member(t, options)
    await next.watch.until('the rest', () => next.watch.records.length >= 3)
    t.same(values(next.watch.records), ['v1', 'v2', 'v3'])
    t.same(watch.violations, [])
  })

  law('a source that was never started can be stopped', async (t) => {
    const source = harness.source(group(await harness.makeTopic(1)))
    t.match(source.health(), { joined: false, partitions: 0, fetchedAtMs: undefined })
    await source.stop()
    t.match(source.health(), { joined: false, partitions: 0 })
  })

  law('a topic that is made after the start is read once it is there', async (t) => {
    const topic = harness.name('later')
    const { watch } = await member(t, group(topic))
    await harness.makeTopic(1, topic)
    await harness.append(topic, numbered(2, 0))
    await watch.until('2 records', () => watch.records.length >= 2)
    t.same(values(watch.records), ['v0', 'v1'])
    t.same(watch.violations, [])
  })
}
