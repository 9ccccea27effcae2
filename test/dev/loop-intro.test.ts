import t from 'tap'
import { introLines } from '../../src/dev/loop-intro.ts'

const PLAIN = { bold: (text: string) => text, dim: (text: string) => text }
const INTRO = {
  version: '1.2.3',
  service: 'dev',
  program: 'node dist/main.js',
  xzeprUrl: 'http://127.0.0.1:8042',
  workApiUrl: 'http://127.0.0.1:8900',
  opsUrl: 'http://127.0.0.1:8901',
  webhookUrl: 'http://127.0.0.1:8080/events',
  command: ['node', 'app.mjs'],
  log: 'the in-memory log',
  readyMs: 614,
  isFound: true,
}

void t.test('it says what runs where and what to type next', async (t) => {
  const lines = introLines(INTRO, PLAIN)
  for (const url of [INTRO.xzeprUrl, INTRO.workApiUrl, INTRO.opsUrl, INTRO.webhookUrl]) {
    t.equal(lines.filter((line) => line.startsWith('  ') && line.includes(`${url} `)).length, 1, url)
  }
  t.match(lines, [/^xzepr-bridge dev 1\.2\.3$/])
  const text = lines.join('\n')
  t.match(text, /Ready in 0\.61 s/)
  t.match(text, /^ {2}node dist\/main\.js emit deployment\.success --wait$/m)
  t.match(text, /8080\/events {2}node app\.mjs/)
  t.ok(lines.every((line) => line.length <= 100))
})

void t.test('it promises nothing that is not so', async (t) => {
  const text = introLines({ ...INTRO, command: [], isFound: false }, PLAIN).join('\n')
  t.notMatch(text, 'emit deployment')
  t.match(text, /8080\/events {2}is waited for/)
})
