import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Whereabouts } from '../../src/dev/whereabouts.ts'
import { calledAt, findWhereabouts, leaveWhereabouts, whereaboutsDir } from '../../src/dev/whereabouts.ts'
import { tempDir } from '../support/program.ts'

const where = (pid: number, startedAtMs = 1): Whereabouts => ({
  pid,
  startedAtMs,
  service: 'dev',
  xzeprUrl: 'http://127.0.0.1:8042',
  token: 'abc',
  receiverId: 'r',
  workApiUrl: 'http://127.0.0.1:8900',
})
/** A number that no process has: beyond what Linux gives out. */
const NOBODY = 2 ** 22 + 1

void t.test('what is left is found by this user, and by nobody once it is taken away', async (t) => {
  const env = { XDG_RUNTIME_DIR: tempDir(t) }
  t.same(findWhereabouts(env), { kind: 'none' })
  const take = leaveWhereabouts(env, where(process.pid))
  t.same(findWhereabouts(env), { kind: 'found', where: where(process.pid), others: 0 })
  const dir = whereaboutsDir(env)
  t.equal(statSync(dir).mode & 0o777, 0o700)
  t.equal(statSync(join(dir, `dev-${process.pid}.json`)).mode & 0o777, 0o600)
  take()
  t.same(findWhereabouts(env), { kind: 'none' })
  take()
})

void t.test('of several loops the newest counts; one that was killed does not', async (t) => {
  const env = { XDG_RUNTIME_DIR: tempDir(t) }
  leaveWhereabouts(env, where(process.pid, 5))
  leaveWhereabouts(env, where(process.ppid, 9))
  leaveWhereabouts(env, where(NOBODY, 99))
  t.match(findWhereabouts(env), { kind: 'found', where: { pid: process.ppid }, others: 1 })
})

void t.test('what is not this user’s alone is neither read nor written', async (t) => {
  const runtime = tempDir(t)
  const env = { XDG_RUNTIME_DIR: runtime }
  leaveWhereabouts(env, where(process.pid))
  chmodSync(whereaboutsDir(env), 0o755)
  t.match(findWhereabouts(env), { kind: 'none', why: /is not this user's alone/ })
  t.throws(() => leaveWhereabouts(env, where(process.pid)), /is not this user's alone/)

  const linked = tempDir(t)
  mkdirSync(join(linked, 'elsewhere'), { mode: 0o700 })
  symlinkSync(join(linked, 'elsewhere'), whereaboutsDir({ XDG_RUNTIME_DIR: linked }))
  t.throws(() => leaveWhereabouts({ XDG_RUNTIME_DIR: linked }, where(1)), /is not this user's alone/)
  t.match(findWhereabouts({ XDG_RUNTIME_DIR: linked }), { kind: 'none', why: /remove it/ })

  const plain = { XDG_RUNTIME_DIR: tempDir(t) }
  writeFileSync(whereaboutsDir(plain), '', { mode: 0o600 })
  t.match(findWhereabouts(plain), { kind: 'none', why: /remove it/ }, 'a file is no directory')
  t.throws(() => leaveWhereabouts(plain, where(1)), /remove it/)

  // Only root can give something away; whoever is not may not even look into another's.
  if (userInfo().uid !== 0) return
  const given = { XDG_RUNTIME_DIR: tempDir(t) }
  mkdirSync(whereaboutsDir(given), { mode: 0o700 })
  chownSync(whereaboutsDir(given), 65_534, 65_534)
  t.match(findWhereabouts(given), { kind: 'none', why: /remove it/ })
})

void t.test('a file that is not whole is passed over', async (t) => {
  const env = { XDG_RUNTIME_DIR: tempDir(t) }
  leaveWhereabouts(env, where(process.pid))
  const dir = whereaboutsDir(env)
  for (const [at, text] of ['', '{', 'null', '{"pid":1}', '[]'].entries())
    writeFileSync(join(dir, `dev-${at}.json`), text)
  t.match(findWhereabouts(env), { kind: 'found', where: { pid: process.pid }, others: 0 })
})

void t.test('without a runtime directory the temporary one does', async (t) => {
  const { uid } = userInfo()
  t.match(whereaboutsDir({}), new RegExp(`/xzepr-bridge-${uid}$`))
  t.equal(whereaboutsDir({ XDG_RUNTIME_DIR: 'not/absolute' }), whereaboutsDir({}))
})

void t.test('an address is one that can be called', async (t) => {
  t.equal(calledAt(undefined, 1), 'http://127.0.0.1:1')
  t.equal(calledAt('0.0.0.0', 1), 'http://127.0.0.1:1')
  t.equal(calledAt('::1', 1), 'http://[::1]:1')
})
