/** What is built once lies in the cache whole or not at all, whoever else builds it meanwhile. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { Fill } from '../../src/dev/cache.ts'
import { inCache } from '../../src/dev/cache.ts'

/** Fills with one file that says who has. */
const by = (who: string): Fill => {
  return async (work) => {
    writeFileSync(join(work, 'who'), who)
    return undefined
  }
}

void t.test('it is filled once, and what another run has put there meanwhile stays', async (t) => {
  const env = { XDG_CACHE_HOME: t.testdir({}) }
  const slow = await inCache('a', ['1'], env, async (work) => {
    const fast = await inCache('a', ['1'], env, by('fast'))
    t.ok(fast.ok)
    return by('slow')(work)
  })
  const again = await inCache('a', ['1'], env, by('again'))
  t.same(again, slow)
  if (!slow.ok) throw new Error(slow.why)
  t.equal(readFileSync(join(slow.dir, 'who'), 'utf8'), 'fast')
  t.equal(readdirSync(dirname(slow.dir)).length, 1, 'nothing else is left')
})

void t.test('what has no marker is made anew, and what could not be filled leaves nothing', async (t) => {
  const env = { XDG_CACHE_HOME: t.testdir({}) }
  const why = await inCache('a', ['1'], env, async () => 'no compiler')
  t.same(why, { ok: false, why: 'no compiler' })
  t.same(readdirSync(join(env.XDG_CACHE_HOME, 'xzepr-bridge')), [])
  const broken = await inCache('b', ['1'], env, async (work) => {
    const dir = work.replace(/\.tmp-.*$/, '')
    mkdirSync(dir)
    writeFileSync(join(dir, 'half'), '')
    return by('anew')(work)
  })
  if (!broken.ok) throw new Error(broken.why)
  t.notOk(existsSync(join(broken.dir, 'half')))
  t.equal(readFileSync(join(broken.dir, 'who'), 'utf8'), 'anew')
})
