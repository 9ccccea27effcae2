/**
 * XZepr's door: who is let in to a route, asked in the server's own order.
 *
 *   way ─▶ token ─▶ permission ─▶ rate limit ─▶ in
 *   404     401       403            429 · 405
 *
 * Who is refused a token or a permission pays nothing; whoever comes further pays one token of his bucket, whatever the
 * answer will be.
 */
import type { Clock } from '../core/seams.ts'
import type { RateLimits } from './xzepr-limits.ts'
import { Buckets, limited } from './xzepr-limits.ts'
import type { Reply } from './xzepr-reply.ts'
import { emptyReply, jsonReply } from './xzepr-reply.ts'
import type { Way } from './xzepr-routes.ts'
import type { Caller, Tokens } from './xzepr-tokens.ts'

export type Admission =
  /** `headers` go on the answer, whichever it will be. */
  | { readonly kind: 'in'; readonly caller: Caller | undefined; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'out'; readonly reply: Reply }

type Known = { readonly kind: 'known'; readonly caller: Caller } | { readonly kind: 'stranger'; readonly why: string }

const SCHEME = 'Bearer '
const EXPIRED = 'Invalid token: Token has expired'

export class Door {
  /** While true every token is refused, as one that has expired. */
  tokensRefused = false
  readonly #clock: Clock
  readonly #tokens: Tokens
  readonly #buckets: Buckets

  constructor(clock: Clock, tokens: Tokens, limits: RateLimits | undefined) {
    this.#clock = clock
    this.#tokens = tokens
    this.#buckets = new Buckets(limits)
  }

  admit(way: Way, authorization: string | undefined): Admission {
    if (way.kind === 'unknown') return { kind: 'out', reply: emptyReply(404) }
    let caller: Caller | undefined
    if (way.guarded) {
      const known = this.#recognise(authorization)
      if (known.kind === 'stranger') return { kind: 'out', reply: unauthorised(known.why) }
      caller = known.caller
      if (way.permission !== undefined && !caller.permissions.includes(way.permission)) {
        return { kind: 'out', reply: forbidden(way.permission, caller) }
      }
    }
    const taken = this.#buckets.take(caller, this.#clock.nowMs())
    if (!taken.allowed) return { kind: 'out', reply: limited(taken) }
    if (way.kind === 'wrong-method') {
      return { kind: 'out', reply: emptyReply(405, { ...taken.headers, allow: way.allow.join(', ') }) }
    }
    return { kind: 'in', caller, headers: taken.headers }
  }

  #recognise(authorization: string | undefined): Known {
    if (authorization === undefined) return { kind: 'stranger', why: 'Missing authentication token' }
    if (!authorization.startsWith(SCHEME)) {
      return { kind: 'stranger', why: `Invalid token: Authorization header must start with '${SCHEME}'` }
    }
    if (this.tokensRefused) return { kind: 'stranger', why: EXPIRED }
    const verified = this.#tokens.verify(authorization.slice(SCHEME.length))
    return verified.kind === 'bad'
      ? { kind: 'stranger', why: `Invalid token: ${verified.why}` }
      : { kind: 'known', caller: verified.claims }
  }
}

function unauthorised(error: string): Reply {
  return jsonReply(401, JSON.stringify({ error, status: 401 }))
}

function forbidden(permission: string, caller: Caller): Reply {
  const error = `Access denied: missing required permission '${permission}'`
  const details = { required_permission: permission, user_permissions: caller.permissions }
  return jsonReply(403, JSON.stringify({ error, status: 403, details }))
}
