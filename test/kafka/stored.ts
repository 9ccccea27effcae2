/**
 * Writers of compressed batches that compress nothing: valid framing around stored bytes, as any reader must take it.
 * And bombs: a few bytes that inflate to many.
 */

/** A raw snappy block: the length, then literals (google/snappy, format_description.txt). */
export function snappyStored(bytes: Buffer): Buffer {
  const parts: Buffer[] = [snappyLength(bytes.length)]
  for (let at = 0; at < bytes.length; at += 0x10000) {
    const literal = bytes.subarray(at, at + 0x10000)
    const head = Buffer.from([61 << 2, 0, 0])
    head.writeUInt16LE(literal.length - 1, 1)
    parts.push(head, literal)
  }
  return Buffer.concat(parts)
}

/** One byte, then copies of it. */
export function snappyBomb(size: number): Buffer {
  const copies = Array.from({ length: Math.ceil((size - 1) / 64) }, (_, at) =>
    Buffer.from([((Math.min(64, size - 1 - at * 64) - 1) << 2) | 2, 1, 0]),
  )
  return Buffer.concat([snappyLength(size), Buffer.from([0]), Buffer.from('z'), ...copies])
}

function snappyLength(length: number): Buffer {
  const bytes: number[] = []
  let left = length
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80)
  return Buffer.from([...bytes, left])
}

/** The stream that snappy-java writes around raw blocks. */
export function xerial(...blocks: readonly Buffer[]): Buffer {
  const head = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  const framed = blocks.flatMap((block) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    return [length, block]
  })
  return Buffer.concat([head, ...framed])
}

/** A frame of independent blocks of 64 KiB, with the checksum of that very head; ends with an empty block. */
const LZ4_HEAD = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])

export function lz4Stored(bytes: Buffer): Buffer {
  const parts: Buffer[] = [LZ4_HEAD]
  for (let at = 0; at < bytes.length; at += 0x10000) {
    const block = bytes.subarray(at, at + 0x10000)
    const head = Buffer.alloc(4)
    head.writeUInt32LE(block.length + 0x80000000)
    parts.push(head, block)
  }
  return Buffer.concat([...parts, Buffer.alloc(4)])
}

/** One byte, then a match of it that is as long as it takes. */
export function lz4Bomb(size: number): Buffer {
  const matched = size - 1 - 4 - 15
  const block = Buffer.concat([
    Buffer.from([0x1f, 0x7a, 1, 0]),
    Buffer.alloc(Math.floor(matched / 255), 255),
    Buffer.from([matched % 255]),
  ])
  const head = Buffer.alloc(4)
  head.writeUInt32LE(block.length)
  return Buffer.concat([LZ4_HEAD, head, block, Buffer.alloc(4)])
}

const KB = 1024

/** A zstd frame of raw blocks (RFC 8878); `window` is the descriptor's byte, 0 for 1 KiB. */
export function zstdStored(bytes: Buffer, { checksum = false, window = 0 } = {}): Buffer {
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, checksum ? 4 : 0, window])]
  for (let at = 0; at < bytes.length; at += KB) {
    const block = bytes.subarray(at, at + KB)
    const head = Buffer.alloc(3)
    head.writeUIntLE((block.length << 3) | (at + KB >= bytes.length ? 1 : 0), 0, 3)
    parts.push(head, block)
  }
  if (checksum) parts.push(Buffer.alloc(4))
  return Buffer.concat(parts)
}

/** A single segment that says how much it holds: one run of a byte. */
export function zstdRun(size: number, sizeBytes: 1 | 2 | 4 | 8): Buffer {
  const flag = { 1: 0x20, 2: 0x60, 4: 0xa0, 8: 0xe0 }[sizeBytes]
  const content = Buffer.alloc(8)
  content.writeBigUInt64LE(BigInt(sizeBytes === 2 ? size - 256 : size))
  const head = Buffer.alloc(3)
  head.writeUIntLE((size << 3) | 2 | 1, 0, 3)
  return Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, flag]),
    content.subarray(0, sizeBytes),
    head,
    Buffer.from('z'),
  ])
}
