/**
 * The local loop on a Kafka that is not its own: an event goes the whole road, and nothing of the loop is left behind.
 */
import t from 'tap'
import { freePorts } from '../../src/dev/kafka/ports.ts'
import { kafkaForTests } from '../support/kafka.ts'
import { Program, tempDir } from '../support/program.ts'

void t.test('dev --kafka sends events through the Kafka that is named, and removes what it has made', async (t) => {
  const kafka = await kafkaForTests(t)
  const admin = await kafka.admin()
  const [appPort = 0] = await freePorts(1)
  const brokers = kafka.brokers.join(',')
  const env = {
    XDG_RUNTIME_DIR: tempDir(t),
    BRIDGE_WEBHOOK_URL: `http://127.0.0.1:${appPort}/events`,
    BRIDGE_WORK_API_PORT: '0',
    BRIDGE_OPS_PORT: '0',
    BRIDGE_SERVICE: kafka.name('loop'),
  }
  const loop = (more: Record<string, string>): Program =>
    new Program(t, ['dev', '--kafka', '--', process.execPath, 'examples/node/app.mjs'], { ...env, ...more })
  const emit = (): Program => new Program(t, ['emit', 'deployment.success', '--wait'], env)

  const named = loop({ XZEPR_KAFKA_BROKERS: brokers })
  const [, topic = ''] = await named.lines.until(/its events go to (xzepr\.loop\.\w+) on /)
  await named.lines.until(/listening on port/)
  t.match(await emit().ended, { code: 0, out: /completed at attempt 1/ })
  await named.lines.until(/✓ settled +deployment\.success .*XZepr has started, completed$/)
  t.ok((await admin.listTopics()).includes(topic))
  named.signal('SIGINT')
  t.match(await named.ended, { code: 0 })
  t.notOk((await admin.listTopics()).includes(topic), 'its topic is gone')
  const { groups } = await admin.listGroups()
  t.notOk(
    groups.some(({ groupId }) => groupId.includes(env.BRIDGE_SERVICE)),
    'and its group',
  )

  const own = await kafka.createTopic(1)
  const theirs = loop({ KAFKA_BROKERS: brokers, XZEPR_KAFKA_TOPIC: own })
  await theirs.lines.until(new RegExp(`its events go to ${own.replaceAll('.', '\\.')} on `))
  await theirs.lines.until(/listening on port/)
  t.match(await emit().ended, { code: 0 })
  theirs.signal('SIGINT')
  t.match(await theirs.ended, { code: 0 })
  t.ok((await admin.listTopics()).includes(own), 'a topic that was named stays')
})
