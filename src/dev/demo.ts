/**
 * `npm run demo`: the whole road on this machine, in front of your eyes.
 *
 *   you ─ REST ─▶ XZepr (stand-in) ─▶ Kafka ─▶ bridge ─ webhook ─▶ example app
 *                      ▲                         ▲ │                   │
 *                      └─── lifecycle events ────┴─┴──── work API ◀────┘
 *
 * The exit code is 0 only if witnesses other than the bridge agree: the stand-in holds the lifecycle events, the log
 * holds the committed offsets. Everything it starts ends with it, whichever way it ends, also when nobody reads on.
 */
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { INTERRUPTED } from '../cli/exits.ts'
import { systemClock } from '../clock.ts'
import type { ScreenOutput } from './demo-screen.ts'
import { Screen } from './demo-screen.ts'
import { DEMO_HELP, parseDemo } from './demo-options.ts'
import { Show } from './demo-show.ts'
import type { Environment } from './kafka/run.ts'

/** EX_USAGE of sysexits.h; 128 and the number of SIGINT, and of SIGPIPE. */
const USAGE = 64
const NO_READER = 141

/** @returns the exit code. */
export async function demo(
  argv: readonly string[],
  { output, env, signal }: { output: ScreenOutput; env: Environment; signal: AbortSignal },
): Promise<number> {
  const command = parseDemo(argv)
  if (command.kind === 'help') {
    output.write(DEMO_HELP)
    return 0
  }
  if (command.kind === 'refused') {
    output.write(`${command.why}\nTry \`npm run demo -- --help\`.\n`)
    return USAGE
  }
  const screen = new Screen(output, systemClock)
  const show = new Show(command.options, { screen, clock: systemClock, env, signal })
  try {
    return (await show.run()) ? 0 : 1
  } catch (error) {
    screen.still()
    // Ctrl-C is the way to end a demo that was kept; before its verdict it is an interruption.
    if (signal.aborted) return INTERRUPTED
    for (const line of (error instanceof Error ? error.message : String(error)).split('\n')) screen.line(line)
    return 1
  } finally {
    const clean = await show.end()
    if (signal.aborted) screen.line(clean ? 'Ended; nothing is left.' : 'Ended.')
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const aborting = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // The second time nobody wants to wait: the exit kills what is left.
      if (aborting.signal.aborted) process.exit(INTERRUPTED)
      aborting.abort()
    })
  }
  // `| head -3`: nobody reads on, so nobody is told. Unheard, this error would end us before what we started.
  const unread = new AbortController()
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      unread.abort()
      aborting.abort()
    })
  }
  const output: ScreenOutput = {
    isTTY: process.stdout.isTTY,
    write: (text) => unread.signal.aborted || process.stdout.write(text),
  }
  const exitCode = await demo(process.argv.slice(2), { output, env: process.env, signal: aborting.signal })
  // Exit at once: a Kafka that was still starting when Ctrl-C came goes away with us.
  process.exit(unread.signal.aborted ? NO_READER : exitCode)
}
