/**
 * Where events are sent: to the XZepr that the environment names, else to that of the local loop on this machine.
 *
 * A variable that is set wins over a loop that runs: somebody who names an XZepr means it, and is told where events go.
 */
import { readConfig } from '../config.ts'
import type { Environment } from '../config/environment.ts'
import type { FileReader } from '../config/files.ts'
import { renderProblems } from '../config/findings.ts'
import type { Clock } from '../core/seams.ts'
import type { Found } from '../dev/whereabouts.ts'
import { calledAt } from '../dev/whereabouts.ts'
import type { Credentials } from '../xzepr/credentials.ts'
import { fixedToken, tokenFile } from '../xzepr/credentials.ts'

export interface Target {
  readonly xzeprUrl: string
  readonly credentials: Credentials
  readonly caPem: string | undefined
  readonly timeoutMs: number
  /** Known beforehand in the local loop. */
  readonly receiverId: string | undefined
  /** Where works are asked for. */
  readonly workApi: { readonly url: string; readonly token: string | undefined }
  /** For people: how it was found. */
  readonly how: string
}

export type Targeting =
  | { readonly kind: 'target'; readonly target: Target }
  | { readonly kind: 'none'; readonly why: string; readonly exitCode: 69 | 78 }

const NAMING = ['XZEPR_API_URL', 'XZEPR_API_TOKEN', 'XZEPR_API_TOKEN_FILE'] as const
const LOOP_TIMEOUT_MS = 30_000

export const NOWHERE = `No XZepr to send to. Start one here, in another terminal:

  xzepr-bridge dev

or name a real one:

  export XZEPR_API_URL=https://xzepr.example.com XZEPR_API_TOKEN_FILE=/path/to/token
`

/** @param find looks for a local loop, only where the environment names nothing. */
export function targetOf(env: Environment, readFile: FileReader, clock: Clock, find: () => Found): Targeting {
  const naming = NAMING.filter((name) => (env[name] ?? '') !== '')
  if (naming.length > 0) return named(env, naming, readFile, clock)
  const found = find()
  if (found.kind === 'none') {
    return { kind: 'none', why: found.why === undefined ? NOWHERE : `${found.why}\n${NOWHERE}`, exitCode: 69 }
  }
  const { where, others } = found
  const more = others === 0 ? '' : `, the newest of ${others + 1}`
  return {
    kind: 'target',
    target: {
      xzeprUrl: where.xzeprUrl,
      credentials: fixedToken(where.token),
      caPem: undefined,
      timeoutMs: LOOP_TIMEOUT_MS,
      receiverId: where.receiverId,
      workApi: { url: where.workApiUrl, token: where.workApiToken },
      how: `xzepr-bridge dev, process ${where.pid}${more}`,
    },
  }
}

function named(env: Environment, naming: readonly string[], readFile: FileReader, clock: Clock): Targeting {
  // Nothing else of the environment is looked at: a fault in another variable does not concern an emit.
  const own = Object.entries(env).filter(([name]) => /^(?:XZEPR_API|BRIDGE_WORK_API)_/.test(name))
  const reading = readConfig({ ...Object.fromEntries(own), BRIDGE_SERVICE: 'emit' }, readFile)
  if (reading.kind === 'errors') return { kind: 'none', why: renderProblems(reading.errors), exitCode: 78 }
  const { xzepr, workApi } = reading.config
  const { url, timeoutMs, ca, credentials } = xzepr
  return {
    kind: 'target',
    target: {
      xzeprUrl: url,
      credentials:
        credentials.kind === 'token' ? fixedToken(credentials.token) : tokenFile({ path: credentials.path, clock }),
      caPem: ca,
      timeoutMs,
      receiverId: undefined,
      workApi: { url: calledAt(workApi.host, workApi.port), token: workApi.token },
      how: naming.join(', '),
    },
  }
}
