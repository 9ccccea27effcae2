/**
 * The reference: a loop over undici's `request`, so many at a time, without any Kafka.
 *
 * One body is made beforehand and sent again and again. It does nothing a bridge must do, so it is the floor of what
 * undici costs.
 */
import { Pool } from 'undici'
import { eventValue } from '../event.ts'

const { URL: address = '', EVENTS = '0', IN_FLIGHT = '64' } = process.env
const url = new URL(address)
const pool = new Pool(url.origin, { connections: Number(IN_FLIGHT), pipelining: 1 })
const body = Buffer.from(eventValue(0))
const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8' }

let left = Number(EVENTS)

async function loop(): Promise<void> {
  while (left > 0) {
    left -= 1
    const response = await pool.request({ path: url.pathname, method: 'POST', headers, body })
    await response.body.dump()
  }
}

await Promise.all(Array.from({ length: Number(IN_FLIGHT) }, loop))
// It is ended when its processor time has been read.
setInterval(() => undefined, 60_000)
