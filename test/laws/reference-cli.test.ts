/** docs/reference/cli.md is the help of the commands, word for word: all commands, all flags, and no other. */
import t from 'tap'
import { parse, WORDS } from '../../src/cli.ts'
import { DEV_FLAGS } from '../../src/cli/dev-words.ts'
import { EMIT_FLAGS } from '../../src/cli/emit-words.ts'
import { REPLAY_FLAGS } from '../../src/cli/replay-words.ts'
import { VERIFY_FLAGS } from '../../src/cli/verify-words.ts'
import { cliPage, helpOf, LATER, SECTIONS } from '../support/cli-page.ts'
import { codes, isWritten, page, section, table } from '../support/reference-pages.ts'

const NAME = 'cli.md'
const AS_PIPE = { version: '0.0.0', terminal: { isTTY: false } }

void t.test('the page is the help of the commands', async (t) => {
  isWritten(t, NAME, cliPage())
})

// Read once more without the writer, so that a fault of the writer cannot hide itself.
void t.test('every word that the command line knows is on the page, and no other', async (t) => {
  const text = page(NAME)
  const headed = [...text.matchAll(/^## xzepr-bridge (\S+)$/gm)].map(([, word = '']) => word)
  const others = table(text, 'word').flatMap((row) => codes(row.word))
  t.same([...headed, ...others].sort(), [...WORDS].sort())
  t.same(
    headed,
    SECTIONS.map(({ word }) => word),
  )
  for (const word of LATER) t.match(parse([word], AS_PIPE), { kind: 'usage', text: /has no `\w+` yet/ }, word)
  for (const word of headed) t.ok(section(text, `## xzepr-bridge ${word}`).includes(helpOf(word).trimEnd()), word)
})

void t.test('no line of a help is wider than 80 columns but what is pasted or cannot be broken', async (t) => {
  for (const { word } of SECTIONS) {
    const wide = helpOf(word)
      .split('\n')
      .filter((line) => line.length > 80 && / {6}/.test(line))
    t.same(wide, [], word)
  }
})

/** The flags that stand at the head of a row. */
function flagsIn(text: string): string[] {
  return [...text.matchAll(/^ {2}(--[a-z-]+)(?: |$)/gm)].map(([, flag = '']) => flag)
}

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  dev: DEV_FLAGS,
  emit: EMIT_FLAGS,
  'verify-app': VERIFY_FLAGS,
  replay: REPLAY_FLAGS,
}

for (const [word, flags] of Object.entries(FLAGS)) {
  void t.test(`the page has the flags of ${word}, and no other`, async (t) => {
    const named = flagsIn(section(page(NAME), `## xzepr-bridge ${word}`))
    t.same([...new Set([...named, '--help'])].sort(), [...flags].sort())
  })
}

void t.test('the page has the flags of drain, healthcheck and run, and they are taken', async (t) => {
  t.same(flagsIn(section(page(NAME), '## xzepr-bridge drain')), ['--reason', '--timeout'])
  t.match(parse(['drain', '--reason', 'a', '--timeout', '1'], AS_PIPE), { kind: 'drain' })
  t.same(flagsIn(section(page(NAME), '## xzepr-bridge healthcheck')), [])
  for (const [word = '', flag = ''] of [
    ['drain', '--other'],
    ['healthcheck', '--timeout'],
    ['run', '--reason'],
  ])
    t.equal(parse([word, flag, '1'], AS_PIPE).kind, 'usage', `${word} ${flag}`)
})
