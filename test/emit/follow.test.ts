import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { Look } from '../../src/emit/follow.ts'
import { Follow, lookAt } from '../../src/emit/follow.ts'
import { VirtualClock } from '../support/clock.ts'

interface Stage {
  readonly clock: VirtualClock
  readonly follow: Follow
  readonly settled: string[]
  readonly interrupt: AbortController
}

function stage(look: (id: string) => Look): Stage {
  const clock = new VirtualClock()
  const settled: string[] = []
  const interrupt = new AbortController()
  const follow = new Follow({
    look: async (id) => look(id),
    clock,
    timeoutMs: 10_000,
    signal: interrupt.signal,
    settled: ({ id, name }, seen, tookMs) => settled.push(`${id} ${name} ${seen.state} ${tookMs}`),
  })
  return { clock, follow, settled, interrupt }
}
const seen = (state: string, settled: boolean): Look => ({ kind: 'seen', seen: { state, settled, attempt: 1 } })

void t.test('a work is followed from unseen to settled, and the end waits for it', async (t) => {
  const looks: Look[] = [{ kind: 'unseen' }, seen('attempting', false), seen('completed', false)]
  const { clock, follow, settled } = stage(() => looks.shift() ?? seen('completed', true))
  follow.add('a', 'build.success')
  let ended = false
  const end = follow.end().then(() => (ended = true))
  await clock.advance(149)
  t.equal(ended, false, 'completed, and XZepr does not know yet')
  await clock.advance(1)
  t.same(settled, ['a build.success completed 150'])
  await end
  t.equal(clock.pending, 0)
})

void t.test('what does not settle ends with the time, after the last event', async (t) => {
  const { clock, follow } = stage((id) => (id === 'a' ? { kind: 'unseen' } : seen('running', false)))
  follow.add('a', 'x')
  await clock.advance(60_000)
  follow.add('b', 'y')
  const end = follow.end()
  await clock.advance(9_900)
  t.equal(follow.pending.length, 2)
  await clock.advance(200)
  await end
  t.match(follow.pending, [
    { id: 'a', seen: undefined },
    { id: 'b', seen: { state: 'running' } },
  ])
  t.equal(follow.away, undefined)
})

void t.test('works that never settle do not hide those behind them', async (t) => {
  const { clock, follow, settled } = stage((id) =>
    id.startsWith('stuck') ? { kind: 'unseen' } : seen('completed', true),
  )
  for (let nth = 0; nth < 450; nth++) follow.add(nth % 10 === 0 ? `ends ${nth}` : `stuck ${nth}`, 'x')
  const end = follow.end()
  await clock.advance(150)
  t.equal(settled.length, 45, 'each had its turn')
  await clock.advance(10_000)
  await end
  t.equal(follow.pending.length, 405)
})

void t.test('a bridge that stays away is not waited for as long as a work', async (t) => {
  const { clock, follow } = stage(() => ({ kind: 'away', why: 'ECONNREFUSED' }))
  follow.add('a', 'x')
  const end = follow.end()
  await clock.advance(5_100)
  await end
  t.equal(follow.away, 'ECONNREFUSED')
})

void t.test('a bridge that comes back is asked again', async (t) => {
  let away = true
  const { clock, follow, settled } = stage(() => (away ? { kind: 'away', why: 'ECONNRESET' } : seen('failed', true)))
  follow.add('a', 'x')
  const end = follow.end()
  await clock.advance(4_000)
  away = false
  await clock.advance(100)
  await end
  t.equal(settled.length, 1)
  t.equal(follow.away, undefined)
})

void t.test('whoever does not want to wait does not', async (t) => {
  const { clock, follow, interrupt } = stage(() => ({ kind: 'unseen' }))
  follow.add('a', 'x')
  const end = follow.end()
  interrupt.abort()
  await clock.advance(60)
  await end
  t.equal(follow.pending.length, 1)
})

void t.test('the work API is asked with its token, and what answers otherwise is no bridge', async (t) => {
  const asked: string[] = []
  const answers: [number, string][] = [
    [200, '{"state":"running","settled":false,"attempt":2}'],
    [404, '{}'],
    [401, '{}'],
    [200, '<html>'],
    [200, '{}'],
  ]
  const server = createServer((request, response) => {
    asked.push(`${request.url ?? ''} ${request.headers.authorization ?? ''}`)
    const [status, body] = answers.shift() ?? [500, '']
    response.writeHead(status).end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const look = lookAt({ url, token: 's3', clock: systemClock, signal: new AbortController().signal })
  t.same(await look('a/b'), { kind: 'seen', seen: { state: 'running', settled: false, attempt: 2 } })
  t.same(await look('a'), { kind: 'unseen' })
  t.same(await look('a'), { kind: 'away', why: 'HTTP 401' })
  t.same(await look('a'), { kind: 'away', why: 'what answers there is no bridge' })
  t.same(await look('a'), { kind: 'away', why: 'what answers there is no bridge' })
  t.equal(asked[0], '/work/a%2Fb Bearer s3')
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  t.match(await look('a'), { kind: 'away', why: /^[A-Z_]+/ })
})

void t.test(
  'an answer without an end is no bridge, and is waited for neither past its time nor past a Ctrl-C',
  async (t) => {
    const flood = Buffer.alloc(65_536, ' ')
    const server = createServer((request, response) => {
      response.writeHead(200)
      const pour = (): void => {
        while (!response.destroyed && response.write(flood));
      }
      if (request.url === '/work/flood') response.on('drain', pour)
      if (request.url === '/work/flood') pour()
      else response.write(' ')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
    const clock = new VirtualClock()
    const interrupt = new AbortController()
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const look = lookAt({ url, token: undefined, clock, signal: interrupt.signal })
    t.same(await look('flood'), { kind: 'away', why: 'what answers there is no bridge' })
    const asked = once(server, 'request')
    const late = look('slow')
    await asked
    await clock.advance(5000)
    t.same(await late, { kind: 'away', why: 'no answer within 5000 ms' })
    const askedAgain = once(server, 'request')
    const unwanted = look('slow')
    await askedAgain
    interrupt.abort()
    t.match(await unwanted, { kind: 'away' })
    t.equal(clock.pending, 0)
  },
)
