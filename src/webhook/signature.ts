/**
 * Signatures of deliveries, as Standard Webhooks writes them (standardwebhooks.com, "Signature scheme").
 *
 *   webhook-id         the same on every attempt
 *   webhook-timestamp  of this attempt, in seconds
 *   webhook-signature  `v1,<base64 of HMAC-SHA256 over id.timestamp.body>`, one for each secret, with spaces between
 *
 * While secrets change, each signs: an app that knows either of them goes on verifying.
 */
import { createHmac } from 'node:crypto'

/** The keys in a text of `whsec_<base64>` words with white-space between: whole ones, in their order, each once. */
export function signingKeys(text: string): readonly Uint8Array[] {
  const words = new Set(text.split(/\s+/).filter((word) => word.startsWith(PREFIX)))
  return [...words].map((word) => Buffer.from(word.slice(PREFIX.length), 'base64'))
}

const PREFIX = 'whsec_'

/** What is signed: a delivery, at the instant of its attempt. */
export interface Signed {
  readonly id: string
  readonly body: Uint8Array
  readonly nowMs: number
}

export function signatureHeaders(
  keys: readonly Uint8Array[],
  { id, body, nowMs }: Signed,
): { 'webhook-id': string; 'webhook-timestamp': string; 'webhook-signature': string } {
  const timestamp = String(Math.floor(nowMs / 1000))
  const signatures = keys.map((key) => {
    const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body)
    return `v1,${hmac.digest('base64')}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
