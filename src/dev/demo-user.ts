/**
 * The person of the demo: signs in at XZepr, makes a receiver, and sends events through its REST API.
 *
 * This person knows nothing of the bridge or of Kafka; what happens to the events afterwards is what the demo shows.
 */

export interface DemoUser {
  readonly username: string
  readonly password: string
}

/** The kinds of events that a day of deliveries brings. One ends badly; one number is larger than a double holds. */
const KINDS = [
  { name: 'build.success', success: true, payload: '{"build_id":9007199254740993}' },
  { name: 'test.success', success: true, payload: '{"tests":1024,"seconds":1.50}' },
  { name: 'deployment.failure', success: false, payload: '{"reason":"image not found"}' },
  { name: 'artifact.published', success: true, payload: '{"digest":"sha256:0f3a"}' },
  { name: 'scan.success', success: true, payload: '{"note":"nothing found – clean"}' },
  { name: 'deployment.success', success: true, payload: '{"cluster":"eu-1"}' },
] as const

export interface NewEvent {
  readonly name: string
  readonly success: boolean
  /** JSON text of an object. */
  readonly payload: string
}

/** The nth event of the demo. */
export function demoEvent(nth: number): NewEvent {
  const kind = KINDS[nth % KINDS.length]
  if (kind === undefined) throw new RangeError(`there is no event ${nth}`)
  return kind
}

export class XzeprUserSession {
  readonly #url: string
  readonly #signal: AbortSignal
  #token = ''
  #receiverId = ''

  constructor(url: string, signal: AbortSignal) {
    this.#url = url
    this.#signal = signal
  }

  /** For the curl lines of a demo that stays up. */
  get receiverId(): string {
    return this.#receiverId
  }

  async signIn({ username, password }: DemoUser): Promise<void> {
    const answer = await this.#post('/api/v1/auth/login', JSON.stringify({ username, password }))
    this.#token = text(answer, 'access_token')
  }

  async createReceiver(name: string): Promise<string> {
    const receiver = { name, type: 'ci', version: '1.0.0', description: 'The demo', schema: { type: 'object' } }
    this.#receiverId = text(await this.#post('/api/v1/receivers', JSON.stringify(receiver)), 'data')
    return this.#receiverId
  }

  /** @returns the event's id. */
  async send(event: NewEvent): Promise<string> {
    const fields = {
      name: event.name,
      version: '1.2.3',
      release: '2026.11',
      platform_id: 'x86_64-linux',
      package: 'demo-service',
      description: `Sent by the demo: ${event.name}`,
      success: event.success,
      event_receiver_id: this.#receiverId,
    }
    // The payload is put in as text: JSON.stringify would round its numbers.
    const body = `${JSON.stringify(fields).slice(0, -1)},"payload":${event.payload}}`
    return text(await this.#post('/api/v1/events', body), 'data')
  }

  async #post(path: string, body: string): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }),
      },
      body,
      signal: this.#signal,
    })
    const answer = await response.text()
    if (!response.ok) throw new Error(`XZepr answered POST ${path} with ${response.status}: ${answer}`)
    return JSON.parse(answer)
  }
}

function text(answer: unknown, name: string): string {
  const value: unknown = typeof answer === 'object' && answer !== null ? Reflect.get(answer, name) : undefined
  if (typeof value !== 'string') throw new Error(`XZepr's answer has no ${name}`)
  return value
}
