/**
 * Compressed batches: gzip, snappy (raw and xerial framing), lz4, zstd.
 *
 * KafkaJS brings gzip alone, and a batch it has no codec for stops the whole consumer. The law: no batch inflates past
 * a bound, whatever its header claims, so that a few kilobytes on the wire cannot take the pod's memory; a batch that
 * cannot be read within it is XZB_KAFKA_DECOMPRESS. All in JavaScript, so that the image needs no compiler; zstd uses
 * Node's own where Node has one (22.15 and later).
 */
import * as zlib from 'node:zlib'
import { promisify } from 'node:util'
import kafkajs from 'kafkajs'
import { BridgeError } from '../core/errors.ts'
import { unlz4, unsnappy, unzstdInScript } from './inflate.ts'
import type { Inflate } from './inflate.ts'

/** What one batch may inflate to. Brokers take batches of 1 MB unless told otherwise; 64 times that is no batch. */
export const MAX_INFLATED_BYTES = 64 * 1024 * 1024

/** Node's zstd, absent before 22.15: @types/node of the lowest supported version does not know it. */
interface ZlibWithZstd {
  readonly zstdDecompress?: (
    bytes: Buffer,
    options: { readonly maxOutputLength: number },
    done: (error: Error | null, result: Buffer) => void,
  ) => void
}

const gunzipOf = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip)
const gzipOf = promisify<Buffer, Buffer>(zlib.gzip)
const { zstdDecompress } = zlib as ZlibWithZstd

export const gunzip: Inflate = (compressed, maxBytes) => gunzipOf(compressed, { maxOutputLength: maxBytes })

export const unzstd: Inflate =
  zstdDecompress === undefined
    ? unzstdInScript
    : (compressed, maxBytes) =>
        new Promise((resolve, reject) => {
          zstdDecompress(compressed, { maxOutputLength: maxBytes }, (error, bytes) => {
            if (error === null) resolve(bytes)
            else reject(error)
          })
        })

/** Teaches KafkaJS the codecs; for the whole process, as KafkaJS keeps them in one table. */
export function registerCodecs(maxBytes = MAX_INFLATED_BYTES): void {
  // Node finds these two names only on the whole module.
  const { CompressionCodecs, CompressionTypes } = kafkajs
  CompressionCodecs[CompressionTypes.GZIP] = codec('gzip', gunzip, maxBytes, (bytes) => gzipOf(bytes))
  CompressionCodecs[CompressionTypes.Snappy] = codec('snappy', unsnappy, maxBytes)
  CompressionCodecs[CompressionTypes.LZ4] = codec('lz4', unlz4, maxBytes)
  CompressionCodecs[CompressionTypes.ZSTD] = codec('zstd', unzstd, maxBytes)
}

interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(compressed: Buffer): Promise<Buffer>
}

/** @param deflate is there for what the bridge may write itself. */
function codec(
  name: string,
  inflate: Inflate,
  maxBytes: number,
  deflate?: (bytes: Buffer) => Promise<Buffer>,
): () => Codec {
  const made: Codec = {
    compress: async ({ buffer }) => {
      if (deflate === undefined) throw new Error(`the bridge reads ${name} and writes none`)
      return deflate(buffer)
    },
    decompress: async (compressed) => {
      try {
        return await inflate(compressed, maxBytes)
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        // Without its cause: KafkaJS wraps the cause of an error in place of the error, and the code would be lost.
        throw new BridgeError('XZB_KAFKA_DECOMPRESS', `a ${name} batch of ${compressed.length} bytes: ${why}`)
      }
    },
  }
  return () => made
}
