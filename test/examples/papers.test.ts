/**
 * What stands beside the programs: READMEs, the bridge's variables, the lock files.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import t from 'tap'
import { parse } from '../../src/cli.ts'
import { readConfig } from '../../src/config.ts'
import { EXAMPLES } from '../../src/dev/app-programs.ts'
import { parseDemo } from '../../src/dev/demo-options.ts'

const DIR = fileURLToPath(new URL('../../examples/', import.meta.url))
const textOf = (path: string): string => readFileSync(join(DIR, path), 'utf8')
const DOWNSTREAM = EXAMPLES.filter((example) => example.startsWith('downstream-'))
const READMES = ['README.md', ...DOWNSTREAM.map((example) => `${example}/README.md`)]

/** The seed's own, in the contract's order. */
const SEED = [
  ...['BROKERS', 'TOPIC', 'GROUP_ID', 'SECURITY_PROTOCOL', 'SASL_MECHANISM', 'SASL_USERNAME', 'SASL_PASSWORD'],
  ...['SSL_CA_LOCATION', 'SSL_CERT_LOCATION', 'SSL_KEY_LOCATION'],
]
  .map((name) => `XZEPR_KAFKA_${name}`)
  .concat('XZEPR_API_URL', 'XZEPR_API_TOKEN')

const PEM = { key: '-----BEGIN PRIVATE KEY-----\nMIIB\n', certificate: '-----BEGIN CERTIFICATE-----\nMIIB\n' }

void t.test('the table has every example and nothing else', async (t) => {
  const rows = [...textOf('README.md').matchAll(/^\| \[([\w-]+)\]/gm)].map(([, name]) => name)
  t.same(rows.sort(), [...EXAMPLES].sort())
  const there = readdirSync(DIR, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  t.same(there.map(({ name }) => name).sort(), [...EXAMPLES].sort())
})

for (const readme of READMES) {
  const text = textOf(readme)

  void t.test(`${readme}: what it links to and names is there`, async (t) => {
    for (const [, path = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      t.ok(existsSync(join(DIR, dirname(readme), path)), path)
    }
    // What a build leaves is not there yet.
    const named = [...text.matchAll(/\bexamples\/[\w./-]+/g)].map(([path]) =>
      path.replace(/\/target\/.*/, '/Cargo.toml'),
    )
    for (const path of named) t.ok(existsSync(join(DIR, '..', path)), path)
  })

  void t.test(`${readme}: every command is one`, async (t) => {
    const lines = [...text.matchAll(/node (?:--env-file=\S+ )?dist\/main\.js([^\n#`]*)/g)]
    t.ok(lines.length >= 2)
    for (const [line, words = ''] of lines) {
      const command = parse(words.trim().split(/\s+/).filter(Boolean), { version: '', terminal: { isTTY: false } })
      t.not(command.kind, 'usage', line)
    }
    for (const [line, words = ''] of text.matchAll(/npm run demo -- ([^\n#]*)/g)) {
      t.equal(parseDemo(words.trim().split(/\s+/)).kind, 'demo', line)
    }
  })
}

for (const example of DOWNSTREAM) {
  void t.test(`${example}/bridge.env has the seed’s twelve variables, and sets a bridge up`, async (t) => {
    const text = textOf(`${example}/bridge.env`)
    const named = [...text.matchAll(/^#?(\w+)=/gm)].map(([, name = '']) => name)
    t.same(named.filter((name) => name.startsWith('XZEPR_')).sort(), [...SEED].sort())
    const set = parseEnv(text)
    t.notOk(
      named.some((name) => /TOKEN|PASSWORD/.test(name) && set[name] !== undefined),
      'no secret is set',
    )
    const reading = readConfig({ ...set, XZEPR_API_TOKEN: 'token' }, () => '')
    t.equal(reading.kind, 'config')
    if (reading.kind === 'config') t.same(reading.warnings, [])
    t.equal(set.BRIDGE_EVENT_TYPES, 'deployment.*')
    // With all that is commented out, as somebody with SASL_SSL has it.
    const all = parseEnv(text.replace(/^#(?=\w+=)/gm, ''))
    const given = { XZEPR_KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', XZEPR_API_TOKEN: 't', XZEPR_KAFKA_SASL_PASSWORD: 'p' }
    const secured = readConfig({ ...all, ...given }, (path) => PEM[path.endsWith('.key') ? 'key' : 'certificate'])
    t.same(secured.kind === 'errors' ? secured.errors : secured.warnings, [])
  })

  void t.test(`${example}: its README has every variable that it reads, with its default`, async (t) => {
    const program = ['app.py', 'src/main.rs'].find((file) => existsSync(join(DIR, example, file))) ?? ''
    const source = textOf(`${example}/${program}`)
    const read = [...source.matchAll(/(?:environ\.get\(|setting\()"(\w+)", "?([^")]+)"?\)/g)].map(([, name, value]) => [
      name,
      value,
    ])
    const said = [...textOf(`${example}/README.md`).matchAll(/^\| `(\w+)` \| `?([^ `]+)`? \|/gm)].map(
      ([, name, value]) => [name, value],
    )
    t.equal(read.length, 6)
    t.same(said.sort(), read.sort())
    t.equal(
      parseEnv(textOf(`${example}/bridge.env`)).BRIDGE_MAX_RUNNING,
      new Map(read as [string, string][]).get('MAX_ACCEPTED'),
    )
  })
}

void t.test('lock files name crates.io and nothing else, and both Rust examples hold the same crates', async (t) => {
  const locks = EXAMPLES.filter((example) => existsSync(join(DIR, example, 'Cargo.toml'))).map((example) =>
    textOf(`${example}/Cargo.lock`),
  )
  t.equal(locks.length, 2)
  for (const lock of locks) {
    const sources = [...lock.matchAll(/^source = "(.*)"$/gm)].map(([, source]) => source)
    t.same([...new Set(sources)], ['registry+https://github.com/rust-lang/crates.io-index'])
  }
  const crates = locks.map((lock) =>
    lock
      .split('[[package]]')
      .filter((each) => each.includes('source = '))
      .sort(),
  )
  t.same(crates[0], crates[1])
})
