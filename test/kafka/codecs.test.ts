import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import kafkajs from 'kafkajs'
import t from 'tap'
import { gunzip, registerCodecs, unzstd } from '../../src/kafka/codecs.ts'
import { lz4Bomb, lz4Stored, snappyBomb, snappyStored, xerial, zstdRun, zstdStored } from './stored.ts'
import { unlz4, unsnappy, unzstdInScript } from '../../src/kafka/inflate.ts'

const { CompressionCodecs, CompressionTypes } = kafkajs
const MAX = 4_000_000
const KB = 1024

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
}
const codecOf = (name: 'GZIP' | 'Snappy' | 'LZ4' | 'ZSTD'): Codec =>
  CompressionCodecs[CompressionTypes[name]]() as Codec
registerCodecs()
const text = Buffer.from('abc'.repeat(500))

/** As a Java producer writes them, by zstd-jni, snappy-java and Kafka's own lz4 with block checksums. */
const json = Buffer.from(
  Array.from({ length: 40 }, (_, at) => `{"id":${at * 7919},"name":"deployment.success"}`).join(''),
)
const javaZstd = Buffer.from(
  [
    'KLUv/QBYPQcAUg0iGoApaQN4+ucfmRoqqTAw93pld/dO+TnchBQIhNh5ttNOYgvNd6en/WN7aepIRS/Lf86/cfzE6i8vq83x0adz',
    '3sxGLVOdfKNxz248tA1rU77GtzLrw6bTd99rxmaoilxHlZV25rm6OQ6W03kL5DhKUSAcAQeHYkgoIDAoBiFIMQgcCEAJYgwQhSog',
    'UDOT2gGijtSRxEN8dKRO6kkdqQMJJgogqSN1pE7qScJD9BCdPDonpN5sJLQpgJqSeqakjjmpX07qlpN65aROmdSSGqkhSaRGakkN',
    'qZFkUgNSW0xqagjhwcYT',
  ].join(''),
  'base64',
)
const javaSnappy = Buffer.from(
  [
    'glNOQVBQWQAAAAABAAAAAQAAAQOACJB7ImlkIjowLCJuYW1lIjoiZGVwbG95bWVudC5zdWNjZXNzIn17BSQMNzkxOYonABAxNTgz',
    'OIooABAyMzc1N4ooABAzMTY3No4oAAw5NTk1iigAEDQ3NTE0iigAEDU1NDMziigAEDYzMzUyiigAEDcxMjcxjigACDkxOY6PAQw4',
    'NzEwjpABEDk1MDI4ingAEDEwMjk0jpEBEDExMDg2jpIBEDExODc4jpMBFDEyNjcwNI6kAAwzNDYyjpUBEDE0MjU0jpYBFDE1MDQ2',
    'MY57AEHXjpgBEDE2NjI5jpkBEDE3NDIxkpoBDDgyMTOSmgEMOTAwNZKaASQ5Nzk3NSwibmFtAAAAodYEoGUiOiJkZXBsb3ltZW50',
    'LnN1Y2Nlc3MifXsiaWQiOjIwNTg5NCwibmFteikAFDEzODEzLIopABAyMTczMpIpAAw5NjUxjikAEDM3NTcwjikAEDQ1NDg5jikA',
    'EDUzNDA4jikAEDYxMzI3kikADDkyNDaOKQAQNzcxNjWOKQAMODUwOJKaAQw5MzAwjpoBEDMwMDkyjpoBEDMwODg0dpoB',
  ].join(''),
  'base64',
)
const javaLz4 = Buffer.from(
  [
    'BCJNGHBArX4BAADyFXsiaWQiOjAsIm5hbWUiOiJkZXBsb3ltZW50LnN1Y2Nlc3MifSQATzc5MTknABBfMTU4MzgoABBfMjM3NTco',
    'ABBfMzE2NzYoABFPOTU5NSgAEF80NzUxNCgAEF81NTQzMygAEF82MzM1MigAEF83MTI3MSgAET85MTmPARFPODcxMJABEU85NTAy',
    'kAERXzEwMjk0kQERXzExMDg2kgERXzExODc4kwERXzEyNjcwlAERXzEzNDYylQERXzE0MjU0lgERXzE1MDQ2lwERAdcCD5gBEV8x',
    'NjYyOZkBEV8xNzQyMZoBEk84MjEzmgESTzkwMDWaARJPOTc5N5oBEV8yMDU4OZoBEV8yMTM4MZoBEV8yMjE3M5oBEV8yMjk2NZoB',
    'EQFJBA+aARFfMjQ1NDiaARFfMjUzNDCaARFfMjYxMzKaARFfMjY5MjSaARFfMjc3MTaaARJPODUwOJoBEk85MzAwmgERXzMwMDky',
    'mgERXzMwODg0mgEGUGVzcyJ9KF9+uQAAAAA=',
  ].join(''),
  'base64',
)

const skippable = Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('xyz')])

void t.test('each codec gives back what was compressed', async (t) => {
  const half = Buffer.from('def'.repeat(100))
  t.same(await gunzip(gzipSync(text), MAX), text)
  t.same(await unsnappy(snappyStored(text), MAX), text, 'raw snappy')
  t.same(await unsnappy(xerial(snappyStored(text), snappyStored(half)), MAX), Buffer.concat([text, half]))
  t.same(await unlz4(lz4Stored(text), MAX), text)
  for (const inflate of [unzstd, unzstdInScript]) {
    t.same(await inflate(zstdStored(text), MAX), text, 'zstd of unknown size')
    t.same(await inflate(zstdRun(200, 1), MAX), Buffer.alloc(200, 'z'))
    t.same(await inflate(zstdRun(700, 2), MAX), Buffer.alloc(700, 'z'))
    t.same(await inflate(zstdRun(900, 4), MAX), Buffer.alloc(900, 'z'))
    t.same(await inflate(zstdRun(900, 8), MAX), Buffer.alloc(900, 'z'))
  }
  const frames = Buffer.concat([zstdStored(text, { checksum: true }), skippable, zstdRun(200, 1)])
  t.same(await unzstdInScript(frames, MAX), Buffer.concat([text, Buffer.alloc(200, 'z')]), 'frame after frame')
})

void t.test('what Java writes is read', async (t) => {
  t.same(await unzstd(javaZstd, MAX), json)
  t.same(await unzstdInScript(javaZstd, MAX), json)
  t.same(await unsnappy(javaSnappy, MAX), json)
  t.same(await unlz4(javaLz4, MAX), json)
})

void t.test('data of many blocks, compressible and not, comes back whole', async (t) => {
  const noise = fc.sample(fc.uint8Array({ minLength: 150_000, maxLength: 150_000 }), { numRuns: 1, seed: 1 })[0]
  const large = Buffer.concat([Buffer.alloc(200_000, 'abcdefg'), noise ?? Buffer.alloc(0), Buffer.alloc(100_000)])
  t.same(await unsnappy(xerial(snappyStored(large)), MAX), large)
  t.same(await unsnappy(snappyBomb(70_000), MAX), Buffer.alloc(70_000, 'z'))
  t.same(await unlz4(lz4Bomb(60_000), MAX), Buffer.alloc(60_000, 'z'))
  t.same(await unlz4(lz4Stored(large), MAX), large)
  t.same(await unzstdInScript(zstdStored(large), MAX), large)
})

void t.test('no batch inflates past its bound, whatever it claims', async (t) => {
  const zeros = Buffer.alloc(64 * KB)
  const bound = 10 * KB
  const bombs: Record<string, [typeof gunzip, Buffer]> = {
    gzip: [gunzip, gzipSync(zeros)],
    'raw snappy': [unsnappy, snappyBomb(64 * KB)],
    'xerial snappy, block by block': [unsnappy, xerial(...Array<Buffer>(3).fill(snappyStored(Buffer.alloc(4 * KB))))],
    lz4: [unlz4, lz4Bomb(64 * KB)],
    zstd: [unzstdInScript, zstdStored(zeros)],
    'zstd that says so': [unzstdInScript, zstdRun(64 * KB, 4)],
    'zstd with a large window': [unzstdInScript, zstdStored(text, { window: 0x70 })],
    'zstd in many frames': [unzstdInScript, Buffer.concat(Array<Buffer>(10).fill(zstdRun(2000, 4)))],
  }
  for (const [name, [inflate, bomb]] of Object.entries(bombs)) {
    await t.rejects(async () => inflate(bomb, bound), name)
  }
})

void t.test('any bytes end in bytes or in an error, within the bound', async (t) => {
  const seeds = [
    snappyBomb(500),
    lz4Bomb(500),

    gzipSync(text),
    snappyStored(text),
    xerial(snappyStored(text)),
    lz4Stored(text),
    zstdStored(text),
    zstdRun(200, 1),
  ]
  const inflates = [gunzip, unsnappy, unlz4, unzstdInScript]
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(fc.constantFrom(...seeds), fc.nat(), fc.nat(255)).map(([seed, at, byte]) => {
      const damaged = Buffer.from(seed)
      damaged[at % damaged.length] = byte
      return damaged
    }),
  )
  await fc.assert(
    fc.asyncProperty(bytes, fc.constantFrom(...inflates), async (damaged, inflate) => {
      try {
        return (await inflate(Buffer.from(damaged), 5000)).length <= 5000
      } catch (error) {
        return error instanceof Error || typeof error === 'string'
      }
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

void t.test('KafkaJS finds every codec, and an error names codec and code', async (t) => {
  registerCodecs(1000)
  const codecs = (['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const).map((name) => [name, codecOf(name)] as const)
  const small = Buffer.from('small')
  for (const [name, codec] of codecs) {
    await t.rejects(codec.decompress(Buffer.from([1, 2, 3])), {
      code: 'XZB_KAFKA_DECOMPRESS',
      message: new RegExp(name, 'i'),
    })
    if (name !== 'GZIP') await t.rejects(codec.compress({ buffer: small }), { message: /writes none/ })
  }
  const gzip = codecOf('GZIP')
  t.same(await gzip.decompress(await gzip.compress({ buffer: small })), small)
  await t.rejects(gzip.decompress(gzipSync(Buffer.alloc(5000))), { code: 'XZB_KAFKA_DECOMPRESS' })
  registerCodecs()
})
