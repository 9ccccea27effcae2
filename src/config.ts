/**
 * The configuration: from the environment to one typed value, before anything is started.
 *
 * Every variable is declared once (config/variables*.ts). All that is wrong is told at once, by the variable's name,
 * what was given (never a secret) and what would be right; main.ts then exits with 78 (EX_CONFIG). Pure but for the
 * file reader that is handed in.
 */
import { arrange } from './config/arrange.ts'
import { checkTogether } from './config/checks.ts'
import type { Environment } from './config/environment.ts'
import { gather, readValues, warnOfStrays } from './config/environment.ts'
import type { FileReader } from './config/files.ts'
import type { Problem } from './config/findings.ts'
import { Findings } from './config/findings.ts'
import type { Format } from './core/delivery.ts'
import type { Values } from './config/variables.ts'
import type { Expression } from './core/filter-expression.ts'

export interface Config {
  readonly service: string
  readonly kafka: KafkaConfig
  readonly xzepr: XzeprConfig
  readonly webhook: WebhookConfig
  readonly delivery: DeliveryConfig
  /** What lifecycle events carry when a report does not say otherwise. */
  readonly work: { readonly name: string; readonly version: string; readonly package: string }
  readonly workApi: {
    readonly host: string
    /** 0 = any free port. */
    readonly port: number
    /** What callers must send as bearer token; undefined when none is asked for. */
    readonly token: string | undefined
    readonly unknown: 'forward' | 'reject'
  }
  readonly ops: {
    /** Undefined for every interface. */
    readonly host: string | undefined
    readonly port: number
    /** What opens the levers to callers beyond loopback; undefined: nothing does. */
    readonly token: string | undefined
  }
  readonly shutdownGraceMs: number
  readonly logLevel: Values['BRIDGE_LOG_LEVEL']
}

export interface KafkaConfig {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[]
  readonly topic: string
  /** Where records go that failed for good; undefined where they are only logged. */
  readonly deadLetterTopic: string | undefined
  readonly groupId: string
  readonly startFrom: 'earliest' | 'latest'
  readonly securityProtocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
  /** PEM texts; undefined when the brokers are spoken to without TLS. */
  readonly tls:
    { readonly ca: string | undefined; readonly cert: string | undefined; readonly key: string | undefined } | undefined
  /** Undefined when the brokers ask for no sign-in. */
  readonly sasl:
    | {
        readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
        readonly username: string
        readonly password: string
      }
    | undefined
}

export interface XzeprConfig {
  /** Without a slash at its end, without /api/v1. */
  readonly url: string
  readonly credentials:
    | { readonly kind: 'token'; readonly token: string }
    /** Read again when the file changes. */
    | { readonly kind: 'token-file'; readonly path: string }
  readonly timeoutMs: number
  /** PEM text of the authorities; undefined for the public ones. */
  readonly ca: string | undefined
  readonly receiver: { readonly name: string; readonly type: string; readonly version: string }
}

export interface WebhookConfig {
  readonly url: string
  readonly format: Format
  readonly timeoutMs: number
  /** `whsec_…` words with white-space between; undefined: deliveries are not signed. */
  readonly secrets: string | undefined
  /** How many events a delivery of format `batch` holds at most, and how long it waits for them. */
  readonly batch: { readonly max: number; readonly waitMs: number }
  /** Where the app is asked for its health; undefined when it is not. */
  readonly healthUrl: string | undefined
}

export interface DeliveryConfig {
  /** Comma list of globs; `!` refuses. */
  readonly eventTypes: string
  /** Compiled; undefined asks for everything. */
  readonly filter: Expression | undefined
  readonly lifecycle: 'explicit' | 'auto'
  readonly order: 'key' | 'partition' | 'none'
  readonly maxInFlight: number
  readonly maxRunning: number
  readonly maxBufferedBytes: number
  /** 0 = no end. */
  readonly maxAttempts: number
  readonly retryInitialMs: number
  readonly retryMaxMs: number
  readonly leaseMs: number
}

export type ConfigReading =
  | { readonly kind: 'config'; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly kind: 'errors'; readonly errors: readonly Problem[]; readonly warnings: readonly string[] }

/** Reads all of it. Never throws for what the environment holds. */
export function readConfig(env: Environment, readFile: FileReader): ConfigReading {
  const given = gather(env)
  const findings = new Findings(given)
  warnOfStrays(env, findings)
  const values = readValues(given, readFile, findings)
  checkTogether(values, given, findings)
  const config = arrange(values, readFile, findings)
  const { problems: errors, warnings } = findings
  return errors.length > 0 ? { kind: 'errors', errors, warnings } : { kind: 'config', config, warnings }
}
