import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { AppLanguage } from '../../src/dev/app-process.ts'
import { APP_LANGUAGES, missingToolchain, startApp } from '../../src/dev/app-process.ts'
import type { Child } from '../../src/dev/children.ts'
import { Children } from '../../src/dev/children.ts'

interface Call {
  readonly path: string
  readonly body: unknown
}

interface Stage {
  /** What the work API was told since this was last asked. */
  taken(): Call[]
  /** What the work API answers from here on. */
  status: number
  /** Called before the work API answers. */
  beforeAnswer: () => void
  readonly child: Child
  readonly webhookUrl: string
  deliver(event: unknown, workId?: string): Promise<number>
}

interface Scope {
  teardown(what: () => unknown): void
}

async function stage(t: Scope, language: AppLanguage): Promise<Stage> {
  const calls: Call[] = []
  const workApi = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      calls.push({
        path: `${request.method ?? ''} ${request.url ?? ''}`,
        body: JSON.parse(Buffer.concat(chunks).toString()),
      })
      staged.beforeAnswer()
      response.writeHead(staged.status, { 'content-type': 'application/json' }).end('{}')
    })
  })
  workApi.listen(0, '127.0.0.1')
  await once(workApi, 'listening')
  const children = new Children(systemClock)
  t.teardown(async () => {
    await children.stopAll(10_000)
    workApi.closeAllConnections()
    workApi.close()
  })
  const { child, webhookUrl } = await startApp(children, {
    language,
    workApiUrl: `http://127.0.0.1:${(workApi.address() as AddressInfo).port}`,
    env: process.env,
  })
  const staged: Stage = {
    taken: () => calls.splice(0),
    status: 202,
    beforeAnswer: () => undefined,
    child,
    webhookUrl,
    async deliver(event: unknown, workId = '01J') {
      const body = typeof event === 'string' ? event : JSON.stringify(event)
      const response = await fetch(webhookUrl, { method: 'POST', headers: { 'work-id': workId }, body })
      return response.status
    },
  }
  return staged
}

for (const language of APP_LANGUAGES) {
  const missing = await missingToolchain(language, process.env)
  // A machine of a person may lack a language; the one that judges may not.
  const skip = missing !== undefined && process.env.CI !== 'true' ? missing : false

  void t.test(`the ${language} app`, { skip }, async (t) => {
    t.equal(missing, undefined, 'its language is installed')
    const app = await stage(t, language)

    await t.test('reports started, then completed with details, and answers 200', async (t) => {
      t.equal(await app.deliver({ name: 'deployment.success', success: true }), 200)
      t.same(app.taken(), [
        { path: 'POST /work/01J/started', body: {} },
        { path: 'POST /work/01J/completed', body: { details: { handled: 'deployment.success' } } },
      ])
    })

    await t.test(
      'reports failed with the error when the work fails, and answers 200: the report has said it',
      async (t) => {
        t.equal(await app.deliver({ name: 'deployment.failure', success: false }), 200)
        t.same(app.taken(), [
          { path: 'POST /work/01J/started', body: {} },
          { path: 'POST /work/01J/failed', body: { error: 'deployment.failure did not succeed' } },
        ])
      },
    )

    await t.test('puts the work id into the path as the header spells it', async (t) => {
      t.equal(await app.deliver({ name: 'a' }, 'a%2Fb%3Fc%25'), 200)
      t.same(
        app.taken().map(({ path }) => path),
        ['POST /work/a%2Fb%3Fc%25/started', 'POST /work/a%2Fb%3Fc%25/completed'],
      )
    })

    await t.test('answers 500 when the bridge does not take its report, so that the event comes again', async (t) => {
      app.status = 503
      t.equal(await app.deliver({ name: 'a' }), 500)
      t.equal(app.taken().length, 1)
      app.status = 202
      t.equal(await app.deliver({ name: 'a' }), 200)
      t.equal(app.taken().length, 2)
    })

    await t.test('answers 400 to what is not JSON, 404 to another path, and lives on', async (t) => {
      t.equal(await app.deliver('no JSON'), 400)
      t.equal((await fetch(new URL('/other', app.webhookUrl), { method: 'POST', body: '{}' })).status, 404)
      t.same(app.taken(), [])
      t.equal(await app.deliver({ name: 'a' }), 200)
      t.equal(app.taken().length, 2)
    })

    await t.test('takes many events at once', async (t) => {
      const ids = Array.from({ length: 64 }, (_, nth) => `work-${nth}`)
      const statuses = await Promise.all(ids.map((id) => app.deliver({ name: 'a' }, id)))
      t.same(new Set(statuses), new Set([200]))
      t.equal(app.taken().length, 128)
    })

    await t.test('finishes the event in hand on SIGTERM, then ends with exit code 0', async (t) => {
      app.beforeAnswer = () => {
        app.child.signal('SIGTERM')
      }
      t.equal(await app.deliver({ name: 'a' }), 200)
      t.equal(app.taken().length, 2)
      t.same(await app.child.exited, { code: 0, signal: null, how: 'exit code 0' })
    })
  })
}
