/**
 * `xzepr-bridge drain`: asks the bridge beside it to drain, and says what it waits for. It says that the bridge drains
 * only once the bridge has said so.
 *
 *   0  drained     1  not: the grace is over, or this bridge cannot be drained     69  nobody listens (EX_UNAVAILABLE)
 *
 * The law: it ends by its own clock, whatever the bridge does. In preStop nothing else would, until the pod is killed.
 */
import type { OpsAddress } from '../config/ops-address.ts'
import type { Clock, Wake } from '../core/seams.ts'
import type { OpsAnswer } from './ops-call.ts'
import { EX_UNAVAILABLE } from './exits.ts'
import { callOps, nobodyAt, placeOf, within } from './ops-call.ts'

export interface DrainCommand {
  readonly address: OpsAddress
  /** Goes into the bridge's log. */
  readonly reason: string | undefined
  /** Undefined: the grace, and a few seconds for the last reports and the commit. */
  readonly timeoutMs: number | undefined
  readonly clock: Clock
  readonly say: (line: string) => void
  readonly complain: (line: string) => void
}

/** What the bridge may take after the grace, and the way to it. */
const AFTER_GRACE_MS = 5000
/** Soon, so that a person sees it begin; a drain that ends before needs no more words than that. */
const LOOK_FIRST_MS = 200
const LOOK_EVERY_MS = 1000

/** What is read of the bridge's status; anything may be missing. */
interface Status {
  readonly phase?: unknown
  readonly drain?: {
    readonly stage?: unknown
    readonly left?: { readonly works?: unknown; readonly reports?: unknown; readonly letters?: unknown }
  }
  readonly works?: { readonly running?: unknown; readonly attempting?: unknown }
  readonly reports?: { readonly events?: unknown }
  /** Of a problem. */
  readonly detail?: unknown
}

export async function drainBridge(command: DrainCommand): Promise<number> {
  const { address, clock, say, timeoutMs = address.graceMs + AFTER_GRACE_MS } = command
  const where = placeOf(address)
  const begun = `Draining the bridge at ${where}: it takes nothing new, and has ${seconds(timeoutMs)} to end what is in hand.`
  const watch = new Watch(command, begun)
  const why = JSON.stringify({ why: command.reason ?? 'xzepr-bridge drain' })
  const answer = await within(timeoutMs, clock, callOps(address, 'POST', '/drain', why))
  const last = watch.end()
  const [exitCode, sentence] = answer === undefined ? tooLate(last, where) : verdict(answer, address)
  if (exitCode === 0) say(sentence)
  else command.complain(sentence)
  return exitCode
}

/** Says that the drain has begun, once the bridge says so, and then what it waits for, whenever that has changed. */
class Watch {
  readonly #command: DrainCommand
  readonly #begun: string
  #wake: Wake | undefined
  /** Undefined until the bridge has said that it drains. */
  #said: string | undefined
  #ended = false

  constructor(command: DrainCommand, begun: string) {
    this.#command = command
    this.#begun = begun
    this.#later(LOOK_FIRST_MS)
  }

  /** @returns what it waited for last; undefined when the bridge never said that it drains. */
  end(): string | undefined {
    this.#ended = true
    this.#wake?.cancel()
    return this.#said
  }

  #later(inMs: number): void {
    const { clock } = this.#command
    this.#wake = clock.wake(clock.nowMs() + inMs, () => {
      void this.#look()
    })
  }

  async #look(): Promise<void> {
    const { address, clock, say } = this.#command
    const answer = await within(LOOK_EVERY_MS, clock, callOps(address, 'GET', '/status'))
    if (this.#ended) return
    if (answer?.kind === 'answer' && answer.json.drain !== undefined) {
      if (this.#said === undefined) say(this.#begun)
      const line = waitsFor(answer.json)
      if (line !== this.#said) say(line)
      this.#said = line
    }
    this.#later(LOOK_EVERY_MS)
  }
}

/** The time was over before the bridge had drained. @param last what it waited for, where it said that it drains. */
function tooLate(last: string | undefined, where: string): readonly [exitCode: number, sentence: string] {
  return last === undefined
    ? [1, `The bridge at ${where} has not answered in time: its log says whether it drains.`]
    : [1, `Not drained in time; the bridge goes on draining. ${last}`]
}

/** What the answer to the drain means: the exit code, and a sentence. */
function verdict(answer: OpsAnswer, address: OpsAddress): readonly [exitCode: number, sentence: string] {
  const where = placeOf(address)
  if (answer.kind === 'failure') {
    if (answer.code !== 'ECONNREFUSED') {
      return [1, `The bridge at ${where} broke off (${answer.code}): its log says how far it came.`]
    }
    return [EX_UNAVAILABLE, nobodyAt(address)]
  }
  const { status } = answer
  const json: Status = answer.json
  if (status !== 200) {
    const detail = typeof json.detail === 'string' ? ` ${json.detail}` : ''
    return [1, `The bridge at ${where} did not drain: HTTP ${status}.${detail}`]
  }
  if (json.drain?.stage === undefined) return [1, `What answers at ${where} is no bridge that can drain.`]
  const works = count(json.drain.left?.works)
  const reports = count(json.drain.left?.reports)
  const letters = count(json.drain.left?.letters)
  if (works + reports + letters === 0)
    return [0, 'Drained: nothing is in hand, the offsets are committed, the group is left.']
  return [
    1,
    `The grace is over with ${counted(works, 'work')} not ended, ${counted(reports, 'report')} owed to XZepr and ` +
      `${counted(letters, 'dead letter')} not written. ` +
      'They come again elsewhere; the log of the bridge names them.',
  ]
}

function waitsFor({ works, reports }: Status): string {
  const withApp = count(works?.running) + count(works?.attempting)
  return `Waiting for ${counted(withApp, 'work')} with the app and ${counted(count(reports?.events), 'report')} for XZepr.`
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`
}
