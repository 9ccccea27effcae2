/**
 * Another language's client, generated from openapi.yaml, goes the road of a running bridge. Without a Python it is skipped,
 * but not in CI.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { run } from '../../src/dev/kafka/run.ts'
import { pythonWith } from '../support/python.ts'
import { message, running, TOPIC } from '../support/running.ts'

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

void t.test('a Python client generated from openapi.yaml passes the road, and XZepr hears of it', async (t) => {
  const python = await pythonWith(path('requirements.txt'), process.env)
  if (!python.ok) {
    if (process.env.CI === 'true') t.fail(python.why)
    else t.pass('the generated Python client', { skip: python.why })
    return
  }
  const here = t.testdir()
  const settings = join(here, 'config.yaml')
  // As it comes off the generator: formatting it would be for readers.
  writeFileSync(settings, 'post_hooks: []\n')
  const client = join(here, 'xzepr_bridge_client')
  const generate = ['generate', '--fail-on-warning', '--meta', 'none', '--config', settings, '--output-path', client]
  const env = { ...process.env, PYTHONPATH: here, PYTHONDONTWRITEBYTECODE: '1' }
  const made = await run(
    python.program,
    ['-m', 'openapi_python_client', ...generate, '--path', path('../../openapi.yaml')],
    { env, timeoutMs: 60_000 },
  )
  if (!made.ok) {
    t.fail(`${made.why}\n${made.output}`)
    return
  }

  const bridge = await running(t)
  bridge.beside.behave = ({ attempt }) => (attempt === 1 ? 202 : 503)
  for (const id of ['a', 'b', 'c']) bridge.log.append(TOPIC, message(id))
  await bridge.until('attempt.answered', 3)
  const held: string[] = []
  const road = await run(python.program, [path('road.py'), bridge.beside.workApiUrl, bridge.opsUrl], {
    env,
    timeoutMs: 60_000,
    line: (line) => void held.push(line),
  })
  t.ok(road.ok, road.why)
  for (const line of held) t.match(line, /^ok /, line)
  t.equal(held.length, 16)

  await bridge.until('report.stored', 4)
  const told = bridge.xzepr.journal.events.filter(({ payload }) => payload.includes('"work_id"'))
  t.strictSame(told.map(({ name }) => name).sort(), [
    'deployer.completed',
    'deployer.started',
    'svc.completed',
    'svc.failed',
    'svc.failed',
  ])
  const [completed] = told.filter(({ name }) => name === 'deployer.completed')
  t.match(completed?.payload, /"build":12345678901234567890/, 'a number reaches XZepr digit for digit')
  t.match(told.map(({ payload }) => payload).join(), /"error_code":"E_CLUSTER"/)
})
