import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import t from 'tap'
import { Wire } from '../../src/verify/wire.ts'
import { VirtualClock } from '../support/clock.ts'

void t.test('a request that cannot even be begun is broken off in time', async (t) => {
  // Takes the connection and never answers the TLS in it.
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const clock = new VirtualClock()
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const taken = once(server, 'connection')
  const wire = new Wire({ url, timeoutMs: 1000, clock })
  const broken = wire.breakOff({ id: 'a', headers: {}, body: Buffer.from('{}'), wantsBody: false })
  const [socket] = (await taken) as [{ destroy(): void }]
  t.teardown(() => {
    socket.destroy()
    server.close()
  })
  await clock.advance(1000)
  t.equal(await broken, 'nothing could be sent within 1000 ms')
  t.equal(clock.pending, 0)
})
