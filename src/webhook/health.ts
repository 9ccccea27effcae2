/**
 * The edge that asks for the app's health: one ask, one answer. It never retries, follows or throws.
 *
 * Each ask has a connection of its own: one that stands from before would hide that nobody listens any more. The bound
 * covers the whole ask up to the status; a body is not read, however long it is.
 */
import { Client } from 'undici'
import type { HealthAnswer } from '../core/gate.ts'
import { healthAnswer } from '../core/gate.ts'
import type { Clock } from '../core/seams.ts'
import { platformCode } from './client.ts'

export interface HealthOptions {
  readonly url: URL
  readonly clock: Clock
  readonly timeoutMs?: number
}

/** Beside us in the pod a healthy answer takes milliseconds. */
const TIMEOUT_MS = 2000
const MAX_HEADER_BYTES = 16_384

/** Asks once. */
export function healthAsk(options: HealthOptions): () => Promise<HealthAnswer> {
  const { url, clock, timeoutMs = TIMEOUT_MS } = options
  const path = url.pathname + url.search
  return async () => {
    const client = new Client(url.origin, {
      connect: { timeout: timeoutMs },
      headersTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
    })
    const giveUp = new AbortController()
    const bound = clock.wake(clock.nowMs() + timeoutMs, () => {
      giveUp.abort()
    })
    try {
      const { signal } = giveUp
      const { statusCode, body } = await client.request({ path, method: 'GET', reset: true, signal })
      // Destroyed before its end it raises what we did ourselves.
      body.on('error', () => undefined)
      return healthAnswer({ kind: 'response', status: statusCode })
    } catch (error) {
      const why = giveUp.signal.aborted ? `no answer within ${timeoutMs} ms` : platformCode(error)
      return healthAnswer({ kind: 'failure', sent: false, why })
    } finally {
      bound.cancel()
      void client.destroy()
    }
  }
}
