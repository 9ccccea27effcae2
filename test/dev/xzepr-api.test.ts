import t from 'tap'
import type { Generation } from '../../src/dev/xzepr-reply.ts'
import type { Asked, Heard } from './xzepr-started.ts'
import { ALICE, BOB, data, eventBody, receiverBody, started } from './xzepr-started.ts'

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/
const UNKNOWN = '01M847HQ2BCF2FQ8EJCSJ07QCY'
const INTERNAL = '{"error":"internal_error","message":"An internal server error occurred"}'
const GENERATIONS = ['new', 'old'] as const

/** What an answer looks like: its status and its kind of body. */
function shape({ status, headers, body }: Heard): string {
  const type = headers.get('content-type')
  if (body === '') return `${status} ${type === null ? 'empty' : 'strange'}`
  return `${status} ${type?.startsWith('text/plain') === true ? 'text' : 'json'}`
}

const BIG = 1_048_576
/** A body of exactly this many bytes. */
function sized(id: string, bytes: number): string {
  const body = (text: string): string => eventBody(id, {}, JSON.stringify({ text }))
  return body('x'.repeat(bytes - Buffer.byteLength(body(''))))
}

/** A body of `POST /api/v1/events`, what new says to it, and what old says where it differs. */
type Row = readonly [string, (id: string) => string, string, string?]

const EVENT_ROWS: readonly Row[] = [
  ['a good event', (id) => eventBody(id), '200 json'],
  ['unknown fields', (id) => eventBody(id, { more: 1 }), '200 json'],
  ['an empty description', (id) => eventBody(id, { description: '' }), '200 json'],
  ['an empty payload', (id) => eventBody(id, {}, '{}'), '200 json'],
  ['the receiver in small letters', (id) => eventBody(id.toLowerCase()), '200 json'],
  ...['name', 'version', 'release', 'platform_id', 'package', 'event_receiver_id'].map((field): Row => [
    `a blank ${field}`,
    (id) => eventBody(id, { [field]: ' \t' }),
    '400 json',
  ]),
  ['a payload that is a list', (id) => eventBody(id, {}, '[1]'), '400 json'],
  ['a payload that is null', (id) => eventBody(id, {}, 'null'), '400 json'],
  ['a payload that is a number', (id) => eventBody(id, {}, '1'), '400 json'],
  ['a receiver that is no ULID', () => eventBody('deployer-receiver'), '400 json'],
  ['a missing name', (id) => eventBody(id, { name: undefined }), '422 text', '400 json'],
  ['a missing payload', (id) => eventBody(id, { payload: undefined }), '422 text', '400 json'],
  ['a name that is a number', (id) => eventBody(id, { name: 1 }), '422 text', '400 json'],
  ['success as text', (id) => eventBody(id, { success: 'true' }), '422 text', '400 json'],
  ['a body that is no object', () => '"text"', '422 text', '400 json'],
  ['an unknown receiver', () => eventBody(UNKNOWN), '404 json'],
  ['a name of 255 bytes', (id) => eventBody(id, { name: 'x'.repeat(255) }), '200 json'],
  ['a name of 256 bytes', (id) => eventBody(id, { name: 'é'.repeat(128) }), '500 json'],
  ['a version of 100 bytes', (id) => eventBody(id, { version: 'x'.repeat(100) }), '200 json'],
  ['a version of 101 bytes', (id) => eventBody(id, { version: 'x'.repeat(101) }), '500 json'],
  ['a release of 101 bytes', (id) => eventBody(id, { release: 'x'.repeat(101) }), '500 json'],
  ['a platform of 256 bytes', (id) => eventBody(id, { platform_id: 'x'.repeat(256) }), '500 json'],
  ['a package of 256 bytes', (id) => eventBody(id, { package: 'x'.repeat(256) }), '500 json'],
  ['U+0000 in a payload’s value', (id) => eventBody(id, {}, '{"a":["\\u0000"]}'), '500 json'],
  ['U+0000 in a payload’s key', (id) => eventBody(id, {}, '{"\\u0000":1}'), '500 json'],
  ['U+0000 in the description', (id) => eventBody(id, { description: '\u0000' }), '500 json'],
  ['a backslash before u0000', (id) => eventBody(id, {}, '{"a":"\\\\u0000"}'), '200 json'],
  ['a lone surrogate', (id) => eventBody(id, {}, '{"a":"\\ud800"}'), '400 text'],
  ['1e400', (id) => eventBody(id, {}, '{"a":1e400}'), '400 text'],
  ['half a body', (id) => eventBody(id).slice(0, -1), '400 text'],
  ['no body', () => '', '400 text'],
  ['1,048,576 bytes', (id) => sized(id, BIG), '200 json'],
  ['a byte more', (id) => sized(id, BIG + 1), '413 text', '200 json'],
  ['2,097,152 bytes', (id) => sized(id, 2 * BIG), '413 text', '200 json'],
  ['a byte more than that', (id) => sized(id, 2 * BIG + 1), '413 text'],
]

for (const generation of GENERATIONS) {
  void t.test(`${generation}: an event is answered row by row as the real server answers it`, async (t) => {
    const { call, receiver, standIn } = await started(t, { generation })
    const id = await receiver()
    for (const [what, body, whenNew, whenOld = whenNew] of EVENT_ROWS) {
      const before = standIn.journal.events.length
      const heard = await call('POST', '/api/v1/events', { body: body(id) })
      const expected = generation === 'new' ? whenNew : whenOld
      t.equal(shape(heard), expected, what)
      t.equal(standIn.journal.events.length - before, expected === '200 json' ? 1 : 0, `${what}: stored or not`)
      if (heard.status === 200) t.match(data(heard), ULID)
      if (heard.status === 500) t.equal(heard.body, INTERNAL)
    }
  })
}

void t.test('a refusal names the field, as far as the server does', async (t) => {
  const { call, receiver } = await started(t)
  const id = await receiver()
  const says = async (body: string): Promise<unknown> => {
    const { body: answer } = await call('POST', '/api/v1/events', { body })
    return answer.startsWith('{') ? JSON.parse(answer) : answer
  }
  const message = /^Validation error in field 'payload': /
  t.match(await says(eventBody(id, {}, '1')), { error: 'validation_error', message, field: undefined })
  t.match(await says(eventBody('x')), { error: 'validation_error', field: 'event_receiver_id' })
  t.match(await says(eventBody(id, { release: undefined })), /missing field `release`/)
  t.match(await says(eventBody(UNKNOWN)), { error: 'not_found' })
})

void t.test('an event that is sent again is a second event', async (t) => {
  const { call, receiver, standIn } = await started(t)
  const body = eventBody(await receiver())
  const [one, two] = [await call('POST', '/api/v1/events', { body }), await call('POST', '/api/v1/events', { body })]
  t.not(data(one), data(two))
  t.same(
    standIn.journal.events.map((event) => event.id),
    [data(one), data(two)],
  )
})

void t.test('another user’s receiver: new refuses its events, old takes them', async (t) => {
  for (const [generation, status] of [
    ['new', 403],
    ['old', 200],
  ] as const) {
    const { call, receiver, standIn } = await started(t, { generation })
    const heard = await call('POST', '/api/v1/events', { sub: BOB, body: eventBody(await receiver()) })
    t.equal(heard.status, status)
    if (status === 403) t.match(JSON.parse(heard.body), { error: 'authorization_error' })
    t.equal(standIn.journal.events.length, status === 200 ? 1 : 0)
  }
})

void t.test('an event is never read back: 500 always', async (t) => {
  for (const generation of GENERATIONS) {
    const { call, receiver } = await started(t, { generation })
    const id = data(await call('POST', '/api/v1/events', { body: eventBody(await receiver()) }))
    for (const path of [id, UNKNOWN]) {
      const heard = await call('GET', `/api/v1/events/${path}`)
      t.equal(heard.status, 500)
      t.equal(heard.body, INTERNAL)
    }
  }
})

const RECEIVER_ROWS: readonly [string, string, string, string?][] = [
  ['a good one', receiverBody({ name: 'a' }), '200 json'],
  ['a schema of its own', receiverBody({ name: 'b', schema: { type: 'object' } }), '200 json'],
  ['a name of 255 bytes', receiverBody({ name: 'x'.repeat(255) }), '200 json'],
  ['a name of 256 bytes', receiverBody({ name: 'x'.repeat(256) }), '400 json'],
  ['a version of 51 bytes', receiverBody({ version: 'x'.repeat(51) }), '400 json'],
  ['a type of 101 bytes', receiverBody({ type: 'x'.repeat(101) }), '400 json'],
  ['a description of 1001 bytes', receiverBody({ description: 'x'.repeat(1001) }), '400 json'],
  ['a blank name', receiverBody({ name: ' ' }), '400 json'],
  ['a blank type', receiverBody({ type: '' }), '400 json'],
  ['a blank version', receiverBody({ version: '' }), '400 json'],
  ['a schema that is no object', receiverBody({ schema: 'x' }), '400 json'],
  ['no schema', receiverBody({ schema: undefined }), '422 text', '400 json'],
  ['no type', receiverBody({ type: undefined }), '422 text', '400 json'],
  ['U+0000 in its name', receiverBody({ name: '\u0000' }), '500 json'],
  ['U+0000 in its schema', receiverBody({ schema: { a: '\u0000' } }), '500 json'],
  ['no JSON', '{', '400 text'],
]

for (const generation of GENERATIONS) {
  void t.test(`${generation}: a receiver is created or refused, row by row`, async (t) => {
    const { call, standIn } = await started(t, { generation })
    for (const [what, body, whenNew, whenOld = whenNew] of RECEIVER_ROWS) {
      const before = standIn.receivers.length
      const heard = await call('POST', '/api/v1/receivers', { body })
      const expected = generation === 'new' ? whenNew : whenOld
      t.equal(shape(heard), expected, what)
      t.equal(standIn.receivers.length - before, expected === '200 json' ? 1 : 0, what)
    }
  })
}

void t.test('a name and type that is taken: 500 from new, 400 from old, whoever asks', async (t) => {
  for (const generation of GENERATIONS) {
    const { call, receiver } = await started(t, { generation })
    await receiver('taken')
    for (const sub of [ALICE, BOB]) {
      const heard = await call('POST', '/api/v1/receivers', {
        sub,
        body: receiverBody({ name: 'taken', version: '2' }),
      })
      if (generation === 'new') {
        t.equal(heard.status, 500)
        t.equal(heard.body, INTERNAL)
      } else {
        t.equal(heard.status, 400)
        t.match(JSON.parse(heard.body), {
          error: 'receiver_creation_failed',
          message: /same name and type already exists$/,
        })
      }
    }
  }
})

void t.test('of eight creates at once as many succeed as the race allows, and all of them stay listed', async (t) => {
  for (const copies of [1, 2, 3]) {
    const { call, standIn } = await started(t)
    standIn.raceReceivers(copies)
    const heard = await Promise.all(
      Array.from({ length: 8 }, () => call('POST', '/api/v1/receivers', { body: receiverBody() })),
    )
    const ids = heard.filter(({ status }) => status === 200).map(data)
    t.equal(new Set(ids).size, copies)
    t.equal(heard.filter(({ status }) => status === 500).length, 8 - copies)
    const listed = JSON.parse((await call('GET', '/api/v1/receivers')).body) as { data: { id: string }[] }
    t.same(listed.data.map(({ id }) => id).sort(), [...ids].sort())
  }
})

interface Listed {
  data: Record<string, unknown>[]
  pagination: { limit: number; offset: number; total: number; has_more: boolean }
}

void t.test('a list is paged and newest first; new shows the caller’s own, old everybody’s', async (t) => {
  for (const generation of GENERATIONS) {
    const { call, receiver } = await started(t, { generation })
    const ids: string[] = []
    for (let at = 0; at < 60; at++) ids.unshift(await receiver(`receiver ${at}`))
    const bobs = await receiver('bob’s', BOB)
    const shown = generation === 'new' ? ids : [bobs, ...ids]
    const list = async (query: string): Promise<Listed> =>
      JSON.parse((await call('GET', `/api/v1/receivers${query}`)).body) as Listed
    const listed = (page: Listed) => page.data.map(({ id }) => id)

    const first = await list('')
    t.same(listed(first), shown.slice(0, 50))
    t.same(first.pagination, { limit: 50, offset: 0, total: shown.length, has_more: true })
    t.same(Object.keys(first.data[0] ?? {}), [
      'id',
      'name',
      'type',
      'version',
      'description',
      'schema',
      'fingerprint',
      'created_at',
    ])
    const second = await list('?limit=50&offset=50')
    t.same(listed(second), shown.slice(50))
    t.same(second.pagination, { limit: 50, offset: 50, total: shown.length, has_more: false })
    t.same(listed(await list('?limit=1000&name=receiver%201&type=worker')), shown, 'filters are ignored')
    t.same((await list('?offset=1000')).data, [])
    for (const [query, expected] of [
      ['?limit=0', '400 json'],
      ['?limit=1001', '400 json'],
      ['?limit=x', '400 text'],
      ['?offset=-1', '400 text'],
    ] as const) {
      t.equal(shape(await call('GET', `/api/v1/receivers${query}`)), expected, query)
    }
  }
})

void t.test('the build that ignores limit and offset says has_more for ever', async (t) => {
  const { call, receiver } = await started(t, { generation: 'old', ignorePaging: true })
  const ids = [await receiver('a'), await receiver('b')].reverse()
  for (const query of ['', '?limit=1', '?limit=1&offset=5000']) {
    const page = JSON.parse((await call('GET', `/api/v1/receivers${query}`)).body) as Listed
    t.same(
      page.data.map(({ id }) => id),
      ids,
    )
    t.equal(page.pagination.has_more, true)
  }
})

void t.test('one receiver: the owner’s, another’s, unknown, and no id at all', async (t) => {
  for (const [generation, anothers] of [
    ['new', 403],
    ['old', 200],
  ] as [Generation, number][]) {
    const { call, receiver } = await started(t, { generation })
    const id = await receiver()
    const ask = (id: string, asked: Asked = {}) => call('GET', `/api/v1/receivers/${id}`, asked)
    t.match(JSON.parse((await ask(id)).body), { id, name: 'deployer-receiver', type: 'worker', schema: {} })
    t.equal((await ask(id, { sub: BOB })).status, anothers)
    t.match(JSON.parse((await ask(UNKNOWN)).body), { error: 'not_found' })
    t.equal((await ask(UNKNOWN)).status, 404)
    t.equal((await ask('deployer-receiver')).status, 400)
  }
})

void t.test('a receiver that somebody deletes is gone: 404 for its events, its name free again', async (t) => {
  const { call, receiver, standIn } = await started(t)
  const id = await receiver()
  t.ok(standIn.deleteReceiver(id))
  t.notOk(standIn.deleteReceiver(id))
  t.equal((await call('POST', '/api/v1/events', { body: eventBody(id) })).status, 404)
  t.equal((await call('GET', `/api/v1/receivers/${id}`)).status, 404)
  t.not(await receiver(), id)
})

interface Pair {
  access_token: string
  refresh_token: string
}

void t.test('login and refresh give pairs; a wrong password and a spent token give 401', async (t) => {
  const users = [{ username: 'alice', password: 'secret', sub: ALICE, role: 'event_manager' }] as const
  const { call, clock } = await started(t, { users })
  const anonymous = { authorization: undefined }
  const login = (password: string) =>
    call('POST', '/api/v1/auth/login', { ...anonymous, body: JSON.stringify({ username: 'alice', password }) })
  const refresh = (token: string) =>
    call('POST', '/api/v1/auth/refresh', { ...anonymous, body: JSON.stringify({ refresh_token: token }) })
  const list = (token: string) => call('GET', '/api/v1/receivers', { authorization: `Bearer ${token}` })

  const wrong = await login('guess')
  t.equal(wrong.status, 401)
  t.match(JSON.parse(wrong.body), { error: 'auth_error', message: 'Invalid credentials' })
  const pair = JSON.parse((await login('secret')).body) as Pair
  t.same(Object.keys(pair), ['access_token', 'refresh_token', 'token_type', 'expires_in'])
  t.match(pair, { token_type: 'Bearer', expires_in: 900 })
  t.equal((await list(pair.access_token)).status, 200)

  await clock.advance(900_000)
  t.equal((await list(pair.access_token)).status, 401)
  const next = JSON.parse((await refresh(pair.refresh_token)).body) as Pair
  t.equal((await list(next.access_token)).status, 200)
  t.equal((await refresh(pair.refresh_token)).status, 401, 'spent')
  t.equal((await refresh(next.refresh_token)).status, 200)
  t.equal((await refresh('nonsense')).status, 401)
  t.equal(shape(await call('POST', '/api/v1/auth/login', { ...anonymous, body: '{}' })), '422 text')
  t.equal(shape(await call('POST', '/api/v1/auth/refresh', { ...anonymous, body: '{}' })), '422 text')
})
