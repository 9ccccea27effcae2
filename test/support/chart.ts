/**
 * The chart as a test sees it: rendered by Helm for a release of Kubernetes, and judged by that release's own schemas.
 *
 * The charts are copied beside each other into a directory of the test's, because Helm puts a dependency into the chart
 * that asks for it.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parseAllDocuments, stringify } from 'yaml'
import { run } from '../../src/dev/kafka/run.ts'
import type { Cached } from '../../src/dev/cache.ts'
import { chartTools } from '../../src/dev/toolchain.ts'

/** An object of Kubernetes; what stands in its spec is the schemas' to say. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> }
  readonly spec: object
}

/** A pod and a container, as far as the laws look into them. */
export interface Pod {
  readonly initContainers?: readonly Container[]
  readonly containers: readonly Container[]
  readonly terminationGracePeriodSeconds: number
  readonly securityContext?: { readonly runAsUser?: number }
  readonly volumes: readonly {
    readonly name: string
    readonly projected?: {
      readonly defaultMode: number
      readonly sources: readonly { readonly configMap?: { readonly items: readonly { readonly path: string }[] } }[]
    }
  }[]
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly restartPolicy?: string
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[]
  readonly envFrom?: readonly object[]
  readonly ports: readonly object[]
  readonly startupProbe: { readonly httpGet: object }
  readonly readinessProbe: { readonly httpGet: object }
  readonly livenessProbe: { readonly httpGet: object }
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } }
  readonly resources: { readonly limits: object }
  readonly securityContext: object
  readonly volumeMounts: readonly { readonly mountPath: string }[]
}

export type Rendered =
  { readonly kind: 'manifests'; readonly manifests: readonly Manifest[] } | { readonly kind: 'refused'; why: string }

interface Scope {
  teardown(what: () => unknown): void
  pass(what: string, extra: { skip: string }): unknown
  fail(what: string): unknown
}

let found: Promise<Cached> | undefined

/** Where the tools are. Undefined where they cannot be had: then the law is skipped by name, and fails on CI. */
export async function toolsFor(t: Scope, law: string): Promise<string | undefined> {
  found ??= chartTools(process.env, () => undefined)
  const tools = await found
  if (tools.ok) return tools.dir
  if (process.env.CI === 'true') t.fail(`${law}: ${tools.why}`)
  else t.pass(law, { skip: tools.why })
  return undefined
}

/** Runs one of the tools; all that it printed, and whether it was content. */
export async function ran(program: string, args: readonly string[]): Promise<{ ok: boolean; text: string }> {
  const lines: string[] = []
  const { ok, why } = await run(program, args, {
    env: process.env,
    timeoutMs: 60_000,
    line: (line) => lines.push(line),
  })
  return { ok, text: ok || lines.length > 0 ? lines.join('\n') : why }
}

export class Charts {
  readonly #helm: string
  readonly #dir: string

  private constructor(helm: string, dir: string) {
    this.#helm = helm
    this.#dir = dir
  }

  static async copied(t: Scope, tools: string): Promise<Charts> {
    const dir = await mkdtemp(join(tmpdir(), 'xzepr-charts-'))
    t.teardown(() => rm(dir, { recursive: true }))
    await cp(fileURLToPath(new URL('../../helm', import.meta.url)), dir, { recursive: true })
    const charts = new Charts(join(tools, 'bin', 'helm'), dir)
    const built = await ran(charts.#helm, ['dependency', 'update', '--skip-refresh', join(dir, 'xzepr-app')])
    if (!built.ok) throw new Error(built.text)
    return charts
  }

  /** @param args after the chart's path. */
  async lint(chart: string, args: readonly string[] = []): Promise<{ ok: boolean; text: string }> {
    return ran(this.#helm, ['lint', '--strict', join(this.#dir, chart), ...args])
  }

  /** The app chart as `helm template` renders it. */
  async render(args: readonly string[], kubernetes = '1.37.0', release = 'rel'): Promise<Rendered> {
    const given = ['--namespace', 'prod', '--kube-version', kubernetes, ...args]
    const { ok, text } = await ran(this.#helm, ['template', release, join(this.#dir, 'xzepr-app'), ...given])
    return ok ? { kind: 'manifests', manifests: manifestsOf(text) } : { kind: 'refused', why: text }
  }

  /** The same, with values given as an object over those of an example. */
  async renderWith(example: string, values: object, kubernetes?: string): Promise<Rendered> {
    return this.render(['-f', this.example(example), ...(await this.given(values))], kubernetes)
  }

  /** Arguments that give Helm these values. */
  async given(values: object): Promise<string[]> {
    const file = join(this.#dir, 'values-of-the-test.yaml')
    await writeFile(file, stringify(values))
    return ['-f', file]
  }

  /** A chart of somebody else's that depends on the library, as `helm template` renders it. */
  async renderOther(files: Readonly<Record<string, string>>, values: object): Promise<Rendered> {
    const dir = join(this.#dir, 'other')
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(dir, name)), { recursive: true })
      await writeFile(join(dir, name), text)
    }
    const built = await ran(this.#helm, ['dependency', 'update', '--skip-refresh', dir])
    if (!built.ok) return { kind: 'refused', why: built.text }
    const { ok, text } = await ran(this.#helm, ['template', 'rel', dir, ...(await this.given(values))])
    return ok ? { kind: 'manifests', manifests: manifestsOf(text) } : { kind: 'refused', why: text }
  }

  example(name: string): string {
    return join(this.#dir, 'xzepr-app', 'examples', `${name}.yaml`)
  }
}

export function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null)
}

/** The manifests, or an error with what Helm said. */
export function manifests(rendered: Rendered): readonly Manifest[] {
  if (rendered.kind === 'refused') throw new Error(rendered.why)
  return rendered.manifests
}

interface Template {
  readonly template: { readonly spec: Pod }
}

/** The pod of a Deployment, StatefulSet, Job or CronJob. */
export function podOf(all: readonly Manifest[]): Pod {
  const workload = all.find(({ kind }) => ['Deployment', 'StatefulSet', 'Job', 'CronJob'].includes(kind))
  const { jobTemplate, template } = workload?.spec as Template & { jobTemplate?: { spec: Template } }
  return (jobTemplate?.spec.template ?? template).spec
}

/** The bridge's container, in whichever form; undefined when there is none. */
export function bridgeIn({ initContainers = [], containers }: Pod): Container | undefined {
  return [...initContainers, ...containers].find(({ name }) => name === 'xzepr-bridge')
}

export function bridgeOf(pod: Pod): Container {
  const bridge = bridgeIn(pod)
  if (bridge === undefined) throw new Error('no bridge in this pod')
  return bridge
}

/** Judges manifests by the API schemas of Kubernetes and those of the operators. */
export class Judge {
  static #one: Judge | undefined
  readonly #tools: string
  readonly #require: NodeJS.Require
  readonly #apis = new Map<string, Ajv2020>()
  readonly #compiled = new Map<string, ValidateFunction>()

  /** One for all laws: to read a release's schemas costs more than to judge by them. */
  static of(tools: string): Judge {
    return (Judge.#one ??= new Judge(tools))
  }

  private constructor(tools: string) {
    this.#tools = tools
    this.#require = createRequire(join(tools, 'node_modules', 'xzepr-bridge.js'))
  }

  /** What is wrong with them, each with where. @param kubernetes a release of toolchain.ts. */
  async faults(all: readonly Manifest[], kubernetes: string): Promise<string[]> {
    const faults: string[] = []
    for (const manifest of all) {
      const own = isBuiltIn(manifest) ? this.#builtIn(manifest, kubernetes) : await this.#custom(manifest)
      faults.push(...own.map((fault) => `${manifest.kind} ${manifest.metadata.name}: ${fault}`))
    }
    return faults
  }

  #builtIn(manifest: Manifest, kubernetes: string): string[] {
    const group = manifest.apiVersion.replace(/\.[^/]*\//, '/').replace('/', '-')
    const name = `${manifest.kind.toLowerCase()}-${group}`
    const key = `${kubernetes} ${name}`
    const read = (file: string): object =>
      this.#require(join(this.#tools, 'schemas', `v${kubernetes}`, `${file}.json`)) as object
    let api = this.#apis.get(kubernetes)
    if (api === undefined) {
      api = new Ajv2020({ strict: false, validateFormats: false })
      api.addSchema(read('_definitions'), 'https://kubernetes.io/api/_definitions.json')
      this.#apis.set(kubernetes, api)
    }
    const judge = this.#compiled.get(key) ?? api.compile(read(name))
    this.#compiled.set(key, judge)
    if (judge(manifest)) return []
    return (judge.errors ?? []).map(({ instancePath, message, params }) =>
      [instancePath, message, JSON.stringify(params)].join(' '),
    )
  }

  /** Custom resources: the models that are made from the operators' own definitions. */
  async #custom({ apiVersion, kind, ...rest }: Manifest): Promise<string[]> {
    const owner = apiVersion.startsWith('keda.sh/') ? 'keda' : 'prometheus-operator'
    const path = join(this.#tools, 'node_modules', '@kubernetes-models', owner, apiVersion, `${kind}.js`)
    const { [kind]: Model } = (await import(pathToFileURL(path).href)) as Record<
      string,
      new (data: object) => { validate(): void }
    >
    if (Model === undefined) return [`no model of ${apiVersion}`]
    try {
      new Model(rest).validate()
      return []
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)]
    }
  }
}

function isBuiltIn({ apiVersion }: Manifest): boolean {
  return !apiVersion.includes('.') || apiVersion.includes('.k8s.io/')
}
