/** Reads UTF-8 as app.ts does: strict, and undefined where the bytes are none. */
import type { DecodeUtf8 } from '../../src/core/message.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const decodeUtf8: DecodeUtf8 = (bytes) => {
  try {
    return UTF8.decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
