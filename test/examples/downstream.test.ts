/**
 * The downstream consumers, one law for both: accepted with 202, worked on in the background, reported as it goes.
 */
import { connect } from 'node:net'
import t from 'tap'
import { prepareApp } from '../../src/dev/app-programs.ts'
import { skipWithout, stage } from '../support/stage.ts'
import { verifiedExample } from '../support/verified.ts'

const CONSUMERS = ['downstream-python', 'downstream-rust'] as const
const QUICK = { WORK_SECONDS: '0.02', CONCURRENCY: '2' }
/** Its work never ends by itself within a test. */
const SLOW = { WORK_SECONDS: '600', CONCURRENCY: '2', MAX_ACCEPTED: '3', STOP_SECONDS: '0' }
const PROGRESS = { lease_seconds: 60 }
const STOPPING = { error: 'the app stops', error_code: 'STOPPING', retry: true }
const success = { name: 'deployment.success', success: true }

for (const example of CONSUMERS) {
  const { skip } = await skipWithout(example)
  if (skip === false) await prepareApp(example, process.env)

  void t.test(`the ${example} app`, { skip }, async (t) => {
    const app = await stage(t, example, QUICK)
    /** What it tells of the events of one test, which come to so many reports. */
    let expected = 0
    const reports = async (count: number): Promise<string[]> => {
      expected += count
      await app.told(expected)
      return app.taken().map(({ path, body }) => `${path.replace('POST /work/', '')} ${JSON.stringify(body)}`)
    }

    await t.test('answers 202, and reports started, progress and the success of the event', async (t) => {
      t.equal(await app.deliver(success), 202)
      const progress = `01J/progress ${JSON.stringify(PROGRESS)}`
      const body = { success: true, details: { event: 'deployment.success', steps: 4 } }
      const told = await reports(5)
      t.same(told.slice(0, 4), ['01J/started {"details":{"event":"deployment.success"}}', progress, progress, progress])
      t.same(JSON.parse(told[4]?.replace('01J/completed ', '') ?? ''), body)
    })

    await t.test('mirrors a deployment that failed as completed without success', async (t) => {
      t.equal(await app.deliver({ name: 'deployment.failure', success: false }), 202)
      const told = await reports(5)
      t.match(told[4], /^01J\/completed .*"success": ?false/)
    })

    await t.test('reports failed with a code for what it cannot do', async (t) => {
      for (const event of [{ name: 'deployment.success' }, { name: 'deployment.success', success: 'yes' }]) {
        t.equal(await app.deliver(event), 202)
        const [, failed = ''] = await reports(2)
        t.same(JSON.parse(failed.replace('01J/failed ', '')), {
          error: 'deployment.success does not say whether it succeeded',
          error_code: 'NO_SUCCESS',
        })
      }
    })

    await t.test('puts the work id into the path as the header spells it', async (t) => {
      t.equal(await app.deliver(success, 'a%2Fb%3Fc%25'), 202)
      t.match((await reports(5))[0], /^a%2Fb%3Fc%25\/started/)
    })

    await t.test('works on an event once that comes again while it is worked on', async (t) => {
      let again: number | undefined
      // While its first report waits for an answer it is in hand.
      app.beforeAnswer = async ({ path }) => {
        if (path.endsWith('/started')) again = await app.deliver(success)
      }
      t.equal(await app.deliver(success), 202)
      t.equal((await reports(5)).length, 5)
      t.equal(again, 202)
      app.beforeAnswer = () => undefined
    })

    await t.test('works on a few at a time and ends them all', async (t) => {
      let [working, most] = [0, 0]
      app.beforeAnswer = ({ path }) => {
        if (path.endsWith('/started')) working += 1
        if (path.endsWith('/completed')) working -= 1
        most = Math.max(most, working)
      }
      const ids = Array.from({ length: 12 }, (_, nth) => `work-${nth}`)
      const statuses = await Promise.all(ids.map((id) => app.deliver(success, id)))
      t.same(new Set(statuses), new Set([202]))
      const told = await reports(60)
      t.same(told.flatMap((line) => /^(\S+)\/completed/.exec(line)?.[1] ?? []).sort(), ids.sort(), 'each of them once')
      t.equal(most, 2)
      app.beforeAnswer = () => undefined
    })

    await t.test('brings a report again while the bridge does not take it, or is away', async (t) => {
      app.status = 503
      // Once: how soon the next try comes is the app's to say.
      app.beforeAnswer = () => {
        app.status = 202
      }
      t.equal(await app.deliver(success), 202)
      t.match(await reports(1), [/started/])
      await app.away()
      await app.back()
      t.match(await reports(5), [/started/, /progress/, /progress/, /progress/, /completed/])
    })

    await t.test('lets go of a work that the bridge wants no report of', async (t) => {
      app.status = 409
      t.equal(await app.deliver(success), 202)
      t.match(await reports(1), [/started/])
      app.status = 202
      t.equal(await app.deliver(success, 'another'), 202)
      t.match(await reports(5), [/another\/started/, /progress/, /progress/, /progress/, /another\/completed/])
    })

    await t.test('answers 400 to what is no event or has no work id, 404 to another path, and lives on', async (t) => {
      t.equal(await app.deliver('no JSON'), 400)
      t.equal(await app.deliver('[]'), 400)
      const deep = 20_000
      t.equal(
        await app.deliver(`{"success":true,"data":${'['.repeat(deep)}${']'.repeat(deep)}}`),
        400,
        'nested too deep',
      )
      t.equal((await fetch(app.webhookUrl, { method: 'POST', body: '{}' })).status, 400)
      t.equal((await fetch(new URL('/other', app.webhookUrl), { method: 'POST', body: '{}' })).status, 404)
      t.same(app.taken(), [])
    })

    await t.test(
      'on SIGTERM it finishes what it works on, hands back what waits, and ends with exit code 0',
      async (t) => {
        const ids = ['a', 'b', 'c', 'd', 'e']
        const all = Promise.all(ids.map((id) => app.deliver(success, id)))
        let begun = 0
        app.beforeAnswer = ({ path }) => {
          if (!path.endsWith('/started')) return
          begun += 1
          // All were accepted before it stops.
          if (begun === 2)
            void all.then(() => {
              app.child.signal('SIGTERM')
            })
        }
        t.same(await all, [202, 202, 202, 202, 202])
        t.same(await app.child.exited, { code: 0, signal: null, how: 'exit code 0' })
        const told = app.taken()
        const ended = (id: string): unknown =>
          told.filter(({ path }) => /completed|failed/.test(path) && path.includes(`/${id}/`)).map(({ body }) => body)
        t.equal(told.filter(({ path }) => /completed|failed/.test(path)).length, 5, 'each has an end')
        const completed = told.filter(({ path }) => path.endsWith('completed')).length
        t.ok(completed >= 2, 'what was begun is finished')
        for (const id of ids) {
          if (!told.some(({ path }) => path === `POST /work/${id}/started`))
            t.same(ended(id), [STOPPING], `${id} comes again`)
        }
      },
    )

    await t.test(
      'refuses with 503 what it has no room for, and hands back what takes too long on SIGTERM',
      async (t) => {
        const slow = await stage(t, example, SLOW)
        for (const id of ['a', 'b', 'c']) t.equal(await slow.deliver(success, id), 202)
        const full = await fetch(slow.webhookUrl, {
          method: 'POST',
          headers: { 'work-id': 'd' },
          body: '{"success":true}',
        })
        t.equal(full.status, 503)
        t.equal(full.headers.get('retry-after'), '1')
        await slow.told(2)
        slow.child.signal('SIGTERM')
        t.same(await slow.child.exited, { code: 0, signal: null, how: 'exit code 0' })
        const told = slow.taken()
        t.same(
          told
            .slice(0, 2)
            .map(({ path }) => path)
            .sort(),
          ['POST /work/a/started', 'POST /work/b/started'],
        )
        t.same(
          told
            .slice(2)
            .map(({ path }) => path)
            .sort(),
          ['a', 'b', 'c'].map((id) => `POST /work/${id}/failed`),
        )
        for (const { body } of told.slice(2)) t.same(body, STOPPING)
      },
    )

    await t.test('a request that never arrives whole does not keep it from ending on SIGTERM', async (t) => {
      const held = await stage(t, example, QUICK)
      const socket = connect(Number(new URL(held.webhookUrl).port), '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write('POST /events HTTP/1.1\r\nhost: a\r\nwork-id: a\r\ncontent-length: 9\r\n\r\n{')
      // Connections are taken in their order: it has the one before.
      t.equal(await held.deliver('no JSON'), 400)
      held.child.signal('SIGTERM')
      t.same(await held.child.exited, { code: 0, signal: null, how: 'exit code 0' })
      socket.destroy()
    })

    await t.test('keeps the contract: verify-app says so', async (t) => {
      const { code, text } = await verifiedExample(example, { WORK_SECONDS: '0.02' })
      t.equal(code, 0, text)
    })
  })
}
