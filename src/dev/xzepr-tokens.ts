/**
 * XZepr's tokens: JWTs that the server signs itself and trusts from nobody else (RFC 7519, HS256).
 *
 *   login ─▶ access (15 minutes) + refresh (7 days) ─▶ refresh, once ─▶ the next pair
 *
 * There is no leeway: at the second in which it expires, a token has expired. A refresh token works once, which is why
 * two pods must not share one.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../core/seams.ts'

export const ACCESS_LIFETIME_MS = 15 * 60_000
const REFRESH_LIFETIME_MS = 7 * 24 * 3_600_000
/** Refresh tokens that wait to be used; beyond it the oldest stops working. */
const MAX_REFRESHABLE = 1_000

const MANAGED = ['event', 'receiver', 'group']
const READ = MANAGED.map((resource) => `${resource}_read`)
const MANAGE = MANAGED.flatMap((resource) => [`${resource}_create`, `${resource}_read`, `${resource}_update`])

/** XZepr's four roles and what each may do. */
export const ROLES = {
  admin: [...MANAGE, ...MANAGED.map((resource) => `${resource}_delete`), 'user_manage', 'role_manage'],
  event_manager: MANAGE,
  event_viewer: READ,
  user: ['event_read'],
} as const satisfies Record<string, readonly string[]>

export type Role = keyof typeof ROLES

/** Who calls, as the token says it. */
export interface Caller {
  /** The user's id; the server wants a ULID here and answers 500 to anything else. */
  readonly sub: string
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
}

export interface TokenPair {
  readonly access: string
  readonly refresh: string
}

interface Claims extends Caller {
  readonly exp: number
  readonly nbf: number
  readonly jti: string
  readonly token_type: 'access' | 'refresh'
}

export type Verified = { readonly kind: 'caller'; readonly claims: Claims } | { readonly kind: 'bad'; why: string }

export class Tokens {
  readonly #clock: Clock
  #secret: Buffer
  #minted = 0
  /** Refresh tokens not used yet, by `jti`. */
  readonly #refreshable = new Set<string>()

  constructor(clock: Clock, secret?: string) {
    this.#clock = clock
    this.#secret = secret === undefined ? randomBytes(32) : Buffer.from(secret)
  }

  /** An access token. @param lifetimeMs negative for one that has expired already. */
  access(sub: string, role: Role, lifetimeMs = ACCESS_LIFETIME_MS): string {
    return this.#sign({ sub, roles: [role], permissions: ROLES[role] }, 'access', lifetimeMs)
  }

  pair(sub: string, role: Role): TokenPair {
    const refresh = this.#sign({ sub, roles: [], permissions: [] }, 'refresh', REFRESH_LIFETIME_MS)
    this.#refreshable.add(`${this.#minted}`)
    for (const oldest of this.#refreshable) {
      if (this.#refreshable.size <= MAX_REFRESHABLE) break
      this.#refreshable.delete(oldest)
    }
    return { access: this.access(sub, role), refresh }
  }

  /** Spends a refresh token. @returns whose it was, or undefined when it buys nothing. */
  spend(refresh: string): string | undefined {
    const verified = this.verify(refresh)
    if (verified.kind === 'bad' || verified.claims.token_type !== 'refresh') return undefined
    return this.#refreshable.delete(verified.claims.jti) ? verified.claims.sub : undefined
  }

  /** Signs with a new key from here on: every token given out so far is refused. */
  rotate(): void {
    this.#secret = randomBytes(32)
    this.#refreshable.clear()
  }

  verify(token: string): Verified {
    const [head = '', payload = '', signature = '', ...more] = token.split('.')
    if (signature === '' || more.length > 0) return { kind: 'bad', why: 'Invalid token format: InvalidToken' }
    const given = Buffer.from(signature, 'base64url')
    const right = this.#signature(`${head}.${payload}`)
    if (given.length !== right.length || !timingSafeEqual(given, right)) {
      return { kind: 'bad', why: 'Invalid token signature' }
    }
    // Signed here, so shaped as `#sign` wrote it.
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims
    const nowS = Math.floor(this.#clock.nowMs() / 1000)
    if (claims.exp <= nowS) return { kind: 'bad', why: 'Token has expired' }
    if (claims.nbf > nowS) return { kind: 'bad', why: 'Token is not yet valid' }
    return { kind: 'caller', claims }
  }

  #sign(caller: Caller, tokenType: Claims['token_type'], lifetimeMs: number): string {
    this.#minted += 1
    const nowS = Math.floor(this.#clock.nowMs() / 1000)
    const claims = {
      ...caller,
      exp: nowS + Math.floor(lifetimeMs / 1000),
      iat: nowS,
      nbf: nowS,
      jti: `${this.#minted}`,
      iss: 'xzepr',
      aud: 'xzepr-api',
      token_type: tokenType,
    }
    const text = [{ typ: 'JWT', alg: 'HS256' }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    return `${text}.${this.#signature(text).toString('base64url')}`
  }

  #signature(text: string): Buffer {
    return createHmac('sha256', this.#secret).update(text).digest()
  }
}
