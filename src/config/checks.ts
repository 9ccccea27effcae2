/**
 * What must fit together: checks over several variables.
 *
 * Each compares only what was sound by itself, so that one mistake is told once. A variable that is set but cannot take
 * effect is a warning: it does no harm, but somebody believes that it does something.
 */
import type { Findings } from './findings.ts'
import { loopback } from './sound.ts'
import type { Values } from './variables.ts'

type Given = ReadonlyMap<string, string>

export function checkTogether(values: Values, given: Given, findings: Findings): void {
  checkSignIn(given, findings)
  checkSasl(values, given, findings)
  checkTls(values, given, findings)
  checkPatience(values, findings)
  checkBatch(values, given, findings)
  checkListeners(values, findings)
  checkTopics(values, findings)
}

const SIGN_IN = ['XZEPR_API_TOKEN', 'XZEPR_API_TOKEN_FILE', 'XZEPR_API_USERNAME'] as const

function checkSignIn(given: Given, findings: Findings): void {
  const ways = SIGN_IN.filter((name) => given.has(name))
  if (ways.length === 0) {
    const half = ['XZEPR_API_PASSWORD', 'XZEPR_API_PASSWORD_FILE'].some((name) => given.has(name))
    if (!half) findings.refuse('XZEPR_API_TOKEN', 'must be set, or XZEPR_API_TOKEN_FILE: the bridge signs in to XZepr')
  }
  const [first, ...others] = ways
  for (const other of others) {
    findings.refuse(other, `must not be set beside ${first ?? ''}: exactly one way to sign in to XZepr`)
  }
}

function checkSasl(values: Values, given: Given, findings: Findings): void {
  if (!findings.sound('XZEPR_KAFKA_SECURITY_PROTOCOL')) return
  const protocol = values.XZEPR_KAFKA_SECURITY_PROTOCOL
  const secrets = ['XZEPR_KAFKA_SASL_PASSWORD', 'XZEPR_KAFKA_SASL_PASSWORD_FILE']
  if (protocol.startsWith('SASL_')) {
    const need = `must be set: XZEPR_KAFKA_SECURITY_PROTOCOL is ${protocol}`
    if (!given.has('XZEPR_KAFKA_SASL_USERNAME')) findings.refuse('XZEPR_KAFKA_SASL_USERNAME', need)
    if (!secrets.some((name) => given.has(name))) findings.refuse('XZEPR_KAFKA_SASL_PASSWORD', `${need} (or …_FILE)`)
  } else
    warnIdle(['XZEPR_KAFKA_SASL_USERNAME', ...secrets], `XZEPR_KAFKA_SECURITY_PROTOCOL is ${protocol}`, given, findings)
}

const CERT = 'XZEPR_KAFKA_SSL_CERT_LOCATION'
const KEY = 'XZEPR_KAFKA_SSL_KEY_LOCATION'

function checkTls(values: Values, given: Given, findings: Findings): void {
  if (given.has(CERT) && !given.has(KEY)) findings.refuse(KEY, `must be set: ${CERT} is, and needs its private key`)
  if (given.has(KEY) && !given.has(CERT)) findings.refuse(CERT, `must be set: ${KEY} is, and needs its certificate`)
  const protocol = values.XZEPR_KAFKA_SECURITY_PROTOCOL
  if (findings.sound('XZEPR_KAFKA_SECURITY_PROTOCOL') && !protocol.endsWith('SSL')) {
    const why = `XZEPR_KAFKA_SECURITY_PROTOCOL is ${protocol}`
    warnIdle(['XZEPR_KAFKA_SSL_CA_LOCATION', CERT, KEY], why, given, findings)
  }
  if (findings.sound('XZEPR_API_URL') && values.XZEPR_API_URL.startsWith('http:')) {
    warnIdle(['XZEPR_API_CA_LOCATION'], 'XZEPR_API_URL is not https', given, findings)
  }
}

function warnIdle(names: readonly string[], why: string, given: Given, findings: Findings): void {
  for (const name of names) if (given.has(name)) findings.warn(`${name} is set but has no effect: ${why}.`)
}

function checkPatience(values: Values, findings: Findings): void {
  if (!findings.sound('BRIDGE_RETRY_INITIAL_MS', 'BRIDGE_RETRY_MAX_MS')) return
  if (values.BRIDGE_RETRY_INITIAL_MS > values.BRIDGE_RETRY_MAX_MS) {
    findings.refuse('BRIDGE_RETRY_INITIAL_MS', `must be at most BRIDGE_RETRY_MAX_MS, ${values.BRIDGE_RETRY_MAX_MS}`)
  }
}

function checkBatch(values: Values, given: Given, findings: Findings): void {
  if (!findings.sound('BRIDGE_WEBHOOK_FORMAT') || values.BRIDGE_WEBHOOK_FORMAT === 'batch') return
  const why = `BRIDGE_WEBHOOK_FORMAT is ${values.BRIDGE_WEBHOOK_FORMAT}`
  warnIdle(['BRIDGE_BATCH_MAX', 'BRIDGE_BATCH_WAIT_MS'], why, given, findings)
}

function checkListeners(values: Values, findings: Findings): void {
  const { BRIDGE_WORK_API_HOST: workHost, BRIDGE_WORK_API_PORT: workPort, BRIDGE_OPS_HOST: opsHost } = values
  if (!loopback(workHost) && values.BRIDGE_WORK_API_TOKEN_FILE === undefined) {
    const right = 'must be loopback (127.0.0.1, ::1, localhost), or BRIDGE_WORK_API_TOKEN_FILE must be set'
    if (findings.sound('BRIDGE_WORK_API_HOST', 'BRIDGE_WORK_API_TOKEN_FILE'))
      findings.refuse('BRIDGE_WORK_API_HOST', right)
  }
  const clash = EVERYWHERE.has(opsHost) || EVERYWHERE.has(workHost) || opsHost === workHost
  if (clash && workPort !== 0 && workPort === values.BRIDGE_OPS_PORT) {
    if (findings.sound('BRIDGE_WORK_API_PORT', 'BRIDGE_OPS_PORT')) {
      findings.refuse('BRIDGE_OPS_PORT', `must be another port than BRIDGE_WORK_API_PORT, ${workPort}`)
    }
  }
}

function checkTopics(
  { XZEPR_KAFKA_TOPIC: events, BRIDGE_DEAD_LETTER_TOPIC: letters }: Values,
  findings: Findings,
): void {
  if (!findings.sound('XZEPR_KAFKA_TOPIC', 'BRIDGE_DEAD_LETTER_TOPIC') || letters !== events) return
  findings.refuse(
    'BRIDGE_DEAD_LETTER_TOPIC',
    'must be another topic than XZEPR_KAFKA_TOPIC: letters would be read as events',
  )
}

const EVERYWHERE = new Set(['all', '0.0.0.0', '::'])
