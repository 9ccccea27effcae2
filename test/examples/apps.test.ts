/**
 * The shortest apps, one law for all: in every language they do the same, so that a reader can compare them.
 */
import t from 'tap'
import { APP_LANGUAGES, asksForWorks, prepareApp } from '../../src/dev/app-programs.ts'
import { skipWithout, stage } from '../support/stage.ts'
import { verifiedExample } from '../support/verified.ts'

const listening = APP_LANGUAGES.filter((language) => !asksForWorks(language))
const missing = new Map(
  await Promise.all(listening.map(async (language) => [language, await skipWithout(language)] as const)),
)
// The compilers work side by side before the first test waits for one of them.
await Promise.all(
  listening.map(async (language) => missing.get(language)?.skip === false && prepareApp(language, process.env)),
)

for (const language of listening) {
  void t.test(`the ${language} app`, missing.get(language) ?? {}, async (t) => {
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

    await t.test('finds what it needs in a whole message, and reports any text as it came', async (t) => {
      const name = 'dé"ploy\\ment\n😀'
      const data = { events: [{ name: 'inner', success: false, numbers: [1.5e3, -0, null, true, []], empty: {} }] }
      t.equal(await app.deliver({ data, success: true, name, more: data }), 200)
      t.same(app.taken()[1]?.body, { details: { handled: name } })
    })

    await t.test('puts the work id into the path as the header spells it', async (t) => {
      t.equal(await app.deliver({ name: 'a' }, 'a%2Fb%3Fc%25'), 200)
      t.same(
        app.taken().map(({ path }) => path),
        ['POST /work/a%2Fb%3Fc%25/started', 'POST /work/a%2Fb%3Fc%25/completed'],
      )
    })

    await t.test('answers 503 when the bridge does not take its report, so that the event comes again', async (t) => {
      app.status = 503
      t.equal(await app.deliver({ name: 'a' }), 503)
      t.equal(app.taken().length, 1)
      app.status = 202
      t.equal(await app.deliver({ name: 'a' }), 200)
      t.equal(app.taken().length, 2)
    })

    await t.test('answers 503 while the work API is away, and goes on when it is back', async (t) => {
      await app.away()
      t.equal(await app.deliver({ name: 'a' }), 503)
      await app.back()
      t.equal(await app.deliver({ name: 'a' }), 200)
      t.equal(app.taken().length, 2)
    })

    await t.test('answers 400 to what is not JSON or has no work id, 404 to another path, and lives on', async (t) => {
      t.equal(await app.deliver('no JSON'), 400)
      t.equal(await app.deliver('{"name":"a",}'), 400)
      t.equal((await fetch(app.webhookUrl, { method: 'POST', body: '{}' })).status, 400)
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

    await t.test('keeps the contract: verify-app says so', async (t) => {
      const { code, text } = await verifiedExample(language)
      t.equal(code, 0, text)
    })
  })
}
