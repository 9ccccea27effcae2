/**
 * XZepr's rate limit: one token bucket per user, refilled all the time, shared by all pods of that user.
 *
 * The bucket belongs to the `sub`, not to the token: signing in again does not fill it. Everyone without a token shares
 * one bucket, so /health and login empty each other's. The seconds in the answer are rounded down, so an authenticated
 * caller, who waits 0.6 s for the next token, is always told `retry-after: 0`.
 */
import type { Reply } from './xzepr-reply.ts'
import type { Caller } from './xzepr-tokens.ts'

/** Requests a minute. */
export interface RateLimits {
  readonly anonymous: number
  readonly authenticated: number
  readonly admin: number
}

export const XZEPR_RATE_LIMITS: RateLimits = { anonymous: 10, authenticated: 100, admin: 1000 }

export interface Taken {
  readonly allowed: boolean
  /** For the answer, whichever it will be. */
  readonly headers: Readonly<Record<string, string>>
}

interface Bucket {
  tokens: number
  filledAtMs: number
}

export class Buckets {
  readonly #limits: RateLimits | undefined
  readonly #buckets = new Map<string, Bucket>()

  /** @param limits undefined for none. */
  constructor(limits: RateLimits | undefined) {
    this.#limits = limits
  }

  /** Takes one token, if there is one. @param caller undefined for anyone without a token. */
  take(caller: Caller | undefined, nowMs: number): Taken {
    if (this.#limits === undefined) return { allowed: true, headers: {} }
    const limit = this.#limits[tier(caller)]
    const perMs = limit / 60_000
    const key = caller?.sub ?? ''
    const bucket = this.#buckets.get(key) ?? { tokens: limit, filledAtMs: nowMs }
    this.#buckets.set(key, bucket)
    bucket.tokens = Math.min(limit, bucket.tokens + (nowMs - bucket.filledAtMs) * perMs)
    bucket.filledAtMs = nowMs
    const allowed = bucket.tokens >= 1
    if (allowed) bucket.tokens -= 1
    const resetS = Math.floor(Math.max(0, (1 - bucket.tokens) / perMs) / 1000)
    const headers = {
      'x-ratelimit-limit': `${limit}`,
      'x-ratelimit-remaining': `${Math.floor(bucket.tokens)}`,
      'x-ratelimit-reset': `${resetS}`,
    }
    return { allowed, headers: allowed ? headers : { ...headers, 'retry-after': `${resetS}` } }
  }
}

/** 429 has no content type. */
export function limited(taken: Taken): Reply {
  return { status: 429, headers: taken.headers, body: 'Rate limit exceeded' }
}

function tier(caller: Caller | undefined): keyof RateLimits {
  if (caller === undefined) return 'anonymous'
  return caller.roles.includes('admin') ? 'admin' : 'authenticated'
}
