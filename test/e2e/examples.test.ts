/**
 * Every example on a real Kafka, all of them side by side: each with a topic, a group, an XZepr and a bridge of its own.
 *
 * What is asked are the neighbours: XZepr's journal and the group's offsets.
 */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import { startApp } from '../../src/dev/app-process.ts'
import type { Example } from '../../src/dev/app-programs.ts'
import { EXAMPLES, prepareApp } from '../../src/dev/app-programs.ts'
import { Children } from '../../src/dev/children.ts'
import { freePorts } from '../../src/dev/kafka/ports.ts'
import { TestApp } from '../support/app.ts'
import { kafkaForTests } from '../support/kafka.ts'
import { skipWithout } from '../support/stage.ts'
import type { World } from '../support/world.ts'
import { makeWorld } from '../support/world.ts'

/** Every fifth deployment fails; what is no deployment is not for a downstream consumer. */
const NAMES = Array.from({ length: 20 }, (_, nth) => (nth % 5 === 4 ? 'deployment.failure' : 'deployment.success'))
const OTHER = 'build.done'

interface Told {
  readonly name: string
  readonly success: boolean
  readonly workId: string
}

/** Of the variables in its bridge.env the test sets anew those that say where its neighbours are. */
function bridgeEnv(example: Example): Record<string, string> {
  if (!example.startsWith('downstream-')) return {}
  const text = readFileSync(new URL(`../../examples/${example}/bridge.env`, import.meta.url), 'utf8')
  const { BRIDGE_EVENT_TYPES, BRIDGE_MAX_RUNNING, XZEPR_KAFKA_SECURITY_PROTOCOL } = parseEnv(text)
  const kept = { BRIDGE_EVENT_TYPES, BRIDGE_MAX_RUNNING, XZEPR_KAFKA_SECURITY_PROTOCOL }
  return Object.fromEntries(Object.entries(kept).map(([name, value]) => [name, value ?? '']))
}

void t.test('the examples, each beside a bridge', async (t) => {
  const kafka = await kafkaForTests(t)
  // One after the other: the Kafka of a test has one admin and one producer.
  const worlds: World[] = []
  while (worlds.length < EXAMPLES.length) worlds.push(await makeWorld(t, 3, kafka))
  t.jobs = EXAMPLES.length
  const skips = await Promise.all(EXAMPLES.map(async (example) => skipWithout(example)))
  // The compilers work side by side while nothing else waits for them.
  await Promise.all(
    EXAMPLES.map(async (example, nth) => skips[nth]?.skip === false && prepareApp(example, process.env)),
  )

  for (const [nth, example] of EXAMPLES.entries()) {
    const options = { skip: skips[nth]?.skip ?? false }
    void t.test(`${example}: XZepr holds every lifecycle event once, and all is committed`, options, async (t) => {
      const isDownstream = example.startsWith('downstream-')
      const world = worlds[nth]
      if (world === undefined) throw new Error('each has a world')
      const children = new Children(systemClock)
      t.teardown(async () => children.stopAll(5000))
      const [workPort = 0] = await freePorts(1)
      const app = await startApp(children, {
        example,
        workApiUrl: `http://127.0.0.1:${workPort}`,
        env: { ...process.env, WORK_SECONDS: '0.04', POLL_SECONDS: '0.1' },
      })
      const bridge = await world.startBridge(new TestApp(), {
        ...bridgeEnv(example),
        BRIDGE_WEBHOOK_URL: app.webhookUrl,
        BRIDGE_WORK_API_PORT: String(workPort),
      })

      const sent = new Map<string, boolean>()
      for (const name of NAMES) {
        const success = name !== 'deployment.failure'
        sent.set(await world.post(name, { success }), success)
      }
      const other = await world.post(OTHER)
      if (!isDownstream) sent.set(other, true)
      await world.until(`${example} has ended all`, async () => {
        const ended = new Set([...world.told('completed'), ...world.told('failed')])
        return [...sent.keys()].every((id) => ended.has(id)) && (await world.allCommitted())
      })

      const told = world.xzepr.journal.events.flatMap(({ name, success, payload }): Told[] => {
        const { work_id: workId } = JSON.parse(payload) as { work_id?: string }
        return workId === undefined ? [] : [{ name, success, workId }]
      })
      for (const [id, success] of sent) {
        t.same(
          told.filter(({ workId }) => workId === id).map(({ name, success }) => [name, success]),
          [
            // Whether it went well is not known yet.
            [`${world.service}.started`, told.find(({ workId }) => workId === id)?.success],
            [`${world.service}.${success ? 'completed' : 'failed'}`, success],
          ],
          `${id} started, then ended as its event says, and nothing more`,
        )
      }
      if (isDownstream) {
        t.same(
          told.filter(({ workId }) => !sent.has(workId)),
          [],
          'it has deployments alone',
        )
      }
      t.equal((await app.child.stop(10_000)).how, 'exit code 0')
      t.equal((await bridge.terminate()).how, 'exit code 0')
    })
  }
})
