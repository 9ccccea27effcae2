/**
 * `npm run rehearse -- --tests`: the steps of the Dockerfile, what they make started as an image would start it, and the unit
 * tests on the Node that the image ships.
 */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { run } from '../../src/dev/kafka/run.ts'
import { unwatched } from '../support/unwatched.ts'

const REHEARSE = fileURLToPath(new URL('../../dist/dev/rehearse.js', import.meta.url))
const TIMEOUT_MS = 600_000

void t.test('what the Dockerfile makes starts, and the unit tests pass on its Node', async (t) => {
  const { program, args } = unwatched(process.execPath, [REHEARSE, '--tests'])
  const lines: string[] = []
  const line = (text: string): void => {
    lines.push(text)
    if (/^\s*not ok/.test(text)) t.fail(text.trim())
  }
  const { ok, why, output } = await run(program, args, { env: process.env, timeoutMs: TIMEOUT_MS, line })
  t.ok(ok, ok ? 'it ends well' : `${why}\n${output}`)
  const said = lines.join('\n')
  t.match(said, /It copies [\d.]+ MB: node_modules [\d.]+, dist [\d.]+/)
  t.match(said, /, nothing may be written\n {2}healthcheck: .* is alive\./)
  t.match(said, /drain: Drained: .*\n {2}SIGTERM: exit code 0/)
  const [, passed] = /# \{ total: \d+, pass: (\d+) \}/.exec(said) ?? []
  t.ok(Number(passed) > 5000, `${passed ?? 'no'} tests passed on the image’s Node`)
})
