/**
 * `xzepr-bridge drain` under load, as preStop runs it: what has ended is committed and the group is left while the
 * process is still up, another bridge goes on at once, and the app beside the drained one may report late.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Delivered } from '../support/app.ts'
import { reportsAndAnswers, TestApp } from '../support/app.ts'
import { makeWorld } from '../support/world.ts'

const EVENTS = 200
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** The command as the pod runs it, in the bridge's own environment. */
async function drain(opsUrl: string, env: Record<string, string>): Promise<{ code: number | null; text: string }> {
  const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(BRIDGE|XZEPR|OTEL)_/.test(name)))
  const child = spawn(process.execPath, [MAIN, 'drain', '--reason', 'pod ends'], {
    env: { ...bare, BRIDGE_OPS_HOST: '127.0.0.1', BRIDGE_OPS_PORT: new URL(opsUrl).port, ...env },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, text }
}

void t.test(
  'another bridge goes on while the drained one is still up, and nothing that had settled comes again',
  async (t) => {
    const world = await makeWorld(t)
    const [first, second] = [new TestApp(reportsAndAnswers), new TestApp(reportsAndAnswers)]
    for (const app of [first, second]) {
      await app.up()
      t.teardown(() => app.down())
    }
    const old = await world.startBridge(first)
    const posting = world.postMany(Array.from({ length: EVENTS }, () => 'build.done'))
    await first.until(() => first.deliveries.length >= EVENTS / 4)
    const { code, text } = await drain(old.opsUrl, {})
    t.equal(code, 0, text)
    const before = first.deliveries.length
    const ids = await posting
    await world.startBridge(second)
    await world.until('the second bridge has committed the rest', () => world.allCommitted())
    t.equal(first.deliveries.length, before, 'the drained one has sent nothing more')
    const status = (await (await fetch(`${old.opsUrl}/status`)).json()) as { phase: string }
    t.equal(status.phase, 'drained', 'and it is still up')
    const all = [...first.deliveries, ...second.deliveries].map(({ workId }) => workId)
    t.same(
      ids.filter((id) => !all.includes(id)),
      [],
      'every event was delivered',
    )
    t.equal(all.length, new Set(all).size, 'none of them twice')
    t.equal((await old.terminate()).how, 'exit code 0')
  },
)

void t.test('a work that outlives the grace is named, comes again elsewhere, and may still be reported', async (t) => {
  const world = await makeWorld(t, 1)
  const accepts = ({ body }: Delivered): number => (body.includes('"type":"build.done"') ? 202 : 200)
  const [first, second] = [new TestApp(accepts), new TestApp(accepts)]
  for (const app of [first, second]) {
    await app.up()
    t.teardown(() => app.down())
  }
  const env = { BRIDGE_SHUTDOWN_GRACE_MS: '500' }
  const old = await world.startBridge(first, env)
  const id = await world.post('build.done')
  await first.until(() => first.deliveries.length === 1)
  await old.until('it is accepted', () => old.lines.some(({ answer }) => answer === 'accepted'))
  const { code, text } = await drain(old.opsUrl, env)
  t.equal(code, 1)
  t.match(text, /1 work not ended/)
  t.same(
    old.lines.filter(({ event }) => event === 'work.left-unsettled').map(({ workId }) => workId),
    [id],
  )
  await world.startBridge(second)
  await second.until(() => second.deliveries.length === 1)
  t.equal(second.deliveries[0]?.workId, id)
  const { status } = await first.report(id, 'completed')
  t.equal(status, 200, 'forwarded at once')
  t.ok(world.told('completed').includes(id))
  t.equal((await old.terminate()).how, 'exit code 0')
})
