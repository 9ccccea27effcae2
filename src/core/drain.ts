/**
 * The drain: from "nothing new" to the last commit, the same whether a person, preStop or a signal begins it.
 *
 *   running ─lever, signal─▶ draining ─all has ended─▶ flushing ─all is told─▶ committing ─▶ leaving ─┬─lever─▶ drained
 *                               └──grace over, 2nd signal──┘ └──────time, 2nd signal──┘              signal      │signal
 *                                                                                                     ▼          ▼
 *                                                                                                  ending ◀──────┘ ─▶ stopped
 *
 * Who comes second joins: the grace counts from the first, and only a second signal hurries. Every stage that waits for
 * a neighbour ends by time too, so that the whole of it takes the grace and four seconds at the most: Kubernetes leaves
 * five between the grace's default and its own end. A drain without a signal rests: the group is left, so that another
 * takes over at once, while the app may still be finishing and report.
 */

export type DrainStage =
  'running' | 'draining' | 'flushing' | 'committing' | 'leaving' | 'drained' | 'ending' | 'stopped'

export interface DrainState {
  readonly stage: DrainStage
  /** When this stage ends whatever the neighbours do; undefined: it waits for an event alone. */
  readonly untilMs: number | undefined
  /** A signal has come: the process is to end. */
  readonly signalled: boolean
  /** When the works in hand had ended, or the grace was over. */
  readonly overAtMs: number | undefined
}

export type DrainEvent =
  | 'lever'
  | 'signal'
  /** Nothing is in hand, and no report is owed. */
  | 'ended'
  /** No report is owed. */
  | 'told'
  | 'committed'
  | 'left'
  /** XZepr is not called any more. */
  | 'quiet'
  /** `untilMs` has come. */
  | 'time'

/** What must be done, in order. */
export type DrainDeed =
  'take-nothing-new' | 'abort-calls' | 'seal' | 'commit' | 'leave' | 'let-go' | 'stop-telling' | 'stop'

/** After the works: until reports are given up, until the commit is, until the group and then XZepr are left. */
const FLUSH_MS = 1500
const COMMIT_MS = 3000
const LEAVE_MS = 3500
const END_MS = 4000
/** For reports that are on their way when the signal comes long after the drain. */
const LATE_END_MS = 1000

export const RUNNING: DrainState = { stage: 'running', untilMs: undefined, signalled: false, overAtMs: undefined }

export interface DrainStep {
  readonly state: DrainState
  readonly deeds: readonly DrainDeed[]
}

/** @param graceMs how long works in hand may go on. */
export function drainStep(state: DrainState, event: DrainEvent, nowMs: number, graceMs: number): DrainStep {
  const hurried = event === 'signal' && state.signalled
  const here: DrainState = event === 'signal' ? { ...state, signalled: true } : state
  const overAtMs = state.overAtMs ?? nowMs
  switch (state.stage) {
    case 'running':
      if (event !== 'lever' && event !== 'signal') break
      return { state: { ...here, stage: 'draining', untilMs: nowMs + graceMs }, deeds: ['take-nothing-new'] }
    case 'draining':
      if (event !== 'ended' && event !== 'time' && !hurried) break
      return { state: { ...here, stage: 'flushing', untilMs: nowMs + FLUSH_MS, overAtMs }, deeds: ['abort-calls'] }
    case 'flushing':
      if (event !== 'told' && event !== 'time' && !hurried) break
      return { state: { ...here, stage: 'committing', untilMs: overAtMs + COMMIT_MS }, deeds: ['seal', 'commit'] }
    case 'committing':
      if (event !== 'committed' && event !== 'time') break
      return { state: { ...here, stage: 'leaving', untilMs: overAtMs + LEAVE_MS }, deeds: ['leave'] }
    case 'leaving':
      if (event !== 'left' && event !== 'time') break
      if (here.signalled) return ending(here, overAtMs + END_MS)
      return { state: { ...here, stage: 'drained', untilMs: undefined }, deeds: ['let-go'] }
    case 'drained':
      if (event !== 'signal') break
      return ending(here, nowMs + LATE_END_MS)
    case 'ending':
      if (event !== 'quiet' && event !== 'time') break
      return { state: { ...here, stage: 'stopped', untilMs: undefined }, deeds: ['stop'] }
    case 'stopped':
      break
  }
  return { state: here, deeds: [] }
}

function ending(state: DrainState, untilMs: number): DrainStep {
  return { state: { ...state, stage: 'ending', untilMs }, deeds: ['stop-telling'] }
}
