/**
 * openapi.yaml is what the bridge does: its routes, its problems, its examples and what it makes of an answer, each read
 * from the document and from the code, in both directions.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Test } from 'tap'
import { answerTo } from '../../src/core/answer.ts'
import { answersOf } from '../../src/core/batch-answer.ts'
import { PROBLEMS } from '../../src/http/problems.ts'
import type { ProblemCode } from '../../src/http/problems.ts'
import type { Node } from '../support/documents.ts'
import {
  at,
  isNode,
  membersAt,
  openapi,
  operation,
  operations,
  schemaNamed,
  unsound,
  webhooks,
} from '../support/documents.ts'
import { codesOf, offences, responseFor } from '../support/exchanges.ts'
import { opsListener, workListener } from '../support/listeners.ts'

/** The routes of a listener, as it tells them itself: the paths of a 404, and for each the methods of a 405. */
async function routesOf(t: Test, url: string): Promise<string[]> {
  const lost = (await (await fetch(`${url}/nothing-is-here`)).json()) as { detail: string }
  const paths = lost.detail.replace(/^The paths here are (.*)\.$/, '$1').split(' ')
  const routes: string[] = []
  for (const path of paths) {
    const answer = await fetch(url + path.replace(/:\w+/g, 'x'), { method: 'DELETE' })
    t.equal(answer.status, 405, path)
    const methods = (answer.headers.get('allow') ?? '').split(', ')
    // HEAD goes with every GET; the document says so once.
    t.equal(methods.includes('HEAD'), methods.includes('GET'), `HEAD ${path}`)
    for (const method of methods.filter((each) => each !== 'HEAD')) {
      routes.push(`${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
    }
  }
  return routes.sort()
}

void t.test('the routes of both listeners are the paths of the document', async (t) => {
  for (const [name, api] of [
    ['work', workListener()],
    ['ops', opsListener()],
  ] as const) {
    const { port } = await api.start()
    const routes = await routesOf(t, `http://127.0.0.1:${port}`)
    await api.stop()
    const documented = operations.filter(({ listener }) => listener === name).map((each) => each.name)
    t.ok(routes.length > 5)
    t.strictSame(routes, documented.sort(), name)
  }
})

/** The examples of problems, by the names they have in the document. */
const examples = Object.entries(membersAt(openapi, 'components', 'examples')).filter(([, example]) =>
  String(at(example, 'value', 'type')).startsWith('urn:xzepr-bridge:problem:'),
)

void t.test(
  'every problem code is an example of the document, with its status and title, and no other is',
  async (t) => {
    t.strictSame(examples.map(([name]) => name).sort(), Object.keys(PROBLEMS).sort())
    for (const [name, example] of examples) {
      const { status, title } = PROBLEMS[name as ProblemCode]
      t.match(at(example, 'value'), { code: name, status, title, type: `urn:xzepr-bridge:problem:${name}` }, name)
    }
  },
)

void t.test('every problem code stands under some operation, and under its own status', async (t) => {
  const met = new Set<string>()
  for (const operation of operations) {
    for (const [code, status] of codesOf(operation)) {
      met.add(code)
      t.equal(status, PROBLEMS[code as ProblemCode].status, `${operation.name}: ${code}`)
    }
  }
  t.strictSame([...met].sort(), Object.keys(PROBLEMS).sort())
})

/** Everything in a document that has examples of its own, with the place. */
function* exampled(node: unknown, path = ''): Generator<{ path: string; schema: unknown; value: unknown }> {
  if (Array.isArray(node)) for (const [index, each] of node.entries()) yield* exampled(each, `${path}/${index}`)
  if (!isNode(node)) return
  if (node.example !== undefined) yield { path, schema: node.schema, value: node.example }
  for (const [name, example] of Object.entries(membersAt(node.examples))) {
    if ('schema' in node) yield { path: `${path}/${name}`, schema: node.schema, value: at(example, 'value') }
  }
  for (const [name, each] of Object.entries(node)) if (name !== 'value') yield* exampled(each, `${path}/${name}`)
}

void t.test('every example is sound by its schema', async (t) => {
  const all = [...exampled(openapi)]
  t.ok(all.length > 100, `${all.length} examples`)
  for (const { path, schema, value } of all) t.strictSame(unsound(schema, value), [], path)
})

void t.test('every content of a path has an example', async (t) => {
  for (const { name, node } of operations) {
    const contents: Node = { request: node.requestBody, ...membersAt(node, 'responses') }
    for (const [place, holder] of Object.entries(contents)) {
      for (const [type, media] of Object.entries(membersAt(holder, 'content'))) {
        t.ok(Object.keys(membersAt(media, 'examples')).length > 0, `${name} ${place} ${type}`)
      }
    }
  }
})

void t.test('the law sees an example that is not sound', async (t) => {
  const { value } = membersAt(openapi, 'components', 'examples', 'running')
  t.strictSame(unsound(schemaNamed('Work'), value), [])
  t.not(unsound(schemaNamed('Work'), { ...membersAt(value), offset: 1042 }).length, 0)
  t.not(unsound(schemaNamed('Work'), { ...membersAt(value), state: 'asleep' }).length, 0)
})

void t.test('the law sees an answer that is not in the document', async (t) => {
  const { value } = membersAt(openapi, 'components', 'examples', 'running')
  const getWork = operation('GET /work/{id}')
  const good = { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
  t.strictSame(offences(getWork, good), [])
  const busy = membersAt(openapi, 'components', 'examples', 'busy').value
  const away = membersAt(openapi, 'components', 'examples', 'xzepr-away').value
  const problem = { 'content-type': 'application/problem+json', 'retry-after': '1' }
  t.strictSame(offences(getWork, { status: 503, headers: problem, body: JSON.stringify(busy) }), [])
  for (const [what, answer] of Object.entries({
    'a status': { ...good, status: 418 },
    'a content type': { ...good, headers: { 'content-type': 'text/html' } },
    'a header': { ...good, headers: { ...good.headers, 'x-new': '1' } },
    'a member': { ...good, body: JSON.stringify({ ...membersAt(value), mood: 'fine' }) },
    'a header that is missing': {
      status: 503,
      headers: { ...problem, 'retry-after': undefined },
      body: JSON.stringify(busy),
    },
    'a header that is wrong': { status: 503, headers: { ...problem, 'retry-after': '0' }, body: JSON.stringify(busy) },
    'a code': { status: 503, headers: problem, body: JSON.stringify(away) },
  })) {
    t.not(offences(getWork, answer).length, 0, what)
  }
})

void t.test('each status that the app may answer does what the document says of it', async (t) => {
  const posts = [...webhooks.values()].filter(({ method }) => method === 'POST')
  t.strictSame(posts.map(({ path }) => path).sort(), ['batch', 'binary', 'structured', 'verbatim'])
  for (const webhook of posts) {
    const wrong = Array.from({ length: 500 }, (_, nth) => 100 + nth).filter((status) => {
      const { kind } = answerTo({ kind: 'response', status }, 0)
      return !String(responseFor(webhook, status)?.description).startsWith(`${kind}: `)
    })
    t.strictSame(wrong, [], webhook.name)
  }
})

void t.test('what a batch’s results may say is what the bridge knows', async (t) => {
  const results = at(schemaNamed('BatchAnswer'), 'properties', 'results', 'items', 'properties', 'status', 'enum')
  const body = JSON.stringify({
    results: [...(results as string[]), 'another'].map((status) => ({ id: status, status })),
  })
  const answers = answersOf({ kind: 'done', why: '', body }, ['done', 'accepted', 'retry', 'failed', 'another'])
  t.strictSame(results, ['done', 'accepted', 'retry', 'failed'])
  t.strictSame(
    answers.map(({ kind, why }) => [kind, why]),
    [
      ['done', 'the app said done'],
      ['accepted', 'the app said accepted'],
      ['later', 'the app said retry'],
      ['never', 'the app said failed'],
      ['later', 'the app said a status that is none'],
    ],
  )
})

void t.test('the document has the version of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Node
  t.equal(at(openapi, 'info', 'version'), version)
})
