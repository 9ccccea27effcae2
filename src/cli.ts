/**
 * The words after `xzepr-bridge`, turned into a command.
 *
 * Nothing is done here: main.ts gets a command and carries it out, or a text to print with the exit code that belongs to
 * it (64 is EX_USAGE of sysexits.h). The help teaches from the declarations of the variables, so it cannot lag behind.
 */
import { parseArgs } from 'node:util'
import { closestMatch } from 'leven'
import { devHelpText } from './cli/dev-help.ts'
import type { DevOptions } from './cli/dev-words.ts'
import { parseDev } from './cli/dev-words.ts'
import { emitHelpText } from './cli/emit-help.ts'
import type { EmitOptions } from './cli/emit-words.ts'
import { parseEmit } from './cli/emit-words.ts'
import type { Show, Wrong } from './cli/flags.ts'
import type { Terminal } from './cli/help.ts'
import { HEALTHCHECK_HELP } from './cli/healthcheck.ts'
import { DRAIN_HELP, helpText } from './cli/help.ts'
import { replayHelpText } from './cli/replay-help.ts'
import type { ReplayOptions } from './cli/replay-words.ts'
import { parseReplay } from './cli/replay-words.ts'
import { verifyHelpText } from './cli/verify-help.ts'
import type { VerifyOptions } from './cli/verify-words.ts'
import { parseVerify } from './cli/verify-words.ts'

export interface Surroundings {
  readonly version: string
  readonly terminal: Terminal
}

/** Commands with flags of their own. */
type Carried =
  | { readonly kind: 'replay'; readonly options: ReplayOptions }
  | { readonly kind: 'dev'; readonly options: DevOptions }
  | { readonly kind: 'emit'; readonly options: EmitOptions }
  | { readonly kind: 'verify'; readonly options: VerifyOptions }

export type Command =
  | { readonly kind: 'run' }
  | { readonly kind: 'drain'; readonly reason: string | undefined; readonly timeoutMs: number | undefined }
  | { readonly kind: 'healthcheck' }
  | Carried
  /** To standard output, exit 0. */
  | { readonly kind: 'print'; readonly text: string; readonly exitCode: 0 }
  /** To standard error, exit 64. */
  | { readonly kind: 'usage'; readonly text: string; readonly exitCode: 64 }

/** How the words behind a command with flags of its own are read, and its help. */
interface Own {
  readonly parse: (argv: readonly string[], show: Show) => Carried | { readonly kind: 'help' } | Wrong
  readonly help: (terminal: Terminal) => string
  readonly example: string
}
const OWN: ReadonlyMap<string, Own> = new Map<string, Own>([
  ['dev', { parse: parseDev, help: devHelpText, example: 'dev --kafka' }],
  ['emit', { parse: parseEmit, help: emitHelpText, example: 'emit build.success --wait' }],
  ['verify-app', { parse: parseVerify, help: verifyHelpText, example: 'verify-app http://127.0.0.1:8080/events' }],
  ['replay', { parse: parseReplay, help: replayHelpText, example: 'replay --dry-run' }],
])

/** Words that a later version carries out. */
const NOT_YET = new Set(['check', 'config'])
export const WORDS = ['run', 'drain', 'healthcheck', 'help', ...OWN.keys(), ...NOT_YET]
const FLAGS = ['--help', '--version']
/** Flags that take a text, by the word they belong to. */
const TEXT_FLAGS: ReadonlyMap<string, readonly string[]> = new Map([['drain', ['--reason', '--timeout']]])
const TIMEOUT_MAX_SECONDS = 86_400

/** @param argv the words behind the program's name. */
export function parse(argv: readonly string[], { version, terminal }: Surroundings): Command {
  const [first = '', ...rest] = argv
  const own = OWN.get(first)
  if (own !== undefined) return carried(first, own, rest, terminal)
  const helped = first === 'help' ? OWN.get(rest[0] ?? '') : undefined
  if (helped !== undefined) return print(helped.help(terminal))
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
      reason: { type: 'string' },
      timeout: { type: 'string' },
    },
    allowPositionals: true,
    // Not strict: an unknown flag is answered in our words, with the nearest known one.
    strict: false,
    tokens: true,
  })
  const [word = 'run', more] = positionals
  const textFlags = TEXT_FLAGS.get(word) ?? []
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { rawName, value } = token
    const flag = printable(rawName).slice(1, -1)
    if (textFlags.includes(rawName)) {
      if (value === undefined) return usage(`The flag ${rawName} needs a value.`)
    } else if (!FLAGS.includes(`--${token.name}`))
      return usage(`Unknown flag ${flag}.`, rawName, [...FLAGS, ...textFlags])
    else if (value !== undefined) return usage(`The flag ${flag} takes no value.`)
  }
  if (word === 'drain' && values.help === true) return print(DRAIN_HELP)
  if (word === 'healthcheck' && values.help === true) return print(HEALTHCHECK_HELP)
  if (values.help === true || word === 'help') return print(helpText(version, terminal))
  if (values.version === true) return print(`${version}\n`)

  if (NOT_YET.has(word)) return usage(`This version has no \`${word}\` yet.`)
  if (word === 'drain') return drain(more, values)
  if (word === 'healthcheck') {
    return more === undefined
      ? { kind: 'healthcheck' }
      : usage(`\`healthcheck\` takes no words, but got ${printable(more)}.`)
  }
  const late = OWN.get(word)
  if (late !== undefined) return usage(`The flags of \`${word}\` stand behind it: xzepr-bridge ${late.example}.`)
  if (word !== 'run') return usage(`Unknown command ${printable(word)}.`, word, WORDS)
  if (more !== undefined) return usage(`\`run\` takes no words, but got ${printable(more)}: it is set up by variables.`)
  return { kind: 'run' }
}

function drain(more: string | undefined, { reason, timeout }: Readonly<Record<string, unknown>>): Command {
  if (more !== undefined) return usage(`\`drain\` takes no words, but got ${printable(more)}.`)
  const text = typeof timeout === 'string' ? timeout : undefined
  const timeoutSeconds = Number(/^(\d{1,9})s?$/.exec(text ?? '')?.[1] ?? NaN)
  if (text !== undefined && !(timeoutSeconds <= TIMEOUT_MAX_SECONDS)) {
    return usage(`--timeout must be seconds, from 0 to ${TIMEOUT_MAX_SECONDS}, but got ${printable(text)}.`)
  }
  return {
    kind: 'drain',
    reason: typeof reason === 'string' ? reason : undefined,
    timeoutMs: text === undefined ? undefined : timeoutSeconds * 1000,
  }
}

function carried(word: string, { parse: read, help }: Own, argv: readonly string[], terminal: Terminal): Command {
  const words = read(argv, printable)
  if (words.kind === 'help') return print(help(terminal))
  if (words.kind !== 'wrong') return words
  return usage(words.why, words.given, words.known, `xzepr-bridge ${word} --help`)
}

function print(text: string): Command {
  return { kind: 'print', text, exitCode: 0 }
}

function usage(what: string, given?: string, known: readonly string[] = [], help = 'xzepr-bridge --help'): Command {
  const nearest =
    given === undefined ? undefined : closestMatch(given, known, { maxDistance: Math.ceil(given.length / 2) })
  const guess = nearest === undefined ? '' : ` Did you mean ${nearest}?`
  return { kind: 'usage', text: `${what}${guess}\nTry \`${help}\`.\n`, exitCode: 64 }
}

/** A word from outside, quoted, cut, and harmless for a terminal. */
function printable(word: string): string {
  return JSON.stringify(word.slice(0, 80)).replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '?')
}
