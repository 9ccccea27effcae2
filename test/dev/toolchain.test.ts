import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { imageNode } from '../../src/dev/toolchain.ts'

void t.test('tools that cannot be had are a sentence, and leave nothing behind', async (t) => {
  const cache = t.testdir({})
  const tools = await imageNode({ XDG_CACHE_HOME: cache, PATH: '' }, () => undefined)
  t.match(tools, { ok: false, why: /npm is not installed/ })
  t.same(readdirSync(join(cache, 'xzepr-bridge')), [])
})
