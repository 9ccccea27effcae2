import { once } from 'node:events'
import * as net from 'node:net'
import type { AddressInfo } from 'node:net'
import { logLevel } from 'kafkajs'
import type { LogEntry } from 'kafkajs'
import t from 'tap'
import type { Test } from 'tap'
import { Sockets, kafkaClient, kafkaConfig } from '../../src/kafka/client.ts'
import type { KafkaLine, KafkaOptions } from '../../src/kafka/client.ts'

const plain: KafkaOptions = { clientId: 'x', brokers: ['a:1', 'b:2'], securityProtocol: 'PLAINTEXT' }
const factory = (): never => {
  throw new Error('not called')
}
const config = (options: KafkaOptions): ReturnType<typeof kafkaConfig> => kafkaConfig(options, factory, () => undefined)

void t.test('each security protocol turns on what it names and nothing else', async (t) => {
  const shape = (securityProtocol: KafkaOptions['securityProtocol']): boolean[] => {
    const { ssl, sasl } = config({ ...plain, securityProtocol })
    return [ssl !== undefined, sasl !== undefined]
  }
  t.same(shape('PLAINTEXT'), [false, false])
  t.same(shape('SSL'), [true, false])
  t.same(shape('SASL_PLAINTEXT'), [false, true])
  t.same(shape('SASL_SSL'), [true, true])
  t.match(config(plain), { clientId: 'x', brokers: ['a:1', 'b:2'], connectionTimeout: 10_000, requestTimeout: 10_000 })
})

void t.test('SCRAM-SHA-256 is the mechanism unless another is named', async (t) => {
  const sasl = (saslMechanism?: KafkaOptions['saslMechanism']): unknown =>
    config({ ...plain, securityProtocol: 'SASL_SSL', ...(saslMechanism && { saslMechanism }) }).sasl
  t.match(sasl(), { mechanism: 'scram-sha-256', username: '', password: '' })
  t.match(sasl('SCRAM-SHA-512'), { mechanism: 'scram-sha-512' })
  t.match(sasl('PLAIN'), { mechanism: 'plain' })
})

void t.test('secrets and certificates are read anew at each connection', async (t) => {
  const options = {
    ...plain,
    securityProtocol: 'SASL_SSL' as const,
    username: 'u',
    password: 'old',
    ca: 'A',
    cert: 'B',
    key: 'C',
  }
  const { sasl, ssl } = config(options)
  t.match(sasl, { username: 'u', password: 'old' })
  Object.assign(options, { password: 'new', ca: 'A2', cert: 'B2', key: 'C2' })
  t.match(sasl, { username: 'u', password: 'new' })
  t.match({ ...(ssl as object) }, { ca: 'A2', cert: 'B2', key: 'C2', minVersion: 'TLSv1.2' })
})

void t.test('what KafkaJS says goes to one function, with its level and place and no more', async (t) => {
  const lines: KafkaLine[] = []
  const { logCreator } = kafkaConfig(plain, factory, (line) => lines.push(line))
  const entry = (level: logLevel, message: string): LogEntry => ({
    namespace: 'Connection',
    level,
    label: '',
    log: { timestamp: '', message, stack: 'at …', password: 'secret' },
  })
  logCreator?.(logLevel.WARN)(entry(logLevel.ERROR, 'broken'))
  logCreator?.(logLevel.WARN)(entry(logLevel.WARN, 'slow'))
  t.same(lines, [
    { level: 'error', from: 'Connection', message: 'broken' },
    { level: 'warning', from: 'Connection', message: 'slow' },
  ])
})

/** A server that accepts and says nothing. */
async function silent(t: Test): Promise<{ port: number; peers: net.Socket[] }> {
  const peers: net.Socket[] = []
  const server = net.createServer((peer) => {
    peers.push(peer)
    peer.on('error', () => peer.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const peer of peers) peer.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, peers }
}

const noTls = null as unknown as Parameters<Sockets['make']>[0]['ssl']

void t.test('a connection that fails under way is told as an end first', async (t) => {
  const { port } = await silent(t)
  const sockets = new Sockets()
  const told: string[] = []
  const socket = await new Promise<net.Socket>((resolve) => {
    const made = sockets.make({
      host: '127.0.0.1',
      port,
      ssl: noTls,
      onConnect: () => {
        resolve(made)
      },
    })
  })
  socket.on('end', () => told.push('end'))
  socket.on('error', () => told.push('error'))
  // Not `once` from node:events: it would take the error for its own.
  const closed = new Promise((resolve) => socket.once('close', resolve))
  sockets.destroy('127.0.0.1:1')
  t.equal(sockets.count, 1, 'another broker’s connections stay')
  sockets.destroy(`127.0.0.1:${port}`)
  await closed
  t.same(told, ['end', 'error'])
  t.equal(sockets.count, 0)
})

void t.test('a connection that never stood is an error and no end', async (t) => {
  const sockets = new Sockets()
  const told: string[] = []
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const socket = sockets.make({ host: '127.0.0.1', port, ssl: noTls, onConnect: () => told.push('connected') })
  socket.on('end', () => told.push('end'))
  socket.on('error', () => told.push('error'))
  await new Promise((resolve) => socket.once('close', resolve))
  t.same(told, ['error'])
})

void t.test('after the close no connection stands and none is made', async (t) => {
  const { port } = await silent(t)
  const sockets = new Sockets()
  const made = await new Promise<net.Socket>((resolve) => {
    const socket = sockets.make({
      host: '127.0.0.1',
      port,
      ssl: noTls,
      onConnect: () => {
        resolve(socket)
      },
    })
  })
  made.on('error', () => undefined)
  const gone = new Promise((resolve) => made.once('close', resolve))
  sockets.close()
  await gone
  const late = sockets.make({ host: '127.0.0.1', port, ssl: noTls, onConnect: () => undefined })
  const error = await new Promise<Error>((resolve) => late.once('error', resolve))
  t.match(error, { message: 'the client is closed' })
})

void t.test('with TLS the name of the broker is asked for, unless it is an address', async (t) => {
  const { port, peers } = await silent(t)
  const hello = async (host: string): Promise<Buffer> => {
    const sockets = new Sockets()
    const socket = sockets.make({ host, port, ssl: {}, onConnect: () => undefined })
    socket.on('error', () => undefined)
    while (peers.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const peer = peers.splice(0)[0]
    const [bytes] = peer === undefined ? [] : ((await once(peer, 'data')) as [Buffer])
    sockets.close()
    peer?.destroy()
    return bytes ?? Buffer.alloc(0)
  }
  t.ok((await hello('localhost')).includes('localhost'))
  t.notOk((await hello('127.0.0.1')).includes('127.0.0.1'))
})

void t.test('a client is made without a connection', async (t) => {
  const { kafka, sockets } = kafkaClient(plain, () => undefined)
  t.ok(kafka)
  t.equal(sockets.count, 0)
})
