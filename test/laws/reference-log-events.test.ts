/**
 * docs/reference/log-events.md names every event of the journal with the levels and fields that its line has, and every field
 * with the type that a reader of JSON finds; and no other.
 */
import t from 'tap'
import type { JournalEntry, JournalName } from '../../src/core/journal.ts'
import { createLog, levelOf, TEXT_MAX_CHARS } from '../../src/log.ts'
import { LINES } from '../../src/log/lines.ts'
import { ENTRIES } from '../support/entries.ts'
import { codes, page, section, table } from '../support/reference-pages.ts'

const PAGE = page('log-events.md')
const LEVELS = ['debug', 'info', 'warn', 'error']

/** The tables of events, one for each chapter. */
const rows = section(PAGE, '## Events')
  .split(/^### /m)
  .slice(1)
  .flatMap((chapter) => table(chapter, 'event', 'level', 'fields'))

/** What a reader of the log gets for an entry. */
function written(entry: JournalEntry): Record<string, unknown> {
  let text = ''
  createLog({ level: 'debug', service: 'deployer' }, { write: (line) => void (text = line) })(entry)
  return JSON.parse(text) as Record<string, unknown>
}

/** Every level that an entry's line can have: its numbers may be 0 or not, and it may end in any way. */
function levelsOf(entry: JournalEntry): string[] {
  const numbers = Object.entries(entry).filter(([, value]) => typeof value === 'number')
  const met = new Set<string>()
  for (let bits = 0; bits < 2 ** numbers.length; bits += 1) {
    const counts = Object.fromEntries(numbers.map(([name], nth) => [name, (bits >> nth) & 1]))
    for (const ending of ['completed', 'failed', 'passed-over', 'poison'])
      met.add(levelOf({ ...entry, ...counts, ...('ending' in entry && { ending }) } as JournalEntry))
  }
  return LEVELS.filter((level) => met.has(level))
}

void t.test('every event of the journal has a row, and no other has', async (t) => {
  t.strictSame(rows.flatMap(({ event }) => codes(event)).sort(), Object.keys(LINES).sort())
  for (const row of rows) {
    const [event = ''] = codes(row.event)
    t.match(row['when, and what the bridge does'], /^[A-Z].*\.$/, event)
    t.match(row['what you do'], /\S/, event)
  }
})

void t.test('a row has the levels and the fields of its line, in their order', async (t) => {
  for (const row of rows) {
    const [event = ''] = codes(row.event)
    const entry = ENTRIES.find(({ name }) => name === event)
    if (entry === undefined) throw new Error(`no entry ${event}`)
    t.strictSame(row.level?.split(', '), levelsOf(entry), `${event}, levels`)
    t.strictSame(codes(row.fields), Object.keys(LINES[event as JournalName].fields), `${event}, fields`)
  }
})

void t.test('every field has a row with its type, and no other has', async (t) => {
  const types = new Map<string, string>()
  for (const entry of ENTRIES) {
    const line = written(entry)
    for (const name of Object.keys(LINES[entry.name].fields)) {
      const type = typeof line[name]
      t.equal(types.get(name) ?? type, type, `${name} has one type`)
      types.set(name, type)
    }
  }
  t.strictSame(
    table(PAGE, 'field', 'JSON').map(({ field, JSON: type }) => [codes(field)[0], type]),
    [...types].sort(([a], [b]) => (a < b ? -1 : 1)),
  )
})

void t.test('the page’s line is one that the log writes', async (t) => {
  const [, text = ''] = /```json\n(.*)\n```/.exec(PAGE) ?? []
  const line = JSON.parse(text) as Record<string, unknown>
  const real = written({ name: 'gate.opened', closedMs: 1500 })
  t.equal(text, JSON.stringify({ ...real, time: line.time }), 'its members in their order')
  t.match(real.time, /^\d{4}(?:-\d\d){2}T(?:\d\d:){2}\d\d\.\d{3}Z$/)
  t.match(line.time, /^\d{4}(?:-\d\d){2}T(?:\d\d:){2}\d\d\.\d{3}Z$/)
  t.ok(PAGE.includes(`cut at ${TEXT_MAX_CHARS} characters`))
})

void t.test('the page’s levels are those that a line can have', async (t) => {
  t.strictSame(
    table(PAGE, 'level', 'means').flatMap(({ level }) => codes(level)),
    LEVELS,
  )
  t.strictSame(
    LEVELS.filter((level) => rows.some((row) => row.level?.includes(level))),
    LEVELS,
  )
})
