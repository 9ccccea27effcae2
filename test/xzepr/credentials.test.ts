import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { fixedToken, tokenFile } from '../../src/xzepr/credentials.ts'
import { VirtualClock } from '../support/clock.ts'

const value = (value: string): object => ({ kind: 'token', value })

void t.test('a fixed token is the same for ever and has no newer one', async (t) => {
  const credentials = fixedToken(' abc.def ')
  t.same(await credentials.token(), value('abc.def'))
  t.equal(await credentials.renew('abc.def'), undefined)
  t.same(await fixedToken('Bearer abc').token(), value('abc'), 'people paste the whole header')
})

void t.test('a token that would break its header is none, and what is said never holds it', async (t) => {
  for (const bad of ['', ' \n', 'geheim\r\nx: y', 'geh eim', 'gehëim', 'geheim\u0000']) {
    const token = await fixedToken(bad).token()
    t.match(token, { kind: 'none', why: /^XZEPR_API_TOKEN/ })
    t.notMatch(JSON.stringify(token), /geh/)
  }
})

void t.test('a changed file is seen at the next use, at most once a second', async (t) => {
  const clock = new VirtualClock()
  const path = join(t.testdir({ token: 'first\n' }), 'token')
  const credentials = tokenFile({ path, clock })
  t.same(await credentials.token(), value('first'))
  await writeFile(path, 'second, which is longer'.slice(0, 6))
  await utimes(path, 1, 1)
  t.same(await credentials.token(), value('first'))
  await clock.advance(1000)
  t.same(await credentials.token(), value('second'))
})

void t.test('Kubernetes’ swap of ..data is seen', async (t) => {
  const clock = new VirtualClock()
  const dir = t.testdir({ v1: { token: 'aaaa' }, v2: { token: 'bbbb' } })
  await symlink('v1', join(dir, '..data'))
  await symlink('..data/token', join(dir, 'token'))
  const credentials = tokenFile({ path: join(dir, 'token'), clock })
  t.same(await credentials.token(), value('aaaa'))
  await symlink('v2', join(dir, '..data_tmp'))
  await rename(join(dir, '..data_tmp'), join(dir, '..data'))
  await clock.advance(1000)
  t.same(await credentials.token(), value('bbbb'))
})

void t.test('after a refusal the file is read again at once, whatever stat says', async (t) => {
  const clock = new VirtualClock()
  const path = join(t.testdir({ token: 'aaaa' }), 'token')
  await utimes(path, 1, 1)
  const credentials = tokenFile({ path, clock })
  t.same(await credentials.token(), value('aaaa'))
  t.equal(await credentials.renew('aaaa'), undefined, 'nothing newer')
  await writeFile(path, 'bbbb')
  await utimes(path, 1, 1)
  t.same(await Promise.all([credentials.renew('aaaa'), credentials.renew('aaaa')]), ['bbbb', 'bbbb'])
  t.same(await credentials.token(), value('bbbb'))
})

void t.test(
  'a file that is gone, empty or a directory takes no good token away, and is followed when it is back',
  async (t) => {
    const clock = new VirtualClock()
    const path = join(t.testdir({ token: 'good' }), 'token')
    const credentials = tokenFile({ path, clock })
    const next = async (): Promise<object> => {
      await clock.advance(1000)
      return credentials.token()
    }
    t.same(await next(), value('good'))
    await writeFile(path, '')
    t.same(await next(), value('good'))
    await rm(path)
    t.same(await next(), value('good'))
    await mkdir(path)
    t.same(await next(), value('good'))
    await rm(path, { recursive: true })
    await writeFile(path, 'newer')
    t.same(await next(), value('newer'))
  },
)

void t.test('without any token yet, why is said: the file and what is wrong with it', async (t) => {
  const clock = new VirtualClock()
  const dir = t.testdir({ empty: '' })
  t.match(await tokenFile({ path: join(dir, 'absent'), clock }).token(), { kind: 'none', why: /absent: ENOENT/ })
  const empty = tokenFile({ path: join(dir, 'empty'), clock })
  t.match(await empty.token(), { kind: 'none', why: /empty is empty/ })
  await writeFile(join(dir, 'empty'), 'now')
  t.equal(await empty.renew('x'), 'now')
})
