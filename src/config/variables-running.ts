/**
 * The variables of the bridge itself: whom it serves, under which names, and how it is run.
 *
 * Everything but the service's name has a default. Defaults are the contract's, section 7; a law test pins them.
 */
import { utf8Bytes } from '../core/json.ts'
import { NAME_MAX_BYTES, VERSION_MAX_BYTES } from '../core/lifecycle.ts'
import { host, name } from './sound.ts'
import { choice, optional, path, required, text, whole } from './variable.ts'

/** Room for `.completed` behind a work's name, and for what the service's name is built into. */
const WORK_NAME_MAX_BYTES = NAME_MAX_BYTES - '.completed'.length
const SERVICE_MAX_BYTES = NAME_MAX_BYTES - utf8Bytes('xzepr-consumer-')

function named(maxBytes: number, from: string, description: string, example: string) {
  return optional({
    group: 'Service',
    description,
    example,
    derived: from,
    right: `a name of at most ${maxBytes} bytes without control characters`,
    sound: name(maxBytes),
  })
}

export const SERVICE_VARIABLES = {
  BRIDGE_SERVICE: required({
    group: 'Service',
    description: 'The name of the service beside the bridge. Group, receiver, work and package are named after it.',
    example: 'deployer',
    right: `the service’s name, at most ${SERVICE_MAX_BYTES} bytes without control characters`,
    sound: name(SERVICE_MAX_BYTES),
  }),
  BRIDGE_RECEIVER_NAME: named(
    NAME_MAX_BYTES,
    '<service>-receiver',
    'The receiver in XZepr that lifecycle events belong to; made when it is not there.',
    'deployer-receiver',
  ),
  BRIDGE_RECEIVER_TYPE: named(NAME_MAX_BYTES, 'worker', 'The receiver’s type.', 'worker'),
  BRIDGE_RECEIVER_VERSION: named(VERSION_MAX_BYTES, '1.0.0', 'The receiver’s version when it is made.', '1.0.0'),
  BRIDGE_WORK_NAME: named(
    WORK_NAME_MAX_BYTES,
    '<service>',
    'What lifecycle events are called: <name>.started, <name>.completed, <name>.failed.',
    'deployment',
  ),
  BRIDGE_WORK_VERSION: named(VERSION_MAX_BYTES, '1.0.0', 'The version that lifecycle events carry.', '2.4.0'),
} as const

export const RUNNING_VARIABLES = {
  BRIDGE_WORK_API_HOST: text('127.0.0.1', {
    group: 'Work API',
    description: 'The address that the app calls. Beyond loopback it needs a token.',
    example: '127.0.0.1',
    right: 'an address of this machine',
    sound: host,
  }),
  BRIDGE_WORK_API_PORT: whole(8900, 0, 65_535, {
    group: 'Work API',
    unit: 'port',
    description: 'The port that the app calls; 0 = any free one.',
    example: '9900',
  }),
  BRIDGE_WORK_API_TOKEN_FILE: path({
    group: 'Work API',
    description: 'A file with the bearer token that callers of the work API must send.',
    example: '/var/run/secrets/bridge/token',
  }),
  BRIDGE_WORK_UNKNOWN: choice('forward', ['forward', 'reject'], {
    group: 'Work API',
    description: 'What becomes of a report about a work that is not in hand: sent on to XZepr, or 404.',
    example: 'reject',
  }),
  BRIDGE_OPS_HOST: text('all', {
    group: 'Running',
    description: 'The address of probes, metrics, status and levers; all = every interface.',
    example: '0.0.0.0',
    right: 'an address of this machine, or all',
    sound: host,
  }),
  BRIDGE_OPS_PORT: whole(8901, 0, 65_535, {
    group: 'Running',
    unit: 'port',
    description: 'The port of probes, metrics, status and levers; 0 = any free one.',
    example: '9901',
  }),
  BRIDGE_OPS_TOKEN_FILE: path({
    group: 'Running',
    description:
      'A file with the bearer token that opens the operator’s levers from outside the pod. On loopback they need none.',
    example: '/var/run/secrets/bridge/ops-token',
  }),
  BRIDGE_SHUTDOWN_GRACE_MS: whole(25_000, 0, 3_600_000, {
    group: 'Running',
    unit: 'milliseconds',
    description: 'How long works in hand may go on after `xzepr-bridge drain` or SIGTERM, in milliseconds.',
    example: '55000',
  }),
  BRIDGE_LOG_LEVEL: choice('info', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    group: 'Running',
    description: 'The least important lines that are written.',
    example: 'debug',
  }),
} as const
