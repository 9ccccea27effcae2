import t from 'tap'
import type { Answer } from '../../src/core/answer.ts'
import { Gate } from '../../src/core/gate.ts'

const AWAY: Answer = { kind: 'away', why: 'ECONNREFUSED' }
const RESET: Answer = { kind: 'later', why: 'ECONNRESET', responded: false }
const ANSWERS: readonly Answer[] = [{ kind: 'done', why: '200' }, RESET, AWAY]

/** What may happen next: a call goes, one of those out is answered or called off, time passes. */
type Input = 'send' | 'wait' | `answer ${number} ${number}` | `call off ${number}`

/** Plays inputs on a gate and beside it keeps what a reader of its laws would expect. */
class Play {
  readonly gate = new Gate()
  readonly out: { readonly probe: boolean }[] = []
  nowMs = 1000
  #closedAtMs: number | undefined
  #openedAtMs: number | undefined

  inputs(): Input[] {
    const all: Input[] = this.gate.admits(this.nowMs) && this.out.length < 3 ? ['send'] : []
    for (const [at, { probe }] of this.out.entries()) {
      all.push(...ANSWERS.map((_, which): Input => `answer ${at} ${which}`))
      if (probe) all.push(`call off ${at}`)
    }
    return this.gate.retryAtMs === undefined || this.gate.retryAtMs <= this.nowMs ? all : [...all, 'wait']
  }

  /** @returns what is wrong afterwards, or undefined. */
  play(input: Input): string | undefined {
    const [, number, which] = /^\D+(\d+)(?: (\d+))?$/.exec(input) ?? []
    const { gate } = this
    if (input === 'wait') this.nowMs = gate.retryAtMs ?? this.nowMs
    else if (input === 'send') {
      const probe = gate.pass()
      if (probe !== (this.#closedAtMs !== undefined)) return 'what goes through a closed gate is a probe, and only that'
      this.out.push({ probe })
    } else {
      const [call] = this.out.splice(Number(number), 1)
      const answer = ANSWERS[Number(which)]
      if (which === undefined) gate.callOff()
      else if (call !== undefined && answer !== undefined) {
        const wrong = this.#learn(answer, call.probe)
        if (wrong !== undefined) return wrong
      }
    }
    return this.#law()
  }

  #learn(answer: Answer, probe: boolean): string | undefined {
    this.nowMs += 1
    const change = this.gate.learn(answer, probe, this.nowMs, 0.5)
    const wasOpen = this.#closedAtMs === undefined
    const closes = wasOpen && answer === AWAY
    const opens = !wasOpen && answer.kind === 'done'
    if (change !== (closes ? 'closed' : opens ? 'opened' : undefined)) return `${answer.why} made it ${String(change)}`
    if (closes) this.#closedAtMs = this.nowMs
    if (opens) {
      this.#closedAtMs = undefined
      this.#openedAtMs = this.nowMs
    }
    return undefined
  }

  #law(): string | undefined {
    const { gate } = this
    if (gate.closedAtMs !== this.#closedAtMs || gate.openedAtMs !== this.#openedAtMs) return 'its instants are wrong'
    const probes = this.out.filter(({ probe }) => probe).length
    if (probes > 1) return 'two probes are out'
    if (gate.closedAtMs === undefined) {
      if (!gate.admits(this.nowMs) || gate.retryAtMs !== undefined) return 'it is open and does not let through'
      return undefined
    }
    if (probes > 0) return gate.admits(Infinity) ? 'a probe is out and another may go' : undefined
    if (gate.retryAtMs === undefined || !gate.admits(gate.retryAtMs)) return 'it stays closed for ever'
    return gate.admits(gate.retryAtMs - 1) ? 'it does not wait' : undefined
  }
}

/** Plays every sequence of a length. A gate cannot be copied, so each sequence is played from the start. */
function enumerate(length: number, before: readonly Input[] = []): { count: number; wrong: string[] } {
  const play = new Play()
  for (const input of before) {
    const wrong = play.play(input)
    if (wrong !== undefined) return { count: 1, wrong: [`${before.join(', ')}: ${wrong}`] }
  }
  if (before.length === length) return { count: 1, wrong: [] }
  const all = { count: 0, wrong: [] as string[] }
  for (const input of play.inputs()) {
    const { count, wrong } = enumerate(length, [...before, input])
    all.count += count
    all.wrong.push(...wrong)
  }
  return all
}

void t.test('whatever comes in whatever order, the gate keeps its laws', async (t) => {
  // Long enough for two closings with a probe still out from before, and a half-dead app that only ever resets.
  const { count, wrong } = enumerate(9)
  t.ok(count > 10_000, `${count} sequences`)
  t.same(wrong.slice(0, 3), [])
})

void t.test('the app being away closes it, and any HTTP answer opens it', async (t) => {
  const responded: Answer[] = [
    { kind: 'done', why: '200' },
    { kind: 'accepted', why: '202' },
    { kind: 'later', why: '503', responded: true },
    { kind: 'never', why: '400', responded: true },
  ]
  for (const answer of responded) {
    const gate = new Gate()
    t.equal(gate.learn(AWAY, false, 10, 0.5), 'closed')
    t.equal(gate.closedAtMs, 10)
    t.equal(gate.learn(AWAY, false, 11, 0.5), undefined, 'it is closed once')
    t.equal(gate.learn(answer, false, 12, 0.5), 'opened', answer.kind)
    t.same([gate.closedAtMs, gate.openedAtMs], [undefined, 12])
    t.equal(gate.learn(answer, false, 13, 0.5), undefined)
    t.equal(gate.openedAtMs, 12)
  }
})

void t.test('an app that accepts and then resets neither closes nor opens it', async (t) => {
  const gate = new Gate()
  for (let at = 0; at < 100; at++) t.equal(gate.learn(RESET, false, at, 0.5), undefined)
  t.equal(gate.closedAtMs, undefined)
  gate.learn(AWAY, false, 100, 0.5)
  for (let at = 0; at < 100; at++) {
    const retryAtMs = gate.retryAtMs ?? 0
    t.ok(gate.admits(retryAtMs) && gate.pass())
    t.equal(gate.learn(RESET, true, retryAtMs, 0.5), undefined)
  }
  t.equal(gate.closedAtMs, 100)
})

void t.test('an old call that fails while it is closed moves no probe', async (t) => {
  const gate = new Gate()
  gate.learn(AWAY, false, 0, 0.5)
  const { retryAtMs } = gate
  for (const answer of [AWAY, RESET]) gate.learn(answer, false, 100, 0.5)
  t.equal(gate.retryAtMs, retryAtMs)
})

void t.test('each failed probe waits longer, at least half of its ceiling and never above the cap', async (t) => {
  for (const chance of [0, 0.5, 0.999]) {
    const gate = new Gate()
    const waits: number[] = []
    gate.learn(AWAY, false, 0, chance)
    for (let nowMs = 0; waits.length < 10;) {
      const retryAtMs = gate.retryAtMs ?? 0
      waits.push(retryAtMs - nowMs)
      nowMs = retryAtMs
      gate.pass()
      gate.learn(AWAY, true, nowMs, chance)
    }
    for (const [at, wait] of waits.entries()) {
      const ceiling = Math.min(5000, 200 * 2 ** at)
      t.ok(wait >= ceiling / 2 && wait <= ceiling, `${wait} of ${ceiling}`)
    }
  }
})

void t.test('after an opening the waits begin small again', async (t) => {
  const gate = new Gate()
  gate.learn(AWAY, false, 0, 0)
  for (let at = 0; at < 5; at++) {
    gate.pass()
    gate.learn(AWAY, true, 0, 0)
  }
  t.equal(gate.retryAtMs, 2500)
  gate.learn({ kind: 'done', why: '200' }, false, 0, 0)
  gate.learn(AWAY, false, 0, 0)
  t.equal(gate.retryAtMs, 100)
})

void t.test('a probe that is called off makes room for another at once', async (t) => {
  const gate = new Gate()
  gate.learn(AWAY, false, 0, 0.5)
  const retryAtMs = gate.retryAtMs ?? 0
  t.equal(gate.pass(), true)
  t.same([gate.admits(retryAtMs), gate.retryAtMs], [false, undefined])
  gate.callOff()
  t.same([gate.admits(retryAtMs), gate.retryAtMs], [true, retryAtMs])
})
