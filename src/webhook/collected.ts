/**
 * The body of an answer while it comes in.
 *
 * It is copied together at once: an app may send a byte at a time, and an object for each would cost a hundred times
 * what the bytes do. Whoever adds keeps the bound.
 */
import { encodings } from './encodings.ts'

const FIRST_BYTES = 1024

export class Collected {
  #bytes = Buffer.alloc(0)
  #length = 0

  add(chunk: Uint8Array): void {
    const length = this.#length + chunk.length
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(FIRST_BYTES, length, 2 * this.#bytes.length))
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    this.#bytes.set(chunk, this.#length)
    this.#length = length
  }

  /** Undefined when it is not UTF-8. */
  get text(): string | undefined {
    return encodings.decodeUtf8(this.#bytes.subarray(0, this.#length))
  }
}
