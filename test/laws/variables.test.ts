/**
 * The variables are one list: the contract's names and defaults, .env.example, the README's table and the declarations
 * say the same, both ways.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { GROUPS, defaultText } from '../../src/config/variable.ts'
import { ALL_VARIABLES, FIRST_VARIABLES } from '../../src/config/variables.ts'
import { defaultCell, envExample, variableTable } from '../support/reference.ts'

/** The contract, section 7; `undefined` has no default. */
const CONTRACT: Readonly<Record<string, string | undefined>> = {
  BRIDGE_SERVICE: undefined,
  BRIDGE_RECEIVER_NAME: '<service>-receiver',
  BRIDGE_RECEIVER_TYPE: 'worker',
  BRIDGE_RECEIVER_VERSION: '1.0.0',
  BRIDGE_WORK_NAME: '<service>',
  BRIDGE_WORK_VERSION: '1.0.0',
  XZEPR_KAFKA_BROKERS: 'localhost:9092',
  XZEPR_KAFKA_TOPIC: 'xzepr.dev.events',
  XZEPR_KAFKA_GROUP_ID: 'xzepr-consumer-<service>',
  BRIDGE_START_FROM: 'earliest',
  XZEPR_KAFKA_SECURITY_PROTOCOL: 'PLAINTEXT',
  XZEPR_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
  XZEPR_KAFKA_SASL_USERNAME: undefined,
  XZEPR_KAFKA_SASL_PASSWORD: undefined,
  XZEPR_KAFKA_SASL_PASSWORD_FILE: undefined,
  XZEPR_KAFKA_SSL_CA_LOCATION: undefined,
  XZEPR_KAFKA_SSL_CERT_LOCATION: undefined,
  XZEPR_KAFKA_SSL_KEY_LOCATION: undefined,
  XZEPR_API_URL: 'http://localhost:8042',
  XZEPR_API_TOKEN: undefined,
  XZEPR_API_TOKEN_FILE: undefined,
  XZEPR_API_USERNAME: undefined,
  XZEPR_API_PASSWORD: undefined,
  XZEPR_API_PASSWORD_FILE: undefined,
  XZEPR_API_TIMEOUT_MS: '30000',
  XZEPR_API_CA_LOCATION: undefined,
  BRIDGE_WEBHOOK_URL: 'http://127.0.0.1:8080/events',
  BRIDGE_WEBHOOK_FORMAT: 'verbatim',
  BRIDGE_WEBHOOK_TIMEOUT_MS: '30000',
  BRIDGE_WEBHOOK_SECRET: undefined,
  BRIDGE_WEBHOOK_SECRET_FILE: undefined,
  BRIDGE_BATCH_MAX: '100',
  BRIDGE_BATCH_WAIT_MS: '20',
  BRIDGE_APP_HEALTH_URL: undefined,
  BRIDGE_EVENT_TYPES: '*',
  BRIDGE_FILTER: undefined,
  BRIDGE_LIFECYCLE: 'explicit',
  BRIDGE_ORDER: 'key',
  BRIDGE_MAX_IN_FLIGHT: '64',
  BRIDGE_MAX_RUNNING: '10000',
  BRIDGE_MAX_BUFFERED_BYTES: '33554432',
  BRIDGE_MAX_ATTEMPTS: '10',
  BRIDGE_RETRY_INITIAL_MS: '500',
  BRIDGE_RETRY_MAX_MS: '60000',
  BRIDGE_LEASE_SECONDS: '300',
  BRIDGE_DEAD_LETTER_TOPIC: undefined,
  BRIDGE_WORK_API_HOST: '127.0.0.1',
  BRIDGE_WORK_API_PORT: '8900',
  BRIDGE_WORK_API_TOKEN_FILE: undefined,
  BRIDGE_WORK_UNKNOWN: 'forward',
  BRIDGE_OPS_HOST: 'all',
  BRIDGE_OPS_PORT: '8901',
  BRIDGE_OPS_TOKEN_FILE: undefined,
  BRIDGE_SHUTDOWN_GRACE_MS: '25000',
  BRIDGE_LOG_LEVEL: 'info',
}

const root = new URL('../../', import.meta.url)
const rewrite = process.env.TAP_SNAPSHOT === '1'

void t.test('the declared variables and their defaults are those of the contract', async (t) => {
  const declared = Object.fromEntries([...ALL_VARIABLES].map(([name, variable]) => [name, defaultText(variable)]))
  t.same(declared, CONTRACT)
  t.same(
    [...ALL_VARIABLES].filter(([, { presence }]) => presence === 'required').map(([name]) => name),
    ['BRIDGE_SERVICE'],
  )
})

void t.test('every secret can also come from a file', async (t) => {
  const secrets = [...ALL_VARIABLES].filter(([, { kind }]) => kind === 'secret').map(([name]) => name)
  t.ok(secrets.length >= 4)
  for (const name of secrets) t.equal(ALL_VARIABLES.get(`${name}_FILE`)?.kind, 'path', `${name}_FILE`)
})

void t.test('a name that speaks of a secret is declared as one', async (t) => {
  for (const [name, { kind }] of ALL_VARIABLES) {
    if (/(?:PASSWORD|SECRET|TOKEN)$/.test(name)) t.equal(kind, 'secret', name)
    if (/(?:_FILE|_LOCATION)$/.test(name)) t.equal(kind, 'path', name)
    if (name.endsWith('_URL')) t.equal(kind, 'url', name)
  }
})

void t.test('every declaration has a description and an example that is itself right', async (t) => {
  const base = { BRIDGE_SERVICE: 'deployer', XZEPR_API_TOKEN: 'token' }
  const pem = '-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----'
  for (const [name, { description, example, notYet, group }] of ALL_VARIABLES) {
    t.ok(GROUPS.includes(group), `${name} has a chapter`)
    t.match(description, /\S.*\.$/, `${name} is described in sentences`)
    if (notYet === true) continue
    const secret = ALL_VARIABLES.get('BRIDGE_WEBHOOK_SECRET')?.example ?? ''
    const content = name.includes('TOKEN') ? 'token' : name.includes('WEBHOOK') ? secret : pem
    const reading = readConfig({ ...base, [name]: example }, () => content)
    const wrong = reading.kind === 'errors' ? reading.errors.map((error) => error.variable) : []
    t.notOk(wrong.includes(name) && !name.startsWith('XZEPR_API_TOKEN'), `${name}=${example}`)
  }
  for (const name of FIRST_VARIABLES) t.not(ALL_VARIABLES.get(name)?.notYet, true, `${name} can be used first`)
})

void t.test('.env.example is the list of declarations', async (t) => {
  const file = new URL('.env.example', root)
  if (rewrite) writeFileSync(file, envExample())
  const text = readFileSync(file, 'utf8')
  t.equal(text, envExample(), 'TAP_SNAPSHOT=1 writes it anew')
  // Read once more without the writer, so that a fault of the writer cannot hide itself.
  const written = [...text.matchAll(/^(?:# )?([A-Z][A-Z_]+)=(.*)$/gm)].map(([, name]) => name)
  t.same(written.sort(), [...ALL_VARIABLES.keys()].sort())
})

void t.test('the README’s table of variables, when there is one, is the list of declarations', async (t) => {
  const file = new URL('README.md', root)
  const readme = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const marked = /(<!-- variables -->\n)[\s\S]*?(\n<!-- \/variables -->)/
  const text = rewrite ? readme.replace(marked, (_, begin, end) => `${begin}${variableTable()}${end}`) : readme
  if (text !== readme) writeFileSync(file, text)
  const rows = [...text.matchAll(/^\|\s*`((?:BRIDGE|XZEPR)_[A-Z_]+)`\s*\|\s*(.*?)\s*\|/gm)]
  const declared = [...ALL_VARIABLES].map(([name, variable]) => [name, defaultCell(variable)])
  t.same(
    rows.map(([, name, initial]) => [name, initial]),
    declared,
  )
})
