/**
 * The smallest XZepr: a port on loopback that keeps receivers and events, and answers what a test tells it to.
 *
 * The stand-in in src/dev behaves like the real server; this one behaves like whatever breaks the client.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
}

export type Reply = (asked: Asked, response: ServerResponse) => void

export const reply =
  (status: number, body = '', headers: Record<string, string> = {}): Reply =>
  (_asked, response) => {
    response.writeHead(status, headers).end(body)
  }

export class FakeXzepr {
  readonly asked: Asked[] = []
  readonly receivers: { id: string; name: string; type: string }[] = []
  /** Bodies of the events that were stored. */
  readonly events: string[] = []
  /** What is answered instead of the usual, in order, per `METHOD /path`; the last one stays when `stay` is set. */
  readonly #planned = new Map<string, { replies: Reply[]; stay: boolean }>()
  readonly #server = createServer((request, response) => {
    void this.#receive(request, response)
  })
  url = new URL('http://127.0.0.1/')

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    this.url = new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`)
    return this
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    await new Promise((resolve) => {
      this.#server.close(resolve)
      this.#server.closeAllConnections()
    })
  }

  /** @param route such as `POST /api/v1/events` */
  plan(route: string, replies: Reply[], stay = false): void {
    this.#planned.set(route, { replies, stay })
  }

  count(route: string): number {
    return this.asked.filter(({ method, path }) => `${method} ${path.split('?')[0]}` === route).length
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method = '', url: path = '' } = request
    const body = Buffer.concat(chunks).toString('utf8')
    const asked = { method, path, authorization: request.headers.authorization, body }
    this.asked.push(asked)
    const plan = this.#planned.get(`${method} ${path.split('?')[0]}`)
    const planned = plan?.stay === true && plan.replies.length === 1 ? plan.replies[0] : plan?.replies.shift()
    ;(planned ?? this.usual)(asked, response)
  }

  readonly usual: Reply = ({ method, path, body }, response) => {
    if (method === 'GET') {
      const query = new URL(path, 'http://x').searchParams
      const [limit, offset] = [Number(query.get('limit')), Number(query.get('offset'))]
      const data = this.receivers.slice(offset, offset + limit)
      const pagination = {
        limit,
        offset,
        total: this.receivers.length,
        has_more: offset + limit < this.receivers.length,
      }
      response.end(JSON.stringify({ data, pagination }))
      return
    }
    if (path.endsWith('/receivers')) {
      const { name, type } = JSON.parse(body) as { name: string; type: string }
      const id = `01R${String(this.receivers.length).padStart(23, '0')}`
      this.receivers.unshift({ id, name, type })
      response.end(JSON.stringify({ data: id }))
      return
    }
    this.events.push(body)
    response.end(JSON.stringify({ data: `01E${String(this.events.length).padStart(23, '0')}` }))
  }
}
