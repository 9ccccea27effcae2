/**
 * Rooms know each other by this table alone.
 *
 *   main ─▶ app ─▶ all       bridge ─▶ core       core ─▶ core
 *   kafka, webhook, xzepr, http, dev ─▶ core and their one driver, never each other
 *   config, log, metrics, cli ─▶ core and their driver; cli also reads the declarations
 *   typebox ─▶ nobody: it tells the compiler what schemas mean, and at run time it would take 20 MB and 0.1 s
 */
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import t from 'tap'
import type { Source } from './sources.ts'
import { SOURCES, emitted, importsOf } from './sources.ts'

interface Room {
  /** Other rooms it may import; `*` is any. */
  readonly rooms: readonly string[]
  readonly packages: readonly string[]
  readonly node: boolean
}

const ROOMS: Readonly<Record<string, Room>> = {
  main: { rooms: ['*'], packages: ['*'], node: true },
  app: { rooms: ['*'], packages: [], node: true },
  /** Demo, stand-in and local loop, processes of their own: they compose, as main does. */
  demo: { rooms: ['*'], packages: ['*'], node: true },
  /** Processes of their own beside the bridge: they compose, as app does. */
  emit: { rooms: ['core', 'cli', 'config', 'dev', 'xzepr'], packages: ['lossless-json', 'undici'], node: true },
  verify: { rooms: ['core', 'cli', 'config', 'dev', 'http', 'webhook'], packages: [], node: true },
  replay: { rooms: ['*'], packages: [], node: true },
  bridge: { rooms: ['core'], packages: [], node: false },
  clock: { rooms: ['core'], packages: [], node: false },
  core: { rooms: [], packages: [], node: false },
  cli: { rooms: ['core', 'config'], packages: ['leven'], node: true },
  config: { rooms: ['core'], packages: ['@fastify/env', 'fastify', 'leven', 'typebox'], node: false },
  log: { rooms: ['core'], packages: ['pino'], node: false },
  metrics: { rooms: ['core'], packages: ['prom-client'], node: false },
  kafka: { rooms: ['core'], packages: ['kafkajs', 'fzstd', 'lz4js'], node: true },
  webhook: { rooms: ['core'], packages: ['undici'], node: true },
  xzepr: { rooms: ['core'], packages: ['undici', 'lossless-json'], node: true },
  http: { rooms: ['core'], packages: ['fastify', 'ajv', 'lossless-json', 'typebox'], node: true },
  dev: { rooms: ['core'], packages: ['kafkajs', 'fastify', 'lossless-json'], node: true },
}

/** Packages of which no room may have more than types. */
const TYPES_ALONE = new Set(['typebox'])

/** What app.ts is made of: it joins the road's books with the edges' shapes. */
const APP = new Set(['status.ts', 'edges.ts'])

/** The room a file belongs to. What stands beside bridge.ts and has no name of its own is a part of the road. */
function roomOf(path: string): string {
  if (APP.has(path)) return 'app'
  if (/^dev\/(?:demo(?:-\w+)*|loop(?:-\w+)*|stand-in)\.ts$/.test(path)) return 'demo'
  const [first = ''] = path.split('/')
  const name = first.replace(/\.ts$/, '')
  return name in ROOMS || path.includes('/') ? name : 'bridge'
}

/** What is wrong with the imports of a file, each with the line. */
function offences(source: Source): string[] {
  const own = roomOf(source.path)
  const room = ROOMS[own]
  if (room === undefined) return [`src/${source.path}: no room of this name is on the table`]
  const imports = importsOf(source)
  const hasTypes = imports.some(({ from }) => TYPES_ALONE.has(packageOf(from)))
  const runs = new Set(hasTypes ? importsOf(emitted(source)).map(({ from }) => from) : [])
  return imports.flatMap(({ from, line }) => {
    const allowed = from.startsWith('.')
      ? relativeAllowed(own, room, posix.join(posix.dirname(source.path), from))
      : from.startsWith('node:')
        ? room.node
        : (room.packages.includes('*') || room.packages.includes(packageOf(from))) &&
          !(TYPES_ALONE.has(packageOf(from)) && runs.has(from))
    return allowed ? [] : [`src/${source.path}:${line} (${own}) imports ${from}`]
  })
}

function relativeAllowed(own: string, room: Room, target: string): boolean {
  const other = roomOf(target)
  return other === own || room.rooms.includes('*') || room.rooms.includes(other)
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '')
}

void t.test('every import is on the house’s table', async (t) => {
  t.ok(SOURCES.length > 20, 'the sources are found')
  t.same(SOURCES.flatMap(offences), [])
})

void t.test('the law sees an import that is not on the table', async (t) => {
  const offence = (path: string, text: string): number => offences({ path, text }).length
  t.equal(offence('kafka/source.ts', `import { a } from '../webhook/client.ts'`), 1, 'another room')
  t.equal(offence('webhook/client.ts', `import type { A } from '../xzepr/client.ts'`), 1, 'another room’s types')
  t.equal(offence('core/ledger.ts', `import { x } from 'node:fs'`), 1, 'the platform in the core')
  t.equal(offence('core/ledger.ts', `import { x } from '../clock.ts'`), 1, 'the clock in the core')
  t.equal(offence('http/ops.ts', `const a = await import('undici')`), 1, 'another’s driver, loaded late')
  t.equal(offence('http/ops.ts', `import { Type } from 'typebox'`), 1, 'more than types')
  t.equal(offence('http/ops.ts', `import { type XStatic } from 'typebox/schema'`), 1, 'loaded for its types')
  t.equal(offence('http/ops.ts', `const a = await import('typebox/compile')`), 1, 'more than types, loaded late')
  t.equal(offence('main.ts', `export { Type } from 'typebox'`), 1, 'more than types, where all is allowed')
  t.equal(offence('http/ops.ts', `import type { XStatic } from 'typebox/schema'`), 0, 'types alone')
  t.equal(offence('bridge.ts', `export { a } from './kafka/source.ts'`), 1, 'handed on')
  t.equal(offence('parlour/tea.ts', ''), 1, 'a room nobody knows')
  t.equal(offence('kafka/source.ts', `import { a } from './client.ts'\nimport { Kafka } from 'kafkajs'`), 0, 'its own')
  t.equal(offence('main.ts', `import { app } from './app.ts'`), 0)
})

/** Everything that is loaded with these files. */
function loadedWith(...paths: string[]): Set<string> {
  const loaded = new Set(paths)
  for (const path of loaded) {
    const source = SOURCES.find((each) => each.path === path)
    for (const { from } of source === undefined ? [] : importsOf(source)) {
      if (from.startsWith('.')) loaded.add(posix.join(posix.dirname(path), from))
    }
  }
  return loaded
}

void t.test('the bridge of production loads nothing of dev, emit, verify or replay', async (t) => {
  const loaded = [...loadedWith('cli.ts', 'config.ts', 'app.ts', 'log.ts', 'clock.ts')]
  t.ok(loaded.includes('bridge.ts') && loaded.length > 80, 'all of it is looked at')
  t.same(
    loaded.filter((path) => ['dev', 'demo', 'emit', 'verify', 'replay'].includes(roomOf(path))),
    [],
  )
  t.ok(loadedWith('dev/loop.ts').has('dev/memory-log.ts'), 'the law sees what is loaded')
})

void t.test('a relative import names a file, with its ending', async (t) => {
  const bare = SOURCES.flatMap((source) =>
    importsOf(source)
      .filter(({ from }) => from.startsWith('.') && !from.endsWith('.ts'))
      .map(({ from, line }) => `src/${source.path}:${line} imports ${from}`),
  )
  t.same(bare, [])
})

void t.test('what runs loads one ajv: fastify, @fastify/env and the bridge share a copy', async (t) => {
  const lock = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')
  const { packages } = JSON.parse(lock) as { packages: Record<string, { dev?: boolean }> }
  const running = Object.keys(packages).filter((path) => packages[path]?.dev !== true)
  t.same(
    running.filter((path) => path.endsWith('node_modules/ajv')),
    ['node_modules/ajv'],
  )
})
