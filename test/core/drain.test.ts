import t from 'tap'
import type { DrainDeed, DrainEvent, DrainStage, DrainState } from '../../src/core/drain.ts'
import { drainStep, RUNNING } from '../../src/core/drain.ts'

const GRACE_MS = 25_000
const EVENTS: readonly DrainEvent[] = ['lever', 'signal', 'ended', 'told', 'committed', 'left', 'quiet', 'time']
const STAGES: readonly DrainStage[] = [
  'running',
  'draining',
  'flushing',
  'committing',
  'leaving',
  'drained',
  'ending',
  'stopped',
]
/** The only order in which anything may be done. */
const DEEDS: readonly DrainDeed[] = [
  'take-nothing-new',
  'abort-calls',
  'seal',
  'commit',
  'leave',
  'let-go',
  'stop-telling',
  'stop',
]

interface Life {
  readonly state: DrainState
  readonly nowMs: number
  readonly deeds: readonly DrainDeed[]
  readonly events: readonly DrainEvent[]
  readonly askedAtMs: number | undefined
}

/** Each event comes a second after the last one; `time` comes when it is due. */
function live({ state, nowMs, deeds, events, askedAtMs }: Life, event: DrainEvent): Life {
  const atMs = event === 'time' ? Math.max(nowMs, state.untilMs ?? nowMs) : nowMs + 1000
  const step = drainStep(state, event, atMs, GRACE_MS)
  const asks = event === 'lever' || event === 'signal'
  return {
    state: step.state,
    nowMs: atMs,
    deeds: [...deeds, ...step.deeds],
    events: [...events, event],
    askedAtMs: askedAtMs ?? (asks ? atMs : undefined),
  }
}

/** What is wrong after one more event, or undefined. */
function wrong(before: Life, after: Life): string | undefined {
  const { state, deeds, events, askedAtMs, nowMs } = after
  if (STAGES.indexOf(state.stage) < STAGES.indexOf(before.state.stage)) return 'it goes back'
  const places = deeds.map((deed) => DEEDS.indexOf(deed))
  if (places.some((place, at) => at > 0 && place <= (places[at - 1] ?? -1)))
    return `twice or out of order: ${deeds.join()}`
  const signals = events.filter((event) => event === 'signal').length
  if (signals === 0 && (state.stage === 'ending' || state.stage === 'stopped')) return 'it ends without a signal'
  if (signals > 0 && state.stage === 'drained') return 'it rests although it is to end'
  if (askedAtMs === undefined) return state === RUNNING ? undefined : 'it drains unasked'
  const waits = ['running', 'drained', 'stopped'].includes(state.stage)
  if (waits !== (state.untilMs === undefined)) return 'a stage that waits for a neighbour has no end of its own'
  if (state.stage === 'draining') {
    if (state.untilMs !== askedAtMs + GRACE_MS) return 'the grace does not count from the first'
    if (signals > 1) return 'a second signal does not hurry'
  }
  if (before.state.stage === 'draining' && events.at(-1) === 'signal' && signals === 1 && state.stage !== 'draining') {
    return 'the first signal does not join'
  }
  const overMs = state.overAtMs
  if (overMs !== undefined && (state.untilMs ?? 0) > Math.max(overMs + 4000, nowMs + 1000)) return 'it takes too long'
  return undefined
}

void t.test('whatever comes in whatever order, the drain keeps its laws', async (t) => {
  const found: string[] = []
  let lives = 0
  const stages = new Set<DrainStage>()
  const enumerate = (life: Life, length: number): void => {
    stages.add(life.state.stage)
    if (length === 0) {
      lives += 1
      return
    }
    for (const event of EVENTS) {
      const after = live(life, event)
      const what = wrong(life, after)
      if (what === undefined) enumerate(after, length - 1)
      else if (found.length < 3) found.push(`${after.events.join(' ')}: ${what}`)
    }
  }
  enumerate({ state: RUNNING, nowMs: 0, deeds: [], events: [], askedAtMs: undefined }, 6)
  t.same(found, [])
  t.equal(lives, 8 ** 6)
  t.equal(stages.size, STAGES.length, 'every stage is met')
})

void t.test('time alone brings every drain to its end, within the grace and four seconds', async (t) => {
  for (const [first, last] of [
    ['lever', 'drained'],
    ['signal', 'stopped'],
  ] as const) {
    let life = live({ state: RUNNING, nowMs: -1000, deeds: [], events: [], askedAtMs: undefined }, first)
    while (life.state.untilMs !== undefined) life = live(life, 'time')
    t.equal(life.state.stage, last)
    t.ok(life.nowMs <= GRACE_MS + 4000, `${life.nowMs} ms`)
  }
})

void t.test(
  'after a drain by lever a signal ends at once, and a drain that a signal joined goes on to the end',
  async (t) => {
    const follow = (...events: DrainEvent[]): Life =>
      events.reduce(live, { state: RUNNING, nowMs: 0, deeds: [], events: [], askedAtMs: undefined })
    const resting = follow('lever', 'ended', 'told', 'committed', 'left')
    t.equal(resting.state.stage, 'drained')
    t.same(resting.deeds, ['take-nothing-new', 'abort-calls', 'seal', 'commit', 'leave', 'let-go'])
    t.same(live(live(resting, 'signal'), 'quiet').deeds.slice(-2), ['stop-telling', 'stop'])
    const joined = follow('lever', 'signal', 'ended', 'told', 'committed', 'left', 'quiet')
    t.equal(joined.state.stage, 'stopped')
    t.notOk(joined.deeds.includes('let-go'))
  },
)
