/**
 * A stand-in for XZepr: its REST API on a port, its messages on Kafka, its tokens, its limits, and faults at will.
 *
 *   start ─▶ up ⇄ down ─▶ stop        down: refused and cut, as when its pod is gone; what was stored stays
 *
 * It behaves as the real server was seen to behave, "new" unless told otherwise. Tests, the demo and `xzepr-bridge dev`
 * run against it; what it publishes goes to a function, so Kafka and an in-memory log are the same to it.
 */
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../core/seams.ts'
import type { XzeprUser } from './xzepr-api.ts'
import { Door } from './xzepr-door.ts'
import { Faults } from './xzepr-faults.ts'
import { XzeprJournal } from './xzepr-journal.ts'
import type { RateLimits } from './xzepr-limits.ts'
import { XZEPR_RATE_LIMITS } from './xzepr-limits.ts'
import type { XzeprEvent, XzeprReceiver } from './xzepr-message.ts'
import type { Publish } from './xzepr-publisher.ts'
import { Publisher } from './xzepr-publisher.ts'
import type { Generation } from './xzepr-reply.ts'
import { Tables } from './xzepr-tables.ts'
import type { Role } from './xzepr-tokens.ts'
import { Tokens } from './xzepr-tokens.ts'
import { receive } from './xzepr-visit.ts'

export interface XzeprStandInOptions {
  readonly clock: Clock
  /** Puts a record on Kafka; awaited, as the real server does. */
  readonly publish: Publish
  readonly generation?: Generation
  readonly topic?: string
  readonly users?: readonly XzeprUser[]
  /** Requests a minute, or none. The old server never has any. */
  readonly rateLimits?: RateLimits | 'off'
  /** Signs tokens; random when absent, so that tokens of one stand-in are strange to every other. */
  readonly signingSecret?: string
  readonly ignorePaging?: boolean
  /** How long an answer waits for Kafka. */
  readonly publishTimeoutMs?: number
  /** How many stored events the journal keeps. */
  readonly maxEvents?: number
  /** An event was stored; said before it is published. */
  readonly onEvent?: (event: XzeprEvent) => void
  readonly onReceiver?: (receiver: XzeprReceiver) => void
}

/** The real server's producer gives up after 5 to 15 seconds. */
const PUBLISH_TIMEOUT_MS = 15_000

export class XzeprStandIn {
  readonly faults = new Faults()
  readonly journal: XzeprJournal
  readonly #tables: Tables
  readonly #tokens: Tokens
  readonly #publisher: Publisher
  readonly #door: Door
  readonly #server: Server
  #host = '127.0.0.1'
  #port = 0

  constructor(options: XzeprStandInOptions) {
    const { clock, generation = 'new', rateLimits = XZEPR_RATE_LIMITS, onReceiver = () => undefined } = options
    this.journal = new XzeprJournal(options.maxEvents)
    this.#tables = new Tables(clock)
    this.#tokens = new Tokens(clock, options.signingSecret)
    this.#publisher = new Publisher(clock, options.publish, options.publishTimeoutMs ?? PUBLISH_TIMEOUT_MS)
    this.#door = new Door(clock, this.#tokens, generation === 'old' || rateLimits === 'off' ? undefined : rateLimits)
    const within = {
      clock,
      generation,
      faults: this.faults,
      journal: this.journal,
      door: this.#door,
      tables: this.#tables,
      tokens: this.#tokens,
      publisher: this.#publisher,
      topic: options.topic ?? 'xzepr.dev.events',
      users: options.users ?? [],
      ignorePaging: options.ignorePaging ?? false,
      onReceiver,
      onEvent: (event: XzeprEvent) => {
        this.journal.stored(event)
        options.onEvent?.(event)
      },
    }
    this.#server = createServer((request, response) => {
      void receive(request, response, within)
    })
    // hyper, the real server's HTTP, closes no idle connection by itself.
    this.#server.keepAliveTimeout = 0
  }

  /** Opens the port. @param port 0 for any free one. */
  async start({ port = 0, host = '127.0.0.1' } = {}): Promise<void> {
    this.#host = host
    this.#port = port
    await this.up()
  }

  /** `http://host:port`, once started; the same while down. */
  get url(): string {
    return `http://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.#port}`
  }

  /** Connections are refused from here on, and those that stand are cut. What was stored stays. */
  async down(): Promise<void> {
    if (!this.#server.listening) return
    await new Promise((resolve) => {
      this.#server.close(resolve)
      this.#server.closeAllConnections()
    })
  }

  /** Listens again, on the port it had. */
  async up(): Promise<void> {
    if (this.#server.listening) return
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#port, this.#host, () => {
        this.#server.removeListener('error', reject)
        resolve()
      })
    })
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Closes for good: open connections are cut, hanging requests with them. */
  async stop(): Promise<void> {
    await this.down()
  }

  /** A token as XZepr would sign it for this user. @param lifetimeMs 15 minutes when absent. */
  token({ sub, role = 'event_manager', lifetimeMs }: { sub: string; role?: Role; lifetimeMs?: number }): string {
    return this.#tokens.access(sub, role, lifetimeMs)
  }

  /** Every token given out so far is refused from here on; new ones are good. */
  forgetTokens(): void {
    this.#tokens.rotate()
  }

  /** While true, 401 for every token. */
  refuseTokens(refuse: boolean): void {
    this.#door.tokensRefused = refuse
  }

  /** Receivers, oldest first. */
  get receivers(): readonly XzeprReceiver[] {
    return this.#tables.receivers
  }

  /** Events and receivers that were saved and that Kafka did not take. */
  get lost(): number {
    return this.#publisher.lost
  }

  /** Somebody deletes a receiver behind everyone's back. @returns whether it was there. */
  deleteReceiver(id: string): boolean {
    return this.#tables.deleteReceiver(id)
  }

  /** The first `copies` creates of one name and type succeed from here on, as when they come at once. */
  raceReceivers(copies: number): void {
    this.#tables.race(copies)
  }
}
