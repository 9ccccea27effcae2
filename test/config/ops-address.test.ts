import t from 'tap'
import type { Environment } from '../../src/config/environment.ts'
import { readOpsAddress } from '../../src/config/ops-address.ts'

const read = (env: Environment) =>
  readOpsAddress(env, (path) => {
    if (path === '/token') return 's3cret\n'
    if (path === '/bad') return 'two words'
    throw new Error('no such file')
  })

void t.test('a bridge on all interfaces is reached on loopback, at the default port', async (t) => {
  t.same(read({}), { host: '127.0.0.1', port: 8901, graceMs: 25_000, token: undefined })
  for (const host of ['all', '0.0.0.0', '::']) t.match(read({ BRIDGE_OPS_HOST: host }), { host: '127.0.0.1' })
  t.match(read({ BRIDGE_OPS_HOST: '10.1.2.3', BRIDGE_OPS_PORT: '9901', BRIDGE_SHUTDOWN_GRACE_MS: '55000' }), {
    host: '10.1.2.3',
    port: 9901,
    graceMs: 55_000,
  })
})

void t.test('a token that cannot be read or sent does not keep a drain from beginning', async (t) => {
  t.match(read({ BRIDGE_OPS_TOKEN_FILE: '/token' }), { token: 's3cret' })
  for (const path of ['/absent', '/bad']) {
    t.same(read({ BRIDGE_OPS_TOKEN_FILE: path }), { host: '127.0.0.1', port: 8901, graceMs: 25_000, token: undefined })
  }
})

void t.test('only its own variables are looked at, and all that is wrong with them is told', async (t) => {
  t.match(read({ BRIDGE_ORDER: 'nonsense', XZEPR_API_URL: 'nonsense' }), { port: 8901 })
  const problems = read({ BRIDGE_OPS_PORT: '0', BRIDGE_OPS_HOST: 'a b' })
  t.ok(Array.isArray(problems))
  t.match(problems, [{ variable: 'BRIDGE_OPS_HOST' }, { variable: 'BRIDGE_OPS_PORT', right: /not 0/ }])
  t.match(read({ BRIDGE_OPS_PORT: 'x' }), [{ variable: 'BRIDGE_OPS_PORT', given: '"x"' }])
})
