/**
 * A second reference: undici's lower level, `dispatch`, which builds no promise and no stream for an answer.
 */
import type { Dispatcher } from 'undici'
import { Pool } from 'undici'
import { eventValue } from '../event.ts'

const { URL: address = '', EVENTS = '0', IN_FLIGHT = '64' } = process.env
const url = new URL(address)
const pool = new Pool(url.origin, { connections: Number(IN_FLIGHT), pipelining: 1 })
const body = Buffer.from(eventValue(0))
const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8' }

let left = Number(EVENTS)

const answers: Dispatcher.DispatchHandler = {
  onRequestStart: () => undefined,
  onResponseStart: () => undefined,
  onResponseData: () => undefined,
  onResponseEnd: () => {
    next()
  },
  onResponseError: (_controller, error) => {
    throw error
  },
}

function next(): void {
  if (left <= 0) return
  left -= 1
  pool.dispatch({ path: url.pathname, method: 'POST', headers, body }, answers)
}

for (let count = 0; count < Number(IN_FLIGHT); count++) next()
// It is ended when its processor time has been read.
setInterval(() => undefined, 60_000)
