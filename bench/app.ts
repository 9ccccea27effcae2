/**
 * The app of the benchmark: a process that answers deliveries and counts them at as little cost as Node allows.
 *
 * It speaks just the HTTP that is needed on a bare socket: `node:http` would take more of the machine's two cores than
 * what is measured. The path says what it does:
 *
 *   /events       200                           /latency      200, and how long the event was under way
 *   /accept       202                           /mark-wait    the same, but a marked event waits 30 s for its answer
 *                                               /mark-accept  200, but 202 for a marked event
 *
 * The benchmark asks over the process channel: `expect` starts a new tally, `read` gives it.
 */
import type { Socket } from 'node:net'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { FromApp, ToApp } from './app-words.ts'
import { MARKED, SENT_AT } from './event.ts'

const OK = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
const ACCEPTED = Buffer.from('HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n')
const WORK_MS = 30_000
/** What names an event inside a batch (contract, section 2). */
const IN_BATCH = '"workid":'

const say = (word: FromApp): void => {
  process.send?.(word)
}
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6

let expected = Infinity
let events = 0
let requests = 0
let firstAtMs = 0
let lastAtMs = 0
let contentType = ''
let latenciesMs: number[] = []

function begin(count: number): void {
  expected = count
  events = requests = firstAtMs = lastAtMs = 0
  contentType = ''
  latenciesMs = []
}

function tally(): FromApp {
  return { kind: 'tally', events, requests, tookMs: lastAtMs - firstAtMs, contentType, latenciesMs }
}

function count(head: string, body: Buffer): void {
  requests += 1
  if (events === 0) {
    firstAtMs = nowMs()
    contentType = /^content-type: *(.*)$/im.exec(head)?.[1]?.trim() ?? ''
    say({ kind: 'first' })
  }
  events += contentType.startsWith('application/cloudevents-batch') ? occurrences(body, IN_BATCH) : 1
  if (events < expected) return
  lastAtMs = nowMs()
  if (expected !== Infinity) say({ kind: 'all' })
  expected = Infinity
}

function occurrences(body: Buffer, text: string): number {
  let found = 0
  for (let at = body.indexOf(text); at >= 0; at = body.indexOf(text, at + text.length)) found += 1
  return found
}

function timed(body: Buffer): void {
  const at = body.indexOf(SENT_AT) + SENT_AT.length
  latenciesMs.push(Number(process.hrtime.bigint() - BigInt(body.toString('latin1', at, at + 19))) / 1e6)
}

function answer(socket: Socket, head: string, body: Buffer): void {
  if (head.startsWith('POST /events')) {
    socket.write(OK)
  } else if (head.startsWith('POST /accept')) {
    socket.write(ACCEPTED)
  } else {
    const isMarked = !head.startsWith('POST /latency') && body.includes(MARKED)
    if (isMarked && head.startsWith('POST /mark-wait')) {
      setTimeout(() => socket.write(OK), WORK_MS)
    } else {
      socket.write(isMarked ? ACCEPTED : OK)
      if (!head.startsWith('POST /mark-accept')) timed(body)
    }
  }
  count(head, body)
}

const server = createServer({ noDelay: true }, (socket) => {
  let held: Buffer[] = []
  let heldBytes = 0
  /** Not before so many bytes are here can a request be whole. */
  let neededBytes = 0
  socket.on('data', (chunk) => {
    held.push(chunk)
    heldBytes += chunk.length
    if (heldBytes < neededBytes) return
    let bytes = held.length === 1 ? chunk : Buffer.concat(held)
    neededBytes = 0
    while (bytes.length > 0) {
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0) break
      const head = bytes.toString('latin1', 0, end)
      const next = end + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
      if (bytes.length < next) {
        neededBytes = next
        break
      }
      answer(socket, head, bytes.subarray(end + 4, next))
      bytes = bytes.subarray(next)
    }
    held = bytes.length > 0 ? [bytes] : []
    heldBytes = bytes.length
  })
  // A client that is killed resets its connections.
  socket.on('error', () => socket.destroy())
})

process.on('message', (word: ToApp) => {
  if (word.kind === 'expect') begin(word.events)
  say(tally())
})
process.on('disconnect', () => process.exit(0))

server.listen(0, '127.0.0.1', () => {
  say({ kind: 'up', port: (server.address() as AddressInfo).port })
})
