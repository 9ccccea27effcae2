/**
 * The words after `xzepr-bridge replay`.
 *
 * Nothing is done here: replay.ts gets options, or a person a text that says what would be right. The law: without a word
 * about which letters are meant nothing is sent, because letters stay where they are and those of last month are there too.
 */
import { parseArgs } from 'node:util'
import type { DeadLetterReason } from '../core/dead-letter.ts'
import { DEAD_LETTER_REASONS } from '../core/dead-letter.ts'
import { topic as isTopic } from '../config/sound.ts'
import type { When } from './when.ts'
import { readWhen } from './when.ts'

export interface ReplayOptions {
  readonly since: When | undefined
  readonly until: When | undefined
  readonly ids: readonly string[]
  readonly reasons: readonly DeadLetterReason[]
  /** Undefined: BRIDGE_DEAD_LETTER_TOPIC. */
  readonly fromTopic: string | undefined
  /** Undefined: the bridge's own. */
  readonly group: string | undefined
  readonly dryRun: boolean
  readonly ratePerSecond: number | undefined
  readonly limit: number | undefined
}

export type ReplayWords =
  | { readonly kind: 'replay'; readonly options: ReplayOptions }
  | { readonly kind: 'help' }
  /** `given` is a word that is not known, `known` what it may be. */
  | { readonly kind: 'wrong'; readonly why: string; readonly given?: string; readonly known?: readonly string[] }

const FLAGS = {
  since: { type: 'string' },
  until: { type: 'string' },
  id: { type: 'string', multiple: true },
  reason: { type: 'string', multiple: true },
  all: { type: 'boolean' },
  'from-topic': { type: 'string' },
  group: { type: 'string' },
  'dry-run': { type: 'boolean' },
  rate: { type: 'string' },
  limit: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

export const REPLAY_FLAGS: readonly string[] = Object.keys(FLAGS).map((name) => `--${name}`)

/** @param show makes a word from outside harmless for a terminal. */
export function parseReplay(argv: readonly string[], show: (word: string) => string): ReplayWords {
  // Not strict: what is wrong is answered in our words.
  const { tokens, values } = parseArgs({
    args: [...argv],
    options: FLAGS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  if (values.help === true) return { kind: 'help' }
  const texts = new Map<string, string[]>()
  for (const token of tokens) {
    if (token.kind === 'positional') return wrong(`\`replay\` takes flags alone, but got ${show(token.value)}.`)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const flag = Object.hasOwn(FLAGS, name) ? FLAGS[name as keyof typeof FLAGS] : undefined
    if (flag === undefined) return { ...wrong(`Unknown flag ${show(rawName)}.`), given: rawName, known: REPLAY_FLAGS }
    if (flag.type === 'boolean' && value !== undefined) return wrong(`The flag --${name} takes no value.`)
    if (flag.type === 'string' && (value ?? '') === '') return wrong(`The flag --${name} needs a value.`)
    const before = texts.get(name) ?? []
    if (before.length > 0 && !('multiple' in flag)) return wrong(`The flag --${name} may come once.`)
    texts.set(name, [...before, value ?? ''])
  }
  return optionsOf(texts, show)
}

function optionsOf(texts: ReadonlyMap<string, readonly string[]>, show: (word: string) => string): ReplayWords {
  const text = (name: string): string | undefined => texts.get(name)?.[0]
  const whens: { since?: When; until?: When } = {}
  for (const name of ['since', 'until'] as const) {
    const given = text(name)
    if (given === undefined) continue
    const reading = readWhen(given)
    if (reading.kind === 'wrong') return wrong(`--${name} ${show(given)} ${reading.why}.`)
    whens[name] = reading.when
  }
  const reasons: DeadLetterReason[] = []
  for (const given of texts.get('reason') ?? []) {
    const reason = DEAD_LETTER_REASONS.find((each) => each === given)
    if (reason === undefined) {
      const why = `--reason ${show(given)} is none of ${DEAD_LETTER_REASONS.join(', ')}.`
      return { ...wrong(why), given, known: DEAD_LETTER_REASONS }
    }
    reasons.push(reason)
  }
  const [rate, limit, fromTopic] = [text('rate'), text('limit'), text('from-topic')]
  if (rate !== undefined && !(/^\d{1,5}(?:\.\d{1,3})?$/.test(rate) && Number(rate) > 0)) {
    return wrong(`--rate ${show(rate)} must be letters a second, such as 10 or 0.5.`)
  }
  if (limit !== undefined && !/^[1-9]\d{0,8}$/.test(limit))
    return wrong(`--limit ${show(limit)} must be a number from 1 on.`)
  if (fromTopic !== undefined && !isTopic(fromTopic))
    return wrong(`--from-topic ${show(fromTopic)} is no name of a topic.`)
  if (!['since', 'until', 'id', 'reason', 'all', 'dry-run'].some((name) => texts.has(name))) {
    return wrong('Say which letters: --since, --until, --id, --reason or --all. With --dry-run they are only listed.')
  }
  return {
    kind: 'replay',
    options: {
      since: whens.since,
      until: whens.until,
      ids: texts.get('id') ?? [],
      reasons,
      fromTopic,
      group: text('group'),
      dryRun: texts.has('dry-run'),
      ratePerSecond: rate === undefined ? undefined : Number(rate),
      limit: limit === undefined ? undefined : Number(limit),
    },
  }
}

function wrong(why: string): { readonly kind: 'wrong'; readonly why: string } {
  return { kind: 'wrong', why }
}
