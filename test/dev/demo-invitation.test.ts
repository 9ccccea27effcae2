/** The lines are given to a shell, with a curl and an npm that say what they were called with. */
import { spawnSync } from 'node:child_process'
import type { Test } from 'tap'
import t from 'tap'
import type { Playground } from '../../src/dev/demo-invitation.ts'
import { invitation } from '../../src/dev/demo-invitation.ts'

const PLAYGROUND: Playground = {
  xzepr: 'http://127.0.0.1:1',
  workApi: 'http://127.0.0.1:2',
  ops: 'http://127.0.0.1:3',
  token: 'a.token',
  receiverId: 'RECEIVER',
  kafka: { brokers: ['127.0.0.1:4', '127.0.0.1:5'], topic: 'xzepr.dev.events' },
}

/** What the commands are called with when every paragraph that is no prose is pasted into one shell. */
function pasted(t: Test, playground: Playground): string[][] {
  const tell = 'import process from "node:process"; console.log(JSON.stringify(process.argv.slice(2)))'
  const env =
    'console.log(JSON.stringify(Object.entries(process.env).filter(([n]) => /^(XZEPR|BRIDGE)_/.test(n)).flat()))'
  const dir = t.testdir({ 'tell.mjs': tell, 'env.mjs': env })
  const paragraphs = invitation(playground).join('\n').split('\n\n')
  const script = paragraphs.filter((text) => /^(TOKEN=|curl |BRIDGE_SERVICE=)/.test(text)).join('\n')
  const commands = `curl() { "$NODE" ${dir}/tell.mjs "$@"; }; npm() { "$NODE" ${dir}/env.mjs; }`
  const { stdout, stderr } = spawnSync('/bin/sh', ['-c', `${commands}\n${script}`], {
    env: { PATH: process.env.PATH, NODE: process.execPath },
    encoding: 'utf8',
  })
  t.equal(stderr, '')
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as string[])
}

void t.test('pasted into a shell it posts an event that goes well and one that fails', async (t) => {
  const [well = [], fails = []] = pasted(t, PLAYGROUND)
  for (const [call, success] of [
    [well, true],
    [fails, false],
  ] as const) {
    t.match(call, ['-s', 'http://127.0.0.1:1/api/v1/events', '-H', 'authorization: Bearer a.token'])
    t.match(JSON.parse(call.at(-1) ?? ''), { success, event_receiver_id: 'RECEIVER', payload: {} })
  }
})

void t.test('it asks the bridge here for works, status and metrics', async (t) => {
  const urls = pasted(t, PLAYGROUND).map((call) => call[1])
  for (const url of ['http://127.0.0.1:2/work', 'http://127.0.0.1:3/status', 'http://127.0.0.1:3/metrics']) {
    t.ok(urls.includes(url), url)
  }
})

void t.test('it starts a bridge of one’s own on the same Kafka and XZepr', async (t) => {
  const variables = (playground: Playground): string[] => pasted(t, playground).at(-1) ?? []
  const usual = ['BRIDGE_SERVICE', 'mine', 'XZEPR_KAFKA_BROKERS', '127.0.0.1:4,127.0.0.1:5']
  const api = ['XZEPR_API_URL', 'http://127.0.0.1:1', 'XZEPR_API_TOKEN', 'a.token']
  t.same(variables(PLAYGROUND).sort(), [...usual, ...api].sort())
  const kafka = { brokers: ['127.0.0.1:4', '127.0.0.1:5'], topic: 'xzepr.demo.1' }
  const topic = ['XZEPR_KAFKA_TOPIC', 'xzepr.demo.1']
  t.same(variables({ ...PLAYGROUND, kafka }).sort(), [...usual, ...topic, ...api].sort())
})

void t.test('on the in-memory log it says why no other bridge can join', async (t) => {
  const text = invitation({ ...PLAYGROUND, kafka: undefined }).join('\n')
  t.match(text, /A bridge of your own needs a real Kafka/)
  t.notMatch(text, 'BRIDGE_SERVICE')
})

void t.test('but for the token, no line is wider than 80 columns', async (t) => {
  const receiverId = '01J00000000000000000000AAA'
  const lines = invitation({ ...PLAYGROUND, receiverId, token: '' })
  t.same(
    lines.filter((line) => line.length > 80),
    [],
  )
})
