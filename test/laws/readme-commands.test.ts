/**
 * The README's lines for a shell do what it says: commands are known, values are quoted, blocks can be pasted as they stand.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import t from 'tap'
import { parse } from '../../src/cli.ts'
import { readConfig } from '../../src/config.ts'
import { run } from '../../src/dev/kafka/run.ts'
import type { OpsStatus } from '../../src/http/ops.ts'
import { opsApi } from '../../src/http/ops.ts'
import { workApi } from '../../src/http/work-api.ts'
import { FakeDesk, WORK } from '../http/fake-desk.ts'
import { FakeLevers } from '../http/fake-levers.ts'
import { VirtualClock } from '../support/clock.ts'

const textOf = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
const README = textOf('README.md')
const PIPE = { version: '', terminal: { isTTY: false } }
const help = (...words: string[]): string => {
  const command = parse([...words, '--help'], PIPE)
  return command.kind === 'print' ? command.text : ''
}
/** What is said to a person about commands. */
const TEXTS = { README, help: help(), 'drain --help': help('drain'), 'replay --help': help('replay') }

interface Package {
  readonly engines?: { readonly node?: string }
  readonly dev?: boolean
  readonly optional?: boolean
}

void t.test('the versions of Node that are named are those which all packages take, and no fewer', async (t) => {
  const require = createRequire(import.meta.url)
  // fastify's own: the one library that reads ranges as npm does.
  const semver = createRequire(require.resolve('fastify'))('semver') as {
    subset: (range: string, of: string) => boolean
    satisfies: (version: string, range: string) => boolean
  }
  const { packages } = JSON.parse(textOf('package-lock.json')) as { packages: Record<string, Package> }
  const { engines } = JSON.parse(textOf('package.json')) as { engines: { node: string } }
  const installed = Object.entries(packages).filter(([path, { optional }]) => path !== '' && optional !== true)
  const asked = (all: boolean): string[] =>
    installed.flatMap(([, { dev, engines }]) => (all || dev !== true ? [engines?.node ?? '*'] : []))
  for (const name of ['README.md', 'CONTRIBUTING.md']) {
    const named = [...textOf(name).matchAll(/Node\s`([^`]+)`/g)].map(([, range = '']) => range)
    t.equal(named.length, 2, `${name} says it for whoever builds, and for whoever runs`)
    const [builds = '', runs = ''] = named
    t.equal(runs, engines.node, `${name} and package.json`)
    t.same(
      asked(true).filter((range) => !semver.subset(builds, range)),
      [],
      `${name}: all can be built`,
    )
    for (const version of ['18.20.8', '20.18.3', '21.7.3', '22.12.0', '23.11.1', '25.0.0']) {
      t.ok(
        asked(true).some((range) => !semver.satisfies(version, range)),
        `${version} is refused`,
      )
      t.notOk(semver.satisfies(version, builds), `${name} does not promise ${version}`)
    }
  }
  t.same(
    asked(false).filter((range) => !semver.subset(engines.node, range)),
    [],
    'all can be run',
  )
  t.ok(
    asked(false).some((range) => !semver.satisfies('20.18.0', range)),
    'and no older one',
  )
  t.equal(packages['']?.engines?.node, engines.node)
})

void t.test('every command that is shown is one', async (t) => {
  const { bin } = JSON.parse(textOf('package.json')) as { bin: Record<string, string> }
  t.same(bin, { 'xzepr-bridge': 'dist/main.js' })
  const shown = [...README.matchAll(/`(?:npx )?(?:xzepr-bridge|node dist\/main\.js)( [^`]+)?`/g), ...commandsIn(README)]
  for (const [whole, words = ''] of [...shown, ...commandsIn(TEXTS['replay --help'])]) {
    const command = parse(words.trim().split(/\s+/).filter(Boolean), PIPE)
    t.not(command.kind, 'usage', `${whole}: ${'text' in command ? (command.text.split('\n')[0] ?? '') : ''}`)
  }
  t.ok(commandsIn(README).length >= 2)
})

/** In lines to paste. */
function commandsIn(text: string): RegExpMatchArray[] {
  return [...text.matchAll(/^\s*kubectl exec [^\n]* -- xzepr-bridge( [^\n#]+)/gm)]
}

void t.test('the container has one name, the chart’s', async (t) => {
  const names = Object.values(TEXTS).flatMap((text) =>
    [...text.matchAll(/(?:exec \S+ -c|^ +- name:) (\S+)/gm)].map(([, name]) => name),
  )
  t.ok(names.length >= 4)
  const [, inChart] = /^name: (\S+)$/m.exec(textOf('helm/xzepr-bridge/values.yaml')) ?? []
  t.same([...new Set(names)], [inChart])
})

void t.test('the README, the help and main.ts know the same exit codes', async (t) => {
  const codes = (text: string, pattern: RegExp): number[] =>
    [...text.matchAll(pattern)].map(([, code]) => Number(code)).sort((a, b) => a - b)
  const readme = codes(/\| exit code \|[\s\S]*?\n\n/.exec(README)?.[0] ?? '', /^\| (\d+) \|/gm)
  t.same(readme, [0, 1, 64, 69, 78])
  t.same(codes(TEXTS.help.split('Exit codes')[1] ?? '', /^ {2}(\d+)$/gm), readme)
  const head = /\/\*\*[\s\S]*?\*\//.exec(textOf('src/main.ts'))?.[0] ?? ''
  t.same(codes(head, /(?:^ \*|  ) +(\d+) {2}/gm), readme)
})

/** A directory in which a pattern that is not quoted finds something. */
function temptation(t: { teardown(what: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'xzepr-bridge-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true })
  })
  for (const name of ['deployment.x', 'deployer.x', 'a,deployer.x']) writeFileSync(join(directory, name), '')
  return directory
}

void t.test('what the README sets to choose events can be pasted, into a shell and into .env', async (t) => {
  const directory = temptation(t)
  const lines = [...README.matchAll(/`((BRIDGE_EVENT_TYPES|BRIDGE_FILTER)=[^`]+)`/g)]
  t.ok(lines.length >= 6)
  for (const [, line = '', name = ''] of lines) {
    const script = `cd "$1" && export ${line} && printf %s "$${name}"`
    const { ok, output } = await run('bash', ['-ec', script, 'bash', directory], {
      env: process.env,
      timeoutMs: 30_000,
    })
    t.ok(ok, line)
    t.equal(output, parseEnv(line)[name], line)
    const env = { BRIDGE_SERVICE: 'deployer', XZEPR_API_TOKEN: 'token', [name]: output }
    t.equal(readConfig(env, () => '').kind, 'config', line)
  }
})

/** A block of the README, where its parts say which, with other ports in it. */
function block(part: string, ports: Readonly<Record<string, number>>): string {
  const found = [...README.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text = '']) => text)
  const text = found.filter((each) => each.includes(part))
  if (text[0] === undefined || text.length > 1) throw new Error(`${text.length} blocks with ${part}`)
  return Object.entries(ports).reduce((all, [from, to]) => all.replaceAll(from, String(to)), text[0])
}

async function pasted(script: string): Promise<string> {
  const env = { PATH: process.env.PATH }
  const { ok, why, output } = await run('bash', ['-euc', script], { env, timeoutMs: 30_000 })
  if (!ok) throw new Error(why)
  return output
}

const curl = await run('curl', ['--version'], { env: process.env, timeoutMs: 30_000 })
const without = curl.ok || process.env.CI === 'true' ? {} : { skip: curl.why }

void t.test('the levers can be pasted as they stand: each block pulls its own, and none drains', without, async (t) => {
  const levers = new FakeLevers()
  const status = {
    ...{ phase: 'running', paused: undefined, drain: undefined, works: {}, nowMs: 0, startedAtMs: 0, health: {} },
    ...{ kafka: {}, gate: { open: true, sinceMs: 0 }, partitions: [], reports: {}, deadLetters: undefined, xzepr: {} },
  } as unknown as OpsStatus
  const metrics = async (): Promise<{ contentType: string; text: string }> =>
    Promise.resolve({ contentType: 'text/plain', text: '' })
  const api = opsApi({ levers, status: () => status, metrics, clock: new VirtualClock(), port: 0, host: '127.0.0.1' })
  const { port } = await api.start()
  t.teardown(async () => api.stop())
  await pasted(block('$ops/pause', { 8901: port }))
  t.same(
    levers.pulls.map(([lever]) => lever),
    ['pause', 'resume'],
  )
  await pasted(block('/settle', { 8901: port }))
  t.match(levers.pulls.slice(2), [['settle', { why: 'a test event' }, '01M847HRZSMFZDV1KG79EPM357']])
  t.equal(levers.pulls.length, 3)
})

void t.test('the README’s work by hand starts and completes the oldest work in hand', without, async (t) => {
  const desk = new FakeDesk()
  desk.page = { works: [{ ...WORK, id: 'w7' }, WORK], next: undefined }
  const api = workApi({ desk, clock: new VirtualClock(), host: '127.0.0.1', port: 0 })
  const { port } = await api.start()
  t.teardown(async () => api.stop())
  await pasted(block('$api/work', { 8900: port }))
  t.same(desk.listed, [{ after: undefined, limit: 1 }])
  t.same(desk.reports, [
    { workId: 'w7', report: { kind: 'started', details: new Map() } },
    { workId: 'w7', report: { kind: 'completed', success: true, details: new Map([['image', '"web:42"']]) } },
  ])
})
