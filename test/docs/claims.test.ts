/** What the documents claim is shown by a test that they name, or is what the source, the benchmark and the variables say. */
import t from 'tap'
import { ALL_VARIABLES } from '../../src/config/variables.ts'
import { readConfig } from '../../src/config.ts'
import { DEAD_LETTER_REASONS } from '../../src/core/dead-letter.ts'
import { backoffMs } from '../../src/core/retry.ts'
import { STICKY_NAME } from '../../src/kafka/sticky.ts'
import { page } from '../support/pages.ts'
import { lawsIn, strangeLaws } from '../support/titles.ts'

const textOf = (path: string): string => page(path).text
/** The rows of a text's tables, cell by cell, without their heads. */
const rowsOf = (text: string): string[][] =>
  [...text.matchAll(/^\|(.*)\|$/gm)]
    .map(([, row = '']) => row.split('|').map((cell) => cell.trim()))
    .filter(([first = '']) => !/^-+$/.test(first))

void t.test('each fault names a test that shows what becomes of the record', async (t) => {
  const sections = textOf('docs/explanation/delivery-guarantees.md').split('\n## ').slice(1)
  const tables = sections.map(rowsOf).filter((rows) => rows.length > 0)
  t.equal(tables.length, 5)
  const [unshown, laws] = [[] as string[], lawsIn(textOf('docs/explanation/delivery-guarantees.md'))]
  for (const [head, ...rows] of tables) {
    t.same(head, ['fault', 'the record', 'attempts', 'told', 'twice', 'shown by'])
    for (const row of rows) {
      t.equal(row.length, 6, row[0] ?? '')
      if (lawsIn(row[5] ?? '').length !== 1) unshown.push(row[0] ?? '')
    }
  }
  // What happens in XZepr itself no test of ours can show.
  t.same(unshown, ['saved an event and never published it'])
  t.ok(laws.length > 25)
  t.same(strangeLaws(laws), [])
})

void t.test('each chapter of how an offset is settled names its laws', async (t) => {
  const text = textOf('docs/explanation/how-an-offset-is-settled.md')
  t.same(strangeLaws(lawsIn(text)), [])
  for (const chapter of text.split('\n## ').slice(1, -1)) t.ok(lawsIn(chapter).length > 0, chapter.slice(0, 40))
})

void t.test('the figures are those of the benchmark', async (t) => {
  const measured = new Map(
    rowsOf(textOf('docs/reference/benchmark.md')).map(([name = '', ...cells]) => [name, cells.join(' ')]),
  )
  const text = textOf('docs/how-to/size-and-tune.md')
  const rows = rowsOf(text.split('\n## What was measured')[1]?.split('\n## ')[0] ?? '').slice(1)
  t.ok(rows.length > 5)
  for (const [name = '', figure = ''] of rows) t.ok(measured.get(name)?.includes(figure), `${name}: ${figure}`)
})

void t.test('the rests of the default come to what is said', async (t) => {
  const reading = readConfig({ BRIDGE_SERVICE: 'a', XZEPR_API_TOKEN: 't' }, () => '')
  if (reading.kind !== 'config') throw new Error('the defaults are no configuration')
  const { maxAttempts, retryInitialMs: initialMs, retryMaxMs: maxMs } = reading.config.delivery
  let sumMs = 0
  for (let attempt = 1; attempt < maxAttempts; attempt += 1)
    sumMs += backoffMs({ attempt, initialMs, maxMs, chance: 1 })
  t.match(textOf('docs/how-to/size-and-tune.md'), `the nine rests come to ${sumMs / 1000} seconds at the most`)
  t.equal(maxAttempts, 10)
})

void t.test('every secret and every certificate stands in the table of what is read when', async (t) => {
  const [table = ''] = textOf('docs/how-to/rotate-secrets.md').split('\n## ')
  const named = new Set(
    rowsOf(table).flatMap(([cell = '']) => {
      const names = [...cell.matchAll(/`([A-Z_…]+)`/g)].map(([, name = '']) => name)
      const [first = ''] = names
      return names.map((name) => name.replace(/^…(.*)$/, (_, end: string) => spelt(first, end)))
    }),
  )
  const secret = [...ALL_VARIABLES].filter(
    ([, { kind, notYet }]) => notYet !== true && (kind === 'secret' || kind === 'path'),
  )
  t.ok(secret.length > 8)
  t.same([...named].sort(), secret.map(([name]) => name).sort())
})

/** `…_FILE` behind a secret's name, or `…_KEY_LOCATION` in place of the last two words of one. */
function spelt(first: string, end: string): string {
  return end === '_FILE' ? `${first}${end}` : first.replace(/_[A-Z]+_LOCATION$/, end)
}

void t.test('reasons of dead letters and the group’s protocol are called as they are', async (t) => {
  const rows = rowsOf(textOf('docs/how-to/dead-letters.md')).slice(1)
  t.same(
    rows.map(([reason = '']) => reason.slice(1, -1)),
    DEAD_LETTER_REASONS,
  )
  t.match(textOf('docs/how-to/migrate-from-a-consumer.md'), `\`${STICKY_NAME}\``)
})
