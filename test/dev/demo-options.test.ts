import t from 'tap'
import { APP_LANGUAGES } from '../../src/dev/app-programs.ts'
import { DEMO_HELP, parseDemo } from '../../src/dev/demo-options.ts'

void t.test('no words are the whole demo: six events, the Node app, Kafka if it can be had', async (t) => {
  t.same(parseDemo([]), { kind: 'demo', options: { app: 'node', events: 6, keep: false, memory: false } })
})

void t.test('each option is heard', async (t) => {
  t.same(parseDemo(['--app', 'python', '--events=100', '--keep', '--memory']), {
    kind: 'demo',
    options: { app: 'python', events: 100, keep: true, memory: true },
  })
  for (const word of ['--help', '-h']) t.same(parseDemo([word]), { kind: 'help' })
  for (const option of ['--app', '--events', '--keep', '--memory', '--help']) t.ok(DEMO_HELP.includes(`  ${option} `))
})

void t.test('every language of the examples is taken and named in the help, in lines of 80 columns', async (t) => {
  for (const language of APP_LANGUAGES) {
    t.match(parseDemo(['--app', language]), { kind: 'demo', options: { app: language } })
    t.match(DEMO_HELP, new RegExp(`\\b${language}\\b`))
  }
  t.same(
    DEMO_HELP.split('\n').filter((line) => line.length > 80),
    [],
  )
})

void t.test('what cannot be meant is refused by name', async (t) => {
  t.same(parseDemo(['--app', 'ruby']), {
    kind: 'refused',
    why: '--app is node, python, go, rust, java or bash, not ruby.',
  })
  for (const events of ['0', '10001', 'six', '1.5', '']) {
    t.same(parseDemo([`--events=${events}`]), {
      kind: 'refused',
      why: `--events is a number from 1 to 10000, not ${events}.`,
    })
  }
  t.match(parseDemo(['--fast']), { kind: 'refused', why: /--fast/ })
  t.match(parseDemo(['more']), { kind: 'refused', why: /more/ })
})
