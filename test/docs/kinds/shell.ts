/**
 * Commands in blocks of shell: each is one that there is, with words and flags that it knows.
 *
 * Ours are read by our own parser. Requests are held to openapi.yaml, with path, method and body. Of other tools the words and
 * flags that the documents use are written here: a misspelt one is a new one, and fails.
 */
import { existsSync, readFileSync } from 'node:fs'
import { parse } from '../../../src/cli.ts'
import type { Operation } from '../../support/documents.ts'
import { at, membersAt, operations, unsound } from '../../support/documents.ts'
import { ROOT } from '../../support/pages.ts'
import type { Command } from './words.ts'
import { commandsIn } from './words.ts'

/** What the checks of a page hear of it: releases and containers are known once the chart is rendered. */
export interface Named {
  readonly releases: Set<string>
  readonly workloads: Set<string>
  readonly containers: Set<string>
}

interface Surroundings {
  /** All of the page: a program that a command starts must be named there. */
  readonly page: string
  readonly named: Named
}

type Check = (command: Command, surroundings: Surroundings) => string[]

const PIPE = { version: '', terminal: { isTTY: false } }
const PORTS = { '8900': 'work', '8901': 'ops' } as const
const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { scripts: Record<string, string> }

const CHECKS: Readonly<Record<string, Check>> = {
  'xzepr-bridge': ({ words }, around) => own(words.slice(1), around),
  node: ({ words }, around) => {
    const [env = '', ...more] = words.slice(1)
    const [, envFile] = /^--env-file=(.*)$/.exec(env) ?? []
    const [file = '', ...rest] = envFile === undefined ? [env, ...more] : more
    // `.env` is the reader's own.
    const missing = envFile === undefined || envFile === '.env' ? [] : program(envFile, around)
    return [...missing, ...(file === 'dist/main.js' ? own(rest, around) : program(file, around))]
  },
  python3: ({ words: [, file = ''] }, around) => program(file, around),
  npm: ({ words: [, word = '', script = ''] }) => {
    if (word === 'ci') return []
    const name = word === 'run' ? script : word
    return scripts[name] === undefined ? [`no npm script ${name}`] : []
  },
  npx: ({ words: [, name = '', ...rest] }, around) => {
    if (name === 'xzepr-bridge') return own(rest, around)
    return existsSync(`${ROOT}node_modules/.bin/${name}`) ? [] : [`no ${name} in node_modules`]
  },
  curl: (command) => curl(command),
  helm: ({ words }, { named }) => helm(words.slice(1), named),
  kubectl: ({ words }, around) => kubectl(words.slice(1), around),
  docker: tool({ build: ['-t'], push: [], compose: ['--build', '--wait'] }),
  cargo: tool({ build: ['--release', '--locked', '--manifest-path'] }),
  'kafka-topics.sh': tool({
    '': ['--bootstrap-server', '--create', '--topic', '--partitions', '--replication-factor', '--config', '--describe'],
  }),
  'kafka-acls.sh': tool({
    '': ['--bootstrap-server', '--add', '--allow-principal', '--operation', '--topic', '--group'],
  }),
  'kafka-consumer-groups.sh': tool({ '': ['--bootstrap-server', '--describe', '--group'] }),
  bash: ({ words: [, file = ''] }, around) => program(file, around),
  ...Object.fromEntries(
    ['base64', 'cat', 'cut', 'echo', 'export', 'head', 'jq', 'printf', 'sed'].map((n) => [n, none]),
  ),
}

function none(): string[] {
  return []
}

/** What is wrong with a block's commands. */
export function shellFaults(script: string, around: Surroundings): string[] {
  return commandsIn(script).flatMap((command) => checked(command, around))
}

function checked(command: Command, around: Surroundings): string[] {
  const [name = ''] = command.words
  const check = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined
  const [, crate] = /^(.+)\/target\/release\/[\w-]+$/.exec(name) ?? []
  if (crate !== undefined) return program(`${crate}/Cargo.toml`, around)
  return check === undefined ? [`nobody checks the command ${name}`] : check(command, around)
}

function own(words: readonly string[], around: Surroundings): string[] {
  // An id, a number or a name that the shell puts in.
  const given = words.map((word) => (word.includes('$') ? '1' : word))
  const command = parse(given, PIPE)
  if (command.kind === 'usage') return [`${words.join(' ')}: ${command.text}`]
  const app = words.includes('--') ? words.slice(words.indexOf('--') + 1) : []
  // Some program of the reader's.
  return app.length === 0 || app[0]?.startsWith('./') === true
    ? []
    : checked({ words: app, variables: new Map() }, around)
}

/** A file that is in the repository, or that the page tells the reader to write. */
function program(file: string, { page }: Surroundings): string[] {
  const isThere =
    existsSync(`${ROOT}${file}`) || existsSync(`${ROOT}${file.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts')}`)
  return isThere || page.includes(`\`${file}\``) ? [] : [`no program ${file}`]
}

/** @param words flags by the word behind the tool's name; '' where it has none. */
function tool(words: Readonly<Record<string, readonly string[]>>): Check {
  return ({ words: [name = '', ...rest] }) => {
    const [first = ''] = rest
    const flags = words[first.startsWith('-') ? '' : first]
    if (flags === undefined) return [`${name} ${first} is not known here`]
    return rest
      .filter((word) => word.startsWith('-') && !flags.includes(word))
      .map((word) => `${name}: no flag ${word}`)
  }
}

const TAKES_VALUE = ['-X', '-H', '-d', '-o', '-w']

function curl({ words }: Command): string[] {
  const flags = new Map<string, string[]>()
  const urls: string[] = []
  for (let nth = 1; nth < words.length; nth += 1) {
    const word = words[nth] ?? ''
    if (!word.startsWith('-')) urls.push(word)
    else if (TAKES_VALUE.includes(word)) flags.set(word, [...(flags.get(word) ?? []), words[(nth += 1)] ?? ''])
    else if (/^-[sSfi]+$/.test(word)) flags.set(word, [])
    else return [`curl: no flag ${word}`]
  }
  const [url = '', ...more] = urls
  if (more.length > 0 || !URL.canParse(url)) return [`curl: ${urls.join(' ')} is not one address`]
  const [body] = flags.get('-d') ?? []
  const method = flags.get('-X')?.[0] ?? (body === undefined ? 'GET' : 'POST')
  const operation = operationAt(new URL(url), method)
  if (operation === undefined) return [`no ${method} ${url} in openapi.yaml`]
  const headers = (flags.get('-H') ?? []).map((header) => header.toLowerCase())
  return [...queryFaults(new URL(url), operation), ...bodyFaults(operation, body, headers)]
}

export function operationAt({ port, pathname }: URL, method: string): Operation | undefined {
  const listener = PORTS[port as keyof typeof PORTS] as Operation['listener']
  return operations.find((each) => {
    const path = new RegExp(`^${each.path.replaceAll('{id}', '[^/]+')}$`)
    return each.listener === listener && each.method === method && path.test(pathname)
  })
}

function queryFaults({ searchParams }: URL, { node }: Operation): string[] {
  const parameters = (node.parameters as readonly unknown[]).map((each) => membersAt(each))
  return [...searchParams].flatMap(([name, text]) => {
    const found = parameters.find((each) => each.in === 'query' && each.name === name)
    if (found === undefined) return [`no query ${name}`]
    return unsound(found.schema, /^\d+$/.test(text) ? Number(text) : text)
  })
}

function bodyFaults({ name, node }: Operation, body: string | undefined, headers: readonly string[]): string[] {
  if (body === undefined) return []
  if (!headers.includes('content-type: application/json')) return [`${name}: the body has no content-type`]
  return jsonFaults(at(node, 'requestBody', 'content', 'application/json', 'schema'), body)
}

export function jsonFaults(schema: unknown, text: string): string[] {
  try {
    return unsound(schema, JSON.parse(text))
  } catch (error) {
    return [String(error)]
  }
}

const HELM = { upgrade: ['--install', '-f'], dependency: [], lint: ['-f', '--strict'], template: ['-f'] }

function helm(words: readonly string[], { releases }: Named): string[] {
  const [verb = '', ...rest] = words
  const flags = HELM[verb as keyof typeof HELM] as readonly string[] | undefined
  if (flags === undefined) return [`helm ${verb} is not known here`]
  if (verb === 'upgrade') releases.add(rest[rest.indexOf('--install') + 1] ?? '')
  const charts = rest.filter((word) => word.startsWith('helm/') && !word.endsWith('.yaml'))
  return [
    ...rest.filter((word) => word.startsWith('-') && !flags.includes(word)).map((word) => `helm: no flag ${word}`),
    ...(charts.length === 1 ? [] : ['helm: names no chart of ours']),
    ...[...charts, ...rest.filter((word) => /^helm\/.*\.yaml$/.test(word))]
      .filter((path) => !existsSync(`${ROOT}${path}`))
      .map((path) => `no ${path}`),
  ]
}

const KUBECTL: Readonly<Record<string, readonly string[]>> = {
  exec: ['-c'],
  logs: ['-c', '--since', '-f'],
  rollout: [],
  'port-forward': [],
  create: ['--from-file', '--from-literal', '--dry-run', '-o'],
  apply: ['-k', '-f'],
  // Of workloads that are the reader's own.
  scale: ['--replicas'],
}

function kubectl(words: readonly string[], around: Surroundings): string[] {
  const dashes = words.indexOf('--')
  const [verb = '', ...rest] = dashes === -1 ? words : words.slice(0, dashes)
  const flags = KUBECTL[verb]
  if (flags === undefined) return [`kubectl ${verb} is not known here`]
  const { workloads, containers } = around.named
  if (rest.includes('-c')) containers.add(rest[rest.indexOf('-c') + 1] ?? '')
  if (verb !== 'scale') for (const word of rest) if (/^[a-z]+\/[a-z-]+$/.test(word)) workloads.add(word)
  const wrong = rest
    .filter((word) => word.startsWith('-') && word !== '-' && !flags.includes(word.split('=')[0] ?? ''))
    .map((word) => `kubectl ${verb}: no flag ${word}`)
  return dashes === -1
    ? wrong
    : [...wrong, ...checked({ words: words.slice(dashes + 1), variables: new Map() }, around)]
}
