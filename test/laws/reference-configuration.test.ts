/**
 * docs/reference/configuration.md is the declarations of the variables: all of them, and each check that the bridge makes over
 * several is shown by an example that meets it.
 */
import t from 'tap'
import ts from 'typescript'
import { readConfig } from '../../src/config.ts'
import { configurationPage } from '../../src/config/reference.ts'
import { ENOUGH, MISFITS, readerOf } from '../../src/config/together.ts'
import { defaultText } from '../../src/config/variable.ts'
import { ALL_VARIABLES } from '../../src/config/variables.ts'
import { codes, isWritten, page, section, table } from '../support/reference-pages.ts'
import { SOURCES, nodes, parsed } from './sources.ts'

const NAME = 'configuration.md'

void t.test('the page is what the declarations say', async (t) => {
  isWritten(t, NAME, configurationPage())
})

// Read once more without the writer, so that a fault of the writer cannot hide itself.
void t.test('every variable has a section with its bounds, and no other name has one', async (t) => {
  const text = page(NAME)
  const titles = [...text.matchAll(/^### (\w+)$/gm)].map(([, name = '']) => name)
  t.same(titles, [...ALL_VARIABLES.keys()])
  for (const [name, variable] of ALL_VARIABLES) {
    const own = section(text, `### ${name}`)
    const [row] = table(own, 'type', 'unit', 'default')
    t.equal(codes(row?.default)[0], defaultText(variable), `${name}, default`)
    t.same(codes(row?.example), [`${name}=${variable.example}`])
    const { schema, alias, fills, notYet } = variable
    if (schema.type === 'integer') {
      t.match(row?.['must be, or exit 78'], `${schema.minimum} to ${schema.maximum}`, name)
      t.not(row?.unit, '', `${name} has a unit`)
    }
    for (const word of 'enum' in schema ? (schema.enum ?? []) : []) t.ok(row?.['must be, or exit 78']?.includes(word))
    if (alias !== undefined) t.ok(own.includes(`\`${alias}\``), `${name}, also ${alias}`)
    if (fills !== undefined) t.ok(own.includes(`\`${fills}\``), `${name} fills ${fills}`)
    t.equal(own.includes('Not in this version'), notYet === true, `${name}, not yet`)
  }
})

void t.test('a unit in a name is the unit of the value', async (t) => {
  const UNITS = { _MS: 'milliseconds', _SECONDS: 'seconds', _BYTES: 'bytes', _PORT: 'port' }
  for (const [name, { unit, schema }] of ALL_VARIABLES) {
    t.equal(unit !== undefined, schema.type === 'integer', name)
    const said = Object.entries(UNITS).find(([ending]) => name.endsWith(ending))?.[1]
    if (schema.type === 'integer') t.equal(said ?? unit, unit, name)
  }
})

void t.test('every example of what does not fit together is refused or warned about', async (t) => {
  for (const { given, files } of MISFITS) {
    const reading = readConfig({ ...ENOUGH, ...given }, readerOf(files))
    const said = reading.warnings.length + (reading.kind === 'errors' ? reading.errors.length : 0)
    t.ok(said > 0, JSON.stringify(given))
  }
  t.equal(readConfig(ENOUGH, readerOf()).kind, 'config', 'and what stands beside them is not')
})

/** The sentences that a file of the configuration may say, without what is put into them. */
function sentences(path: string): string[] {
  const source = SOURCES.find((each) => each.path === path)
  if (source === undefined) throw new Error(path)
  const texts: string[] = []
  for (const node of nodes(parsed(source))) {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      texts.push(node.text.trim())
  }
  // Words are said to a person; the rest are names.
  return texts.filter((text) => /[a-z]:? [a-z]/i.test(text))
}

/** Thrown, by a fault of the bridge's own. */
const NOT_SHOWN = 'defaults and examples do not satisfy their own declarations'

for (const path of ['config/checks.ts', 'config/files.ts', 'config/environment.ts', 'config/arrange.ts']) {
  void t.test(`whatever ${path} may say of a configuration stands on the page`, async (t) => {
    const text = page(NAME).replaceAll('`', '').replaceAll('\\', '')
    const all = sentences(path).filter((each) => each !== NOT_SHOWN)
    t.ok(all.length > 1, `${all.length} sentences`)
    for (const each of all) t.ok(text.includes(each), each)
  })
}
