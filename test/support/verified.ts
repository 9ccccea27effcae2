/** What `xzepr-bridge verify-app` says of an example app that it starts itself. */
import { systemClock } from '../../src/clock.ts'
import type { Example } from '../../src/dev/app-programs.ts'
import { prepareApp } from '../../src/dev/app-programs.ts'
import { freePorts } from '../../src/dev/kafka/ports.ts'
import { parse } from '../../src/cli.ts'
import { verifyApp } from '../../src/verify.ts'

/** @returns the exit code, and all that was printed. */
export async function verifiedExample(
  example: Example,
  env: Record<string, string> = {},
): Promise<{ readonly code: number; readonly text: string }> {
  const prepared = await prepareApp(example, process.env)
  if (!prepared.ok) throw new Error(prepared.why)
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}/events`
  const { program, args } = prepared.command
  const words = ['verify-app', url, '--work-api-port', '0', '--timeout', '20', '--', program, ...args]
  const command = parse(words, { version: '1', terminal: { isTTY: false } })
  if (command.kind !== 'verify') throw new Error(JSON.stringify(command))
  let text = ''
  const say = (more: string): void => void (text += more)
  const code = await verifyApp({
    options: command.options,
    env: { ...process.env, ...env },
    clock: systemClock,
    readFile: () => '',
    out: say,
    err: say,
    coloured: false,
    onSignal: () => undefined,
  })
  return { code, text }
}
