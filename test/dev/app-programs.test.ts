/** What is said where a toolchain is missing or a compiler fails; that the programs run is test/examples'. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { EXAMPLES, missingToolchain, prepareApp } from '../../src/dev/app-programs.ts'
import { skipWithout } from '../support/stage.ts'

const OTHERS = EXAMPLES.filter((example) => example !== 'node')

void t.test('a missing toolchain is named, with the app that needs it', async (t) => {
  for (const example of OTHERS) {
    t.match(
      await missingToolchain(example, { PATH: '/nonexistent' }),
      new RegExp(`^The ${example} app cannot run: \\w+ is not installed\\.$`),
    )
  }
  t.equal(await missingToolchain('node', { PATH: '/nonexistent' }), undefined, 'Node runs this')
})

void t.test('its tests are skipped by that name, and fail on the machine that judges', async (t) => {
  for (const example of OTHERS) {
    t.match(await skipWithout(example, { PATH: '/nonexistent' }), { skip: new RegExp(`^The ${example} app`) })
    await t.rejects(skipWithout(example, { PATH: '/nonexistent', CI: 'true' }), { message: `The ${example} app` })
  }
})

void t.test('a compiler that fails is told with its last lines, and leaves nothing in the cache', async (t) => {
  const cache = t.testdir({ bin: {} })
  for (const [example, program] of [
    ['go', 'go'],
    ['rust', 'cargo'],
  ] as const) {
    const said: string[] = []
    const env = { PATH: join(cache, 'bin'), XDG_CACHE_HOME: cache }
    const prepared = await prepareApp(example, env, (sentence) => said.push(sentence))
    t.same(prepared, { ok: false, why: `${program} is not installed` })
    t.same(said, [`is compiled by ${program} (once)`])
    const left = join(cache, 'xzepr-bridge')
    t.same(existsSync(left) ? readdirSync(left) : [], [])
  }
})
