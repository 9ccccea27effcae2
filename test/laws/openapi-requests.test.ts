/**
 * What a schema of openapi.yaml accepts, the listener accepts, and what it refuses, the listener refuses: bodies and
 * queries are made from the schemas themselves, at their bounds and beyond, and sent over a socket.
 */
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import type { Operation } from '../support/documents.ts'
import { at, membersAt, operation, operations, unsound } from '../support/documents.ts'
import type { Met } from '../support/exchanges.ts'
import { offences } from '../support/exchanges.ts'
import { opsListener, workListener } from '../support/listeners.ts'

/** Values about the bounds of a schema, on either side. */
function valuesOf(schema: unknown): fc.Arbitrary<unknown> {
  const { type, minimum, exclusiveMinimum, maximum } = membersAt(schema)
  switch (type) {
    case 'boolean':
      return fc.boolean()
    case 'string':
      return fc.oneof(
        fc.string(),
        fc.string({ unit: 'binary' }),
        fc.constantFrom('', ' ', '\u0000', '\u200b\u00a0', '\ud800'),
      )
    case 'integer':
    case 'number': {
      const bounds = [minimum, exclusiveMinimum, maximum, 0].filter((bound) => typeof bound === 'number')
      const about = bounds.flatMap((bound) => [bound, bound - 1, bound + 1, bound + 0.001, bound - 0.001])
      return fc.oneof(fc.constantFrom(...about), fc.double({ noNaN: true, noDefaultInfinity: true }))
    }
    case 'object':
      return fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
    default:
      throw new Error(`the law knows no values of ${String(type)}`)
  }
}

/** Bodies that a schema of an object accepts, others that are near, and some that are not. */
function bodiesOf(schema: unknown): fc.Arbitrary<unknown> {
  const properties = Object.entries(membersAt(schema, 'properties'))
  const anything = fc.jsonValue({ maxDepth: 1 })
  const members = properties.map(([name, inner]) => {
    const value = fc.oneof({ weight: 6, arbitrary: valuesOf(inner) }, { weight: 1, arbitrary: anything })
    return [name, value] as const
  })
  const near = fc.record(Object.fromEntries(members), { requiredKeys: [] })
  const more = fc.tuple(near, fc.dictionary(fc.string({ maxLength: 5 }), anything, { maxKeys: 1 }))
  return fc.oneof(
    { weight: 6, arbitrary: near },
    { weight: 2, arbitrary: more.map(([known, unknown]) => ({ ...unknown, ...known })) },
    { weight: 1, arbitrary: anything },
  )
}

type Send = (operation: Operation, query: string, body?: string) => Promise<Met>

/** Both listeners, on ports of their own until the test ends. */
async function listening(t: Test): Promise<Send> {
  const [work, ops] = [workListener(), opsListener()]
  const ports = { work: (await work.start()).port, ops: (await ops.start()).port }
  t.teardown(async () => {
    await work.stop()
    await ops.stop()
  })
  return async ({ listener = 'work', method, path }, query, body) => {
    const response = await fetch(`http://127.0.0.1:${ports[listener]}${path.replace('{id}', 'w1')}${query}`, {
      method,
      ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
    })
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
  }
}

const posts = operations.filter(({ method }) => method === 'POST')
t.ok(posts.length > 7)

for (const post of posts) {
  const body = membersAt(post.node, 'requestBody')
  const schema = at(body, 'content', 'application/json', 'schema')

  void t.test(`${post.name} takes the bodies that its schema accepts, and no others`, async (t) => {
    const send = await listening(t)
    const counts = { accepted: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(bodiesOf(schema), async (value) => {
        const text = JSON.stringify(value)
        const wrong = unsound(schema, JSON.parse(text))
        const met = await send(post, '', text)
        const problem = met.status === 400 ? (JSON.parse(met.body) as { code: string; field?: string }) : undefined
        counts[wrong.length === 0 ? 'accepted' : 'refused'] += 1
        const said = `${text} ${wrong.join('; ')} ${met.status} ${met.body}`
        if ((wrong.length === 0) !== met.status < 300) throw new Error(said)
        if (wrong.length > 0 && problem === undefined) throw new Error(said)
        // The member that the server names is one that the schema does not have so.
        const { field = '' } = problem ?? {}
        if (field !== '' && !wrong.some((why) => why.startsWith(`/${field} `) || why.includes(`'${field}'`)))
          throw new Error(said)
        const untrue = offences(post, met)
        if (untrue.length > 0) throw new Error(untrue.join('; '))
      }),
      { numRuns: 150 },
    )
    t.ok(counts.accepted > 20 && counts.refused > 10, JSON.stringify(counts))
  })

  void t.test(`${post.name} needs a body if the document says so`, async (t) => {
    const send = await listening(t)
    for (const text of [undefined, '', ' ']) {
      const met = await send(post, '', text)
      t.equal(met.status < 300, body.required !== true, `${String(text)}: ${met.status}`)
      t.strictSame(offences(post, met), [])
    }
  })
}

void t.test('GET /work takes the query that its schemas accept, and no other', async (t) => {
  const send = await listening(t)
  const list = operation('GET /work')
  const parameters = list.node.parameters as readonly unknown[]
  t.strictSame(
    parameters.map((each) => at(each, 'name')),
    ['after', 'limit'],
  )
  const [after, limit] = parameters.map((each) => at(each, 'schema'))
  const limits = fc.oneof(
    valuesOf(limit).map(String),
    fc.integer({ min: -2, max: 1002 }).map(String),
    fc.constantFrom('none', '', ' ', '1.5', 'true', 'NaN', 'Infinity'),
  )
  const cursors = fc.oneof(
    fc.string(),
    fc.tuple(fc.constantFrom('a', 'é', '😀'), fc.integer({ min: 4094, max: 4098 })).map(([unit, n]) => unit.repeat(n)),
  )
  const counts = { accepted: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(fc.option(limits), fc.option(cursors), async (size, cursor) => {
      const query = new URLSearchParams({
        ...(size !== null && { limit: size }),
        ...(cursor !== null && { after: cursor }),
        unknown: 'x',
      })
      // A number in a query is one if it is written as JSON writes it.
      const number = size !== null && /^-?\d+(?:\.\d+)?(?:e[+-]\d+)?$/.test(size) ? Number(size) : size
      const wrong = [
        ...(size === null ? [] : unsound(limit, number)),
        ...(cursor === null ? [] : unsound(after, cursor)),
      ]
      const met = await send(list, `?${query.toString()}`)
      counts[wrong.length === 0 ? 'accepted' : 'refused'] += 1
      const said = `${String(size)} ${String(cursor?.length)} ${wrong.join('; ')} ${met.status} ${met.body}`
      // A request line of 16 KiB is refused for its length, whatever it says.
      if (met.status !== 431 && (wrong.length === 0 ? 200 : 400) !== met.status) throw new Error(said)
      const untrue = offences(list, met)
      if (untrue.length > 0) throw new Error(untrue.join('; '))
    }),
    { numRuns: 300 },
  )
  t.ok(counts.accepted > 20 && counts.refused > 20, JSON.stringify(counts))
})
