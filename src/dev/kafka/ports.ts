/**
 * Free ports for servers that other processes open.
 *
 * Not ephemeral ones: a client that keeps connecting to a loopback port which is just closed, as every Kafka client
 * does while the broker restarts, is given that very port as its own some day, connects to itself (RFC 9293, section
 * 3.5, simultaneous open) and keeps the broker from coming back. Linux hands out 32768 and up, others 49152 and up.
 */
import { createServer } from 'node:net'
import { randomInt } from 'node:crypto'

const LOWEST = 20_000
const HIGHEST = 32_000

/** Different ports of 127.0.0.1 on which nobody listens just now. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>()
  for (let tries = 0; found.size < count; tries++) {
    if (tries > 500) throw new Error(`no free port between ${LOWEST} and ${HIGHEST} on 127.0.0.1`)
    const port = randomInt(LOWEST, HIGHEST)
    if (await isFree(port)) found.add(port)
  }
  return [...found]
}

/** The port that people know, or any free one when somebody has it. */
export async function portFrom(preferred: number): Promise<number> {
  if (await isFree(preferred)) return preferred
  const [other = 0] = await freePorts(1)
  return other
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => {
      resolve(false)
    })
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true)
      })
    })
  })
}
