/** The closed lists agree with their use: journal entries and log lines, error codes and the code that raises them. */
import t from 'tap'
import { ERRORS } from '../../src/core/errors.ts'
import { LINES } from '../../src/log/lines.ts'
import { SOURCES } from './sources.ts'

/** Codes that the table keeps for a room which is not built yet. One that is used has no place here. */
const RESERVED: readonly string[] = []

const textOf = (path: string): string => SOURCES.find((source) => source.path === path)?.text ?? ''

void t.test('every entry of the journal has a line in the log, and no line is without an entry', async (t) => {
  const names = [...textOf('core/journal.ts').matchAll(/readonly name: '([^']+)'/g)].map(([, name]) => name)
  t.ok(names.length > 20)
  t.same(Object.keys(LINES).sort(), names.sort())
})

void t.test(
  'every error code is raised somewhere or reserved, and every code that is raised is on the table',
  async (t) => {
    const used = new Set<string>()
    for (const { path, text } of SOURCES) {
      if (path === 'core/errors.ts') continue
      for (const [code] of text.matchAll(/\bXZB_[A-Z_]*[A-Z]/g)) used.add(code)
    }
    const known = Object.keys(ERRORS)
    t.same(
      known.filter((code) => !used.has(code) && !RESERVED.includes(code)),
      [],
      'on the table and never raised',
    )
    t.same(
      [...used].filter((code) => !known.includes(code)),
      [],
      'raised and not on the table',
    )
    t.same(
      RESERVED.filter((code) => used.has(code) || !known.includes(code)),
      [],
      'reserved although used or unknown',
    )
  },
)

void t.test('every error says what happened and what a person can do, in sentences', async (t) => {
  for (const [code, { what, hint }] of Object.entries(ERRORS)) {
    t.match(what, /^\S.*\.$/, `${code} what`)
    t.match(hint, /^\S.*\.$/, `${code} hint`)
  }
})
