/**
 * Texts and bytes as Node knows them, for the core, which has no platform.
 *
 * Reading is strict: bytes that are not UTF-8 are no text, never a text with replacements.
 */
import { createHash } from 'node:crypto'
import type { Encodings } from '../core/cloud-event.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true })

export const encodings: Encodings = {
  decodeUtf8(bytes) {
    try {
      return UTF8.decode(bytes)
    } catch (error) {
      if (error instanceof TypeError) return undefined
      throw error
    }
  },
  encodeUtf8: (text) => Buffer.from(text),
  encodeBase64: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
  decodeBase64: (text) => Buffer.from(text, 'base64'),
  digest: (text) => createHash('sha256').update(text).digest('hex'),
}
