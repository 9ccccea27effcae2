/**
 * What does not fit together, by example: environments that the bridge refuses, or warns about, for what stands side by
 * side in them.
 *
 * The reference shows each beside what the bridge itself says to it, so nothing in here is said twice; a law test
 * finds a check (checks.ts, files.ts, environment.ts) that no example meets.
 */
import type { Environment } from './environment.ts'
import type { FileReader } from './files.ts'

export interface Misfit {
  /** What is set, beside a service's name and one token where nothing else is said of them. */
  readonly given: Environment
  /** What the files hold that are named; any other is not there. */
  readonly files?: Readonly<Record<string, string>>
}

const SASL = { XZEPR_KAFKA_SECURITY_PROTOCOL: 'SASL_SSL' }
const PEM = '-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----'

export const MISFITS: readonly Misfit[] = [
  { given: { XZEPR_API_TOKEN: undefined } },
  { given: { XZEPR_API_TOKEN: 'abc', XZEPR_API_TOKEN_FILE: '/run/xzepr/token' }, files: { '/run/xzepr/token': 'abc' } },
  { given: { XZEPR_API_TOKEN: undefined, XZEPR_API_TOKEN_FILE: '/run/xzepr/token' } },
  { given: { XZEPR_API_TOKEN: undefined, XZEPR_API_USERNAME: 'deployer', XZEPR_API_PASSWORD: 'change-me' } },
  {
    given: { BRIDGE_WEBHOOK_SECRET_FILE: '/run/webhook/secret' },
    files: { '/run/webhook/secret': 'no secret' },
  },
  { given: { ...SASL, XZEPR_KAFKA_SASL_PASSWORD: 'change-me' } },
  { given: { ...SASL, XZEPR_KAFKA_SASL_USERNAME: 'deployer' } },
  {
    given: {
      ...SASL,
      XZEPR_KAFKA_SASL_USERNAME: 'deployer',
      XZEPR_KAFKA_SASL_PASSWORD: 'change-me',
      XZEPR_KAFKA_SASL_PASSWORD_FILE: '/run/kafka/password',
    },
    files: { '/run/kafka/password': 'change-me' },
  },
  { given: { XZEPR_KAFKA_SASL_USERNAME: 'deployer' } },
  { given: { XZEPR_KAFKA_SECURITY_PROTOCOL: 'SSL', XZEPR_KAFKA_SSL_CA_LOCATION: '/run/kafka/ca.crt' } },
  {
    given: { XZEPR_KAFKA_SECURITY_PROTOCOL: 'SSL', XZEPR_KAFKA_SSL_CA_LOCATION: '/run/kafka/ca.crt' },
    files: { '/run/kafka/ca.crt': 'no certificate' },
  },
  {
    given: { XZEPR_KAFKA_SECURITY_PROTOCOL: 'SSL', XZEPR_KAFKA_SSL_CERT_LOCATION: '/run/kafka/tls.crt' },
    files: { '/run/kafka/tls.crt': PEM },
  },
  {
    given: { XZEPR_KAFKA_SECURITY_PROTOCOL: 'SSL', XZEPR_KAFKA_SSL_KEY_LOCATION: '/run/kafka/tls.key' },
    files: { '/run/kafka/tls.key': PEM },
  },
  {
    given: {
      XZEPR_KAFKA_SECURITY_PROTOCOL: 'SSL',
      XZEPR_KAFKA_SSL_CERT_LOCATION: '/run/kafka/tls.crt',
      XZEPR_KAFKA_SSL_KEY_LOCATION: '/run/kafka/tls.key',
    },
    files: { '/run/kafka/tls.crt': PEM, '/run/kafka/tls.key': 'no key' },
  },
  {
    given: {
      XZEPR_KAFKA_SECURITY_PROTOCOL: 'SSL',
      XZEPR_KAFKA_SSL_CERT_LOCATION: '/run/kafka/tls.crt',
      XZEPR_KAFKA_SSL_CERTIFICATE_LOCATION: '/run/kafka/old.crt',
      XZEPR_KAFKA_SSL_KEY_LOCATION: '/run/kafka/tls.key',
    },
    files: { '/run/kafka/tls.crt': PEM, '/run/kafka/tls.key': PEM },
  },
  { given: { XZEPR_KAFKA_SSL_CA_LOCATION: '/run/kafka/ca.crt' }, files: { '/run/kafka/ca.crt': PEM } },
  { given: { XZEPR_API_CA_LOCATION: '/run/xzepr/ca.crt' }, files: { '/run/xzepr/ca.crt': PEM } },
  { given: { BRIDGE_RETRY_INITIAL_MS: '2000', BRIDGE_RETRY_MAX_MS: '1000' } },
  { given: { BRIDGE_BATCH_MAX: '50' } },
  { given: { BRIDGE_FILTER: '{"exact":{"type":"a"},"prefix":{"type":"b"}}' } },
  { given: { BRIDGE_DEAD_LETTER_TOPIC: 'xzepr.dev.events' } },
  { given: { BRIDGE_WORK_API_HOST: '0.0.0.0' } },
  {
    given: { BRIDGE_WORK_API_HOST: '0.0.0.0', BRIDGE_WORK_API_TOKEN_FILE: '/run/bridge/token' },
    files: { '/run/bridge/token': 'two words' },
  },
  { given: { BRIDGE_OPS_TOKEN_FILE: '/run/bridge/ops-token' }, files: { '/run/bridge/ops-token': '' } },
  { given: { BRIDGE_OPS_PORT: '8900' } },
  { given: { BRIDGE_OPS_PORT: 'tcp://10.0.0.7:8901' } },
  { given: { BRIDGE_LEASE_MS: '300' } },
  { given: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317' } },
]

/** Where nothing else is set. */
export const ENOUGH: Environment = { BRIDGE_SERVICE: 'deployer', XZEPR_API_TOKEN: 'abc' }

/** Reads the files of a misfit, and finds no other. */
export function readerOf(files: Misfit['files'] = {}): FileReader {
  return (path) => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return text
  }
}
