import t from 'tap'
import type { JournalEntry } from '../../src/core/journal.ts'
import type { Row } from '../../src/dev/loop-story.ts'
import { LoopStory } from '../../src/dev/loop-story.ts'
import { LoopScreen } from '../../src/dev/loop-screen.ts'

const PLACE = { topic: 't', partition: 1, offset: 7n }
const OF_WORK = { ...PLACE, workId: '01M847HRZSMFZDV1KG79EPM357' }
const STARTED = { name: 'attempt.started', ...OF_WORK, attempt: 1, eventType: 'build.success' } as const
const ANSWERED = {
  name: 'attempt.answered',
  ...OF_WORK,
  attempt: 1,
  answer: 'done',
  why: 'HTTP 200',
  tookMs: 3,
} as const

function told(entries: readonly JournalEntry[], story = new LoopStory()): string[] {
  return entries.map((entry) => story.row(entry)).flatMap((row) => (row === undefined ? [] : [textOf(row)]))
}
const textOf = ({ kind, name, id, text, tone }: Row): string =>
  [kind.trim(), name, id.slice(-5), text, tone].filter((part) => part !== '').join(' | ')

void t.test('an event, its reports, its answer and its end are a row each', async (t) => {
  t.same(
    told([
      { name: 'record.received', ...PLACE },
      STARTED,
      { name: 'work.reported', ...OF_WORK, report: 'started' },
      { name: 'report.stored', workId: OF_WORK.workId, status: 'started', eventId: 'e' },
      { name: 'work.reported', ...OF_WORK, report: 'completed' },
      ANSWERED,
      { name: 'work.ended', ...OF_WORK, ending: 'completed', attempt: 1, why: 'reported by the app' },
      { name: 'report.stored', workId: OF_WORK.workId, status: 'completed', eventId: 'e' },
      { name: 'record.settled', ...PLACE, ending: 'completed' },
      { name: 'offset.committed', ...PLACE, mapChars: 0 },
    ]),
    [
      '→ event | build.success | PM357 | to the app | plain',
      '← report | build.success | PM357 | started | good',
      '← report | build.success | PM357 | completed | good',
      '← answer | build.success | PM357 | HTTP 200: done, 3 ms | good',
      '✓ settled | build.success | PM357 | completed; XZepr has started, completed | good',
    ],
  )
})

void t.test('what goes wrong says so: a retry, a lease, a failure, an app that is away', async (t) => {
  t.same(
    told([
      STARTED,
      { ...ANSWERED, answer: 'later', why: 'HTTP 503' },
      { name: 'work.resting', ...OF_WORK, attempt: 1, why: 'HTTP 503', restMs: 412 },
      { ...STARTED, attempt: 2 },
      { ...ANSWERED, attempt: 2, answer: 'away', why: 'ECONNREFUSED' },
      { name: 'gate.opened', closedMs: 5 },
      { name: 'work.lease-out', ...OF_WORK, attempt: 2 },
      { name: 'work.ended', ...OF_WORK, ending: 'failed', attempt: 2, why: 'attempts spent.' },
      { name: 'record.settled', ...PLACE, ending: 'failed' },
    ]),
    [
      '→ event | build.success | PM357 | to the app | plain',
      '← answer | build.success | PM357 | HTTP 503: later, 3 ms | wait',
      'rest | build.success | PM357 | comes again in 412 ms | wait',
      '→ event | build.success | PM357 | to the app again, attempt 2 | plain',
      '← answer | build.success | PM357 | the app is away: ECONNREFUSED | wait',
      'bridge | the app is there: deliveries go on | good',
      '! silent | build.success | PM357 | the lease has run out: no report came | bad',
      '✗ settled | build.success | PM357 | failed: attempts spent | bad',
    ],
  )
})

void t.test('what is not for the app is named with the reason, unless it is the bridge’s own', async (t) => {
  const story = new LoopStory()
  story.named('a-1', 'build.started')
  story.placed('a-1', PLACE)
  const why = 'BRIDGE_EVENT_TYPES does not ask for its type'
  t.same(told([{ name: 'record.passed-over', ...PLACE, why }], story), [
    `passed | build.started | a-1 | over: ${why} | plain`,
  ])
  t.same(told([{ name: 'record.settled', ...PLACE, ending: 'passed-over' }], story), [])
  t.same(told([{ name: 'record.passed-over', ...PLACE, why: 'it is the bridge’s own event' }]), [])
})

void t.test('every warning and every error is shown, whatever it is about', async (t) => {
  t.match(told([{ name: 'gate.closed', why: 'ECONNREFUSED' }]), [
    /^! bridge \| The app is away \(ECONNREFUSED\).*wait$/,
  ])
  t.match(told([{ name: 'http.fault', why: 'x' }]), [/^! bridge .*bad$/])
  t.same(told([{ name: 'kafka.joined', partitions: 3 }]), [])
})

void t.test('an answer that comes after the end still has its name', async (t) => {
  const settled = { name: 'record.settled', ...PLACE, ending: 'completed' } as const
  t.match(told([STARTED, settled, ANSWERED]).at(-1), /^← answer \| build\.success \| PM357/)
})

void t.test('works that never settle lose their names one day, and nothing else', async (t) => {
  const story = new LoopStory()
  for (let nth = 0; nth <= 10_000; nth++) story.named(`id-${nth}`, 'a')
  const row = story.row({ ...ANSWERED, workId: 'id-0' })
  t.match(row, { name: '', id: 'id-0', text: 'HTTP 200: done, 3 ms' })
})

const AT_MS = new Date(2026, 10, 23, 14, 2, 11, 204).getTime()
function screen(coloured: boolean): { lines: string[]; screen: LoopScreen } {
  const lines: string[] = []
  const write = (text: string): void => void lines.push(...text.trimEnd().split('\n'))
  return { lines, screen: new LoopScreen({ write, coloured, nowMs: () => AT_MS }) }
}
const row = (name: string, text: string): Row => ({ kind: '→ event', name, id: OF_WORK.workId, text, tone: 'good' })

void t.test('rows are aligned; a column grows with what is in it and never shrinks', async (t) => {
  const { lines, screen: shown } = screen(false)
  shown.row(row('a.b', 'one'))
  shown.row(row('deployment.success', 'two'))
  shown.row(row('a.b', 'three'))
  shown.say('four')
  t.equal(lines[0], `14:02:11.204  → event    a.b  ${OF_WORK.workId}  one`)
  t.equal(lines[1]?.indexOf('two'), lines[2]?.indexOf('three'))
  t.equal(lines[3], '14:02:11.204    dev      four')
})

void t.test('nothing from outside moves the cursor, and colours are for a terminal alone', async (t) => {
  const { lines, screen: plain } = screen(false)
  plain.row(row('a\u001b[2Jb', 'x\ny'))
  plain.app('\u001b[32mlistening\u001b[0m on\tport 8080\u0007')
  t.match(lines, [/a\?\[2Jb .* x\?y$/, /app {6}│ listening on {4}port 8080\??$/])
  const { lines: bright, screen: coloured } = screen(true)
  coloured.row(row('a', 'b'))
  t.equal(bright[0]?.replaceAll(/\u001b\[\d+m/g, ''), `14:02:11.204  → event    a  ${OF_WORK.workId}  b`)
  t.match(bright[0], '\u001b[32m→ event')
})
