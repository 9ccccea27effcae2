/**
 * The tutorial, followed to the letter: its files written, its commands run, what it shows compared with what comes.
 *
 * What differs from run to run (ids, instants, times, ports) is one word for both sides; `…` stands for anything. Only the
 * build is left out, because it is what runs here, and ports are other ones, so that it runs beside others.
 */
import { existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { freePorts } from '../../src/dev/kafka/ports.ts'
import { run } from '../../src/dev/kafka/run.ts'
import type { Block } from '../support/pages.ts'
import { ROOT, page } from '../support/pages.ts'
import { bareEnv, tempDir } from '../support/program.ts'
import { Shown, Terminal, plain } from './terminal.ts'

const { blocks } = page('docs/tutorial/first-event.md')
const DEV = 'node dist/main.js dev'

const curl = await run('curl', ['--version'], { env: process.env, timeoutMs: 30_000 })
const without = curl.ok || process.env.CI === 'true' ? {} : { skip: curl.why }

/** The file that a block is to be put into: the last that is named before it. */
function fileOf({ before }: Block): string {
  const file = [...before.matchAll(/`([\w-]+\.mjs)`/g)].at(-1)?.[1]
  if (file === undefined) throw new Error('no file is named')
  return file
}

void t.test('whoever follows the tutorial sees what it shows', without, async (t) => {
  const dir = tempDir(t)
  for (const name of ['dist', 'node_modules', 'package.json']) symlinkSync(`${ROOT}${name}`, join(dir, name))
  const [app = 0, work = 0, ops = 0, trial = 0] = await freePorts(4)
  const env = {
    ...bareEnv(),
    XDG_RUNTIME_DIR: dir,
    BRIDGE_WEBHOOK_URL: `http://127.0.0.1:${app}/events`,
    BRIDGE_WORK_API_PORT: String(work),
    BRIDGE_OPS_PORT: String(ops),
  }
  const typed = (text: string): string =>
    text
      .replaceAll('127.0.0.1:8900', `127.0.0.1:${work}`)
      .replace(/verify-app \S+:8080(\S*)/, `verify-app http://127.0.0.1:${app}$1 --work-api-port ${trial}`)
  let [first, output]: [Terminal | undefined, string] = [undefined, '']
  let compared = 0
  for (const block of blocks) {
    const { language, text, before, line } = block
    if (before.includes('Ctrl-C')) t.equal(await first?.interrupt(), 0, `line ${line}: Ctrl-C ends it in order`)
    if (language === 'js') writeFileSync(join(dir, fileOf(block)), text)
    else if (language === 'sh' && text === 'npm ci && npm run build') t.ok(existsSync(join(dir, 'dist/main.js')))
    else if (language === 'sh' && text.startsWith(DEV)) {
      first = new Terminal(t, text, { dir, env })
      // What follows is for a reader who has read this.
      await first.shows(new Shown('Ready in 1 s. Next, in another terminal:'))
    } else if (language === 'sh') {
      const { ok, why, seen } = await new Terminal(t, typed(block.text), { dir, env }).ended
      t.ok(ok, `line ${line}: ${why} ${seen}`)
      output = seen
    } else if (language === 'text') {
      compared += 1
      const shown = new Shown(text)
      if (before.includes('first terminal shows')) await first?.shows(shown)
      else t.equal(shown.missingFrom(output.split('\n')), undefined, `line ${line}: ${output}`)
    }
  }
  t.equal(compared, blocks.filter(({ language }) => language === 'text').length)
  t.ok(compared > 8)
})

void t.test('the comparison sees another word, another order and a line that is missing', async (t) => {
  const at = (text: string, lines: readonly string[]): string | undefined => new Shown(text).missingFrom(lines)
  const lines = ['12:00:00.001  a  01M86WSD0ARE0HGTDP84PY7YP3  took 5 ms', 'b http://127.0.0.1:8900/x']
  t.equal(at('13:44:08.991 a 01M86WSDK2TY8NP3XEZ4M7Y44K took 77 ms\nb http://127.0.0.1:9/x', lines), undefined)
  t.equal(at('…\nb …/x', lines), undefined)
  t.equal(
    at('13:44:08.991 c 01M86WSDK2TY8NP3XEZ4M7Y44K took 77 ms', lines),
    plain('13:44:08.991 c 01M86WSDK2TY8NP3XEZ4M7Y44K took 77 ms'),
  )
  t.equal(
    at('b http://127.0.0.1:9/x\n13:44:08.991 a 01M86WSD0ARE0HGTDP84PY7YP3 took 5 ms', lines),
    'TIME a ID took N ms',
  )
  t.equal(at('d', lines), 'd')
})
