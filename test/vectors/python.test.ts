/** Another language reads the golden vectors: the official SDKs for Python. Without a Python it is skipped, but not in CI. */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { run } from '../../src/dev/kafka/run.ts'
import { pythonWith } from '../support/python.ts'
import { VECTORS } from './vectors.ts'

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

void t.test('the official Python SDKs read every delivery and every signature as they are meant', async (t) => {
  const python = await pythonWith(path('requirements.txt'), process.env)
  if (!python.ok) {
    if (process.env.CI === 'true') t.fail(python.why)
    else t.pass('the official Python SDKs', { skip: python.why })
    return
  }
  const lines: string[] = []
  const { ok, why } = await run(python.program, [path('check.py')], {
    env: process.env,
    timeoutMs: 60_000,
    line: (line) => lines.push(line),
  })
  for (const line of lines) t.match(line, /^ok /, line)
  t.ok(ok, why)
  t.ok(lines.length > 3 * VECTORS.size, 'every vector was read')
})
