import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { eachLine, LINE_MAX_CHARS } from '../../../src/dev/kafka/run.ts'

async function heard(chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const stream = new PassThrough()
  const lines: string[] = []
  eachLine(stream, (line) => lines.push(line))
  for (const chunk of chunks) stream.write(chunk)
  stream.end()
  await once(stream, 'end')
  return lines
}

void t.test('a line is heard whole, however its bytes come', async (t) => {
  const text = 'one\n\ntwo\r\n10 %\r20 %\rgröße ✓\n\rlast'
  const bytes = Buffer.from(text)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 8 }), async (cuts) => {
      const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length]
      const chunks = edges.slice(1).map((end, at) => bytes.subarray(edges[at], end))
      t.same(await heard(chunks), ['one', '', 'two', '10 %', '20 %', 'größe ✓', '', 'last'])
    }),
    { numRuns: 50 },
  )
})

void t.test('a line without an end is heard in pieces, and loses nothing', async (t) => {
  const chunk = 'x'.repeat(20_000)
  const lines = await heard([...Array.from({ length: 50 }, () => chunk), '\nz'])
  t.same(lines.at(-1), 'z')
  t.ok(lines.every(({ length }) => length <= LINE_MAX_CHARS))
  t.equal(lines.join(''), `${chunk.repeat(50)}z`)
})
