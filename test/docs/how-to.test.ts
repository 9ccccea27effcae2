/**
 * The apps that the how-to pages show do what their pages say: they are written out as they stand and run beside the bridge.
 */
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { missingToolchain } from '../../src/dev/app-programs.ts'
import { freePorts } from '../../src/dev/kafka/ports.ts'
import { ROOT, page } from '../support/pages.ts'
import { bareEnv, tempDir } from '../support/program.ts'
import { Shown, Terminal } from './terminal.ts'

interface Test {
  teardown(fn: () => unknown): unknown
}

const missing = await missingToolchain('python', process.env)
const needsPython = missing !== undefined && process.env.CI !== 'true' ? { skip: missing } : {}
const READY = new Shown('Ready in 1 s. Next, in another terminal:')

/** The block of a page in that language that is a whole program. */
function programOf(path: string, language: string): string {
  const [text, more] = page(path).blocks.filter((block) => block.language === language)
  if (text === undefined || more !== undefined) throw new Error(`${path} has not one program in ${language}`)
  return text.text
}

/** The lines of a page for a shell, as they are typed. */
const linesOf = (path: string): string[] =>
  page(path)
    .blocks.filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.split('\n'))

/** A clone in which the page's program stands, and where it is asked to listen. */
class Clone {
  readonly app: number
  readonly work: number
  readonly ops: number
  readonly #t: Test
  readonly #dir: string
  readonly #env: Readonly<Record<string, string>>

  private constructor(t: Test, [app = 0, work = 0, ops = 0]: readonly number[]) {
    const dir = tempDir(t)
    for (const name of ['dist', 'node_modules', 'package.json']) symlinkSync(`${ROOT}${name}`, join(dir, name))
    ;[this.#t, this.#dir, this.app, this.work, this.ops] = [t, dir, app, work, ops]
    this.#env = {
      ...bareEnv(),
      XDG_RUNTIME_DIR: dir,
      BRIDGE_WEBHOOK_URL: `http://127.0.0.1:${app}/events`,
      BRIDGE_WORK_API_PORT: String(work),
      BRIDGE_OPS_PORT: String(ops),
    }
  }

  static async with(t: Test, file: string, text: string): Promise<Clone> {
    const clone = new Clone(t, await freePorts(3))
    writeFileSync(join(clone.#dir, file), text)
    return clone
  }

  type(line: string, env: Readonly<Record<string, string>> = {}): Terminal {
    return new Terminal(this.#t, line, { dir: this.#dir, env: { ...this.#env, ...env } })
  }

  /** Does the app keep the contract? */
  async verified(line: string): Promise<{ readonly ok: boolean; readonly text: string }> {
    const placed = line.replace(/http:\/\/127\.0\.0\.1:8080(\S*)/, `http://127.0.0.1:${this.app}$1 --work-api-port 0`)
    const { ok, text, why } = await this.type(placed).ended
    return { ok, text: `${text} ${why}` }
  }
}

void t.test('the downstream service does, reports and fails as its page says', needsPython, async (t) => {
  const path = 'docs/how-to/integrate_downstream_service.md'
  const clone = await Clone.with(t, 'app.py', programOf(path, 'python'))
  const lines = linesOf(path)
  const typed = (part: string): string => lines.find((line) => line.includes(part)) ?? part

  const { ok, text } = await clone.verified(typed('verify-app'))
  t.ok(ok, text)

  const dev = clone.type(typed('dev -- '))
  await dev.shows(READY)
  const emits = lines.filter((line) => line.includes(' emit '))
  t.equal(emits.length, 3)
  const outcomes = await Promise.all(emits.map((line) => clone.type(line).ended))
  t.same(
    outcomes.map(({ ok }) => ok),
    [true, false, true],
    outcomes.map(({ text, why }) => text + why).join('\n'),
  )
  await dev.shows(new Shown('… ✓ settled …completed; XZepr has started, completed'))
  await dev.shows(new Shown('… ✗ settled …failed: reported by the app; XZepr has started, failed'))
  t.ok((await clone.type('node dist/main.js emit deployment.busy').ended).ok)
  await dev.shows(new Shown('… rest deployment.busy …comes again in 5000 ms'))
  t.equal(await dev.interrupt(), 0)
})

void t.test('long work is accepted, renews its lease and is completed by a report', async (t) => {
  const clone = await Clone.with(t, 'app.mjs', programOf('docs/how-to/long-work.md', 'js'))
  const { ok, text } = await clone.verified('node dist/main.js verify-app http://127.0.0.1:8080/events -- node app.mjs')
  t.ok(ok, text)
  const dev = clone.type('node dist/main.js dev -- node app.mjs')
  await dev.shows(READY)
  t.ok((await clone.type('node dist/main.js emit deployment.success --wait').ended).ok)
  await dev.shows(
    new Shown(
      '… ← answer …HTTP 202: accepted, 1 ms\n… ← report …progress\n… ← report …completed\n… ✓ settled …XZepr has started, completed',
    ),
  )
  t.equal(await dev.interrupt(), 0)
})

void t.test('a Job does what is there and ends with 0', needsPython, async (t) => {
  const clone = await Clone.with(t, 'job.py', programOf('docs/how-to/run-a-job.md', 'python'))
  const dev = clone.type('node dist/main.js dev')
  await dev.shows(READY)
  // What is there before it comes up: the gate is closed until it listens.
  t.ok((await clone.type('node dist/main.js emit deployment.success --count 3').ended).ok)
  const { ok, text, why } = await clone.type('python3 job.py', {
    PORT: String(clone.app),
    OPS_URL: `http://127.0.0.1:${clone.ops}`,
    IDLE_SECONDS: '0.8',
  }).ended
  t.ok(ok, why)
  // Its threads print side by side: the words of two lines may stand in one.
  t.equal(text.match(/did/g)?.length, 3)
  t.equal(text.match(/deployment\.success/g)?.length, 3)
  t.equal(await dev.interrupt(), 0)
})
