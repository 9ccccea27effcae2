/**
 * From values by name to the Config by place: units, derived names, and the content of PEM files.
 *
 * What BRIDGE_SERVICE stands for elsewhere is said here once: group, receiver, work and package.
 */
import type { Config, KafkaConfig, XzeprConfig } from '../config.ts'
import type { Expression } from '../core/filter-expression.ts'
import { compileFilter } from '../core/filter-expression.ts'
import type { FileReader, Right } from './files.ts'
import { readText, tryRead } from './files.ts'
import type { Findings } from './findings.ts'
import { brokerList, certificates, privateKey, token } from './sound.ts'
import type { Values } from './variables.ts'

const BEARER = { is: token, text: 'a file that holds one bearer token' }
const CERTIFICATES = { is: certificates, text: 'a file with certificates in PEM' }
const PRIVATE_KEY = { is: privateKey, text: 'a file with a private key in PEM' }

/** Values by their place; a file that cannot be used is refused, by its variable's name. */
export function arrange(values: Values, readFile: FileReader, findings: Findings): Config {
  const service = values.BRIDGE_SERVICE
  const content = contentOf(values, readFile, findings)
  return {
    service,
    kafka: kafkaOf(values, content),
    xzepr: xzeprOf(values, content('XZEPR_API_CA_LOCATION', CERTIFICATES), readFile, findings),
    webhook: {
      url: values.BRIDGE_WEBHOOK_URL,
      format: values.BRIDGE_WEBHOOK_FORMAT,
      timeoutMs: values.BRIDGE_WEBHOOK_TIMEOUT_MS,
      secrets: values.BRIDGE_WEBHOOK_SECRET,
      batch: { max: values.BRIDGE_BATCH_MAX, waitMs: values.BRIDGE_BATCH_WAIT_MS },
      healthUrl: values.BRIDGE_APP_HEALTH_URL,
    },
    delivery: {
      eventTypes: values.BRIDGE_EVENT_TYPES,
      filter: filterOf(values.BRIDGE_FILTER, findings),
      lifecycle: values.BRIDGE_LIFECYCLE,
      order: values.BRIDGE_ORDER,
      maxInFlight: values.BRIDGE_MAX_IN_FLIGHT,
      maxRunning: values.BRIDGE_MAX_RUNNING,
      maxBufferedBytes: values.BRIDGE_MAX_BUFFERED_BYTES,
      maxAttempts: values.BRIDGE_MAX_ATTEMPTS,
      retryInitialMs: values.BRIDGE_RETRY_INITIAL_MS,
      retryMaxMs: values.BRIDGE_RETRY_MAX_MS,
      leaseMs: values.BRIDGE_LEASE_SECONDS * 1000,
    },
    work: {
      name: values.BRIDGE_WORK_NAME ?? service,
      version: values.BRIDGE_WORK_VERSION ?? '1.0.0',
      package: service,
    },
    workApi: {
      host: values.BRIDGE_WORK_API_HOST,
      port: values.BRIDGE_WORK_API_PORT,
      token: content('BRIDGE_WORK_API_TOKEN_FILE', BEARER),
      unknown: values.BRIDGE_WORK_UNKNOWN,
    },
    ops: {
      host: values.BRIDGE_OPS_HOST === 'all' ? undefined : values.BRIDGE_OPS_HOST,
      port: values.BRIDGE_OPS_PORT,
      token: content('BRIDGE_OPS_TOKEN_FILE', BEARER),
    },
    shutdownGraceMs: values.BRIDGE_SHUTDOWN_GRACE_MS,
    logLevel: values.BRIDGE_LOG_LEVEL,
  }
}

function filterOf(json: string | undefined, findings: Findings): Expression | undefined {
  if (json === undefined) return undefined
  const reading = compileFilter(json)
  if (reading.kind === 'filter') return reading
  findings.refuse('BRIDGE_FILTER', `is no filter: ${reading.why}`)
  return undefined
}

type PathName =
  | 'BRIDGE_WORK_API_TOKEN_FILE'
  | 'BRIDGE_OPS_TOKEN_FILE'
  | 'XZEPR_API_CA_LOCATION'
  | `XZEPR_KAFKA_SSL_${'CA' | 'CERT' | 'KEY'}_LOCATION`
type Content = (variable: PathName, right: Right) => string | undefined

/** Reads the file that a variable names; undefined when it names none, or none that can be used. */
function contentOf(values: Values, readFile: FileReader, findings: Findings): Content {
  return (variable, right) => {
    const path = values[variable]
    return path === undefined ? undefined : readText(variable, path, readFile, findings, right)
  }
}

function kafkaOf(values: Values, content: Content): KafkaConfig {
  const protocol = values.XZEPR_KAFKA_SECURITY_PROTOCOL
  // Read whatever the protocol: a file that is named must be there.
  const tls = {
    ca: content('XZEPR_KAFKA_SSL_CA_LOCATION', CERTIFICATES),
    cert: content('XZEPR_KAFKA_SSL_CERT_LOCATION', CERTIFICATES),
    key: content('XZEPR_KAFKA_SSL_KEY_LOCATION', PRIVATE_KEY),
  }
  const sasl = {
    mechanism: values.XZEPR_KAFKA_SASL_MECHANISM,
    username: values.XZEPR_KAFKA_SASL_USERNAME ?? '',
    password: values.XZEPR_KAFKA_SASL_PASSWORD ?? '',
  }
  return {
    brokers: brokerList(values.XZEPR_KAFKA_BROKERS),
    topic: values.XZEPR_KAFKA_TOPIC,
    deadLetterTopic: values.BRIDGE_DEAD_LETTER_TOPIC,
    groupId: values.XZEPR_KAFKA_GROUP_ID ?? `xzepr-consumer-${values.BRIDGE_SERVICE}`,
    startFrom: values.BRIDGE_START_FROM,
    securityProtocol: protocol,
    tls: protocol.endsWith('SSL') ? tls : undefined,
    sasl: protocol.startsWith('SASL_') ? sasl : undefined,
  }
}

function xzeprOf(values: Values, ca: string | undefined, readFile: FileReader, findings: Findings): XzeprConfig {
  const tokenFile = values.XZEPR_API_TOKEN_FILE
  if (tokenFile !== undefined) {
    // Whoever writes the token may start after us, so a file that is not there yet is no error.
    const { text, why } = tryRead(tokenFile, readFile)
    if (text === undefined) findings.warn(`XZEPR_API_TOKEN_FILE: ${why} The bridge looks again when it needs a token.`)
  }
  return {
    url: values.XZEPR_API_URL.replace(/\/+$/, ''),
    credentials:
      tokenFile === undefined
        ? { kind: 'token', token: values.XZEPR_API_TOKEN ?? '' }
        : { kind: 'token-file', path: tokenFile },
    timeoutMs: values.XZEPR_API_TIMEOUT_MS,
    ca,
    receiver: {
      name: values.BRIDGE_RECEIVER_NAME ?? `${values.BRIDGE_SERVICE}-receiver`,
      type: values.BRIDGE_RECEIVER_TYPE ?? 'worker',
      version: values.BRIDGE_RECEIVER_VERSION ?? '1.0.0',
    },
  }
}
