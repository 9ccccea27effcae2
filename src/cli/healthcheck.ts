/**
 * `xzepr-bridge healthcheck`: asks the bridge beside it whether it makes progress, for HEALTHCHECK of an image without a
 * shell and for a person with `kubectl exec`.
 *
 *   0  alive     1  not: it says why     64  wrong command line     69  nobody listens     78  a variable is wrong
 *
 * It asks /livez, whose no means that a restart is the cure; neighbours that are away are no reason for one. Docker
 * takes every exit code but 0 as unhealthy.
 */
import type { OpsAddress } from '../config/ops-address.ts'
import type { Clock } from '../core/seams.ts'
import type { OpsAnswer } from './ops-call.ts'
import { EX_UNAVAILABLE } from './exits.ts'
import { callOps, nobodyAt, placeOf, within } from './ops-call.ts'

/** Within the 3 s that the image's HEALTHCHECK gives, Node's own start included. */
const TIMEOUT_MS = 2000

export interface Healthcheck {
  readonly address: OpsAddress
  readonly clock: Clock
  readonly say: (line: string) => void
  readonly complain: (line: string) => void
}

export const HEALTHCHECK_HELP = `xzepr-bridge healthcheck

Asks the bridge that runs here whether it makes progress (/livez), for at most
2 s. It finds the bridge by BRIDGE_OPS_HOST and BRIDGE_OPS_PORT. Kafka, XZepr
or the app being away is no illness of the bridge. \`/readyz\` tells of them.

  HEALTHCHECK CMD ["node", "/app/dist/main.js", "healthcheck"]

Kubernetes asks /livez itself, by httpGet, and needs no process for it.

Exit codes: 0 alive, 1 not alive (it says why), 64 wrong command line,
69 nobody listens, 78 a variable is wrong, 130 ended by Ctrl-C.
`

export async function checkHealth({ address, clock, say, complain }: Healthcheck): Promise<number> {
  const answer = await within(TIMEOUT_MS, clock, callOps(address, 'GET', '/livez'))
  const [exitCode, sentence] = verdict(answer, address)
  if (exitCode === 0) say(sentence)
  else complain(sentence)
  return exitCode
}

function verdict(answer: OpsAnswer | undefined, address: OpsAddress): readonly [exitCode: number, sentence: string] {
  const where = placeOf(address)
  if (answer === undefined) return [1, `The bridge at ${where} has not answered for ${TIMEOUT_MS / 1000} s.`]
  if (answer.kind === 'failure') {
    if (answer.code === 'ECONNREFUSED') return [EX_UNAVAILABLE, nobodyAt(address)]
    return [1, `The bridge at ${where} broke off (${answer.code}).`]
  }
  const { status, json } = answer
  // Somebody else on the port may answer 200 too.
  if (status === 200 && json.ok === true) return [0, `The bridge at ${where} is alive.`]
  const reasons = Array.isArray(json.reasons) ? json.reasons.filter((each) => typeof each === 'string').join(' ') : ''
  if (status === 503 && json.ok === false) return [1, `The bridge at ${where} is not alive. ${reasons}`.trimEnd()]
  return [1, `What answers at ${where} is no bridge: HTTP ${status}.`]
}
