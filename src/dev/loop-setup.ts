/**
 * How the local loop is set up: which ports, which variables for the bridge, which for the app. Pure but for the look
 * whether a port is free.
 *
 * The person's own BRIDGE_* variables hold, because a loop that behaves otherwise than production teaches the wrong thing.
 * XZepr is the stand-in whatever XZEPR_API_* says, and without --kafka no variable of Kafka's but the names is of use.
 */
import type { LogNames } from './event-log.ts'
import { portFrom } from './kafka/ports.ts'
import type { Environment } from './kafka/run.ts'

export interface LoopPorts {
  readonly workApi: number
  readonly ops: number
  readonly app: number
}

/** The ports that bridge and app are known by. */
export const KNOWN_PORTS: LoopPorts = { workApi: 8900, ops: 8901, app: 8080 }
/** A person at a terminal does not want to wait for the grace of a pod. */
const GRACE_MS = '2000'

export interface SetUpOptions {
  readonly env: Environment
  readonly kafka: boolean
  /** The app is started here, so it listens wherever it is told to. */
  readonly startsApp: boolean
}

export interface SetUp {
  readonly service: string
  readonly ports: LoopPorts
  readonly webhookUrl: string
  /** What was set and is not used here, each with the reason. */
  readonly passedOver: readonly string[]
}

/** @param choosePort gives the preferred port, or another where that is taken. */
export async function setUp(options: SetUpOptions, choosePort = portFrom): Promise<SetUp> {
  const { env, kafka, startsApp } = options
  const port = async (name: string, known: number): Promise<number> => {
    const chosen = given(env, name)
    // What is no port is told by the reading of the configuration, with all that is wrong beside it.
    return chosen === undefined ? choosePort(known) : Number(chosen)
  }
  const chosenUrl = given(env, 'BRIDGE_WEBHOOK_URL')
  const ports = {
    workApi: await port('BRIDGE_WORK_API_PORT', KNOWN_PORTS.workApi),
    ops: await port('BRIDGE_OPS_PORT', KNOWN_PORTS.ops),
    // Somebody listens there already: where we start no app, that is the app.
    app: chosenUrl !== undefined ? portOf(chosenUrl) : startsApp ? await choosePort(KNOWN_PORTS.app) : KNOWN_PORTS.app,
  }
  const webhookUrl = chosenUrl ?? `http://127.0.0.1:${ports.app}/events`
  const hasLetters = !kafka && given(env, 'BRIDGE_DEAD_LETTER_TOPIC') !== undefined
  const passedOver = hasLetters
    ? ['BRIDGE_DEAD_LETTER_TOPIC is passed over: without --kafka there is no topic for dead letters.']
    : []
  return { service: given(env, 'BRIDGE_SERVICE') ?? 'dev', ports, webhookUrl, passedOver }
}

/** What a variable says; undefined when it says nothing. */
export function given(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim() ?? ''
  return text === '' ? undefined : text
}

function portOf(url: string): number {
  if (!URL.canParse(url)) return KNOWN_PORTS.app
  const { port, protocol } = new URL(url)
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}

export interface Neighbours {
  readonly xzeprUrl: string
  readonly xzeprToken: string
  readonly log: LogNames
  /** Undefined for the in-memory log, which is reached without a network. */
  readonly brokers: readonly string[] | undefined
}

/** Everything that the bridge is set up by. */
export function bridgeVariables(env: Environment, setUp: SetUp, neighbours: Neighbours): Environment {
  const { log, brokers } = neighbours
  const inMemory = brokers === undefined
  const kept = Object.entries(env).filter(([name]) => {
    if (name === 'BRIDGE_DEAD_LETTER_TOPIC') return !inMemory
    if (name.startsWith('BRIDGE_')) return true
    return name.startsWith('XZEPR_KAFKA_') && !inMemory
  })
  return {
    BRIDGE_OPS_HOST: '127.0.0.1',
    BRIDGE_SHUTDOWN_GRACE_MS: GRACE_MS,
    ...Object.fromEntries(kept.filter(([, value]) => value !== '')),
    BRIDGE_SERVICE: setUp.service,
    BRIDGE_WEBHOOK_URL: setUp.webhookUrl,
    BRIDGE_WORK_API_PORT: given(env, 'BRIDGE_WORK_API_PORT') ?? String(setUp.ports.workApi),
    BRIDGE_OPS_PORT: given(env, 'BRIDGE_OPS_PORT') ?? String(setUp.ports.ops),
    XZEPR_API_URL: neighbours.xzeprUrl,
    XZEPR_API_TOKEN: neighbours.xzeprToken,
    XZEPR_KAFKA_TOPIC: log.topic,
    XZEPR_KAFKA_GROUP_ID: log.groupId,
    ...(brokers !== undefined && { XZEPR_KAFKA_BROKERS: brokers.join(',') }),
  }
}

/** What the app finds beside the person's own environment. */
export function appVariables(env: Environment, { ports }: SetUp, workApiUrl: string): Environment {
  return { ...env, PORT: String(ports.app), WORK_API_URL: workApiUrl }
}
