/**
 * The words after `xzepr-bridge dev`: flags of its own, then `--` and the command that starts the app.
 *
 * Nothing is done here. What stands behind `--` is the app's and is left as it is.
 */
import type { Flag, Show, Wrong } from './flags.ts'
import { flagNames, readFlags, wrong } from './flags.ts'

export interface DevOptions {
  /** A real Kafka instead of the in-memory log. */
  readonly kafka: boolean
  /** The app's program and its arguments; empty: somebody else starts it. */
  readonly command: readonly string[]
}

export type DevWords = { readonly kind: 'dev'; readonly options: DevOptions } | { readonly kind: 'help' } | Wrong

const FLAGS = { kafka: { type: 'boolean' } } as const satisfies Record<string, Flag>

export const DEV_FLAGS = flagNames(FLAGS)

export function parseDev(argv: readonly string[], show: Show): DevWords {
  const { own, command } = beforeDashes(argv)
  const flags = readFlags(own, FLAGS, show)
  if (flags.kind !== 'flags') return flags
  const [word] = flags.words
  if (word !== undefined) return wrong(`The command of the app stands behind --: xzepr-bridge dev -- ${show(word)} …`)
  if (command?.length === 0) return wrong('Behind -- the command that starts the app is missing.')
  return { kind: 'dev', options: { kafka: flags.texts.has('kafka'), command: command ?? [] } }
}

/** What is ours, and what stands behind the first `--`; undefined where there is none. */
export function beforeDashes(argv: readonly string[]): {
  readonly own: readonly string[]
  readonly command: readonly string[] | undefined
} {
  const at = argv.indexOf('--')
  return at === -1 ? { own: argv, command: undefined } : { own: argv.slice(0, at), command: argv.slice(at + 1) }
}
