/**
 * docs/reference/downstream_consumer_api.md says what openapi.yaml says of the webhooks and the work API: every format, header,
 * attribute, call, member, bound, status and code, in both directions.
 */
import t from 'tap'
import { answerTo } from '../../src/core/answer.ts'
import type { LifecycleStatus } from '../../src/core/lifecycle.ts'
import { TOLD } from '../support/consumer-page.ts'
import type { Node } from '../support/documents.ts'
import { at, isNode, membersAt, operations, schemaNamed, webhooks } from '../support/documents.ts'
import { codesOf } from '../support/exchanges.ts'
import type { Rows } from '../support/reference-pages.ts'
import { codes, page, section, table } from '../support/reference-pages.ts'

const PAGE = page('downstream_consumer_api.md')
const calls = operations.filter(({ listener }) => listener === 'work')
const posts = [...webhooks.values()].filter(({ method }) => method === 'POST')

const first = (row: Rows[number], column: string): string => codes(row[column])[0] ?? row[column] ?? ''
const schemaOf = (node: unknown): unknown => at(node, 'requestBody', 'content', 'application/json', 'schema')

void t.test('the formats are the webhooks, with their content types', async (t) => {
  const rows = table(PAGE, 'format', 'body')
  t.strictSame(rows.map((row) => first(row, 'format')).sort(), posts.map(({ path }) => path).sort())
  for (const row of rows) {
    const contents = membersAt(webhooks.get(first(row, 'format'))?.node, 'requestBody', 'content')
    const types = Object.keys(contents).filter((type) => type !== '*/*')
    t.strictSame(codes(row['`content-type`']), types, first(row, 'format'))
  }
})

void t.test('the headers are the parameters of the webhooks, and those that always come are required', async (t) => {
  const parameters = new Map<string, { required: boolean; webhooks: string[] }>()
  for (const { path, node } of posts) {
    for (const each of node.parameters as readonly unknown[]) {
      const name = String(at(each, 'name'))
      const known = parameters.get(name)
      parameters.set(name, { required: at(each, 'required') === true, webhooks: [...(known?.webhooks ?? []), path] })
    }
  }
  const rows = table(section(PAGE, '### Headers'), 'header', 'when')
  t.strictSame(rows.map((row) => first(row, 'header')).sort(), [...parameters.keys()].sort())
  for (const row of rows) {
    const name = first(row, 'header')
    t.equal(row.when === 'always', parameters.get(name)?.required, name)
    t.equal(
      row.when === 'with a secret',
      parameters.get(name)?.webhooks.includes('batch'),
      `${name}, of the whole batch`,
    )
    t.equal(
      row.when?.startsWith('in `binary`'),
      parameters.get(name)?.webhooks.join() === 'binary',
      `${name}, in binary`,
    )
  }
})

/** The members of a schema with the types of their values, those of its parts included. */
function membersOf(schema: unknown): Map<string, { type: unknown; required: boolean }> {
  const { properties, required, allOf } = membersAt(schema)
  const own = Object.entries(isNode(properties) ? properties : {}).map(([name, inner]) => {
    // A part of its own: a work within a problem.
    const type = at(inner, 'type') ?? (at(inner, 'allOf') === undefined ? undefined : 'object')
    return [name, { type, required: false }] as const
  })
  const parts = Array.isArray(allOf) ? allOf.flatMap((part) => [...membersOf(part)]) : []
  const all = new Map([...parts, ...own])
  for (const name of (required ?? []) as string[]) {
    const known = all.get(name)
    if (known !== undefined) all.set(name, { ...known, required: true })
    // Said in a part of its own, beside the part that has the member.
    else all.set(name, { type: undefined, required: true })
  }
  return all
}

/** Members, and their types, of a table and of a schema; `when` is "always" for those that are required. */
function sameMembers(rows: Rows, column: string, schema: unknown, { when = true, but = [] as string[] } = {}): void {
  const documented = new Map([...membersOf(schema)].filter(([name]) => !but.includes(name)))
  void t.test(`members of ${column}`, async (t) => {
    t.strictSame(rows.map((row) => first(row, column)).sort(), [...documented.keys()].sort())
    for (const row of rows) {
      const name = first(row, column)
      const { type, required } = documented.get(name) ?? {}
      t.equal(row.JSON, type, `${name}, type`)
      if (when) t.equal(row.when === 'always', required, `${name}, always`)
    }
  })
}

const event = [...membersOf(schemaNamed('CloudEvent')).keys()]
sameMembers(table(PAGE, 'attribute', 'JSON'), 'attribute', schemaNamed('BatchEvent'), { when: false, but: event })
const results = at(schemaNamed('BatchAnswer'), 'properties', 'results', 'items')
sameMembers(table(PAGE, 'member of `results`', 'JSON'), 'member of `results`', results, { when: false })
sameMembers(table(section(PAGE, '### A work'), 'member', 'JSON'), 'member', workAndAnswer())
sameMembers(table(PAGE, 'member of `reports`', 'JSON'), 'member of `reports`', schemaNamed('Report'))
sameMembers(table(PAGE, 'member of a page', 'JSON'), 'member of a page', schemaNamed('WorkPage'))
sameMembers(table(PAGE, 'member of a problem', 'JSON'), 'member of a problem', schemaNamed('Problem'))

/** A work, and the id that is added where a report was waited for. */
function workAndAnswer(): Node {
  const [, stored] = at(schemaNamed('StoredWork'), 'allOf') as unknown[]
  const [, always] = at(schemaNamed('Work'), 'allOf') as unknown[]
  const { required } = membersAt(always)
  return {
    properties: { ...membersAt(schemaNamed('WorkFacts'), 'properties'), ...membersAt(stored, 'properties') },
    required,
  }
}

void t.test('the closed lists are those of the document', async (t) => {
  const states = table(PAGE, 'state').map((row) => first(row, 'state'))
  t.strictSame(states, at(schemaNamed('WorkState'), 'enum'))
  const of = (column: string, name: string): string[] => {
    const found = table(PAGE, column, 'JSON').find((row) => first(row, column) === name)
    return codes(found?.[''])
  }
  t.strictSame(of('member of `reports`', 'status'), at(schemaNamed('ReportStatus'), 'enum'))
  t.strictSame(of('member of `reports`', 'told'), at(schemaNamed('Report'), 'properties', 'told', 'enum'))
  t.strictSame(of('member of `results`', 'status'), at(results, 'properties', 'status', 'enum'))
})

/** The statuses of a row, each alone, by the class or as what is left of a class. */
function statusesOf(row: Rows[number] | undefined): string[] {
  return codes(row?.['your answer'])
}

void t.test('whatever the app answers does what its row says', async (t) => {
  const rows = table(PAGE, 'your answer', 'is')
  const wrong = Array.from({ length: 500 }, (_, nth) => 100 + nth).filter((status) => {
    const named = rows.find((row) => statusesOf(row).includes(String(status)))
    const classed = rows.find((row) => statusesOf(row).includes(`${Math.floor(status / 100)}xx`))
    return (named ?? classed)?.is !== answerTo({ kind: 'response', status }, 0).kind
  })
  t.strictSame(wrong, [])
  const documented = new Set(posts.flatMap(({ node }) => Object.keys(membersAt(node, 'responses'))))
  t.strictSame(rows.flatMap(statusesOf).sort(), [...documented].map((each) => each.replace('XX', 'xx')).sort())
})

void t.test('the calls are those of the work API, with their bodies and good answers', async (t) => {
  const rows = table(PAGE, 'call', 'body')
  t.strictSame(rows.map((row) => first(row, 'call')).sort(), calls.map(({ name }) => name).sort())
  for (const { name, node } of calls) {
    const row = rows.find((each) => first(each, 'call') === name)
    const good = Object.keys(membersAt(node, 'responses')).filter((status) => status < '400')
    t.strictSame(codes(row?.answers), good, name)
    t.strictSame(codes(row?.body).sort(), Object.keys(membersAt(schemaOf(node), 'properties')).sort(), `${name}, body`)
  }
})

void t.test('each member of a body has a row with its calls, type, bounds and default', async (t) => {
  const rows = table(PAGE, 'member', 'of', 'JSON')
  const met = new Map<string, string[]>()
  for (const { path, node } of calls) {
    for (const [name, schema] of Object.entries(membersAt(schemaOf(node), 'properties'))) {
      met.set(name, [...(met.get(name) ?? []), path.split('/').at(-1) ?? ''])
      const row = rows.find((each) => first(each, 'member') === name)
      t.equal(row?.JSON, at(schema, 'type'), name)
      for (const bound of ['minimum', 'exclusiveMinimum', 'maximum', 'default']) {
        const value = at(schema, bound) as number | boolean | undefined
        if (value !== undefined) t.match(row?.bounds, new RegExp(`\\b${value}\\b`), `${name}, ${bound}`)
      }
    }
  }
  t.strictSame(Object.fromEntries(rows.map((row) => [first(row, 'member'), codes(row.of)])), Object.fromEntries(met))
  const query = table(PAGE, 'parameter of `GET /work`', 'JSON')
  const parameters = calls.find(({ name }) => name === 'GET /work')?.node.parameters as readonly unknown[]
  t.strictSame(
    query.map((row) => [first(row, 'parameter of `GET /work`'), row.JSON, row.bounds?.match(/\d+/g)?.map(Number)]),
    parameters.map((each) => {
      const { type, minimum, maximum, maxLength, default: initial } = membersAt(each, 'schema')
      return [at(each, 'name'), type, [minimum, maximum, maxLength, initial].filter((bound) => bound !== undefined)]
    }),
  )
})

void t.test('each problem that a call may meet has a row with its status and calls, and no other has', async (t) => {
  const rows = table(section(PAGE, '### Problems'), 'code', 'status', 'calls')
  const documented = new Map<string, { status: number; calls: string[] }>()
  for (const call of calls) {
    for (const [code, status] of codesOf(call))
      documented.set(code, { status, calls: [...(documented.get(code)?.calls ?? []), call.name] })
  }
  t.strictSame(rows.map((row) => first(row, 'code')).sort(), [...documented.keys()].sort())
  for (const row of rows) {
    const code = first(row, 'code')
    const { status, calls: names = [] } = documented.get(code) ?? {}
    t.equal(Number(row.status), status, code)
    t.strictSame(
      row.calls === 'all' ? calls.map(({ name }) => name).sort() : codes(row.calls).sort(),
      names.sort(),
      code,
    )
  }
})

void t.test('the headers of answers and of calls are those of the document', async (t) => {
  const documented = new Map<string, Set<string>>()
  for (const { node } of calls) {
    for (const [status, response] of Object.entries(membersAt(node, 'responses')))
      for (const name of Object.keys(membersAt(response, 'headers')))
        documented.set(name, (documented.get(name) ?? new Set()).add(status))
  }
  t.strictSame(
    Object.fromEntries(
      table(PAGE, 'header of an answer', 'with').map((row) => [first(row, 'header of an answer'), row.with]),
    ),
    Object.fromEntries([...documented].map(([name, statuses]) => [name, [...statuses].sort().join(', ')])),
  )
  const parameters = calls.flatMap(({ node }) => node.parameters as readonly unknown[])
  const sent = parameters.filter((each) => at(each, 'in') === 'header').map((each) => String(at(each, 'name')))
  t.strictSame(
    table(section(PAGE, '### What a call may carry'), 'header', 'value')
      .map((row) => first(row, 'header'))
      .sort(),
    [...new Set([...sent, 'authorization', 'content-type'])].sort(),
  )
})

/** Every member of a value, those of members behind a dot. */
function pathsOf(value: object, before = ''): string[] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) =>
    isNode(inner) ? pathsOf(inner, `${before}${name}.`).concat(`${before}${name}`) : [`${before}${name}`],
  )
}

void t.test('what XZepr is told has the members of the table, by status', async (t) => {
  const rows = table(PAGE, 'member', 'started')
  for (const status of ['started', 'completed', 'failed'] as LifecycleStatus[]) {
    const told = pathsOf(JSON.parse(TOLD[status]) as object).filter((path) => !/^payload$|\.(?:url|build)$/.test(path))
    const named = rows.filter((row) => row[status] !== '').map((row) => first(row, 'member'))
    t.strictSame(named.sort(), told.sort(), status)
  }
})
