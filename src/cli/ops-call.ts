/**
 * One exchange with the ops port of the bridge beside us, for the commands that speak to it.
 *
 * The law: it comes back as a value, in bounded memory, and a command ends by its own clock, whatever the bridge does:
 * in preStop and in a health check nothing else would, until somebody is killed.
 */
import { request } from 'node:http'
import type { OpsAddress } from '../config/ops-address.ts'
import type { Clock } from '../core/seams.ts'

const ANSWER_MAX_BYTES = 4_194_304

export type OpsAnswer =
  /** `json` is the object in the body; an empty one when there is none. */
  | { readonly kind: 'answer'; readonly status: number; readonly json: Readonly<Record<string, unknown>> }
  | { readonly kind: 'failure'; readonly code: string }

/** Where the bridge is looked for, for a sentence. */
export function placeOf({ host, port }: OpsAddress): string {
  return `${host}, port ${port}`
}

export function nobodyAt(address: OpsAddress): string {
  return `Nobody listens at ${placeOf(address)}: is the bridge running here, with the same BRIDGE_OPS_HOST and BRIDGE_OPS_PORT?`
}

/** Never rejects. */
export async function callOps(
  address: OpsAddress,
  method: 'GET' | 'POST',
  path: string,
  body = '',
): Promise<OpsAnswer> {
  const { host, port, token } = address
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      resolve({ kind: 'failure', code: error.code ?? error.message })
    }
    const headers = {
      ...(method === 'POST' && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    }
    // No agent: a connection that is kept alive would keep the process alive.
    const sent = request({ host, port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > ANSWER_MAX_BYTES) response.destroy(new Error('an answer without an end'))
        else chunks.push(chunk)
      })
      response.on('error', fail)
      response.on('end', () => {
        resolve({ kind: 'answer', status: response.statusCode ?? 0, json: jsonOf(Buffer.concat(chunks)) })
      })
    })
    sent.on('error', fail)
    sent.end(body)
  })
}

function jsonOf(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

/** @returns undefined when the time is over first. */
export async function within<T>(timeoutMs: number, clock: Clock, promise: Promise<T>): Promise<T | undefined> {
  let over = (): void => undefined
  const bound = clock.wake(clock.nowMs() + timeoutMs, () => {
    over()
  })
  const ended = await Promise.race([
    promise,
    new Promise<undefined>((resolve) => {
      over = () => {
        resolve(undefined)
      }
    }),
  ])
  bound.cancel()
  return ended
}
