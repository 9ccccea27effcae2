/**
 * From the environment to typed values.
 *
 *   environment ─▶ gathered ─▶ not built yet: refused ─▶ secrets from files ─▶ schema and soundness ─▶ values
 *        └─ unknown names ─▶ warnings
 *
 * @fastify/env judges types, bounds and defaults. It is a Fastify plugin, but its work is done before it returns, so it
 * is called like the function it is, on an instance that never listens; `env: false` keeps the process's own
 * environment out. A variable that is refused takes its default afterwards, so that the checks behind this one
 * still find what else is wrong.
 */
import { fastifyEnv } from '@fastify/env'
import { fastify } from 'fastify'
import { closestMatch } from 'leven'
import type { FileReader } from './files.ts'
import { readText } from './files.ts'
import type { Findings } from './findings.ts'
import { quoted } from './findings.ts'
import type { Values } from './variables.ts'
import { ALL_VARIABLES } from './variables.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const SCHEMA = {
  type: 'object',
  properties: Object.fromEntries([...ALL_VARIABLES].map(([name, { schema }]) => [name, schema])),
  required: [...ALL_VARIABLES].flatMap(([name, { presence }]) => (presence === 'optional' ? [] : [name])),
}

/** The declared variables that are set, by their first name. An empty text is not set. */
export function gather(env: Environment): Map<string, string> {
  const given = new Map<string, string>()
  for (const [name, { alias, kind }] of ALL_VARIABLES) {
    for (const spelling of alias === undefined ? [name] : [alias, name]) {
      // White-space may be part of a password; the line's end behind it comes from the file it was pasted from.
      const text = kind === 'secret' ? env[spelling]?.replace(/[\r\n]+$/, '') : env[spelling]?.trim()
      if (text !== undefined && text !== '') given.set(name, text)
    }
  }
  return given
}

/** Says what is set but means nothing: unknown names, a second spelling that is passed over, OTEL_*. */
export function warnOfStrays(env: Environment, findings: Findings): void {
  const aliases = new Map(
    [...ALL_VARIABLES].flatMap(([name, { alias }]) => (alias === undefined ? [] : [[alias, name]])),
  )
  const known = [...ALL_VARIABLES.keys()]
  const set = Object.keys(env).filter((name) => env[name] !== undefined && env[name] !== '')
  for (const name of set.sort()) {
    const first = aliases.get(name)
    if (first !== undefined && set.includes(first) && env[first] !== env[name]) {
      findings.warn(`${name} is passed over: ${first} is set too and says something else.`)
    }
    if (ALL_VARIABLES.has(name) || first !== undefined) continue
    // XZepr's own server reads XZEPR__…: neighbours in one environment, not typing errors.
    if (!/^(?:BRIDGE|XZEPR(?!__))_/i.test(name)) continue
    const own = /^BRIDGE_/i.test(name)
    const spelled = name.toUpperCase()
    const nearest = closestMatch(spelled, known, own ? {} : { maxDistance: 3 })
    if (nearest === undefined) continue
    const label = /^\w+$/.test(name) ? name : quoted(name)
    findings.warn(`${label} is no variable of the bridge and is passed over. The nearest one is ${nearest}.`)
  }
  const otel = set.filter((name) => /^OTEL_\w+$/.test(name))
  if (otel.length > 0 && env.OTEL_SDK_DISABLED?.toLowerCase() !== 'true') {
    findings.warn(
      `${otel.slice(0, 3).join(', ')}${otel.length > 3 ? ', …' : ''}: tracing is not available in this version.`,
    )
  }
}

/** Types, bounds, defaults and soundness of what was gathered; what is wrong goes to the findings. */
export function readValues(given: ReadonlyMap<string, string>, readFile: FileReader, findings: Findings): Values {
  const data = new Map(given)
  refuseNotYet(data, findings)
  fillFromFiles(data, readFile, findings)
  for (const [name, text] of data) {
    if (ALL_VARIABLES.get(name)?.sound?.(text) === false) findings.refuse(name, rightOf(name, text))
  }
  const first = judge(data)
  for (const name of first.wrong) findings.refuse(name, rightOf(name, data.get(name)))
  if (first.values !== undefined && findings.problems.length === 0) return first.values
  for (const [name, { example, presence }] of ALL_VARIABLES) {
    if (findings.sound(name)) continue
    data.delete(name)
    if (presence === 'required') data.set(name, example)
  }
  const { values } = judge(data)
  if (values === undefined) throw new Error('defaults and examples do not satisfy their own declarations')
  return values
}

function rightOf(name: string, text = ''): string {
  // A Kubernetes Service called bridge-ops sets BRIDGE_OPS_PORT=tcp://… in every pod of its namespace.
  const linked = text.startsWith('tcp://')
  const hint = linked ? '; Kubernetes sets this one for a Service: say enableServiceLinks: false in the pod' : ''
  return `must be ${ALL_VARIABLES.get(name)?.right ?? 'set'}${hint}`
}

function refuseNotYet(data: Map<string, string>, findings: Findings): void {
  for (const [name, { notYet }] of ALL_VARIABLES) {
    if (notYet === undefined || !data.delete(name)) continue
    findings.refuse(name, 'is not available in this version: take it out')
  }
}

function fillFromFiles(data: Map<string, string>, readFile: FileReader, findings: Findings): void {
  for (const [name, { fills }] of ALL_VARIABLES) {
    const path = data.get(name)
    if (path === undefined || fills === undefined) continue
    if (data.has(fills)) findings.refuse(name, `must not be set beside ${fills}: one of the two`)
    const filled = ALL_VARIABLES.get(fills)
    // What is wrong in the file is told by the file's variable: the other one is not set.
    const right = filled?.sound && { is: filled.sound, text: `a file that holds ${filled.right}` }
    const secret = readText(name, path, readFile, findings, right)
    if (secret !== undefined) data.set(fills, secret)
  }
}

/** One judgement of @fastify/env: the values, or the names of those that are wrong. */
function judge(data: ReadonlyMap<string, string>): { values?: Values; wrong: readonly string[] } {
  const nobody = fastify()
  let refusal: Error | undefined
  fastifyEnv(nobody, { schema: SCHEMA, data: Object.fromEntries(data), env: false }, (error) => (refusal = error))
  if (refusal === undefined) return { values: nobody.getEnvs<Values>(), wrong: [] }
  return { wrong: wrongNames(refusal) }
}

/** The variables that AJV's errors speak of. */
function wrongNames(refusal: Error): readonly string[] {
  const errors: unknown = Reflect.get(refusal, 'errors')
  if (!Array.isArray(errors)) throw refusal
  const names = errors.map((error: { instancePath: string; params: { missingProperty?: string } }) =>
    error.instancePath === '' ? error.params.missingProperty : error.instancePath.slice(1),
  )
  return [...new Set(names.filter((name) => name !== undefined))]
}
