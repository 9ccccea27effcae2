import fc from 'fast-check'
import t from 'tap'
import { bodies, queries } from '../../src/http/schemas.ts'

const MEMBERS = {
  type: 'object',
  properties: { limit: { type: 'integer', minimum: 1, maximum: 1000 }, after: { type: 'string' } },
}

void t.test('a body is judged as it is and never changed, whatever it holds', async () => {
  const check = bodies.compile(MEMBERS)
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('limit', 'after', 'other'), fc.anything()), (body) => {
      const before = { ...body }
      const { limit, after } = body
      const right =
        (limit === undefined || (Number.isInteger(limit) && Number(limit) >= 1 && Number(limit) <= 1000)) &&
        (after === undefined || typeof after === 'string')
      return check(body) === right && Object.entries(before).every(([name, value]) => Object.is(body[name], value))
    }),
  )
})

void t.test('a number in a query is read from its text, whole or not at all, and its bounds always hold', async (t) => {
  const check = queries.compile(MEMBERS)
  for (const text of ['1', '1000', '5.0', '1e2']) {
    const query: Record<string, unknown> = { limit: text, other: text }
    t.ok(check(query), text)
    t.same(query, { limit: Number(text), other: text })
  }
  const never = fc.oneof(
    fc.double().filter((value) => !Number.isInteger(value) || value < 1 || value > 1000),
    fc.constantFrom('', ' ', 'x', 'true', 'null', '1n', '1,5', 'Infinity', '-Infinity', '1e400', 'NaN', ['1', '2'], []),
  )
  fc.assert(
    fc.property(never, (value) => {
      const wrong = check({ limit: typeof value === 'number' ? String(value) : value }) ? [] : check.errors
      return wrong?.[0]?.instancePath === '/limit'
    }),
  )
})

void t.test(
  'a wrong member of a body or a query is named, and nothing is filled in for one that is absent',
  async (t) => {
    for (const judge of [bodies, queries]) {
      t.notOk(judge.validate(MEMBERS, { after: {} }))
      t.equal(judge.errors?.[0]?.instancePath, '/after')
      const nothing = {}
      t.ok(judge.validate(MEMBERS, nothing))
      t.same(nothing, {})
    }
  },
)
