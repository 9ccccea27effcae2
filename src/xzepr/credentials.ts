/**
 * What the bridge signs its requests to XZepr with.
 *
 * A token is asked for at every request, so a file that an agent rewrites every few minutes is followed without a
 * restart. Kubernetes swaps a mounted secret by a symbolic link, which leaves the path as it was: `stat` follows the
 * link, and inode, time and size tell. After a 401 the file is read again whatever `stat` says.
 *
 * Law: a file that is being written, is empty or gone never takes a good token away.
 */
import { open, stat } from 'node:fs/promises'
import type { Clock } from '../core/seams.ts'

export type Token = { readonly kind: 'token'; readonly value: string } | { readonly kind: 'none'; readonly why: string }

/** Where tokens come from: a fixed one, a file; signing in with login and refresh fits the same shape. */
export interface Credentials {
  /** The token for a request that starts now. Never rejects. */
  token(): Promise<Token>
  /** XZepr answered 401 to `refused`: another token than that, or undefined when there is none yet. Never rejects. */
  renew(refused: string): Promise<string | undefined>
}

export function fixedToken(value: string): Credentials {
  const token = readToken(value, 'XZEPR_API_TOKEN')
  return { token: async () => token, renew: async () => undefined }
}

/** How often the file is looked at, at most. */
const LOOK_EVERY_MS = 1000
const TOKEN_MAX_BYTES = 65_536

export interface TokenFileOptions {
  readonly path: string
  readonly clock: Clock
}

export function tokenFile({ path, clock }: TokenFileOptions): Credentials {
  return new TokenFile(path, clock)
}

class TokenFile implements Credentials {
  readonly #path: string
  readonly #clock: Clock
  #token: Token = { kind: 'none', why: 'the token file was not read yet' }
  #seen = ''
  #lookAtMs = -Infinity
  #looking: Promise<void> | undefined

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  async token(): Promise<Token> {
    const nowMs = this.#clock.nowMs()
    // A clock that was set back must not keep the file from being looked at.
    if (nowMs >= this.#lookAtMs || this.#lookAtMs - nowMs > LOOK_EVERY_MS) await this.#look(false)
    return this.#token
  }

  async renew(refused: string): Promise<string | undefined> {
    await this.#look(true)
    return this.#token.kind === 'token' && this.#token.value !== refused ? this.#token.value : undefined
  }

  /** One look at a time: many requests start, and are refused, together. */
  #look(always: boolean): Promise<void> {
    this.#looking ??= this.#read(always).finally(() => {
      this.#lookAtMs = this.#clock.nowMs() + LOOK_EVERY_MS
      this.#looking = undefined
    })
    return this.#looking
  }

  async #read(always: boolean): Promise<void> {
    try {
      const { ino, mtimeNs, size } = await stat(this.#path, { bigint: true })
      const seen = `${ino} ${mtimeNs} ${size}`
      if (seen === this.#seen && !always) return
      const token = readToken(await readBounded(this.#path), `the file ${this.#path}`)
      // Remembered only when it was good: a file caught half-written is read again at the next look.
      if (token.kind === 'token') this.#seen = seen
      if (token.kind === 'token' || this.#token.kind === 'none') this.#token = token
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown failure'
      if (this.#token.kind === 'none') this.#token = { kind: 'none', why: `the file ${this.#path}: ${code}` }
    }
  }
}

async function readBounded(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(TOKEN_MAX_BYTES), 0, TOKEN_MAX_BYTES, 0)
    return buffer.toString('latin1', 0, bytesRead)
  } finally {
    await file.close()
  }
}

/** People write the whole header into a file too; anything but visible ASCII would break the header it goes into. */
function readToken(text: string, where: string): Token {
  const value = text.trim().replace(/^bearer\s+/i, '')
  if (value === '') return { kind: 'none', why: `${where} is empty` }
  if (!/^[\x21-\x7e]+$/.test(value)) return { kind: 'none', why: `${where} holds characters that no token has` }
  return { kind: 'token', value }
}
