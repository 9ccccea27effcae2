/**
 * Snappy, lz4 and zstd, read within a bound.
 *
 * The bytes come from whoever may write to the topic. The law: any input ends, in bytes or in an error, after work and
 * memory that are bounded by its own length and by `maxBytes`, whatever its headers claim. The packages' own frame
 * readers do not promise that (a length that points backwards is followed for ever), so frames are walked here, and
 * packages see single blocks or frames that are known to lie within the input.
 */
import { Decompress } from 'fzstd'
import lz4 from 'lz4js'

export type Inflate = (compressed: Buffer, maxBytes: number) => Buffer | Promise<Buffer>

/** snappy-java's stream: this head, two versions, then blocks of a length (32 bits, big endian) and raw snappy. */
const XERIAL_HEAD = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_BLOCKS_AT = 16

export const unsnappy: Inflate = (compressed, maxBytes) => {
  if (!compressed.subarray(0, XERIAL_HEAD.length).equals(XERIAL_HEAD)) return unsnappyBlock(compressed, maxBytes)
  const blocks: Buffer[] = []
  let leftBytes = maxBytes
  for (let at = XERIAL_BLOCKS_AT; at < compressed.length;) {
    const from = at + 4
    at = from + compressed.readUInt32BE(at)
    if (at > compressed.length) throw new RangeError('a block is longer than the batch')
    const block = unsnappyBlock(compressed.subarray(from, at), leftBytes)
    leftBytes -= block.length
    blocks.push(block)
  }
  return Buffer.concat(blocks)
}

/** Raw snappy (google/snappy, format_description.txt): the inflated length, then literals and copies. */
function unsnappyBlock(bytes: Buffer, maxBytes: number): Buffer {
  let at = 0
  let length = 0
  for (let shift = 0, byte = 0x80; (byte & 0x80) !== 0; shift += 7) {
    if (shift > 28) throw new RangeError('its length has no end')
    byte = bytes.readUInt8(at++)
    length += (byte & 0x7f) * 2 ** shift
  }
  refuseBeyond(length, maxBytes)
  const out = Buffer.allocUnsafeSlow(length)
  let end = 0
  while (at < bytes.length) {
    const tag = bytes.readUInt8(at++)
    const kind = tag & 3
    let count = (tag >> 2) + 1
    if (kind === 0) {
      const extra = count - 60
      if (extra > 0) {
        count = bytes.readUIntLE(at, extra) + 1
        at += extra
      }
      if (at + count > bytes.length || end + count > length) throw new RangeError('a literal is longer than the block')
      bytes.copy(out, end, at, at + count)
      at += count
    } else {
      const wide = [0, 1, 2, 4][kind] ?? 0
      if (kind === 1) count = ((tag >> 2) & 7) + 4
      const back = bytes.readUIntLE(at, wide) + (kind === 1 ? (tag >> 5) << 8 : 0)
      at += wide
      if (back === 0 || back > end || end + count > length) throw new RangeError('a copy lies outside the block')
      // What is copied may be what this very copy writes: byte by byte, as the format wants it.
      for (let index = end; index < end + count; index++) out[index] = out[index - back] ?? 0
    }
    end += count
  }
  if (end !== length) throw new RangeError(`it inflates to ${end} bytes and not to ${length}`)
  return out
}

const LZ4_MAGIC = 0x184d2204
/** By the descriptor's number (lz4_Frame_format.md); 0 to 3 are not defined. */
const LZ4_BLOCK_MAX_BYTES = [0, 0, 0, 0, 64, 256, 1024, 4096].map((kilobytes) => kilobytes * 1024)

export const unlz4: Inflate = (compressed, maxBytes) => {
  const blocks = lz4Blocks(compressed)
  const most = blocks.reduce((sum, block) => sum + block.maxBytes, 0)
  const out = Buffer.allocUnsafeSlow(Math.min(most, maxBytes))
  let end = 0
  for (const { bytes, stored } of blocks) {
    if (stored) {
      refuseBeyond(end + bytes.length, out.length)
      bytes.copy(out, end)
      end += bytes.length
    } else {
      // What does not fit is dropped, but counted.
      end = lz4.decompressBlock(bytes, out, 0, bytes.length, end)
      refuseBeyond(end, out.length)
    }
  }
  return out.subarray(0, end)
}

interface Lz4Block {
  readonly bytes: Buffer
  readonly stored: boolean
  readonly maxBytes: number
}

function lz4Blocks(frame: Buffer): readonly Lz4Block[] {
  if (frame.readUInt32LE(0) !== LZ4_MAGIC) throw new RangeError('it is no lz4 frame')
  const flags = frame.readUInt8(4)
  const blockMaxBytes = LZ4_BLOCK_MAX_BYTES[(frame.readUInt8(5) >> 4) & 7] ?? 0
  if (flags >> 6 !== 1 || blockMaxBytes === 0) throw new RangeError('its lz4 frame is of an unknown kind')
  const checksumBytes = (flags & 0x10) === 0 ? 0 : 4
  const blocks: Lz4Block[] = []
  let at = 7 + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4)
  for (;;) {
    const head = frame.readUInt32LE(at)
    if (head === 0) return blocks
    const stored = head >= 0x80000000
    const size = stored ? head - 0x80000000 : head
    const bytes = frame.subarray(at + 4, at + 4 + size)
    if (bytes.length < size || size > blockMaxBytes) throw new RangeError('a block is longer than the frame allows')
    // One byte of a block stands for 255 at most.
    blocks.push({ bytes, stored, maxBytes: stored ? size : Math.min(blockMaxBytes, size * 255) })
    at += 4 + size + checksumBytes
  }
}

/** zstd in JavaScript. The window is held to the bound too: the reader allots what a frame's header claims. */
export const unzstdInScript: Inflate = (compressed, maxBytes) => {
  const parts: Uint8Array[] = []
  let leftBytes = maxBytes
  for (let at = 0; at < compressed.length;) {
    const end = zstdFrameEnd(compressed, at, maxBytes)
    const frame = new Decompress((part) => {
      leftBytes -= part.length
      refuseBeyond(maxBytes - leftBytes, maxBytes)
      parts.push(part)
    })
    frame.push(compressed.subarray(at, end), true)
    at = end
  }
  return Buffer.concat(parts)
}

const ZSTD_MAGIC = 0xfd2fb528
const ZSTD_SKIPPABLE = 0x184d2a50

/** Where the frame that begins at `at` ends, by its block headers (RFC 8878 section 3.1); checks its window. */
function zstdFrameEnd(bytes: Buffer, at: number, maxWindowBytes: number): number {
  const magic = bytes.readUInt32LE(at)
  if ((magic & 0xfffffff0) === ZSTD_SKIPPABLE) return at + 8 + bytes.readUInt32LE(at + 4)
  if (magic !== ZSTD_MAGIC) throw new RangeError('it is no zstd frame')
  const flags = bytes.readUInt8(at + 4)
  const single = (flags & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0
  const contentSizeBytes = [single ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0
  let next = at + 5
  if (!single) refuseBeyond(zstdWindowBytes(bytes.readUInt8(next++)), maxWindowBytes)
  next += dictionaryBytes
  // A single segment's window is its whole content.
  if (single) refuseBeyond(readSize(bytes, next, contentSizeBytes), maxWindowBytes)
  next += contentSizeBytes
  for (let last = false; !last;) {
    const head = bytes.readUIntLE(next, 3)
    last = (head & 1) === 1
    // A run of one byte says in its size how long it inflates, and takes one.
    next += 3 + (((head >> 1) & 3) === 1 ? 1 : head >> 3)
  }
  next += (flags & 4) === 0 ? 0 : 4
  if (next > bytes.length) throw new RangeError('a frame is longer than the batch')
  return next
}

function zstdWindowBytes(descriptor: number): number {
  return 2 ** (10 + (descriptor >> 3)) * (1 + (descriptor & 7) / 8)
}

function readSize(bytes: Buffer, at: number, size: number): number {
  return size === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUIntLE(at, size)
}

function refuseBeyond(size: number, maxBytes: number): void {
  if (size > maxBytes) throw new RangeError(`it asks for ${size} bytes where ${maxBytes} are allowed`)
}
