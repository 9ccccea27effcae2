import t from 'tap'
import type { Answer } from '../../src/core/answer.ts'
import type { Pass } from '../../src/core/gate.ts'
import { Gate, healthAnswer } from '../../src/core/gate.ts'

const AWAY: Answer = { kind: 'away', why: 'ECONNREFUSED' }
const RESET: Answer = { kind: 'later', why: 'ECONNRESET', responded: false }
const DONE: Answer = { kind: 'done', why: '200' }
const ANSWERS: readonly Answer[] = [DONE, RESET, AWAY]

/** What may happen next: a call goes, one that is out ends somehow, the app's health is asked or answers, time passes. */
type Input = 'send' | 'wait' | 'ask' | 'well' | 'ill' | `${'answer' | 'off' | 'heard'} ${number} ${number}`

interface Call extends Pass {
  /** How often the gate had changed when it went: by the model's own count. */
  readonly sentIn: number
}

/** Plays inputs on a gate, and beside it keeps what a reader of its laws would expect. */
class Play {
  readonly gate = new Gate()
  readonly out: Call[] = []
  readonly changes: string[] = []
  nowMs = 1000
  #closedAtMs: number | undefined
  #openedAtMs: number | undefined
  readonly #health: boolean
  #ask: { readonly era: number; readonly askedIn: number } | undefined
  /** The last word of the app's health since the gate changed last. */
  #said: 'well' | 'ill' | undefined
  #illInARow = 1

  constructor(health: boolean) {
    this.#health = health
    if (health) this.gate.askHealth(this.nowMs)
  }

  inputs(): Input[] {
    const { gate, nowMs } = this
    const all: Input[] = gate.admits(nowMs) && this.out.length < 3 ? ['send'] : []
    for (const [at, { probe }] of this.out.entries()) {
      all.push(...ANSWERS.map((_, which): Input => `answer ${at} ${which}`))
      if (probe) all.push(`off ${at} 0`, `heard ${at} 0`)
    }
    if (this.#ask !== undefined) all.push('well', 'ill')
    else if (gate.askAtMs !== undefined && gate.askAtMs <= nowMs) all.push('ask')
    return this.#nextMs === undefined ? all : [...all, 'wait']
  }

  /** When the gate wants to be looked at again. */
  get #nextMs(): number | undefined {
    const instants = [this.gate.retryAtMs, this.gate.askAtMs].filter((each) => each !== undefined && each > this.nowMs)
    return instants.length === 0 ? undefined : Math.min(...(instants as number[]))
  }

  /** @returns what is wrong afterwards, or undefined. */
  play(input: Input): string | undefined {
    const [word, number, which] = input.split(' ')
    const { gate } = this
    switch (word) {
      case 'wait':
        this.nowMs = this.#nextMs ?? this.nowMs
        return this.#law()
      case 'send': {
        const pass = gate.pass()
        if (pass.probe !== (this.#closedAtMs !== undefined)) return 'what goes through a closed gate is a probe'
        if (pass.probe && this.#health && this.#said !== 'well') return 'a delivery went while the health was not well'
        this.out.push({ ...pass, sentIn: this.changes.length })
        return this.#law()
      }
      case 'ask':
        this.#ask = { era: gate.asks(), askedIn: this.changes.length }
        return this.#law()
      case 'well':
      case 'ill':
        return this.#answerHealth(word) ?? this.#law()
      default: {
        const call = word === 'heard' ? this.out[Number(number)] : this.out.splice(Number(number), 1)[0]
        if (call === undefined) return 'the test is wrong'
        if (word === 'off') gate.callOff(call)
        else if (word === 'heard') {
          const opens = call.sentIn === this.changes.length
          return this.#changed(gate.heard(call, this.nowMs), opens ? 'opened' : undefined) ?? this.#law()
        } else return this.#learn(ANSWERS[Number(which)] ?? AWAY, call) ?? this.#law()
        return this.#law()
      }
    }
  }

  #learn(answer: Answer, call: Call): string | undefined {
    this.nowMs += 1
    const ofNow = call.sentIn === this.changes.length
    const isOpen = this.#closedAtMs === undefined
    const expected =
      ofNow && isOpen && answer === AWAY ? 'closed' : ofNow && !isOpen && answer.kind === 'done' ? 'opened' : undefined
    if (ofNow && !isOpen) this.#said = undefined
    return this.#changed(this.gate.learn(answer, call, this.nowMs, 0.5), expected)
  }

  #answerHealth(word: 'well' | 'ill'): string | undefined {
    if (this.#ask === undefined) return 'the test is wrong'
    const { era, askedIn } = this.#ask
    this.#ask = undefined
    const ofNow = askedIn === this.changes.length
    if (ofNow) {
      this.#said = word
      this.#illInARow = word === 'well' ? 0 : this.#illInARow + 1
    }
    const closes = ofNow && this.#closedAtMs === undefined && this.#illInARow >= 2
    return this.#changed(this.gate.learnHealth(word === 'well', era, this.nowMs, 0.5), closes ? 'closed' : undefined)
  }

  #changed(change: string | undefined, expected: 'closed' | 'opened' | undefined): string | undefined {
    if (change !== expected) return `it is ${String(change)} where ${String(expected)} is right`
    if (change === undefined) return undefined
    this.changes.push(change)
    this.#said = undefined
    this.#closedAtMs = change === 'closed' ? this.nowMs : undefined
    if (change === 'opened') {
      this.#openedAtMs = this.nowMs
      this.#illInARow = 0
    }
    return undefined
  }

  #law(): string | undefined {
    const { gate, nowMs } = this
    if (gate.closedAtMs !== this.#closedAtMs || gate.openedAtMs !== this.#openedAtMs) return 'its instants are wrong'
    if (this.changes.some((change, at) => change !== (at % 2 === 0 ? 'closed' : 'opened'))) return 'it closed twice'
    const probes = this.out.filter(({ probe, sentIn }) => probe && sentIn === this.changes.length).length
    if (probes > 1) return 'two probes are out'
    if ((this.#ask !== undefined || probes > 0) && gate.askAtMs !== undefined) return 'it would ask beside another try'
    if (gate.closedAtMs === undefined) {
      if (!gate.admits(nowMs) || gate.retryAtMs !== undefined) return 'it is open and does not let through'
      return this.#health && this.#ask === undefined && gate.askAtMs === undefined ? 'it asks no more' : undefined
    }
    if (probes > 0) return gate.admits(Infinity) ? 'a probe is out and another may go' : undefined
    if (this.#health && this.#said !== 'well') {
      if (gate.admits(Infinity)) return 'a delivery may go while the health is not well'
      return this.#ask === undefined && gate.askAtMs === undefined ? 'it stays closed for ever' : undefined
    }
    if (gate.retryAtMs === undefined || !gate.admits(gate.retryAtMs)) return 'it stays closed for ever'
    return gate.admits(gate.retryAtMs - 1) ? 'it does not wait' : undefined
  }
}

/** Plays every sequence of a length. A gate cannot be copied, so each sequence is played from the start. */
function enumerate(health: boolean, length: number, before: readonly Input[] = []): { count: number; wrong: string[] } {
  const play = new Play(health)
  for (const input of before) {
    const wrong = play.play(input)
    if (wrong !== undefined) return { count: 1, wrong: [`${before.join(', ')}: ${wrong}`] }
  }
  if (before.length === length) return { count: 1, wrong: [] }
  const all = { count: 0, wrong: [] as string[] }
  for (const input of play.inputs()) {
    const { count, wrong } = enumerate(health, length, [...before, input])
    all.count += count
    all.wrong.push(...wrong.slice(0, 3))
  }
  return all
}

void t.test('whatever comes in whatever order, the gate keeps its laws', async (t) => {
  // Long enough for two closings with calls still out from before, and a half-dead app that only ever resets.
  const { count, wrong } = enumerate(false, 9)
  t.ok(count > 10_000, `${count} sequences`)
  t.same(wrong.slice(0, 3), [])
})

void t.test('whatever the app’s health says in between, the gate keeps them too', async (t) => {
  const { count, wrong } = enumerate(true, 8)
  t.ok(count > 10_000, `${count} sequences`)
  t.same(wrong.slice(0, 3), [])
})

void t.test(
  'of many that are out when the app dies one closes it, and what comes late from them changes nothing',
  async (t) => {
    const gate = new Gate()
    const burst = Array.from({ length: 64 }, () => gate.pass())
    const changes = burst.map((pass, n) => gate.learn(ANSWERS[(n + 1) % 3] ?? AWAY, pass, n, 0.5))
    t.same(
      changes.filter((change) => change !== undefined),
      ['closed'],
    )
    const slow = new Gate()
    const [first, second, third] = [slow.pass(), slow.pass(), slow.pass()]
    slow.learn(AWAY, first, 0, 0.5)
    const probe = slow.pass()
    t.equal(slow.learn(DONE, second, 1, 0.5), undefined, 'an app that shuts down still answers what it has')
    t.equal(slow.learn(DONE, probe, 2, 0.5), 'opened')
    t.equal(slow.learn(AWAY, third, 3, 0.5), undefined, 'a refusal from before the opening is old')
  },
)

void t.test('the app being away closes it, and any HTTP answer to the probe opens it', async (t) => {
  const responded: Answer[] = [
    { kind: 'done', why: '200' },
    { kind: 'accepted', why: '202' },
    { kind: 'later', why: '503', responded: true },
    { kind: 'never', why: '400', responded: true },
  ]
  for (const answer of responded) {
    const gate = new Gate()
    t.equal(gate.learn(AWAY, gate.pass(), 10, 0.5), 'closed')
    t.equal(gate.closedAtMs, 10)
    t.equal(gate.learn(AWAY, gate.pass(), 11, 0.5), undefined, 'it is closed once')
    t.equal(gate.learn(answer, gate.pass(), 12, 0.5), 'opened', answer.kind)
    t.same([gate.closedAtMs, gate.openedAtMs], [undefined, 12])
    t.equal(gate.learn(answer, gate.pass(), 13, 0.5), undefined)
    t.equal(gate.openedAtMs, 12)
  }
})

void t.test('an app that accepts and then resets neither closes nor opens it', async (t) => {
  const gate = new Gate()
  for (let at = 0; at < 100; at++) t.equal(gate.learn(RESET, gate.pass(), at, 0.5), undefined)
  t.equal(gate.closedAtMs, undefined)
  gate.learn(AWAY, gate.pass(), 100, 0.5)
  for (let at = 0; at < 100; at++) {
    const retryAtMs = gate.retryAtMs ?? 0
    t.ok(gate.admits(retryAtMs))
    t.equal(gate.learn(at % 2 === 0 ? RESET : AWAY, gate.pass(), retryAtMs, 0.5), undefined)
  }
  t.equal(gate.closedAtMs, 100)
})

void t.test('an app that reports about the probe is there, however long its answer takes', async (t) => {
  const gate = new Gate()
  const old = gate.pass()
  gate.learn(AWAY, gate.pass(), 0, 0.5)
  const probe = gate.pass()
  t.equal(gate.heard(old, 1), undefined, 'what it took before it went says nothing')
  t.equal(gate.heard(probe, 2), 'opened')
  t.equal(gate.learn(RESET, probe, 3, 0.5), undefined, 'the probe has said what it was for')
  t.equal(gate.closedAtMs, undefined)
})

void t.test('each failed probe waits longer, at least half of its ceiling and never above the cap', async (t) => {
  for (const chance of [0, 0.5, 0.999]) {
    const gate = new Gate()
    const waits: number[] = []
    gate.learn(AWAY, gate.pass(), 0, chance)
    for (let nowMs = 0; waits.length < 10;) {
      const retryAtMs = gate.retryAtMs ?? 0
      waits.push(retryAtMs - nowMs)
      nowMs = retryAtMs
      gate.learn(AWAY, gate.pass(), nowMs, chance)
    }
    for (const [at, wait] of waits.entries()) {
      const ceiling = Math.min(5000, 200 * 2 ** at)
      t.ok(wait >= ceiling / 2 && wait <= ceiling, `${wait} of ${ceiling}`)
    }
  }
})

void t.test('after an opening the waits begin small again', async (t) => {
  const gate = new Gate()
  for (let at = 0; at < 6; at++) gate.learn(AWAY, gate.pass(), 0, 0)
  t.equal(gate.retryAtMs, 2500)
  gate.learn(DONE, gate.pass(), 0, 0)
  gate.learn(AWAY, gate.pass(), 0, 0)
  t.equal(gate.retryAtMs, 100)
})

void t.test('a probe that is called off makes room for another at once', async (t) => {
  const gate = new Gate()
  gate.learn(AWAY, gate.pass(), 0, 0.5)
  const retryAtMs = gate.retryAtMs ?? 0
  const probe = gate.pass()
  t.equal(probe.probe, true)
  t.same([gate.admits(retryAtMs), gate.retryAtMs], [false, undefined])
  gate.callOff(probe)
  t.same([gate.admits(retryAtMs), gate.retryAtMs], [true, retryAtMs])
})

/** Answers the question that is due. @returns what changed. */
function say(gate: Gate, well: boolean): string | undefined {
  const atMs = gate.askAtMs ?? NaN
  return gate.learnHealth(well, gate.asks(), atMs, 0.5)
}

void t.test('an app that has been well must be ill twice in a row, one that never was only once', async (t) => {
  const coming = new Gate()
  coming.askHealth(0)
  t.equal(say(coming, false), 'closed', 'it is still coming up')
  const gate = new Gate()
  gate.askHealth(0)
  const said = [true, false, true, false, false].map((well) => say(gate, well))
  t.same(said, [undefined, undefined, undefined, undefined, 'closed'])
})

void t.test(
  'its health is asked every few seconds, sooner once it was ill, and while away as often as a probe went',
  async (t) => {
    const gate = new Gate()
    gate.askHealth(0)
    const asked: number[] = []
    for (const well of [true, true, false, false, false, false]) {
      asked.push(gate.askAtMs ?? NaN)
      say(gate, well)
    }
    t.same(asked, [0, 5000, 10_000, 11_000, 11_150, 11_450])
  },
)

void t.test('the app is well when it says 2xx, and nothing else', async (t) => {
  for (const status of [200, 204, 299]) t.same(healthAnswer({ kind: 'response', status }).well, true, String(status))
  for (const status of [101, 199, 300, 301, 404, 429, 500, 503]) {
    t.same(healthAnswer({ kind: 'response', status }), { well: false, why: `HTTP ${status}` })
  }
  t.same(healthAnswer({ kind: 'failure', sent: false, why: 'ECONNREFUSED' }), { well: false, why: 'ECONNREFUSED' })
})

void t.test('an ill health before the opening does not count after it', async (t) => {
  const gate = new Gate()
  gate.askHealth(0)
  for (const well of [false, true]) say(gate, well)
  const asked = gate.asks()
  const probe = gate.pass()
  gate.learnHealth(false, asked, 0, 0.5)
  t.equal(gate.learn(DONE, probe, 0, 0.5), 'opened')
  t.equal(say(gate, false), undefined)
  t.equal(say(gate, false), 'closed')
})

void t.test('a probe that is called off leaves no way past a health that was ill meanwhile', async (t) => {
  const gate = new Gate()
  gate.askHealth(0)
  for (const well of [false, true]) say(gate, well)
  const asked = gate.asks()
  const probe = gate.pass()
  gate.learnHealth(false, asked, 6000, 0.5)
  gate.callOff(probe)
  t.equal(gate.admits(Infinity), false)
  t.ok((gate.askAtMs ?? Infinity) < 6000, 'it is asked at once')
})

void t.test('an old probe that is taken back frees no place beside the new one', async (t) => {
  const gate = new Gate()
  gate.learn(AWAY, gate.pass(), 0, 0.5)
  const old = gate.pass()
  gate.heard(old, 1)
  gate.learn(AWAY, gate.pass(), 2, 0.5)
  gate.pass()
  gate.callOff(old)
  t.equal(gate.admits(Infinity), false)
})
