/**
 * What the README and CONTRIBUTING tell a reader to run is there, and the README's app does what it says.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ERRORS } from '../../src/core/errors.ts'
import { missingToolchain } from '../../src/dev/app-programs.ts'
import { run } from '../../src/dev/kafka/run.ts'
import { signatureHeaders, signingKeys } from '../../src/webhook/signature.ts'

const root = new URL('../../', import.meta.url)
const textOf = (name: string): string => readFileSync(new URL(name, root), 'utf8')
const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }

for (const name of ['README.md', 'CONTRIBUTING.md']) {
  const text = textOf(name)

  void t.test(`every npm script that ${name} names is one`, async (t) => {
    const named = [...text.matchAll(/npm (?:run )?(\w+)/g)].map(([, script]) => script ?? '')
    for (const script of named.filter((each) => each !== 'ci')) t.ok(scripts[script], script)
  })

  void t.test(`every file that ${name} links to is there`, async (t) => {
    for (const [, path = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)\)/g)) {
      t.ok(existsSync(fileURLToPath(new URL(path, root))), path)
    }
  })
}

void t.test('every error has a sentence that says what, and one that says what to do', async (t) => {
  for (const [code, { what, hint }] of Object.entries(ERRORS)) {
    t.match(what, /^[A-Z].*\.$/, code)
    t.match(hint, /\.$/, code)
  }
})

void t.test('the README’s Python app reports started and completed, and answers 200', async (t) => {
  const missing = await missingToolchain('python', process.env)
  if (missing !== undefined && process.env.CI !== 'true') {
    t.pass('the Python app', { skip: missing })
    return
  }
  const source = /```python\n([\s\S]*?)```/.exec(textOf('README.md'))?.[1] ?? ''
  t.ok(source.trim().split('\n').length <= 11, 'it is as short as the README says')
  const calls: string[] = []
  const bridge = createServer((request, response) => {
    calls.push(`${request.method ?? ''} ${request.url ?? ''}`)
    response.writeHead(202).end('{}')
  }).listen(0, '127.0.0.1')
  await once(bridge, 'listening')
  t.teardown(() => bridge.close())
  const port = (address: AddressInfo | string | null): number => (address as AddressInfo).port
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const appPort = port(probe.address())
  probe.close()
  await once(probe, 'close')
  const placed = source.replace('8900', String(port(bridge.address()))).replace('8080', String(appPort))
  const app = spawn('python3', ['-u', '-c', placed], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => app.kill('SIGKILL'))
  const response = await whenUp(`http://127.0.0.1:${appPort}/events`)
  t.equal(response.status, 200)
  t.strictSame(calls, ['POST /work/a%20b/started', 'POST /work/a%20b/completed'])
})

void t.test('the README’s Python lines take what the bridge signs, and nothing else', async (t) => {
  const missing = await missingToolchain('python', process.env)
  if (missing !== undefined && process.env.CI !== 'true') {
    t.pass('the Python lines', { skip: missing })
    return
  }
  const lines = /```python\n(import base64[\s\S]*?)```/.exec(textOf('README.md'))?.[1] ?? ''
  const [old, secret, other] = ['o', 's', 'x'].map((byte) => `whsec_${Buffer.alloc(24, byte).toString('base64')}`)
  const [id, body] = ['g/xzepr%2Edev%2Eevents/0/1', Buffer.from('{"gruß":1.0}')]
  const sign = (nowMs: number): object =>
    signatureHeaders(signingKeys(`${old ?? ''} ${secret ?? ''}`), { id, body, nowMs })
  const said = async (secret: string | undefined, headers: object, text = body.toString()): Promise<string> => {
    const given = `import json, sys\nsecret, headers, body = json.loads(sys.argv[1])\nbody = body.encode()\n`
    const args = ['-c', `${given}${lines}\nprint(valid)`, JSON.stringify([secret, headers, text])]
    const { output } = await run('python3', args, { env: process.env, timeoutMs: 30_000 })
    return output
  }
  const now = Date.now()
  t.equal(await said(secret, sign(now)), 'True')
  t.equal(await said(other, sign(now)), 'False', 'another secret')
  t.equal(await said(secret, sign(now), '{}'), 'False', 'another body')
  t.equal(await said(secret, sign(now - 600_000)), 'False', 'an old one')
})

/** Posts an event as soon as somebody listens. */
async function whenUp(url: string): Promise<Response> {
  for (;;) {
    try {
      return await fetch(url, { method: 'POST', headers: { 'work-id': 'a%20b' }, body: '{}' })
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
