import fc from 'fast-check'
import t from 'tap'
import type { JournalEntry } from '../src/core/journal.ts'
import type { LogLevel } from '../src/log.ts'
import { TEXT_MAX_CHARS, createLog, lineOf } from '../src/log.ts'
import { anyText } from './support/any-text.ts'
import { ENTRIES } from './support/entries.ts'

/** Writes entries and gives back the lines as a reader of the log gets them. */
function written(entries: readonly JournalEntry[], level: LogLevel = 'debug'): Record<string, unknown>[] {
  const lines: string[] = []
  const log = createLog({ level, service: 'deployer' }, { write: (line) => void lines.push(line) })
  for (const entry of entries) log(entry)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

const WORK = { topic: 'events', partition: 2, offset: 9007199254740993n, workId: '01J' }

void t.test('a line has the instant, the level, the service, the stable name, the fields and a sentence', async (t) => {
  const [line] = written([
    { name: 'attempt.answered', ...WORK, attempt: 2, answer: 'later', why: 'HTTP 503', tookMs: 12.5 },
  ])
  t.match(line?.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.same(
    { ...line, time: '' },
    {
      level: 'debug',
      time: '',
      service: 'deployer',
      event: 'attempt.answered',
      topic: 'events',
      partition: 2,
      offset: '9007199254740993',
      workId: '01J',
      attempt: 2,
      answer: 'later',
      why: 'HTTP 503',
      tookMs: 12.5,
      msg: 'The app answered attempt 2 of work 01J with later: HTTP 503.',
    },
  )
})

void t.test('every entry writes all its own fields and one sentence', async (t) => {
  for (const entry of ENTRIES) {
    const [line = {}] = written([entry])
    const own = Object.entries(entry).filter(([name, value]) => name !== 'name' && value !== undefined)
    for (const [name, value] of own) {
      t.equal(line[name], typeof value === 'bigint' ? value.toString() : value, `${entry.name}: ${name}`)
    }
    t.equal(line.event, entry.name)
    t.match(line.msg, /^\S.*[.!?]$/, `${entry.name}: ${String(line.msg)}`)
    t.notMatch(line.msg, /undefined|\[object/)
  }
})

void t.test('no member comes twice in a line', async (t) => {
  const lines: string[] = []
  const log = createLog({ level: 'debug', service: 'deployer' }, { write: (line) => void lines.push(line) })
  for (const entry of ENTRIES) log(entry)
  t.equal(lines.length, ENTRIES.length)
  for (const line of lines) {
    const names = [...line.matchAll(/[{,]"(\w+)":/g)].map(([, name]) => name)
    t.equal(new Set(names).size, names.length, line)
  }
})

void t.test('levels: every record at debug, a failure at warn, poison at error', async (t) => {
  const levelOf = (entry: JournalEntry): string => lineOf(entry).level
  const ended = { name: 'work.ended', ...WORK, attempt: 1, why: 'HTTP 200' } as const
  t.equal(levelOf({ ...ended, ending: 'completed' }), 'debug')
  t.equal(levelOf({ ...ended, ending: 'passed-over' }), 'debug')
  t.equal(levelOf({ ...ended, ending: 'failed' }), 'warn')
  t.equal(levelOf({ ...ended, ending: 'poison' }), 'error')
  t.equal(levelOf({ name: 'record.poison', ...WORK, why: 'not JSON' }), 'error')
  t.equal(levelOf({ name: 'bridge.stopped', unsettled: 0, owed: 0 }), 'info')
  t.equal(levelOf({ name: 'bridge.stopped', unsettled: 0, owed: 1 }), 'warn')
  const perRecord = ['record.received', 'attempt.started', 'attempt.answered', 'record.settled', 'offset.committed']
  for (const entry of ENTRIES) if (perRecord.includes(entry.name)) t.equal(levelOf(entry), 'debug', entry.name)
})

void t.test('what is below the level is not written', async (t) => {
  const levels = (level: LogLevel): unknown[] => [...new Set(written(ENTRIES, level).map((line) => line.level))]
  t.notOk(levels('info').includes('debug'))
  t.same(levels('error'), ['error'])
  t.same(levels('silent'), [])
})

void t.test('an attribute that is not the entry’s own is never written', async (t) => {
  const bag = { token: 'canary', headers: { authorization: 'canary' }, eventType: 'canary' }
  for (const entry of ENTRIES) {
    if (entry.name === 'attempt.started') continue
    t.notMatch(JSON.stringify(written([{ ...bag, ...entry }])), 'canary', entry.name)
  }
})

void t.test('long texts are cut, and no text breaks the line or drives the terminal', async (t) => {
  const lines: string[] = []
  const log = createLog({ level: 'debug', service: 'deployer' }, { write: (line) => void lines.push(line) })
  fc.assert(
    fc.property(anyText(50), (why) => {
      lines.length = 0
      log({ name: 'record.poison', ...WORK, why })
      const [line = ''] = lines
      JSON.parse(line)
      return lines.length === 1 && !/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(line)
    }),
  )
  const [line = {}] = written([{ name: 'record.poison', ...WORK, why: 'x'.repeat(1_000_000) }])
  t.equal(String(line.why).length, TEXT_MAX_CHARS + 1)
  t.ok(String(line.msg).length <= TEXT_MAX_CHARS + 1)
})

void t.test('a partition without an offset says so', async (t) => {
  const { msg } = lineOf({ name: 'partition.assigned', topic: 'events', partition: 0, committed: undefined })
  t.equal(msg, 'Partition events/0 is ours; the group has no offset there yet.')
})
