/**
 * Where a bridge that runs beside us has its ops port: for commands that speak to it.
 *
 * They run in the bridge's own environment (preStop, kubectl exec), so the same variables say it; nothing else of that
 * environment is looked at, because a drain must work where a fault in another variable has just been made.
 */
import type { Environment } from './environment.ts'
import { gather, readValues } from './environment.ts'
import type { FileReader } from './files.ts'
import { tryRead } from './files.ts'
import type { Problem } from './findings.ts'
import { Findings } from './findings.ts'
import { token } from './sound.ts'
import type { VariableName } from './variables.ts'

export interface OpsAddress {
  readonly host: string
  readonly port: number
  /** How long a drain may take before it is cut short. */
  readonly graceMs: number
  /** Undefined when there is none that can be read: on loopback none is needed. */
  readonly token: string | undefined
}

const NAMES = [
  'BRIDGE_OPS_HOST',
  'BRIDGE_OPS_PORT',
  'BRIDGE_OPS_TOKEN_FILE',
  'BRIDGE_SHUTDOWN_GRACE_MS',
] as const satisfies readonly VariableName[]

/** Who listens on all interfaces is reached on loopback, where no token is asked for. */
const EVERYWHERE = new Set(['all', '0.0.0.0', '::'])

export function readOpsAddress(env: Environment, readFile: FileReader): OpsAddress | readonly Problem[] {
  const given = gather(Object.fromEntries(NAMES.map((name) => [name, env[name]])))
  const findings = new Findings(given)
  const values = readValues(given, readFile, findings)
  if (values.BRIDGE_OPS_PORT === 0) {
    findings.refuse('BRIDGE_OPS_PORT', 'must be a port, not 0: nobody can know which one the bridge was given')
  }
  const problems = findings.problems.filter(({ variable }) => NAMES.some((name) => name === variable))
  if (problems.length > 0) return problems
  const { BRIDGE_OPS_HOST: host, BRIDGE_OPS_TOKEN_FILE: tokenFile } = values
  const secret = tokenFile === undefined ? undefined : tryRead(tokenFile, readFile).text
  return {
    host: EVERYWHERE.has(host) ? '127.0.0.1' : host,
    port: values.BRIDGE_OPS_PORT,
    graceMs: values.BRIDGE_SHUTDOWN_GRACE_MS,
    token: secret !== undefined && token(secret) ? secret : undefined,
  }
}
