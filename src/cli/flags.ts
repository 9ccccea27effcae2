/**
 * The flags of one command, read in the words of that command.
 *
 * `node:util` takes the command line apart; what is wrong is answered here, because a person is helped more by the nearest
 * known flag than by an exception. Nothing is judged but the form: unknown flags, a value too many or too few, a flag that
 * comes twice.
 */
import { parseArgs } from 'node:util'

export interface Flag {
  readonly type: 'string' | 'boolean'
  readonly multiple?: true
  readonly short?: string
}

/** `given` is a word that is not known, `known` what it may be. */
export interface Wrong {
  readonly kind: 'wrong'
  readonly why: string
  readonly given?: string
  readonly known?: readonly string[]
}

export interface Flags {
  readonly kind: 'flags'
  /** Values by name, without the dashes; those of a switch are empty. */
  readonly texts: ReadonlyMap<string, readonly string[]>
  /** What is no flag, in order. */
  readonly words: readonly string[]
}

/** Makes a word from outside harmless for a terminal. */
export type Show = (word: string) => string

const HELP: Flag = { type: 'boolean', short: 'h' }

/** The names of flags as a person writes them; `--help` is one of every command. */
export function flagNames(flags: Readonly<Record<string, Flag>>): readonly string[] {
  return [...Object.keys(flags), 'help'].map((name) => `--${name}`)
}

export function readFlags(
  argv: readonly string[],
  flags: Readonly<Record<string, Flag>>,
  show: Show,
): Flags | Wrong | { readonly kind: 'help' } {
  const known: Readonly<Record<string, Flag>> = { ...flags, help: HELP }
  const { tokens, values } = parseArgs({
    args: [...argv],
    options: known,
    // Not strict: what is wrong is answered in our words.
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  if (values.help === true) return { kind: 'help' }
  const texts = new Map<string, string[]>()
  const words: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const flag = Object.hasOwn(known, name) ? known[name] : undefined
    if (flag === undefined) {
      return { ...wrong(`Unknown flag ${show(rawName)}.`), given: rawName, known: flagNames(flags) }
    }
    if (flag.type === 'boolean' && value !== undefined) return wrong(`The flag --${name} takes no value.`)
    if (flag.type === 'string' && (value ?? '') === '') return wrong(`The flag --${name} needs a value.`)
    const before = texts.get(name) ?? []
    if (before.length > 0 && flag.multiple !== true) return wrong(`The flag --${name} may come once.`)
    texts.set(name, [...before, value ?? ''])
  }
  return { kind: 'flags', texts, words }
}

export function wrong(why: string): Wrong {
  return { kind: 'wrong', why }
}
