import t from 'tap'
import { XZEPR_RATE_LIMITS } from '../../src/dev/xzepr-limits.ts'
import { ALICE, BOB, eventBody, receiverBody, started } from './xzepr-started.ts'

const LIST = '/api/v1/receivers'

void t.test('401 says why, in its own dialect', async (t) => {
  const { call, standIn, clock } = await started(t)
  const expired = standIn.token({ sub: ALICE, lifetimeMs: -1000 })
  const aging = standIn.token({ sub: ALICE })
  for (const [authorization, error] of [
    [undefined, 'Missing authentication token'],
    ['bearer x', "Invalid token: Authorization header must start with 'Bearer '"],
    ['Basic x', "Invalid token: Authorization header must start with 'Bearer '"],
    ['Bearer x', 'Invalid token: Invalid token format: InvalidToken'],
    [`Bearer ${expired}`, 'Invalid token: Token has expired'],
    [`Bearer ${aging}x`, 'Invalid token: Invalid token signature'],
  ] as const) {
    const heard = await call('GET', LIST, { authorization })
    t.equal(heard.status, 401, error)
    t.same(JSON.parse(heard.body), { error, status: 401 })
  }
  t.equal((await call('GET', LIST, { authorization: `Bearer ${aging}` })).status, 200)
  await clock.advance(15 * 60_000)
  t.equal(
    (await call('GET', LIST, { authorization: `Bearer ${aging}` })).body,
    '{"error":"Invalid token: Token has expired","status":401}',
  )
})

void t.test('all tokens can be refused, or forgotten', async (t) => {
  const { call, standIn } = await started(t)
  standIn.refuseTokens(true)
  t.equal((await call('GET', LIST)).status, 401)
  t.equal((await call('GET', '/health')).status, 200)
  standIn.refuseTokens(false)
  const authorization = `Bearer ${standIn.token({ sub: ALICE })}`
  t.equal((await call('GET', LIST, { authorization })).status, 200)
  standIn.forgetTokens()
  t.equal((await call('GET', LIST, { authorization })).status, 401)
  t.equal((await call('GET', LIST)).status, 200, 'a new one is good')
})

void t.test('403 names the permission that the role lacks', async (t) => {
  const { call, standIn, receiver } = await started(t)
  const id = await receiver()
  for (const [role, method, path, body, permission] of [
    ['event_viewer', 'POST', '/api/v1/events', eventBody(id), 'event_create'],
    ['event_viewer', 'POST', LIST, receiverBody(), 'receiver_create'],
    ['user', 'GET', LIST, undefined, 'receiver_read'],
    ['user', 'GET', `${LIST}/${id}`, undefined, 'receiver_read'],
    ['event_manager', 'DELETE', `${LIST}/${id}`, undefined, 'receiver_delete'],
  ] as const) {
    const authorization = `Bearer ${standIn.token({ sub: ALICE, role })}`
    const heard = await call(method, path, { authorization, ...(body === undefined ? {} : { body }) })
    t.equal(heard.status, 403, `${role} ${method} ${path}`)
    t.match(JSON.parse(heard.body), { status: 403, details: { required_permission: permission } })
  }
  t.equal(standIn.journal.events.length, 0)
})

void t.test('to create an event one needs the permission and the receiver, also an admin', async (t) => {
  const { call, standIn, receiver } = await started(t)
  const body = eventBody(await receiver())
  const authorization = `Bearer ${standIn.token({ sub: BOB, role: 'admin' })}`
  t.equal((await call('POST', '/api/v1/events', { authorization, body })).status, 403)
})

void t.test('a sub that is no ULID is 500', async (t) => {
  const { call } = await started(t)
  t.equal((await call('GET', LIST, { sub: 'alice' })).status, 500)
  t.equal((await call('POST', LIST, { sub: 'alice', body: receiverBody() })).status, 500)
})

void t.test('no content type is 415, a wrong method 405 and empty, a trailing slash 404 and empty', async (t) => {
  const { call, receiver } = await started(t)
  const body = eventBody(await receiver())
  const post = (contentType: string | undefined) => call('POST', '/api/v1/events', { body, contentType })
  for (const contentType of [undefined, 'text/plain', 'application/jsonx', 'application/x-www-form-urlencoded']) {
    const heard = await post(contentType)
    t.equal(heard.status, 415, String(contentType))
    t.match(heard.headers.get('content-type'), /^text\/plain/)
  }
  for (const contentType of ['application/json', 'Application/JSON; charset=utf-8', 'application/cloudevents+json']) {
    t.equal((await post(contentType)).status, 200, contentType)
  }
  const wrong = await call('PUT', '/api/v1/events', { body })
  t.equal(wrong.status, 405)
  t.equal(wrong.body, '')
  t.equal(wrong.headers.get('allow'), 'POST')
  for (const path of ['/api/v1/events/', '/api/v1/receivers/', '/nowhere']) {
    const heard = await call('POST', path, { body })
    t.equal(heard.status, 404, path)
    t.equal(heard.body, '')
    t.equal(heard.headers.get('content-type'), null)
  }
})

void t.test(
  'beyond the limit 429 has no content type and says to retry after 0, which is a lie of 600 ms',
  async (t) => {
    const { call, clock } = await started(t, { rateLimits: XZEPR_RATE_LIMITS })
    for (let left = 99; left >= 0; left--) {
      const heard = await call('GET', LIST)
      t.equal(heard.status, 200)
      t.equal(heard.headers.get('x-ratelimit-limit'), '100')
      t.equal(heard.headers.get('x-ratelimit-remaining'), `${left}`)
      t.equal(heard.headers.get('retry-after'), null)
    }
    const limited = await call('GET', LIST)
    t.equal(limited.status, 429)
    t.equal(limited.body, 'Rate limit exceeded')
    t.equal(limited.headers.get('content-type'), null)
    t.equal(limited.headers.get('retry-after'), '0')
    t.equal(limited.headers.get('x-ratelimit-remaining'), '0')
    await clock.advance(500)
    t.equal((await call('GET', LIST)).status, 429, 'a new token, minted for each call, does not help')
    t.equal((await call('GET', LIST, { sub: BOB })).status, 200, 'another user has a bucket of his own')
    await clock.advance(150)
    t.equal((await call('GET', LIST)).status, 200)
    t.equal((await call('GET', LIST)).status, 429)
  },
)

void t.test('401 and a missing permission cost nothing; every other answer costs one, and says so', async (t) => {
  const { call, standIn } = await started(t, { rateLimits: { ...XZEPR_RATE_LIMITS, authenticated: 5 } })
  for (let i = 0; i < 20; i++) {
    t.equal((await call('GET', LIST, { authorization: 'Bearer x' })).status, 401)
    const authorization = `Bearer ${standIn.token({ sub: ALICE, role: 'user' })}`
    const heard = await call('GET', LIST, { authorization })
    t.equal(heard.status, 403)
    t.equal(heard.headers.get('x-ratelimit-limit'), null)
  }
  const costly = [
    await call('POST', LIST, { body: 'x' }),
    await call('POST', LIST, { body: '{}', contentType: undefined }),
    await call('PUT', LIST, { body: '{}' }),
    await call('GET', `${LIST}/01M847HQ2BCF2FQ8EJCSJ07QCY`),
    await call('POST', LIST, { body: new Uint8Array(1_048_577) }),
  ]
  t.same(
    costly.map(({ status, headers }) => [status, headers.get('x-ratelimit-remaining')]),
    [
      [400, '4'],
      [415, '3'],
      [405, '2'],
      [404, '1'],
      [413, '0'],
    ],
  )
  t.equal((await call('GET', LIST)).status, 429)
})

void t.test('/health and login share the ten requests a minute of all who have no token', async (t) => {
  const users = [{ username: 'alice', password: 'secret', sub: ALICE, role: 'user' }] as const
  const { call, clock } = await started(t, { rateLimits: XZEPR_RATE_LIMITS, users })
  const health = () => call('GET', '/health', { authorization: undefined })
  const login = () => call('POST', '/api/v1/auth/login', { body: '{"username":"alice","password":"secret"}' })
  t.equal((await login()).status, 200)
  for (let i = 0; i < 9; i++) t.equal((await health()).status, 200)
  t.equal((await health()).status, 429)
  t.equal((await login()).status, 429)
  t.equal((await login()).headers.get('retry-after'), '6')
  t.equal((await call('GET', '/api/v1/events/x')).status, 500, 'a user with a token is not held up')
  await clock.advance(6_001)
  t.equal((await login()).status, 200)
})

void t.test('the old server limits nobody, but asks for a token too', async (t) => {
  const { call } = await started(t, { generation: 'old', rateLimits: { anonymous: 1, authenticated: 1, admin: 1 } })
  for (let i = 0; i < 5; i++) {
    t.equal((await call('GET', '/health')).status, 200)
    t.equal((await call('GET', LIST)).headers.get('x-ratelimit-limit'), null)
  }
  t.equal((await call('GET', LIST, { authorization: undefined })).status, 401)
})
