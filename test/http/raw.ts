/** A connection that sends exactly the bytes a test says: what no HTTP client would send. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'

export class Raw {
  readonly #socket: Socket
  #received = ''
  #closed = false
  readonly #closing: Promise<void>

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => (this.#received += chunk))
    // A reset is one of the ways a connection ends; the tests look at what was received before it.
    socket.on('error', () => (this.#closed = true))
    this.#closing = new Promise((resolve) => {
      socket.on('close', () => {
        this.#closed = true
        resolve()
      })
    })
  }

  static async open(port: number): Promise<Raw> {
    const socket = connect({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    return new Raw(socket)
  }

  get received(): string {
    return this.#received
  }

  send(text: string): this {
    this.#socket.write(text)
    return this
  }

  /** Resolves with all that was received once it matches, or once the connection is closed. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#received) && !this.#closed) await new Promise((resolve) => setImmediate(resolve))
    return this.#received
  }

  /** Resolves with all that was received when the other side has closed the connection. */
  async end(): Promise<string> {
    await this.#closing
    return this.#received
  }

  hangUp(): void {
    this.#socket.destroy()
  }
}

/** One exchange on a connection of its own, until the other side closes it. */
export async function exchange(port: number, text: string): Promise<string> {
  return (await Raw.open(port)).send(text).end()
}
