import t from 'tap'
import type { EventFacts, Known, LogFields } from '../../src/dev/demo-view.ts'
import { bridgeStep, label, lifecycleOf, missing, stepLine, table, typeOf, verdict } from '../../src/dev/demo-view.ts'

const WHOLE: EventFacts = {
  id: '01J00000000000000000000AAA',
  name: 'build.success',
  ends: 'completed',
  place: { partition: 2, offset: 7n },
  answer: 'HTTP 200',
  started: 1,
  completed: 1,
  failed: 0,
  committed: 8n,
}

void t.test('an event has made the whole way only if every witness says so', async (t) => {
  t.same(missing(WHOLE), [])
  t.same(missing({ ...WHOLE, ends: 'failed', completed: 0, failed: 1 }), [])
  t.same(missing({ ...WHOLE, answer: undefined }), [], "the bridge's own word counts for nothing")
  const lacks: [Partial<EventFacts>, string][] = [
    [{ place: undefined }, 'is not in the log'],
    [{ started: 0 }, 'XZepr has no started'],
    [{ completed: 0 }, 'XZepr has no completed'],
    [{ failed: 1 }, 'XZepr has failed, which is not how it ended'],
    [{ committed: 7n }, 'its offset is not committed'],
    [{ committed: undefined }, 'its offset is not committed'],
  ]
  for (const [change, lack] of lacks) t.same(missing({ ...WHOLE, ...change }), [lack])
})

void t.test('the first record of a partition needs a commit like any other', async (t) => {
  const first = { ...WHOLE, place: { partition: 0, offset: 0n } }
  t.same(missing({ ...first, committed: undefined }), ['its offset is not committed'])
  t.same(missing({ ...first, committed: 0n }), ['its offset is not committed'])
  t.same(missing({ ...first, committed: 1n }), [])
})

void t.test('the verdict is good only when there are events and none of them lacks anything', async (t) => {
  t.equal(verdict([], true).ok, false)
  t.same(verdict([WHOLE, WHOLE], true), {
    ok: true,
    sentences: ['All 2 events made the whole way, and nothing is owed any more.'],
  })
  t.same(verdict([WHOLE, { ...WHOLE, started: 0, committed: undefined }], true), {
    ok: false,
    sentences: [
      '1 of 2 events did not make the whole way.',
      'build.success …00AAA: XZepr has no started; its offset is not committed.',
    ],
  })
})

void t.test('a verdict on the in-memory log says that no Kafka was there', async (t) => {
  t.same(verdict([WHOLE], false), {
    ok: true,
    sentences: ['The event made the whole way (on the in-memory log, not on a Kafka).'],
  })
})

void t.test(
  'the table has a row per event, aligned, and shows what is not there and what is there twice',
  async (t) => {
    const bare = { ...WHOLE, place: undefined, answer: undefined, started: 0, completed: 0, committed: undefined }
    t.same(table([WHOLE, { ...WHOLE, name: 'a.much.longer.name', started: 2, failed: 3 }, bare]), [
      'event                      webhook   started  ended                 offset  committed',
      '─────────────────────────  ────────  ───────  ────────────────────  ──────  ─────────',
      'build.success …00AAA       HTTP 200  ✓        completed             2/7     ✓',
      'a.much.longer.name …00AAA  HTTP 200  ✓ ×2     completed, failed ×3  2/7     ✓',
      'build.success …00AAA       –         –        –                     –       –',
    ])
  },
)

void t.test('steps stand below each other', async (t) => {
  t.equal(label(WHOLE), 'build.success …00AAA')
  t.equal(stepLine(1234, 'bridge', label(WHOLE), 'what'), '   1.23s  bridge  build.success …00AAA       what')
  t.equal(stepLine(61_000, 'you', '', 'x').indexOf('x'), stepLine(0, 'kafka', 'x', '').indexOf('x'))
  t.equal(label({ ...WHOLE, name: 'xzepr.event.receiver.created' }), 'receiver.created …00AAA')
})

void t.test('no step ends with a full stop, whoever wrote it', async (t) => {
  t.match(stepLine(0, 'bridge', '', 'The app is away.'), /The app is away$/)
})

const known: Known = {
  byId: (id) => (id === WHOLE.id ? 'the event' : undefined),
  byPlace: ({ partition, offset }) => (partition === 2 && offset === 7n ? 'the event' : undefined),
}

void t.test('what the bridge says becomes a step about the event that it names, by id or by place', async (t) => {
  const of = { topic: 'a', partition: 2, offset: '7', workId: WHOLE.id }
  const steps: [LogFields, string | undefined][] = [
    [{ ...of, event: 'attempt.started', attempt: 1 }, 'POST to the webhook, attempt 1'],
    [{ ...of, event: 'attempt.answered', answer: 'done', why: 'HTTP 200' }, 'the app answered HTTP 200: done'],
    [{ ...of, event: 'work.resting', restMs: 250, why: 'HTTP 500' }, 'rests 250 ms: HTTP 500'],
    [{ ...of, event: 'work.reported', report: 'started' }, 'the app reported started'],
    [{ ...of, event: 'work.ended', ending: 'failed', why: 'HTTP 400' }, 'ended failed: HTTP 400'],
    [{ ...of, event: 'work.ended', ending: 'completed', why: 'x' }, undefined],
    [{ ...of, workId: undefined, event: 'record.settled', ending: 'completed' }, 'settled: nothing more is owed'],
    [{ ...of, event: 'record.settled', ending: 'passed-over' }, undefined],
    [{ ...of, event: 'record.passed-over', why: 'ours' }, undefined],
    [{ ...of, event: 'record.received', level: 'debug' }, undefined],
    [{ ...of, event: 'record.poison', level: 'error', msg: 'It cannot be read.' }, 'It cannot be read.'],
  ]
  for (const [fields, what] of steps) {
    t.same(
      bridgeStep(fields, known),
      what === undefined ? undefined : { about: 'the event', what },
      String(fields.event),
    )
  }
})

void t.test('what the bridge says about itself names no event', async (t) => {
  const steps: [LogFields, string][] = [
    [{ event: 'bridge.started' }, 'has started'],
    [{ event: 'kafka.joined', partitions: 3 }, 'joined the consumer group, 3 partitions'],
    [{ event: 'xzepr.receiver', receiver: 'demo-receiver' }, 'is known to XZepr as demo-receiver'],
    [{ event: 'offset.committed', partition: 2, offset: '7' }, 'committed partition 2 up to offset 7'],
    [{ event: 'gate.closed', level: 'warn', msg: 'The app is away.' }, 'The app is away.'],
    [{ level: 'warn', msg: 'Error: no JSON at all' }, 'Error: no JSON at all'],
  ]
  for (const [fields, what] of steps) t.same(bridgeStep(fields, known), { about: '', what })
})

void t.test('a lifecycle event names its work; nothing else does', async (t) => {
  t.same(lifecycleOf('{"work_id":"a","status":"started","details":{}}'), { workId: 'a', status: 'started' })
  for (const payload of ['{}', '[]', 'null', '1', '{"work_id":1,"status":"started"}', '{"work_id":"a"}']) {
    t.equal(lifecycleOf(payload), undefined, payload)
  }
  t.equal(typeOf('{"type":"build.success"}'), 'build.success')
})
