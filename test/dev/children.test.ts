import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import { Children } from '../../src/dev/children.ts'
import { VirtualClock } from '../support/clock.ts'

const env = process.env
const script = (name: string, source: string): { name: string; program: string; args: string[]; env: typeof env } => ({
  name,
  program: process.execPath,
  args: ['--input-type=module', '--eval', source],
  env,
})
const FOREVER = `setInterval(() => {}, 1e6); console.log('up ' + process.pid)`
const STUBBORN = `process.on('SIGTERM', () => console.log('no')); ${FOREVER}`
const LONG_MS = 60_000

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

void t.test('a child is ready with the line it was waited for, and ends when it is asked', async (t) => {
  const children = new Children(systemClock)
  const lines: string[] = []
  const child = children.start({ ...script('A', FOREVER), line: (line) => lines.push(line) })
  const [, pid] = await child.line(/^up (\d+)$/, LONG_MS)
  t.equal(Number(pid), child.pid)
  t.same(lines, [`up ${pid ?? ''}`])
  t.same(await child.stop(LONG_MS), { code: null, signal: 'SIGTERM', how: 'SIGTERM' })
  t.same(await child.stop(LONG_MS), { code: null, signal: 'SIGTERM', how: 'SIGTERM' })
  await children.stopAll(LONG_MS)
})

void t.test('a child that does not end when asked is killed after the grace', async (t) => {
  const children = new Children(systemClock)
  const child = children.start(script('B', STUBBORN))
  await child.line(/^up/, LONG_MS)
  t.same(await child.stop(20), { code: null, signal: 'SIGKILL', how: 'SIGKILL' })
  await children.stopAll(20)
})

void t.test('a child that ends before it is ready says why in its last lines', async (t) => {
  const children = new Children(systemClock)
  const child = children.start(script('C', `console.error('no port'); process.exit(3)`))
  await t.rejects(child.line(/^up/, LONG_MS), {
    message: 'C ended too early (exit code 3). Its last lines:\nno port',
  })
  t.same(await child.exited, { code: 3, signal: null, how: 'exit code 3' })
  t.equal(child.output, 'no port')
  await children.stopAll(LONG_MS)
})

void t.test('a child that never gets ready is waited for no longer than its time', async (t) => {
  const children = new Children(systemClock)
  const child = children.start(script('D', FOREVER))
  await t.rejects(child.line(/^never$/, 20), /^D was not ready within 20 ms/)
  await children.stopAll(LONG_MS)
  t.match(await child.exited, { how: 'SIGTERM' })
})

void t.test('a program that is not there is a sentence, not a crash', async (t) => {
  const children = new Children(systemClock)
  const child = children.start({ name: 'E', program: 'no-such-program', args: [], env })
  await t.rejects(child.line(/./, LONG_MS), /^E ended too early \(spawn no-such-program ENOENT\)/)
  await children.stopAll(LONG_MS)
})

/** Ends when the process is gone and reaped. */
const gone = async (pid: string | undefined): Promise<void> => {
  while (isAlive(Number(pid))) await new Promise((resolve) => setImmediate(resolve))
}

void t.test('a signal reaches the app behind a shell, as behind `npm start`', async (t) => {
  const children = new Children(systemClock)
  const command = `"$0" --eval "$1" & wait`
  const child = children.start({ name: 'F', program: 'sh', args: ['-c', command, process.execPath, FOREVER], env })
  const [, pid] = await child.line(/^up (\d+)$/, LONG_MS)
  t.not(Number(pid), child.pid)
  await child.stop(LONG_MS)
  await gone(pid)
  await children.stopAll(LONG_MS)
})

void t.test('what a child leaves behind ends with it', async (t) => {
  const children = new Children(systemClock)
  const leaves = `import { spawn } from 'node:child_process'
    const left = spawn(process.execPath, ['--eval', ${JSON.stringify(FOREVER)}], { stdio: ['ignore', 'pipe', 'inherit'] })
    left.stdout.once('data', (line) => process.stdout.write(line, () => process.exit(4)))`
  const child = children.start(script('G', leaves))
  const [, pid] = await child.line(/^up (\d+)$/, LONG_MS)
  t.not(Number(pid), child.pid)
  t.match(await child.exited, { code: 4 })
  await gone(pid)
  await children.stopAll(LONG_MS)
})

void t.test('a daemon that a child leaves behind does not keep the child from having ended', async (t) => {
  const clock = new VirtualClock()
  const children = new Children(clock)
  const daemon = `import { spawn } from 'node:child_process'
    spawn(process.execPath, ['--eval', ${JSON.stringify(FOREVER)}], { stdio: ['ignore', 'inherit', 'inherit'], detached: true })
    process.on('SIGTERM', () => process.exit(4))`
  const child = children.start(script('H', daemon))
  const [, pid] = await child.line(/^up (\d+)$/, LONG_MS)
  t.teardown(() => process.kill(Number(pid), 'SIGKILL'))
  child.signal('SIGTERM')
  await gone(String(child.pid))
  await clock.advance(1000)
  t.same(await child.exited, { code: 4, signal: null, how: 'exit code 4' })
  await children.stopAll(LONG_MS)
})

void t.test('stopAll ends every child, the youngest first', async (t) => {
  const children = new Children(systemClock)
  const ended: string[] = []
  for (const name of ['older', 'younger']) {
    const child = children.start(script(name, FOREVER))
    void child.exited.then(() => ended.push(name))
    await child.line(/^up/, LONG_MS)
  }
  await children.stopAll(LONG_MS)
  t.same(ended, ['younger', 'older'])
})

for (const [how, ending] of [
  ['by an error', `throw new Error('bug')`],
  ['while it waits for one to end', `void children.stopAll(60_000); await child.line(/^no/, 60_000); process.exit(1)`],
] as const) {
  void t.test(`whatever ends this process kills its children: ${how}`, async (t) => {
    const children = new Children(systemClock)
    const at = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
    const parent = children.start({
      name: 'parent',
      program: process.execPath,
      // As it is built: to translate it once more takes seconds.
      args: [
        '--input-type=module',
        '--eval',
        `import { Children } from ${at('../../dist/dev/children.js')}
       import { systemClock } from ${at('../../dist/clock.js')}
       const children = new Children(systemClock)
       const child = children.start({
         name: 'child', program: process.execPath, env: process.env, args: ['--eval', ${JSON.stringify(STUBBORN)}],
       })
       await child.line(/^up/, 60000)
       console.log('child ' + child.pid)
       ${ending}`,
      ],
      env,
    })
    const [, pid] = await parent.line(/^child (\d+)$/, LONG_MS)
    t.match(await parent.exited, { code: 1 })
    await gone(pid)
    await children.stopAll(LONG_MS)
  })
}
