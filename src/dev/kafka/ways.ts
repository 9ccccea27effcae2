/**
 * The ways to a Kafka of our own, and whether this machine has them: Docker, or Java with Maven.
 *
 * A way that is not open says in a sentence what it lacks. Both run the same script with the same settings: in the
 * container its directory is mounted under its own path, and a container's ports are forwarded from loopback alone.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { findJars } from './jars.ts'
import type { Launch } from './node.ts'
import type { Environment } from './run.ts'
import { run } from './run.ts'
import { KAFKA_VERSION } from './settings.ts'

const IMAGE = `apache/kafka:${KAFKA_VERSION}`
const ASK_TIMEOUT_MS = 10_000
const PULL_TIMEOUT_MS = 10 * 60_000
const OLDEST_JAVA = 17

export interface OpenWay {
  readonly ok: true
  /** For people, such as `Java 17`. */
  readonly how: string
  /** The address that Kafka has to listen on to be reached through this way. */
  readonly bindHost: string
  /** @param dir what the node may read and write. @param ports what must be reachable from here. */
  launch(dir: string, ports: readonly number[]): Launch
}
export type Way = OpenWay | { readonly ok: false; readonly why: string }
export type FindWay = (env: Environment, progress: (sentence: string) => void) => Promise<Way>

export const dockerWay: FindWay = async (env, progress) => {
  const docker = (args: readonly string[], timeoutMs: number) => run('docker', args, { env, timeoutMs })
  // The template fails where the daemon is away; plain `docker info` prints that and ends with 0 in some versions.
  const info = await docker(['info', '--format', '{{.ServerVersion}}'], ASK_TIMEOUT_MS)
  if (!info.ok)
    return { ok: false, why: info.why.includes('not installed') ? info.why : 'the Docker daemon does not answer' }
  if (!(await docker(['image', 'inspect', IMAGE], ASK_TIMEOUT_MS)).ok) {
    progress(`Docker pulls ${IMAGE} (once, about 400 MB)`)
    const pull = await docker(['pull', '--quiet', IMAGE], PULL_TIMEOUT_MS)
    if (!pull.ok) return { ok: false, why: `Docker cannot pull ${IMAGE}: ${pull.why}` }
  }
  return {
    ok: true,
    how: `Docker, ${IMAGE}`,
    bindHost: '0.0.0.0',
    launch: (dir, ports) => {
      const name = `xzepr-bridge-kafka-${randomUUID()}`
      // The directory is ours alone (mode 0700): the container works under our own user.
      const user = process.getuid && process.getgid ? ['--user', `${process.getuid()}:${process.getgid()}`] : []
      const reachable = ports.flatMap((port) => ['--publish', `127.0.0.1:${port}:${port}`])
      return {
        program: 'docker',
        // Attached with its standard input open: the end of our pipe is the end of the container's.
        args: (script) => [
          ...['run', '--rm', '--interactive', '--name', name, '--volume', `${dir}:${dir}`, ...user, ...reachable],
          ...['--entrypoint', '/bin/sh', IMAGE, '-c', script, 'kafka'],
        ],
        java: 'java',
        classPath: '/opt/kafka/libs/*',
        killRest: async () => {
          await docker(['rm', '--force', name], ASK_TIMEOUT_MS)
        },
      }
    },
  }
}

export const javaWay: FindWay = async (env, progress) => {
  const home = env.JAVA_HOME ?? ''
  const java = home === '' ? 'java' : join(home, 'bin', 'java')
  const asked = await run(java, ['-version'], { env, timeoutMs: ASK_TIMEOUT_MS })
  if (!asked.ok) return { ok: false, why: asked.why }
  // `openjdk version "17.0.15"`; up to Java 8 it was "1.8.0", which is too old by the same reading.
  const version = Number(/version "(\d+)/.exec(asked.output)?.[1] ?? 0)
  if (version < OLDEST_JAVA) return { ok: false, why: `${java} is Java ${version}, Kafka needs ${OLDEST_JAVA}` }
  const jars = await findJars(env, progress)
  if (!jars.ok) return jars
  return {
    ok: true,
    how: `Java ${version}`,
    bindHost: '127.0.0.1',
    launch: () => ({
      program: '/bin/sh',
      args: (script) => ['-c', script, 'kafka'],
      java,
      classPath: `${jars.dir}/*`,
    }),
  }
}
