/**
 * What the bridge asks of Kafka, as KafkaJS wants to hear it.
 *
 * One client is one KafkaJS instance with its own sockets. The laws: secrets are read at every new connection, so that
 * whoever owns the options may change them under way; no socket is made that cannot be destroyed from here; nothing
 * KafkaJS says goes anywhere but to `say`.
 */
import * as net from 'node:net'
import * as tls from 'node:tls'
import { Kafka, logLevel } from 'kafkajs'
import type { ISocketFactory, KafkaConfig, SASLOptions } from 'kafkajs'
import { registerCodecs } from './codecs.ts'
import { patchKafkaJs } from './patches.ts'

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** How to reach Kafka. Fields may be getters: secrets and PEM texts are read again at each connection. */
export interface KafkaOptions {
  readonly clientId: string
  /** `host:port` each. */
  readonly brokers: readonly string[]
  readonly securityProtocol: SecurityProtocol
  readonly saslMechanism?: SaslMechanism
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** PEM texts: the authority to trust instead of the system's, and the client's own certificate and key. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** TCP, TLS and SASL of one connection, each. 10 s: SCRAM behind TLS over a slow link takes more than KafkaJS's 1 s. */
  readonly connectionTimeoutMs?: number
  /** How long an answer may take. */
  readonly requestTimeoutMs?: number
}

/** One line that KafkaJS would have logged. */
export interface KafkaLine {
  readonly level: 'error' | 'warning'
  /** The part of KafkaJS that says it, such as `Connection`. */
  readonly from: string
  readonly message: string
}

export interface KafkaClient {
  readonly kafka: Kafka
  /** The same Kafka, asked once at each broker: it says what is wrong at once, where the other keeps trying. */
  readonly impatient: Kafka
  readonly sockets: Sockets
}

/** Makes a client; nothing is connected yet. Throws BridgeError when KafkaJS is not the version it is patched for. */
export function kafkaClient(options: KafkaOptions, say: (line: KafkaLine) => void): KafkaClient {
  patchKafkaJs()
  registerCodecs()
  const sockets = new Sockets()
  const config = kafkaConfig(options, sockets.make, say)
  const once = { ...RETRY, retries: options.brokers.length - 1 }
  return { kafka: new Kafka(config), impatient: new Kafka({ ...config, retry: once }), sockets }
}

/** KafkaJS's own configuration for these options. */
export function kafkaConfig(
  options: KafkaOptions,
  socketFactory: ISocketFactory,
  say: (line: KafkaLine) => void,
): KafkaConfig {
  const { securityProtocol } = options
  const secured = securityProtocol === 'SSL' || securityProtocol === 'SASL_SSL'
  const named = securityProtocol === 'SASL_PLAINTEXT' || securityProtocol === 'SASL_SSL'
  return {
    clientId: options.clientId,
    brokers: [...options.brokers],
    ...(secured ? { ssl: tlsOptions(options) } : {}),
    ...(named ? { sasl: saslOptions(options) } : {}),
    connectionTimeout: options.connectionTimeoutMs ?? 10_000,
    authenticationTimeout: options.connectionTimeoutMs ?? 10_000,
    requestTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    // While KafkaJS waits between two tries it sends no heartbeat: the waits stay far below a session's length.
    retry: RETRY,
    socketFactory,
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, level, log }) => {
        say({
          level: level === logLevel.ERROR ? 'error' : 'warning',
          from: namespace,
          message: log.message,
        })
      },
  }
}

/** How long an answer may take where nothing else is said. */
export const REQUEST_TIMEOUT_MS = 10_000

/** Set for client and consumer alike: KafkaJS's consumer does not take it over from its client. */
export const RETRY = { initialRetryTime: 200, maxRetryTime: 2000, retries: 8 } as const

/** KafkaJS keeps this very object and reads its fields at each TLS handshake. */
function tlsOptions(options: KafkaOptions): tls.ConnectionOptions {
  return {
    minVersion: 'TLSv1.2',
    // Enumerable getters: KafkaJS copies the fields of this object into the options of every socket.
    get ca() {
      return options.ca
    },
    get cert() {
      return options.cert
    },
    get key() {
      return options.key
    },
  }
}

/** KafkaJS keeps this very object and reads its fields at each authentication. */
function saslOptions(options: KafkaOptions): SASLOptions {
  const mechanism = (options.saslMechanism ?? 'SCRAM-SHA-256').toLowerCase() as Lowercase<SaslMechanism>
  return {
    mechanism,
    get username() {
      return options.username ?? ''
    },
    get password() {
      return options.password ?? ''
    },
  }
}

/** All sockets of one client, so that a dead connection can be told from here: KafkaJS never closes one for silence. */
export class Sockets {
  readonly #open = new Map<net.Socket, string>()
  #closed = false

  readonly make: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    let connected = false
    const connect = (): void => {
      connected = true
      onConnect()
    }
    // KafkaJS passes null where its types promise options.
    const options = ssl as tls.ConnectionOptions | null
    const socket =
      options === null
        ? net.connect({ host, port }, connect)
        : tls.connect({ host, port, ...(net.isIP(host) === 0 ? { servername: host } : {}), ...options }, connect)
    socket.setKeepAlive(true, 30_000)
    socket.setNoDelay(true)
    this.#open.set(socket, `${host}:${port}`)
    socket.once('close', () => this.#open.delete(socket))
    // KafkaJS forgets a broker whose connection ends, and keeps one whose connection fails: it would use the broken one
    // again. A failure under way is told as an end first; this listener runs before KafkaJS's own.
    socket.once('error', () => {
      if (connected) socket.emit('end')
    })
    if (this.#closed) socket.destroy(new Error('the client is closed'))
    return socket
  }

  get count(): number {
    return this.#open.size
  }

  /** Breaks the connections to one broker (`host:port`); KafkaJS makes new ones. */
  destroy(broker: string): void {
    for (const [socket, peer] of this.#open) {
      if (broker === peer) socket.destroy(new Error('the bridge gave up a connection that had gone silent'))
    }
  }

  /** Breaks all connections, and every later one: what KafkaJS still has running for this client comes to nothing. */
  close(): void {
    this.#closed = true
    for (const socket of this.#open.keys()) socket.destroy(new Error('the client is closed'))
  }
}
