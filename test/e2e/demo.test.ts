/**
 * The demo as it is shipped, on a Kafka that is not its own: it must show the whole road and leave nothing behind.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { kafkaForTests } from '../support/kafka.ts'

const DEMO = fileURLToPath(new URL('../../dist/dev/demo.js', import.meta.url))

for (const app of ['node', 'python']) {
  void t.test(`the demo with the ${app} app shows every event on the whole road and exits 0`, async (t) => {
    const kafka = await kafkaForTests(t)
    const admin = await kafka.admin()
    const child = spawn(process.execPath, [DEMO, '--app', app, '--events', '4'], {
      env: { ...process.env, KAFKA_BROKERS: kafka.brokers.join(',') },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    t.equal(code, 0, out)
    t.match(out, /event +webhook +started +ended +offset +committed/)
    t.match(out, /\nAll 4 events made the whole way, and nothing is owed any more\.\n$/)
    t.same(
      out.split('\n').filter((line) => line.length > 80),
      [],
      'no line is wider than 80 columns',
    )
    t.equal(out.match(/HTTP 200 +✓ +(completed|failed) +\d+\/\d+ +✓/g)?.length, 4, 'four rows, all of them true')
    const left = (await admin.listTopics()).filter((topic) => topic.startsWith('xzepr.demo.'))
    t.strictSame(left, [], 'its topic is gone')
  })
}
