/** What is decided before any Kafka runs: with stand-ins for docker, java and mvn on a PATH of the test's own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { findKafka } from '../../../src/dev/kafka-broker.ts'
import { findJars, isComplete, jarsCache } from '../../../src/dev/kafka/jars.ts'
import { freePorts } from '../../../src/dev/kafka/ports.ts'
import { SCRIPT } from '../../../src/dev/kafka/node.ts'
import { run, Tail } from '../../../src/dev/kafka/run.ts'
import { scramArguments, serverProperties } from '../../../src/dev/kafka/settings.ts'
import { dockerWay, javaWay } from '../../../src/dev/kafka/ways.ts'

interface Machine {
  dir: string
  env: Record<string, string>
  tool: (name: string, script: string) => Promise<void>
  calls: (name: string) => Promise<string[]>
}

/** A machine that has nothing but a shell; every tool takes down how it is called. */
async function machine(t: Test): Promise<Machine> {
  const tools = ['sh', 'rm', 'sleep', 'cat'].map((tool) => [tool, t.fixture('symlink', `/bin/${tool}`)] as const)
  const dir = t.testdir({ bin: Object.fromEntries(tools), tmp: {}, cache: {} })
  const bin = join(dir, 'bin')
  return {
    dir,
    env: { PATH: bin, XDG_CACHE_HOME: join(dir, 'cache'), HOME: dir, TMPDIR: join(dir, 'tmp') },
    tool: async (name, script) => {
      const path = join(bin, name)
      await writeFile(path, `#!/bin/sh\nprintf '%s\\n' "$*" >> '${dir}/${name}.calls'\n${script}\n`)
      await chmod(path, 0o755)
    },
    calls: async (name) =>
      (await readFile(join(dir, `${name}.calls`), 'utf8').catch(() => '')).split('\n').slice(0, -1),
  }
}
const silent = (): undefined => undefined
const JAVA_17 = `echo 'openjdk version "17.0.15" 2025-04-15' >&2`
/** Puts two jars where it is told to. */
const MAVEN = `for arg; do case $arg in -DoutputDirectory=*) out=\${arg#*=};; esac; done
echo 'Downloaded from central: https://repo/a.jar (1 MB)'
printf one > "$out/a.jar"; printf three > "$out/b.jar"`

void t.test('without anything there is no Kafka, and three short lines say what to install', async (t) => {
  const { env } = await machine(t)
  const found = await findKafka({ env })
  t.same(found, {
    kind: 'none',
    why:
      'No Kafka can be had: KAFKA_BROKERS is not set, and none starts\n' +
      'Run Docker, or apt-get install openjdk-17-jdk-headless maven\n' +
      'Tried: docker is not installed; java is not installed',
    isSettingWrong: false,
  })
})

void t.test('a KAFKA_BROKERS that does not answer is an error, not a reason to look elsewhere', async (t) => {
  const { env, tool, calls } = await machine(t)
  await tool('docker', 'exit 0')
  const server = createServer((socket) => socket.destroy())
  server.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const broker = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const found = await findKafka({ env: { ...env, KAFKA_BROKERS: broker } })
  t.match(found, {
    kind: 'none',
    why: `No Kafka answers on ${broker}: correct KAFKA_BROKERS, or unset it.`,
    isSettingWrong: true,
  })
  t.same(await calls('docker'), [])
})

void t.test('a KAFKA_BROKERS that is not host:port is said to be so, and nothing is asked', async (t) => {
  const { env, tool, calls } = await machine(t)
  await tool('docker', 'exit 0')
  for (const setting of ['nonsense', 'kafka://a:1', 'a:1,b', 'a:0', 'a:65536', 'a b:1', '::1:9092', ',']) {
    const found = await findKafka({ env: { ...env, KAFKA_BROKERS: setting } })
    const why = `KAFKA_BROKERS is "${setting}": it must be host:port, such as localhost:9092.`
    t.same(found, { kind: 'none', why, isSettingWrong: true })
  }
  t.same(await calls('docker'), [])
})

void t.test('the data goes with its parent, also where the PATH has no rm', async (t) => {
  const data = t.testdir({ log: { 'meta.properties': '' } })
  const { dir, tool } = await machine(t)
  await tool('java', 'echo up; exec /bin/sleep 60')
  const own = [data, join(dir, 'bin', 'java'), '']
  // A group of its own: the watcher ends its whole group.
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'kafka', ...own], { env: { PATH: '/nonexistent' }, detached: true })
  await once(child.stdout, 'data')
  child.stdin.end()
  await once(child, 'exit')
  // The test's own timeout bounds the wait.
  while (existsSync(data)) await new Promise((resolve) => setImmediate(resolve))
  t.notOk(existsSync(data))
})

void t.test('Docker is a way when its daemon answers and has or gets the image', async (t) => {
  const { env, tool, calls } = await machine(t)
  await tool('docker', 'exit 1')
  t.same(await dockerWay(env, silent), { ok: false, why: 'the Docker daemon does not answer' })
  await tool('docker', 'case $1 in info) ;; *) echo "no route to registry"; exit 1;; esac')
  t.match(await dockerWay(env, silent), { ok: false, why: /cannot pull apache\/kafka:4\.1\.1: .*no route to registry/ })
  await tool('docker', 'case $1 in image) exit 1;; esac')
  const sentences: string[] = []
  const way = await dockerWay(env, (sentence) => sentences.push(sentence))
  t.match(sentences, [/pulls apache\/kafka:4\.1\.1/])
  t.match(way, { ok: true, bindHost: '0.0.0.0' })
  if (!way.ok) return
  const launch = way.launch('/data', [20001, 20002])
  const args = launch.args('SCRIPT').join(' ')
  t.match(args, /^run --rm --interactive --name (xzepr-bridge-kafka-\S+) --volume \/data:\/data /)
  t.match(args, / --publish 127\.0\.0\.1:20001:20001 --publish 127\.0\.0\.1:20002:20002 /)
  t.match(args, / --entrypoint \/bin\/sh apache\/kafka:4\.1\.1 -c SCRIPT kafka$/)
  await launch.killRest?.()
  t.match((await calls('docker')).at(-1), /^rm --force xzepr-bridge-kafka-/)
})

void t.test('where Docker answers but cannot run Kafka, Java is tried and both reasons are told', async (t) => {
  const { env, tool, dir } = await machine(t)
  await tool('docker', 'case $1 in run) echo "cannot mount"; exit 125;; esac')
  await tool('java', `case $1 in -version) ${JAVA_17};; *) echo "no memory"; exit 3;; esac`)
  await tool('mvn', MAVEN)
  const sentences: string[] = []
  const found = await findKafka({ env, progress: (sentence) => sentences.push(sentence) })
  t.match(found, {
    kind: 'none',
    why: /Docker, apache\/kafka.*exit code 125 \(cannot mount\); Java 17: .*exit code 3 \(no memory\)/,
  })
  t.match(sentences, [/starts \(Docker/, /cannot mount/, /Maven fetches/, /starts \(Java 17\)/, /no memory/])
  t.same(await readdir(join(dir, 'tmp')).then((names) => names.length), 0, 'nothing is left of either')
})

void t.test('a Kafka that stays mute is ended within its bound', async (t) => {
  const { env, tool, dir } = await machine(t)
  await tool('java', `case "$*" in *-version*) ${JAVA_17};; *Storage*) ;; *) echo "booting"; exec sleep 60;; esac`)
  await tool('mvn', MAVEN)
  const found = await findKafka({ env, readyTimeoutMs: 1, sasl: { username: 'u', password: 'p' } })
  t.match(found, { kind: 'none', why: /did not answer within 1 ms/ })
  t.same(await readdir(join(dir, 'tmp')), [])
})

void t.test('Java is a way from version 17 on, of JAVA_HOME if that is set', async (t) => {
  const { env, dir, tool } = await machine(t)
  await tool('mvn', MAVEN)
  await tool('java', `echo 'openjdk version "11.0.2" 2019-01-15' >&2`)
  t.match(await javaWay(env, silent), { ok: false, why: 'java is Java 11, Kafka needs 17' })
  await tool('java', `echo 'java version "1.8.0_292"' >&2`)
  t.match(await javaWay(env, silent), { ok: false, why: 'java is Java 1, Kafka needs 17' })
  await mkdir(join(dir, 'jdk', 'bin'), { recursive: true })
  await writeFile(join(dir, 'jdk', 'bin', 'java'), `#!/bin/sh\n${JAVA_17}\n`, { mode: 0o755 })
  const way = await javaWay({ ...env, JAVA_HOME: join(dir, 'jdk') }, silent)
  t.match(way, { ok: true, how: 'Java 17', bindHost: '127.0.0.1' })
  if (way.ok)
    t.match(way.launch('/data', []), { classPath: `${jarsCache(env)}/*`, java: join(dir, 'jdk', 'bin', 'java') })
})

void t.test('the jars are fetched once', async (t) => {
  const { env, tool, calls } = await machine(t)
  await tool('mvn', MAVEN)
  t.same(await findJars(env, silent), { ok: true, dir: jarsCache(env) })
  t.same(await findJars(env, silent), { ok: true, dir: jarsCache(env) })
  t.equal((await calls('mvn')).length, 1)
  t.match(await calls('mvn'), [/dependency:copy-dependencies -DincludeScope=runtime/])
})

void t.test('progress is told while many files come', async (t) => {
  const { env, tool } = await machine(t)
  const sentences: string[] = []
  await tool(
    'mvn',
    `${MAVEN}\nfor n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do echo "Downloaded from c: $n.jar"; done`,
  )
  await findJars(env, (sentence) => sentences.push(sentence))
  t.match(sentences, [/once, about 45 MB/, 'Maven has fetched 20 files'])
})

void t.test('a cache that lost a jar, or whose marker is broken or foreign, is made anew', async (t) => {
  const { env, tool, calls } = await machine(t)
  await tool('mvn', MAVEN)
  const cache = jarsCache(env)
  const spoil = [
    () => rm(join(cache, 'a.jar')),
    () => writeFile(join(cache, 'a.jar'), 'cut'.slice(1)),
    () => rm(join(cache, 'complete.json')),
    () => writeFile(join(cache, 'complete.json'), '{'),
    () => writeFile(join(cache, 'complete.json'), '[]'),
  ]
  await findJars(env, silent)
  for (const spoilt of spoil) {
    await spoilt()
    t.notOk(await isComplete(cache))
    t.ok((await findJars(env, silent)).ok)
    t.ok(await isComplete(cache))
  }
  t.equal((await calls('mvn')).length, 1 + spoil.length)
})

void t.test('a download that fails leaves no half cache, and tells Maven’s own reason', async (t) => {
  const { env, tool } = await machine(t)
  await tool('mvn', `${MAVEN}\necho '[ERROR] Could not transfer artifact'; echo '[ERROR] more'; exit 1`)
  t.same(await findJars(env, silent), {
    ok: false,
    why: 'Maven could not fetch Kafka: [ERROR] Could not transfer artifact',
  })
  await tool('mvn', 'exit 0')
  t.same(await findJars(env, silent), { ok: false, why: 'Maven fetched no jars' })
  t.same(await readdir(join(jarsCache(env), '..')), [])
})

void t.test('two runs at once leave one whole cache', async (t) => {
  const { env, tool } = await machine(t)
  await tool('mvn', MAVEN)
  const both = await Promise.all([findJars(env, silent), findJars(env, silent)])
  t.same(both, [
    { ok: true, dir: jarsCache(env) },
    { ok: true, dir: jarsCache(env) },
  ])
  t.ok(await isComplete(jarsCache(env)))
  t.same(await readdir(join(jarsCache(env), '..')), ['kafka-4.1.1'])
})

void t.test('what an interrupted run left is swept, what a running one works on is not', async (t) => {
  const { env, tool } = await machine(t)
  await tool('mvn', MAVEN)
  const [old, young] = [`${jarsCache(env)}.tmp-old`, `${jarsCache(env)}.tmp-young`]
  await mkdir(old, { recursive: true })
  await mkdir(young)
  await utimes(old, new Date(0), new Date(0))
  await findJars(env, silent)
  t.same((await readdir(join(jarsCache(env), '..'))).sort(), ['kafka-4.1.1', 'kafka-4.1.1.tmp-young'])
})

void t.test('the cache is the user’s, wherever the clone is', async (t) => {
  t.equal(jarsCache({ XDG_CACHE_HOME: '/x' }), '/x/xzepr-bridge/kafka-4.1.1')
  t.equal(jarsCache({ HOME: '/home/a' }), '/home/a/.cache/xzepr-bridge/kafka-4.1.1')
  t.match(jarsCache({}), /\.cache\/xzepr-bridge\/kafka-4\.1\.1$/)
})

void t.test('a run says how a program ended', async (t) => {
  const options = { env: { PATH: ['/usr/bin', '/bin'].join(delimiter) }, timeoutMs: 60_000 }
  t.same(await run('sh', ['-c', 'echo a; echo b >&2'], options), { ok: true, why: '', output: 'a\nb' })
  t.match(await run('sh', ['-c', 'echo last; exit 3'], options), { ok: false, why: 'sh ended with exit code 3: last' })
  t.match(await run('sh', ['-c', 'kill -KILL $$'], options), { ok: false, why: /ended by SIGKILL/ })
  t.match(await run('sleep', ['60'], { ...options, timeoutMs: 1 }), { ok: false, why: 'sleep did not end within 1 ms' })
  t.match(await run('no-such-program', [], options), { ok: false, why: 'no-such-program is not installed' })
  t.match(await run(t.testdirName, [], options), { ok: false, why: /not installed|EACCES/ })
})

void t.test('of endless output the last lines are kept', async (t) => {
  const tail = new Tail(2)
  for (const line of ['a', 'b', 'c']) tail.add(line)
  t.equal(tail.text, 'b\nc')
})

void t.test('ports are different, free, and none that the system hands out by itself', async (t) => {
  const ports = await freePorts(5)
  t.equal(new Set(ports).size, 5)
  t.ok(ports.every((port) => port >= 20_000 && port < 32_768))
})

void t.test('a SASL listener is opened only for a user, and further settings come last', async (t) => {
  const layout = {
    dir: '/d',
    bindHost: '127.0.0.1',
    ports: { controller: 1, plain: 2, sasl: 3 },
    sasl: undefined,
    settings: { 'node.id': '9' },
  }
  const plain = serverProperties(layout)
  t.match(plain, /^listeners=PLAINTEXT:\/\/127\.0\.0\.1:2,CONTROLLER:\/\/127\.0\.0\.1:1$/m)
  t.notMatch(plain, /^sasl\./m)
  t.match(plain, /^node\.id=9$/m)
  t.notMatch(plain, /^node\.id=1$/m)
  t.same(scramArguments(undefined), [])
  const sasl = serverProperties({ ...layout, bindHost: '0.0.0.0', sasl: { username: 'u', password: 'p' } })
  t.match(sasl, /^listeners=.*,SASL_PLAINTEXT:\/\/0\.0\.0\.0:3$/m)
  t.match(sasl, /^advertised\.listeners=.*,SASL_PLAINTEXT:\/\/127\.0\.0\.1:3$/m)
  t.match(scramArguments({ username: 'u', password: 'p' }), ['--add-scram', 'SCRAM-SHA-256=[name=u,password=p]'])
})
