/**
 * The words after `xzepr-bridge replay`.
 *
 * Nothing is done here: replay.ts gets options, or a person a text that says what would be right. The law: without a word
 * about which letters are meant nothing is sent, because letters stay where they are and those of last month are there too.
 */
import type { DeadLetterReason } from '../core/dead-letter.ts'
import { DEAD_LETTER_REASONS } from '../core/dead-letter.ts'
import { topic as isTopic } from '../config/sound.ts'
import type { Flag, Flags, Show, Wrong } from './flags.ts'
import { flagNames, readFlags, wrong } from './flags.ts'
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
  { readonly kind: 'replay'; readonly options: ReplayOptions } | { readonly kind: 'help' } | Wrong

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
} as const satisfies Record<string, Flag>

export const REPLAY_FLAGS = flagNames(FLAGS)

export function parseReplay(argv: readonly string[], show: Show): ReplayWords {
  const flags = readFlags(argv, FLAGS, show)
  if (flags.kind !== 'flags') return flags
  const [word] = flags.words
  if (word !== undefined) return wrong(`\`replay\` takes flags alone, but got ${show(word)}.`)
  return optionsOf(flags.texts, show)
}

function optionsOf(texts: Flags['texts'], show: Show): ReplayWords {
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
