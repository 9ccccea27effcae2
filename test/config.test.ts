import fc from 'fast-check'
import t from 'tap'
import type { Config, ConfigReading } from '../src/config.ts'
import { readConfig } from '../src/config.ts'
import { renderProblems } from '../src/config/findings.ts'
import { ALL_VARIABLES } from '../src/config/variables.ts'
import { anyText } from './support/any-text.ts'

type Env = Record<string, string | undefined>

const BASE: Env = { BRIDGE_SERVICE: 'deployer', XZEPR_API_TOKEN: 'token' }
const CERT = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
const KEY = '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n'

const SECRET = `whsec_${Buffer.alloc(24, 'a').toString('base64')}`

const FILES: Readonly<Record<string, string>> = {
  '/secrets/ca.crt': CERT,
  '/secrets/tls.crt': CERT,
  '/secrets/tls.key': KEY,
  '/secrets/password': ' pass word \n',
  '/secrets/token': 'file-token\n',
  '/secrets/webhook': `${SECRET} ${SECRET}\n`,
  '/secrets/empty': '\n',
  '/secrets/bad': 'one two',
}

function readFile(path: string): string {
  const text = FILES[path]
  if (text === undefined) throw Object.assign(new Error(`no such file ${path}`), { code: 'ENOENT' })
  return text
}

const read = (env: Env): ConfigReading => readConfig(env, readFile)

function configOf(env: Env): Config {
  const reading = read({ ...BASE, ...env })
  if (reading.kind === 'errors') throw new Error(renderProblems(reading.errors))
  return reading.config
}

/** The refused variables and what is said to be right. */
function refused(env: Env): Record<string, string> {
  const reading = read(env)
  if (reading.kind === 'config') return {}
  return Object.fromEntries(reading.errors.map(({ variable, right }) => [variable, right]))
}

const warnings = (env: Env): readonly string[] => read({ ...BASE, ...env }).warnings

void t.test('a service’s name and a token are enough; the rest has the contract’s defaults', async (t) => {
  const reading = read(BASE)
  t.same(reading, {
    kind: 'config',
    warnings: [],
    config: {
      service: 'deployer',
      kafka: {
        brokers: ['localhost:9092'],
        topic: 'xzepr.dev.events',
        deadLetterTopic: undefined,
        groupId: 'xzepr-consumer-deployer',
        startFrom: 'earliest',
        securityProtocol: 'PLAINTEXT',
        tls: undefined,
        sasl: undefined,
      },
      xzepr: {
        url: 'http://localhost:8042',
        credentials: { kind: 'token', token: 'token' },
        timeoutMs: 30_000,
        ca: undefined,
        receiver: { name: 'deployer-receiver', type: 'worker', version: '1.0.0' },
      },
      webhook: {
        url: 'http://127.0.0.1:8080/events',
        format: 'verbatim',
        timeoutMs: 30_000,
        secrets: undefined,
        batch: { max: 100, waitMs: 20 },
        healthUrl: undefined,
      },
      delivery: {
        eventTypes: '*',
        filter: undefined,
        lifecycle: 'explicit',
        order: 'key',
        maxInFlight: 64,
        maxRunning: 10_000,
        maxBufferedBytes: 33_554_432,
        maxAttempts: 10,
        retryInitialMs: 500,
        retryMaxMs: 60_000,
        leaseMs: 300_000,
      },
      work: { name: 'deployer', version: '1.0.0', package: 'deployer' },
      workApi: { host: '127.0.0.1', port: 8900, token: undefined, unknown: 'forward' },
      ops: { host: undefined, port: 8901, token: undefined },
      shutdownGraceMs: 25_000,
      logLevel: 'info',
    },
  })
})

void t.test('every variable that is built reaches its place', async (t) => {
  const config = configOf({
    XZEPR_API_TOKEN: undefined,
    XZEPR_API_TOKEN_FILE: '/secrets/token',
    XZEPR_API_URL: 'https://xzepr:8443/',
    XZEPR_API_TIMEOUT_MS: '45000',
    XZEPR_API_CA_LOCATION: '/secrets/ca.crt',
    XZEPR_KAFKA_BROKERS: 'a:9092, b-1.kafka:9093,',
    XZEPR_KAFKA_TOPIC: 'xzepr.prod.events',
    XZEPR_KAFKA_GROUP_ID: 'group',
    XZEPR_KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
    XZEPR_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    XZEPR_KAFKA_SASL_USERNAME: 'user',
    XZEPR_KAFKA_SASL_PASSWORD_FILE: '/secrets/password',
    XZEPR_KAFKA_SSL_CA_LOCATION: '/secrets/ca.crt',
    XZEPR_KAFKA_SSL_CERTIFICATE_LOCATION: '/secrets/tls.crt',
    XZEPR_KAFKA_SSL_KEY_LOCATION: '/secrets/tls.key',
    BRIDGE_START_FROM: 'latest',
    BRIDGE_WEBHOOK_URL: 'http://app:3000/x?y=1',
    BRIDGE_WEBHOOK_FORMAT: 'batch',
    BRIDGE_WEBHOOK_SECRET_FILE: '/secrets/webhook',
    BRIDGE_BATCH_MAX: '7',
    BRIDGE_BATCH_WAIT_MS: '0',
    BRIDGE_WEBHOOK_TIMEOUT_MS: '1',
    BRIDGE_APP_HEALTH_URL: 'http://app:3000/healthz',
    BRIDGE_EVENT_TYPES: 'deployment.*, !deployment.test',
    BRIDGE_LIFECYCLE: 'auto',
    BRIDGE_ORDER: 'none',
    BRIDGE_MAX_IN_FLIGHT: '1',
    BRIDGE_MAX_RUNNING: '2',
    BRIDGE_MAX_BUFFERED_BYTES: '4096',
    BRIDGE_MAX_ATTEMPTS: '0',
    BRIDGE_RETRY_INITIAL_MS: '7',
    BRIDGE_RETRY_MAX_MS: '7',
    BRIDGE_LEASE_SECONDS: '9',
    BRIDGE_RECEIVER_NAME: 'receiver',
    BRIDGE_RECEIVER_TYPE: 'type',
    BRIDGE_RECEIVER_VERSION: '2',
    BRIDGE_WORK_NAME: 'work',
    BRIDGE_WORK_VERSION: '3',
    BRIDGE_WORK_API_HOST: '::1',
    BRIDGE_WORK_API_PORT: '0',
    BRIDGE_WORK_API_TOKEN_FILE: '/secrets/token',
    BRIDGE_WORK_UNKNOWN: 'reject',
    BRIDGE_OPS_HOST: '0.0.0.0',
    BRIDGE_OPS_PORT: '0',
    BRIDGE_OPS_TOKEN_FILE: '/secrets/token',
    BRIDGE_SHUTDOWN_GRACE_MS: '0',
    BRIDGE_LOG_LEVEL: 'silent',
  })
  t.same(config, {
    service: 'deployer',
    kafka: {
      brokers: ['a:9092', 'b-1.kafka:9093'],
      topic: 'xzepr.prod.events',
      groupId: 'group',
      startFrom: 'latest',
      securityProtocol: 'SASL_SSL',
      tls: { ca: CERT.trimEnd(), cert: CERT.trimEnd(), key: KEY.trimEnd() },
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'user', password: ' pass word ' },
    },
    xzepr: {
      url: 'https://xzepr:8443',
      credentials: { kind: 'token-file', path: '/secrets/token' },
      timeoutMs: 45_000,
      ca: CERT.trimEnd(),
      receiver: { name: 'receiver', type: 'type', version: '2' },
    },
    webhook: {
      url: 'http://app:3000/x?y=1',
      format: 'batch',
      timeoutMs: 1,
      secrets: `${SECRET} ${SECRET}`,
      batch: { max: 7, waitMs: 0 },
      healthUrl: 'http://app:3000/healthz',
    },
    delivery: {
      eventTypes: 'deployment.*, !deployment.test',
      filter: undefined,
      lifecycle: 'auto',
      order: 'none',
      maxInFlight: 1,
      maxRunning: 2,
      maxBufferedBytes: 4096,
      maxAttempts: 0,
      retryInitialMs: 7,
      retryMaxMs: 7,
      leaseMs: 9000,
    },
    work: { name: 'work', version: '3', package: 'deployer' },
    workApi: { host: '::1', port: 0, token: 'file-token', unknown: 'reject' },
    ops: { host: '0.0.0.0', port: 0, token: 'file-token' },
    shutdownGraceMs: 0,
    logLevel: 'silent',
  })
})

void t.test('all errors are told at once, one for each variable, in the order of the reference', async (t) => {
  const reading = read({ BRIDGE_MAX_IN_FLIGHT: 'many', BRIDGE_ORDER: 'keys', XZEPR_API_URL: 'xzepr:8042' })
  if (reading.kind === 'config') return void t.fail('it must not start')
  t.same(reading.errors, [
    {
      variable: 'BRIDGE_SERVICE',
      given: 'not set',
      right: 'must be the service’s name, at most 240 bytes without control characters',
    },
    {
      variable: 'XZEPR_API_URL',
      given: '"xzepr:8042"',
      right: 'must be an http:// or https:// address without user, password, ?, # and /api/v1',
    },
    {
      variable: 'XZEPR_API_TOKEN',
      given: 'not set',
      right: 'must be set, or XZEPR_API_TOKEN_FILE: the bridge signs in to XZepr',
    },
    { variable: 'BRIDGE_ORDER', given: '"keys"', right: 'must be one of key, partition, none' },
    { variable: 'BRIDGE_MAX_IN_FLIGHT', given: '"many"', right: 'must be a whole number from 1 to 10000' },
  ])
})

void t.test('an empty or blank text is not set', async (t) => {
  t.equal(configOf({ BRIDGE_ORDER: '', BRIDGE_MAX_IN_FLIGHT: '  ', XZEPR_KAFKA_BROKERS: '\n' }).delivery.order, 'key')
  t.ok('BRIDGE_SERVICE' in refused({ ...BASE, BRIDGE_SERVICE: ' ' }))
})

void t.test('each value beyond its bounds is refused by name', async (t) => {
  const wrong: [string, string][] = [
    ['BRIDGE_SERVICE', 'x'.repeat(241)],
    ['BRIDGE_SERVICE', 'a\u0000b'],
    ['BRIDGE_RECEIVER_NAME', 'é'.repeat(128)],
    ['BRIDGE_RECEIVER_VERSION', 'x'.repeat(101)],
    ['BRIDGE_WORK_NAME', '\ud800'],
    ['XZEPR_KAFKA_GROUP_ID', 'g'.repeat(256)],
    ['XZEPR_KAFKA_BROKERS', 'kafka'],
    ['XZEPR_KAFKA_BROKERS', 'kafka:0'],
    ['XZEPR_KAFKA_BROKERS', 'kafka:65536'],
    ['XZEPR_KAFKA_BROKERS', '[::1]:9092'],
    ['XZEPR_KAFKA_BROKERS', 'kafka://kafka:9092'],
    ['XZEPR_KAFKA_BROKERS', ','],
    ['XZEPR_KAFKA_TOPIC', 'a,b'],
    ['XZEPR_KAFKA_TOPIC', '..'],
    ['XZEPR_KAFKA_SECURITY_PROTOCOL', 'ssl'],
    ['XZEPR_API_URL', 'ftp://xzepr'],
    ['XZEPR_API_URL', 'http://xzepr/?a=b'],
    ['XZEPR_API_URL', 'http://xzepr/api/v1'],
    ['XZEPR_API_TOKEN', 'Bearer abc'],
    ['BRIDGE_WEBHOOK_URL', '/events'],
    ['BRIDGE_WEBHOOK_URL', 'http://user:pw@app/'],
    ['BRIDGE_EVENT_TYPES', 'a,,b'],
    ['BRIDGE_EVENT_TYPES', '!'],
    ['BRIDGE_MAX_IN_FLIGHT', '0'],
    ['BRIDGE_MAX_IN_FLIGHT', '1.5'],
    ['BRIDGE_MAX_RUNNING', '1e400'],
    ['BRIDGE_MAX_ATTEMPTS', '-1'],
    ['BRIDGE_OPS_PORT', '65536'],
    ['BRIDGE_OPS_HOST', 'a b'],
    ['BRIDGE_LOG_LEVEL', 'verbose'],
  ]
  for (const [name, text] of wrong) t.same(Object.keys(refused({ ...BASE, [name]: text })), [name], `${name}=${text}`)
})

void t.test('names may fill their bound to the byte', async (t) => {
  const service = 'x'.repeat(240)
  t.equal(configOf({ BRIDGE_SERVICE: service }).kafka.groupId.length, 255)
  t.equal(configOf({ BRIDGE_RECEIVER_NAME: 'é'.repeat(127) }).xzepr.receiver.name.length, 127)
})

void t.test('exactly one way to sign in to XZepr is taken', async (t) => {
  const unsigned = { BRIDGE_SERVICE: 'deployer' }
  t.same(Object.keys(refused(unsigned)), ['XZEPR_API_TOKEN'])
  t.match(refused({ ...BASE, XZEPR_API_TOKEN_FILE: '/secrets/token' }), { XZEPR_API_TOKEN_FILE: /exactly one/ })
  const login = { ...unsigned, XZEPR_API_USERNAME: 'u', XZEPR_API_PASSWORD: 'p' }
  t.match(refused(login), { XZEPR_API_USERNAME: /not available/, XZEPR_API_PASSWORD: /not available/ })
  t.notOk('XZEPR_API_TOKEN' in refused(login), 'what is missing is not told beside what is not there yet')
  t.same(Object.keys(refused({ ...unsigned, XZEPR_API_PASSWORD_FILE: '/secrets/password' })), [
    'XZEPR_API_PASSWORD_FILE',
  ])
})

void t.test('a token file that is not there yet is a warning: its writer may start after us', async (t) => {
  for (const path of ['/secrets/none', '/secrets/empty']) {
    const reading = read({ BRIDGE_SERVICE: 'deployer', XZEPR_API_TOKEN_FILE: path })
    t.equal(reading.kind, 'config')
    t.match(reading.warnings, [/^XZEPR_API_TOKEN_FILE: .* looks again/])
  }
})

void t.test('SASL needs user and password, TLS’s certificate its key', async (t) => {
  t.same(Object.keys(refused({ ...BASE, XZEPR_KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT' })), [
    'XZEPR_KAFKA_SASL_USERNAME',
    'XZEPR_KAFKA_SASL_PASSWORD',
  ])
  const ssl = { ...BASE, XZEPR_KAFKA_SECURITY_PROTOCOL: 'SSL' }
  t.same(Object.keys(refused({ ...ssl, XZEPR_KAFKA_SSL_CERT_LOCATION: '/secrets/tls.crt' })), [
    'XZEPR_KAFKA_SSL_KEY_LOCATION',
  ])
  t.same(Object.keys(refused({ ...ssl, XZEPR_KAFKA_SSL_KEY_LOCATION: '/secrets/tls.key' })), [
    'XZEPR_KAFKA_SSL_CERT_LOCATION',
  ])
  t.same(configOf({ XZEPR_KAFKA_SECURITY_PROTOCOL: 'SSL' }).kafka.tls, {
    ca: undefined,
    cert: undefined,
    key: undefined,
  })
})

void t.test('a webhook’s secrets are words of whsec_ and 24 to 64 bytes, several while they change', async (t) => {
  const secret = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 'a').toString('base64')}`
  const given = (text: string): Env => ({ ...BASE, BRIDGE_WEBHOOK_SECRET: text })
  for (const bytes of [24, 25, 26, 64]) {
    t.same(refused(given(secret(bytes))), {}, `${bytes} bytes`)
    t.same(refused(given(secret(bytes).replace(/=+$/, ''))), {}, `${bytes} bytes without padding`)
  }
  t.equal(configOf(given(` ${secret(24)}\t${secret(32)} `)).webhook.secrets, ` ${secret(24)}\t${secret(32)} `)
  t.same(refused(given(Array<string>(8).fill(SECRET).join(' '))), {})
  const wrong = [
    secret(23),
    secret(65),
    SECRET.slice(6),
    `${SECRET}=`,
    `${SECRET},${SECRET}`,
    `${SECRET}a`,
    'whsec_',
    'whsk_x',
  ]
  for (const text of [...wrong, `${SECRET} ${secret(23)}`, Array<string>(9).fill(SECRET).join(' ')]) {
    t.match(refused(given(text)), { BRIDGE_WEBHOOK_SECRET: /whsec_/ }, text)
  }
  t.match(refused({ ...BASE, BRIDGE_WEBHOOK_SECRET_FILE: '/secrets/bad' }), {
    BRIDGE_WEBHOOK_SECRET_FILE: /path of a file that holds up to 8 secrets whsec_/,
  })
})

void t.test('what is set and has no effect is a warning', async (t) => {
  t.match(warnings({ BRIDGE_BATCH_MAX: '7', BRIDGE_BATCH_WAIT_MS: '0' }), [
    /^BRIDGE_BATCH_MAX is set but has no effect: BRIDGE_WEBHOOK_FORMAT is verbatim\.$/,
    /^BRIDGE_BATCH_WAIT_MS is set/,
  ])
  t.match(warnings({ XZEPR_KAFKA_SASL_USERNAME: 'u', XZEPR_KAFKA_SSL_CA_LOCATION: '/secrets/ca.crt' }), [
    /^XZEPR_KAFKA_SASL_USERNAME is set but has no effect: XZEPR_KAFKA_SECURITY_PROTOCOL is PLAINTEXT\.$/,
    /^XZEPR_KAFKA_SSL_CA_LOCATION is set/,
  ])
  t.match(warnings({ XZEPR_API_CA_LOCATION: '/secrets/ca.crt' }), [/^XZEPR_API_CA_LOCATION is set .* not https/])
})

void t.test('a secret comes from the variable or from the file, not from both', async (t) => {
  const sasl = { ...BASE, XZEPR_KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', XZEPR_KAFKA_SASL_USERNAME: 'u' }
  t.equal(configOf({ ...sasl, XZEPR_KAFKA_SASL_PASSWORD: ' p\r\n' }).kafka.sasl?.password, ' p')
  const both = { ...sasl, XZEPR_KAFKA_SASL_PASSWORD: 'p', XZEPR_KAFKA_SASL_PASSWORD_FILE: '/secrets/password' }
  t.match(refused(both), { XZEPR_KAFKA_SASL_PASSWORD_FILE: /one of the two/ })
})

void t.test('a file that cannot be used is refused by the variable that names it', async (t) => {
  const sasl = { ...BASE, XZEPR_KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', XZEPR_KAFKA_SASL_USERNAME: 'u' }
  t.match(refused({ ...sasl, XZEPR_KAFKA_SASL_PASSWORD_FILE: '/secrets/none' }), {
    XZEPR_KAFKA_SASL_PASSWORD_FILE: /cannot be read \(ENOENT\)\. Check that the file is mounted/,
  })
  t.match(refused({ ...sasl, XZEPR_KAFKA_SASL_PASSWORD_FILE: '/secrets/empty' }), {
    XZEPR_KAFKA_SASL_PASSWORD_FILE: /is empty/,
  })
  t.match(refused({ ...BASE, XZEPR_KAFKA_SSL_CA_LOCATION: '/secrets/tls.key' }), {
    XZEPR_KAFKA_SSL_CA_LOCATION: /certificates in PEM/,
  })
  t.match(refused({ ...BASE, BRIDGE_WORK_API_TOKEN_FILE: '/secrets/bad' }), {
    BRIDGE_WORK_API_TOKEN_FILE: /one bearer token/,
  })
  const stubborn = readConfig({ ...BASE, XZEPR_API_CA_LOCATION: '/x' }, () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- a reader may throw anything
    throw 'nothing useful'
  })
  t.match(stubborn, { kind: 'errors', errors: [{ right: /it cannot be read\. / }] })
})

void t.test('both spellings of the certificate’s variable are taken; the seed’s wins with a warning', async (t) => {
  const base = { XZEPR_KAFKA_SECURITY_PROTOCOL: 'SSL', XZEPR_KAFKA_SSL_KEY_LOCATION: '/secrets/tls.key' }
  const cert = { XZEPR_KAFKA_SSL_CERT_LOCATION: '/secrets/tls.crt' }
  t.equal(configOf({ ...base, ...cert }).kafka.tls?.cert, CERT.trimEnd())
  t.same(warnings({ ...base, ...cert, XZEPR_KAFKA_SSL_CERTIFICATE_LOCATION: '/secrets/tls.crt' }), [])
  t.match(warnings({ ...base, ...cert, XZEPR_KAFKA_SSL_CERTIFICATE_LOCATION: '/secrets/none' }), [
    /^XZEPR_KAFKA_SSL_CERTIFICATE_LOCATION is passed over/,
  ])
})

void t.test('dead letters go to a topic of their own', async (t) => {
  t.equal(configOf({ BRIDGE_DEAD_LETTER_TOPIC: ' events.dead ' }).kafka.deadLetterTopic, 'events.dead')
  t.match(refused({ ...BASE, BRIDGE_DEAD_LETTER_TOPIC: 'a/b' }), { BRIDGE_DEAD_LETTER_TOPIC: /name of one topic/ })
  for (const same of ['xzepr.dev.events', 'other']) {
    const env = { ...BASE, XZEPR_KAFKA_TOPIC: same, BRIDGE_DEAD_LETTER_TOPIC: same }
    t.match(refused(env), { BRIDGE_DEAD_LETTER_TOPIC: /another topic than XZEPR_KAFKA_TOPIC/ })
  }
  t.same(Object.keys(refused({ ...BASE, XZEPR_KAFKA_TOPIC: 'a/b', BRIDGE_DEAD_LETTER_TOPIC: 'a/b' })), [
    'XZEPR_KAFKA_TOPIC',
    'BRIDGE_DEAD_LETTER_TOPIC',
  ])
})

void t.test('a first rest longer than the longest is refused, unless one of them is wrong already', async (t) => {
  t.same(Object.keys(refused({ ...BASE, BRIDGE_RETRY_INITIAL_MS: '2', BRIDGE_RETRY_MAX_MS: '1' })), [
    'BRIDGE_RETRY_INITIAL_MS',
  ])
  t.same(Object.keys(refused({ ...BASE, BRIDGE_RETRY_INITIAL_MS: '70000', BRIDGE_RETRY_MAX_MS: 'x' })), [
    'BRIDGE_RETRY_MAX_MS',
  ])
})

void t.test('two listeners share no port, and the work API leaves loopback only with a token', async (t) => {
  t.match(refused({ ...BASE, BRIDGE_OPS_PORT: '8900' }), { BRIDGE_OPS_PORT: /another port .* 8900/ })
  t.same(refused({ ...BASE, BRIDGE_OPS_PORT: '8900', BRIDGE_OPS_HOST: '10.0.0.1' }), {})
  t.same(refused({ ...BASE, BRIDGE_OPS_PORT: '0', BRIDGE_WORK_API_PORT: '0' }), {})
  t.match(refused({ ...BASE, BRIDGE_WORK_API_HOST: '0.0.0.0' }), { BRIDGE_WORK_API_HOST: /loopback/ })
  const token = { BRIDGE_WORK_API_HOST: '0.0.0.0', BRIDGE_WORK_API_TOKEN_FILE: '/secrets/token' }
  t.equal(configOf(token).workApi.host, '0.0.0.0')
})

void t.test('a filter is compiled at start, and one that is wrong is refused with the place', async (t) => {
  const { filter } = configOf({ BRIDGE_FILTER: ' {"not":{"exact":{"name":"noise"}}} ' }).delivery
  const message = { id: '1', type: 't', source: 's', xzepr: undefined, mode: 'json', contentType: '' } as const
  t.equal(filter?.test({ ...message, fields: { name: 'noise' } }), false)
  t.equal(filter?.test({ ...message, fields: { name: 'work' } }), true)
  for (const [json, right] of Object.entries({
    deployment: 'is no filter: must be JSON',
    '{"exact":{"type":"a"}': 'is no filter: must be JSON, and is none from character 22 on',
    '{"any":[{"exact":{"type":"a"}},{"prefix":{"success":true}}]}':
      'is no filter: /any/1/prefix/success: must be a text that is not empty, in quotes',
  })) {
    t.equal(refused({ ...BASE, BRIDGE_FILTER: json }).BRIDGE_FILTER, right)
  }
  t.equal(configOf({ BRIDGE_FILTER: '' }).delivery.filter, undefined, 'an empty one is not set')
})

void t.test('what is not built yet is refused, never ignored', async (t) => {
  for (const [name, { notYet, example }] of ALL_VARIABLES) {
    if (notYet === true) t.match(refused({ ...BASE, [name]: example })[name], /not available in this version/, name)
  }
  t.match(warnings({ OTEL_SERVICE_NAME: 'x' }), [/^OTEL_SERVICE_NAME: tracing is not available/])
  t.match(warnings({ OTEL_A: 'x', OTEL_B: 'x', OTEL_C: 'x', OTEL_D: 'x' }), [/^OTEL_A, OTEL_B, OTEL_C, …: /])
  t.same(warnings({ OTEL_SERVICE_NAME: 'x', OTEL_SDK_DISABLED: 'true' }), [])
})

void t.test('an unknown variable is named with the nearest known one', async (t) => {
  t.match(warnings({ BRIDGE_ORDRE: 'key' }), [/^BRIDGE_ORDRE is no variable .* nearest one is BRIDGE_ORDER\.$/])
  t.match(warnings({ bridge_order: 'key' }), [/^bridge_order .* BRIDGE_ORDER\.$/])
  t.match(warnings({ XZEPR_API_TOKN: 'x' }), [/XZEPR_API_TOKEN\.$/])
  t.match(warnings({ 'BRIDGE_\u001b[31m': 'x' }), [/^"BRIDGE_\\u001b\[31m" is no variable/])
  t.same(warnings({ XZEPR_DATABASE_POOL_SIZE: '1', XZEPR__KAFKA__BROKERS: 'x', PATH: '/bin', BRIDGE_X: '' }), [])
})

void t.test('a port that Kubernetes set for a Service is explained', async (t) => {
  t.match(refused({ ...BASE, BRIDGE_OPS_PORT: 'tcp://10.0.0.1:8901' }), {
    BRIDGE_OPS_PORT: /enableServiceLinks: false/,
  })
})

void t.test('reading leaves the environment as it was and never looks at the process’s own', async (t) => {
  process.env.BRIDGE_ORDER = 'nonsense'
  t.teardown(() => delete process.env.BRIDGE_ORDER)
  const env = Object.freeze({ ...BASE, BRIDGE_MAX_ATTEMPTS: '3' })
  t.equal(configOf(env).delivery.maxAttempts, 3)
})

void t.test('any environment ends in a config or in errors, never in an exception', async (t) => {
  const text = fc.oneof(anyText(), fc.constantFrom('0', '1e309', '-0', 'true', '[]', '/x', 'http://a@b'))
  const env = fc.dictionary(fc.constantFrom(...ALL_VARIABLES.keys(), 'OTEL_X', 'BRIDGE_', 'XZEPR_KAFKA_'), text)
  fc.assert(
    fc.property(env, fc.option(text), (env, content) => {
      const reading = readConfig(env, () => {
        if (content === null) throw new Error('unreadable')
        return content
      })
      return reading.kind === 'config' || reading.errors.length > 0
    }),
    { numRuns: 300 },
  )
  t.pass()
})

void t.test('no secret ever occurs in errors or warnings, wherever it was put', async (t) => {
  const names = [...ALL_VARIABLES.keys()]
  const hidden = names.filter((name) => ['secret', 'path'].includes(ALL_VARIABLES.get(name)?.kind ?? ''))
  const urls = names.filter((name) => ALL_VARIABLES.get(name)?.kind === 'url')
  const canary = fc.stringMatching(/^[0-9a-f]{12}$/).map((tail) => `canary${tail}`)
  const around = anyText(8).map((text) => text.replaceAll('/', ''))
  const planted = canary.chain((word) =>
    fc.record({
      word: fc.constant(word),
      secrets: fc.dictionary(
        fc.constantFrom(...hidden, 'XZEPR_KAFKA_SSL_CERTIFICATE_LOCATION', 'BRIDGE_TOKEN', 'XZEPR_API_TOKN'),
        fc.tuple(around, around).map(([before, after]) => `x${before}${word}${after}`),
      ),
      urls: fc.dictionary(
        fc.constantFrom(...urls),
        fc.constantFrom(
          `http://user:${word}@host/`,
          `http://${word}@host:99999/`,
          `htp://u:p?${word}@host`,
          `http://host/${word}`,
          `host\\${word}`,
          `https://host/?token=${word}`,
          `ftp://host#${word}`,
        ),
      ),
      rest: fc.dictionary(fc.constantFrom(...names), fc.string({ maxLength: 10 })),
    }),
  )
  let refusals = 0
  fc.assert(
    fc.property(planted, fc.boolean(), ({ word, secrets, urls, rest }, readable) => {
      const reading = readConfig({ ...rest, ...secrets, ...urls }, (path) => {
        if (!readable) throw Object.assign(new Error(`${path} ${word}`), { code: word, path: word })
        return `${word}\n-----BEGIN ${word}`
      })
      const said = reading.warnings.join('\n') + (reading.kind === 'errors' ? renderProblems(reading.errors) : '')
      if (reading.kind === 'errors') refusals += 1
      return !said.includes(word)
    }),
    { numRuns: 500 },
  )
  t.ok(refusals > 100, 'the canaries were in harm’s way')
})
