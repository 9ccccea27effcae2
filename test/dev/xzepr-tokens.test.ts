import { createHmac } from 'node:crypto'
import t from 'tap'
import { ACCESS_LIFETIME_MS, ROLES, Tokens } from '../../src/dev/xzepr-tokens.ts'
import { VirtualClock } from '../support/clock.ts'
import { ALICE } from './xzepr-started.ts'

void t.test('a token is an HS256 JWT that says who, which role and what it may do', (t) => {
  const clock = new VirtualClock(1_800_000_000_000)
  const token = new Tokens(clock, 'a secret').access(ALICE, 'event_viewer')
  const [head = '', payload = '', signature = ''] = token.split('.')
  t.same(JSON.parse(Buffer.from(head, 'base64url').toString()), { typ: 'JWT', alg: 'HS256' })
  t.match(JSON.parse(Buffer.from(payload, 'base64url').toString()), {
    sub: ALICE,
    roles: ['event_viewer'],
    permissions: ['event_read', 'receiver_read', 'group_read'],
    iat: 1_800_000_000,
    exp: 1_800_000_900,
    token_type: 'access',
  })
  t.equal(signature, createHmac('sha256', 'a secret').update(`${head}.${payload}`).digest('base64url'))
  t.end()
})

void t.test('only the roles that manage may create', (t) => {
  const may = (role: keyof typeof ROLES) => (ROLES[role] as readonly string[]).includes('event_create')
  t.same([may('admin'), may('event_manager'), may('event_viewer'), may('user')], [true, true, false, false])
  t.notOk((ROLES.user as readonly string[]).includes('receiver_read'))
  t.end()
})

void t.test('a token is good for 15 minutes, without leeway', async (t) => {
  const clock = new VirtualClock()
  const tokens = new Tokens(clock)
  const token = tokens.access(ALICE, 'admin')
  await clock.advance(ACCESS_LIFETIME_MS - 1)
  t.match(tokens.verify(token), { kind: 'caller', claims: { sub: ALICE } })
  await clock.advance(1)
  t.same(tokens.verify(token), { kind: 'bad', why: 'Token has expired' })
  await clock.advance(-2 * ACCESS_LIFETIME_MS)
  t.same(tokens.verify(token), { kind: 'bad', why: 'Token is not yet valid' })
})

void t.test('a token that is broken, bent or signed by another is refused', (t) => {
  const clock = new VirtualClock()
  const tokens = new Tokens(clock)
  const token = tokens.access(ALICE, 'admin')
  const format = { kind: 'bad', why: 'Invalid token format: InvalidToken' }
  for (const broken of ['', 'a', 'a.b', 'a.b.', `${token}.c`]) t.same(tokens.verify(broken), format, broken)
  const forged = token.replace(/\.[^.]+\./, `.${Buffer.from('{"sub":"x"}').toString('base64url')}.`)
  t.same(tokens.verify(forged), { kind: 'bad', why: 'Invalid token signature' })
  t.same(tokens.verify(`${token}AA`), { kind: 'bad', why: 'Invalid token signature' })
  t.same(tokens.verify(new Tokens(clock).access(ALICE, 'admin')), { kind: 'bad', why: 'Invalid token signature' })
  const [one, other] = [new Tokens(clock, 'shared'), new Tokens(clock, 'shared')]
  t.match(one.verify(other.access(ALICE, 'admin')), { kind: 'caller' }, 'a shared secret makes them one server')
  t.end()
})

void t.test('a refresh token works once, and never as an access token of any use', (t) => {
  const tokens = new Tokens(new VirtualClock())
  const { access, refresh } = tokens.pair(ALICE, 'admin')
  t.match(tokens.verify(refresh), { kind: 'caller', claims: { permissions: [], roles: [] } })
  t.equal(tokens.spend(access), undefined)
  t.equal(tokens.spend('nonsense'), undefined)
  t.equal(tokens.spend(refresh), ALICE)
  t.equal(tokens.spend(refresh), undefined)
  t.end()
})

void t.test('after a rotation every earlier token is refused', (t) => {
  const tokens = new Tokens(new VirtualClock(), 'a secret')
  const { access, refresh } = tokens.pair(ALICE, 'admin')
  tokens.rotate()
  t.match(tokens.verify(access), { kind: 'bad' })
  t.equal(tokens.spend(refresh), undefined)
  t.match(tokens.verify(tokens.access(ALICE, 'admin')), { kind: 'caller' })
  t.end()
})

void t.test('refresh tokens that nobody uses are forgotten, the oldest first', (t) => {
  const tokens = new Tokens(new VirtualClock())
  const pairs = Array.from({ length: 1_001 }, () => tokens.pair(ALICE, 'user'))
  t.equal(tokens.spend(pairs[0]?.refresh ?? ''), undefined)
  t.equal(tokens.spend(pairs[1]?.refresh ?? ''), ALICE)
  t.equal(tokens.spend(pairs[1_000]?.refresh ?? ''), ALICE)
  t.end()
})
