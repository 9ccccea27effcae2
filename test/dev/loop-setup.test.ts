import t from 'tap'
import { readConfig } from '../../src/config.ts'
import type { SetUp } from '../../src/dev/loop-setup.ts'
import { appVariables, bridgeVariables, setUp } from '../../src/dev/loop-setup.ts'
import { memoryPlace } from '../../src/dev/loop-log.ts'

const free = async (port: number): Promise<number> => port
const taken = async (port: number): Promise<number> => 20_000 + (port % 100)
const plan = (env: Record<string, string>, startsApp = true, choose = free): Promise<SetUp> =>
  setUp({ env, kafka: false, startsApp }, choose)
const neighbours = (service: string, env: Record<string, string> = {}) => ({
  xzeprUrl: 'http://127.0.0.1:8042',
  xzeprToken: 'abc',
  log: memoryPlace(env, service).names,
  brokers: undefined,
})

void t.test('with nothing set everything stands where people know it', async (t) => {
  t.same(await plan({}), {
    service: 'dev',
    ports: { workApi: 8900, ops: 8901, app: 8080 },
    webhookUrl: 'http://127.0.0.1:8080/events',
    passedOver: [],
  })
})

void t.test('a port that is taken is replaced, unless the person chose it', async (t) => {
  t.match(await plan({}, true, taken), { ports: { workApi: 20_000, ops: 20_001, app: 20_080 } })
  const chosen = {
    BRIDGE_WORK_API_PORT: '9000',
    BRIDGE_OPS_PORT: '9001',
    BRIDGE_WEBHOOK_URL: 'http://localhost:3000/x',
  }
  const own = await plan(chosen, true, taken)
  t.match(own, { ports: { workApi: 9000, ops: 9001, app: 3000 }, webhookUrl: 'http://localhost:3000/x' })
})

void t.test('an app that is there already is where it is', async (t) => {
  t.match(await plan({}, false, taken), { ports: { app: 8080 }, webhookUrl: 'http://127.0.0.1:8080/events' })
  t.match(await plan({ BRIDGE_WEBHOOK_URL: 'http://app/x' }, false), { ports: { app: 80 } })
  t.match(
    await plan({ BRIDGE_WEBHOOK_URL: 'nonsense' }, false),
    { ports: { app: 8080 } },
    'the configuration will say so',
  )
})

void t.test(
  'the bridge is set up by the person’s own variables, but for XZepr and a Kafka that is not there',
  async (t) => {
    const env = {
      BRIDGE_SERVICE: 'deployer',
      BRIDGE_ORDER: 'partition',
      BRIDGE_DEAD_LETTER_TOPIC: 'dead',
      XZEPR_API_TOKEN_FILE: '/nowhere',
      XZEPR_API_URL: 'https://xzepr.example.com',
      XZEPR_KAFKA_SASL_USERNAME: 'alice',
      HOME: '/root',
    }
    const set = await plan(env)
    t.match(set.passedOver, [/BRIDGE_DEAD_LETTER_TOPIC/])
    const variables = bridgeVariables(env, set, neighbours('deployer'))
    const reading = readConfig(variables, () => '')
    t.match(reading, {
      kind: 'config',
      warnings: [],
      config: {
        service: 'deployer',
        delivery: { order: 'partition' },
        xzepr: { url: 'http://127.0.0.1:8042', credentials: { kind: 'token', token: 'abc' } },
        kafka: { groupId: 'xzepr-consumer-deployer', deadLetterTopic: undefined, sasl: undefined },
        ops: { host: '127.0.0.1' },
        shutdownGraceMs: 2000,
      },
    })
    const grace = bridgeVariables({ ...env, BRIDGE_SHUTDOWN_GRACE_MS: '9' }, set, neighbours('deployer'))
    t.equal(grace.BRIDGE_SHUTDOWN_GRACE_MS, '9')
  },
)

void t.test('with a Kafka its variables hold too', async (t) => {
  const env = { XZEPR_KAFKA_SASL_USERNAME: 'alice', BRIDGE_DEAD_LETTER_TOPIC: 'dead' }
  const set = await setUp({ env, kafka: true, startsApp: true }, free)
  const variables = bridgeVariables(env, set, { ...neighbours('dev'), brokers: ['k:9092', 'l:9092'] })
  t.match(variables, { ...env, XZEPR_KAFKA_BROKERS: 'k:9092,l:9092' })
  t.same(set.passedOver, [])
})

void t.test('the app finds its port and where it reports beside its own environment', async (t) => {
  const set = await plan({})
  t.same(appVariables({ HOME: '/root', PORT: '1' }, set, 'http://127.0.0.1:8900'), {
    HOME: '/root',
    PORT: '8080',
    WORK_API_URL: 'http://127.0.0.1:8900',
  })
})
