/**
 * `xzepr-bridge verify-app`: plays the bridge against an app's webhook. A process of its own, composed here.
 *
 *   work API opens ─▶ (the app is started) ─▶ it listens ─▶ check after check ─▶ lines, or one JSON object
 *
 * The law: what is sent is what the bridge sends and what is taken is what it takes, because the same code does it. Once the
 * app is away nothing more can be asked, and the check during which it went is the one that fails.
 */
import { connect } from 'node:net'
import { appLine } from './cli/app-line.ts'
import { EX_USAGE, INTERRUPTED } from './cli/exits.ts'
import type { VerifyOptions } from './cli/verify-words.ts'
import type { Environment } from './config/environment.ts'
import type { FileReader } from './config/files.ts'
import { tryRead } from './config/files.ts'
import type { Clock } from './core/seams.ts'
import type { Child } from './dev/children.ts'
import { Children } from './dev/children.ts'
import type { Check } from './verify/checks.ts'
import { checksFor } from './verify/checks.ts'
import { Events } from './verify/events.ts'
import { broken, type Outcome } from './verify/judge.ts'
import { Reports } from './verify/reports.ts'
import type { Result } from './verify/text.ts'
import { resultLines, sumLine } from './verify/text.ts'
import { Trial } from './verify/trial.ts'
import { Wire } from './verify/wire.ts'
import { webhookClient } from './webhook/client.ts'
import { signingKeys } from './webhook/signature.ts'

export interface VerifyParts {
  readonly options: VerifyOptions
  readonly env: Environment
  readonly clock: Clock
  readonly readFile: FileReader
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly coloured: boolean
  readonly onSignal: (end: () => void) => void
}

/** As many as the checks have out at once. */
const CONNECTIONS = 64
const APP_GRACE_MS = 2000
const LISTENS_EVERY_MS = 50
const WORK_ID_HINT = 'The work-id header is percent-encoded already: put it into the path as it is.'

/** @returns the exit code. */
export async function verifyApp(parts: VerifyParts): Promise<number> {
  const { options, clock, err, onSignal } = parts
  const keys = options.secretFile === undefined ? [] : keysIn(options.secretFile, parts)
  if (typeof keys === 'string') {
    err(`${keys}\nTry \`xzepr-bridge verify-app --help\`.\n`)
    return EX_USAGE
  }
  const reports = new Reports(clock)
  const workApiPort = await reports.start(options.workApiPort).catch((error: unknown) => String(error))
  if (typeof workApiPort === 'string') {
    err(
      `The work API cannot listen on port ${options.workApiPort} (${workApiPort}): a bridge may run there. ` +
        'Say --work-api-port, and tell the app by WORK_API_URL.\n',
    )
    return EX_USAGE
  }
  const interrupt = new AbortController()
  onSignal(() => {
    interrupt.abort()
  })
  const url = new URL(options.url)
  const { timeoutMs } = options
  const webhook = webhookClient({ url, timeoutMs, connections: CONNECTIONS, clock })
  const children = new Children(clock)
  const [format = 'verbatim'] = options.formats
  const trial = new Trial({
    events: new Events(clock, options.name, options.data),
    reports,
    webhook,
    wire: new Wire({ url, timeoutMs, clock }),
    clock,
    format,
    timeoutMs,
    keys,
  })
  try {
    const verification = new Verification(parts, trial, reports, interrupt.signal)
    return await verification.run(startApp(children, parts, url, workApiPort), `http://127.0.0.1:${workApiPort}`)
  } finally {
    await children.stopAll(APP_GRACE_MS)
    await webhook.close()
    await reports.stop()
  }
}

function startApp(
  children: Children,
  { options, env, err }: VerifyParts,
  url: URL,
  workApiPort: number,
): Child | undefined {
  const [program, ...args] = options.command
  if (program === undefined) return undefined
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return children.start({
    name: 'The app',
    program,
    args,
    env: { ...env, PORT: port, WORK_API_URL: `http://127.0.0.1:${workApiPort}` },
    line: (line) => {
      err(`${appLine(line)}\n`)
    },
  })
}

class Verification {
  readonly #parts: VerifyParts
  readonly #trial: Trial
  readonly #reports: Reports
  readonly #signal: AbortSignal
  readonly #at: { readonly host: string; readonly port: number }
  readonly #results: Result[] = []
  #ended: string | undefined

  constructor(parts: VerifyParts, trial: Trial, reports: Reports, signal: AbortSignal) {
    this.#parts = parts
    this.#trial = trial
    this.#reports = reports
    this.#signal = signal
    const { hostname, port, protocol } = new URL(parts.options.url)
    this.#at = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)) }
  }

  async run(child: Child | undefined, workApiUrl: string): Promise<number> {
    const { options, out, err } = this.#parts
    void child?.exited.then(({ how }) => {
      this.#ended = how
    })
    err(`The app is ${options.url}; it reports to ${workApiUrl}\n`)
    // Whoever presses Ctrl-C waits for no answer.
    const interrupted = new Promise<'interrupted'>((resolve) => {
      this.#signal.addEventListener('abort', () => {
        resolve('interrupted')
      })
    })
    const checks = [this.#reachable(child !== undefined), ...checksFor(options.formats, this.#trial.isSigned)]
    if ((await Promise.race([interrupted, this.#runAll(checks)])) === 'interrupted') return INTERRUPTED
    const isKept = this.#results.every(({ outcome }) => outcome === 'ok')
    if (options.json) {
      out(`${JSON.stringify({ url: options.url, kept: isKept, checks: this.#results.map(jsonOf) }, null, 2)}\n`)
    } else out(`${sumLine(this.#results)}\n`)
    return isKept ? 0 : 1
  }

  async #runAll(checks: readonly Check[]): Promise<void> {
    let away: string | undefined
    for (const { name, expected, isFirst, run } of checks) {
      if (away !== undefined) {
        this.#tell({ name, expected, outcome: 'skipped', came: away })
        continue
      }
      const outcome = await this.#andThere(this.#withRefused(await run(this.#trial)))
      if (outcome.kind === 'kept') this.#tell({ name, expected, outcome: 'ok', came: outcome.came })
      else this.#tell({ name, expected, outcome: 'failed', came: outcome.came, hint: outcome.hint })
      if (outcome.kind === 'broken' && isFirst === true) away = 'a plain event is not taken: no other would be'
      if (outcome.kind === 'broken' && outcome.away) away = 'the app is away'
      if (this.#ended !== undefined) away = `the app has ended (${this.#ended})`
    }
  }

  /** An app that fell in a check fails that one; those behind it say nothing about it. */
  async #andThere(outcome: Outcome): Promise<Outcome> {
    if (outcome.kind === 'kept' || outcome.away) return outcome
    const why = await this.#listens()
    if (why === undefined) return outcome
    return broken(`${outcome.came}; then nobody listens any more (${why})`, outcome.hint, true)
  }

  /** A report that the bridge would refuse breaks the contract, whatever the answer was. */
  #withRefused(outcome: Outcome): Outcome {
    const [refused, ...more] = this.#reports.takeRefused()
    if (refused === undefined || outcome.kind === 'broken') return outcome
    const { call, status, detail } = refused
    const others = more.length === 0 ? '' : `, and ${more.length} more`
    const hint = status === 404 ? `${detail} ${WORK_ID_HINT}` : detail
    return broken(`${outcome.came}; the work API refused ${call} with ${status}${others}`, hint)
  }

  #reachable(isStarted: boolean): Check {
    const { options, clock } = this.#parts
    const at = this.#at
    return {
      name: 'listens',
      expected: `somebody listens on ${at.host}, port ${at.port}`,
      run: async () => {
        const startedAtMs = clock.nowMs()
        for (;;) {
          const why = await this.#listens()
          if (why === undefined) return { kind: 'kept', came: 'a connection stands' }
          if (this.#ended !== undefined)
            return broken(`the app has ended: ${this.#ended}`, 'Its own output says why.', true)
          const isOver = clock.nowMs() >= startedAtMs + options.timeoutMs
          if (!isStarted || isOver)
            return broken(why, 'Start the app first, or let verify-app start it: … -- COMMAND', true)
          await new Promise<void>((resolve) => clock.wake(clock.nowMs() + LISTENS_EVERY_MS, resolve))
        }
      },
    }
  }

  /** @returns why nobody does; undefined when somebody does. A full backlog answers nothing at all. */
  async #listens(): Promise<string | undefined> {
    const { clock, options } = this.#parts
    return new Promise((resolve) => {
      const end = (why?: string): void => {
        bound.cancel()
        socket.destroy()
        resolve(why)
      }
      const socket = connect(this.#at, () => {
        end()
      })
      const bound = clock.wake(clock.nowMs() + options.timeoutMs, () => {
        end(`no connection within ${options.timeoutMs} ms`)
      })
      socket.once('error', (error: NodeJS.ErrnoException) => {
        end(error.code ?? error.message)
      })
    })
  }

  #tell(result: Result): void {
    this.#results.push(result)
    const { options, out, coloured } = this.#parts
    if (!options.json) out(`${resultLines(result, coloured).join('\n')}\n`)
  }
}

function jsonOf({ outcome, ...rest }: Result): Record<string, unknown> {
  return { ...rest, ok: outcome === 'ok', skipped: outcome === 'skipped' }
}

/** The keys, or a sentence about why there are none. */
function keysIn(path: string, { readFile }: VerifyParts): readonly Uint8Array[] | string {
  const { text, why } = tryRead(path, readFile)
  if (text === undefined) return `--secret-file: ${why}`
  const keys = signingKeys(text).filter((key) => key.length > 0)
  return keys.length === 0 ? '--secret-file holds no secret of the form whsec_<base64>.' : keys
}
