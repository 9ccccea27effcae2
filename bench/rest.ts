/**
 * At rest and after a crash: what the bridge costs while it does nothing, what it holds, and what comes again.
 */
import type { Figure } from './figures.ts'
import { digits, median } from './figures.ts'
import type { Extent } from './options.ts'
import { cpuMs, rssMb } from './proc.ts'
import type { Program } from './programs.ts'
import type { Progress, Stage } from './stage.ts'

const SETTLE_MS = 5000
const HELD = 10_000
/** As long as nothing comes, nothing more is expected to. */
const QUIET_MS = 3000
const COMMITTED_AFTER_MS = 3000

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** With nothing to do. The two run at one time: they do nothing. */
export async function idle(stage: Stage, { idleSeconds }: Extent, progress: Progress): Promise<Figure[]> {
  const topic = await stage.topic(3, 0)
  const programs = { bridge: await stage.bridge('/events', topic), KafkaJS: stage.kafkajs('message', '/events', topic) }
  try {
    await Promise.all(Object.values(programs).map((program) => program.says(/kafka\.joined|^joined/)))
    await pause(SETTLE_MS)
    const before = Object.values(programs).map(({ pid }) => cpuMs(pid))
    await pause(idleSeconds * 1000)
    const figures = Object.entries(programs).flatMap(([name, { pid }], at): Figure[] => {
      const percent = (cpuMs(pid) - (before[at] ?? 0)) / (idleSeconds * 10)
      const mb = rssMb(pid)
      progress(`idle: ${name}: ${digits(percent)} % of a core, ${digits(mb)} MB`)
      const isOurs = name === 'bridge'
      return [
        {
          what: `${name}, processor when idle`,
          value: percent,
          unit: '% of a core',
          ...(isOurs && { goal: { is: 'at most', value: 1 } }),
          note: `over ${idleSeconds} s`,
        },
        {
          what: `${name}, RSS when idle`,
          value: mb,
          unit: 'MB',
          ...(isOurs && { goal: { is: 'at most', value: 65 } }),
        },
      ]
    })
    return figures
  } finally {
    await Promise.all(Object.values(programs).map((program) => program.stop()))
  }
}

/** With as many works accepted by the app as the bridge lets it hold. */
export async function held(stage: Stage, progress: Progress): Promise<Figure[]> {
  const topic = await stage.topic(3, HELD)
  await stage.app.expect(HELD)
  const program = await stage.bridge('/accept', topic, { BRIDGE_MAX_RUNNING: String(HELD) })
  try {
    await stage.app.all(program)
    await pause(SETTLE_MS)
    const samples: number[] = []
    for (let count = 0; count < 10; count++) {
      samples.push(rssMb(program.pid))
      await pause(200)
    }
    const mb = median(samples)
    progress(`held: ${digits(mb)} MB`)
    return [
      {
        what: `bridge, RSS with ${HELD} works held by 202`,
        value: mb,
        unit: 'MB',
        goal: { is: 'at most', value: 150 },
        note: `events of 1 KiB, ${SETTLE_MS / 1000} s after the last was accepted`,
      },
    ]
  } finally {
    await program.stop('SIGKILL')
  }
}

/** kill -9 with one work held and the others of its partition settled. */
export async function crash(stage: Stage, progress: Progress): Promise<Figure[]> {
  const { app } = stage
  const topic = await stage.topic(1, 1 + HELD)
  const service = { BRIDGE_SERVICE: stage.name('crash') }
  await app.expect(1 + HELD)
  const first = await stage.bridge('/mark-accept', topic, service)
  let second: Program | undefined
  try {
    await app.all(first)
    await pause(COMMITTED_AFTER_MS)
    await first.stop('SIGKILL')
    await app.expect(Infinity)
    progress('crash: killed; the group waits for its session to time out')
    second = await stage.bridge('/mark-accept', topic, service)
    await app.first(second)
    let again = 0
    for (let seen = -1; again !== seen;) {
      seen = again
      await pause(QUIET_MS)
      again = (await app.read()).events
    }
    progress(`crash: ${again} came again`)
    return [
      {
        what: `bridge, records that come again after kill -9, one held and ${HELD} settled beyond it`,
        value: again,
        unit: '',
        goal: { is: 'at most', value: 1 },
        note: 'the one that is held must',
      },
    ]
  } finally {
    await first.stop('SIGKILL')
    await second?.stop()
  }
}
