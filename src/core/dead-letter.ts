/**
 * Dead letters: records that came to nothing, with what is known about why.
 *
 * A letter holds the original key, value and headers; what is known beside them travels in headers of its own behind
 * them, so that a reader needs nothing else, and `xzepr-bridge replay` can send the event through the webhook again.
 * The offset moves only when the letter is written. The law: reading what was written gives back the original record,
 * byte for byte; only headers that have the names of a letter's own are taken for an earlier letter's and replaced.
 */
import { encodeUtf8, storableText } from './json.ts'
import type { DecodeUtf8 } from './message.ts'
import type { KafkaRecord, RecordHeader } from './record.ts'

/**
 * `poison`: it cannot be read. `rejected`: the app answered never. `attempts-spent`, `lease-expired`: the last attempt
 * failed, or stayed silent. `report-refused`: XZepr will not have a report about it; the work itself has ended.
 */
export const DEAD_LETTER_REASONS = ['poison', 'rejected', 'attempts-spent', 'lease-expired', 'report-refused'] as const
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number]

export interface DeadLetter {
  readonly record: KafkaRecord
  readonly reason: DeadLetterReason
  /** A sentence for the operator. */
  readonly error: string
  /** Attempts made; 0 where it was never sent. */
  readonly attempts: number
  /** The app's last answer, such as `HTTP 422`; undefined where there was none. */
  readonly answer: string | undefined
}

/** What a letter had to leave out because Kafka would not take it whole; the original stands where it stood. */
export type LeftOut = 'value' | 'all'

/** What a letter is written with. */
export interface Sender {
  readonly group: string
  readonly atMs: number
  readonly leftOut?: LeftOut | undefined
}

const PREFIX = 'dead-letter-'
/** The contract's, and one more for the letter that could not be written whole. */
const OWN = [
  'reason',
  'error',
  'topic',
  'partition',
  'offset',
  'timestamp',
  'attempts',
  'answer',
  'group',
  'at',
  'left-out',
] as const
type Own = (typeof OWN)[number]
const OWN_NAMES: ReadonlySet<string> = new Set(OWN.map((name) => PREFIX + name))

/** Texts from outside are cut, so that a letter is little larger than its record. */
export const LETTER_TEXT_MAX_BYTES = 1024

/** The headers of a letter: the original's as they came, then what is known. */
export function letterHeaders(letter: DeadLetter, { group, atMs, leftOut }: Sender): RecordHeader[] {
  const { record, reason, error, attempts, answer } = letter
  const own: Readonly<Record<Own, string | undefined>> = {
    reason,
    error: storableText(error, LETTER_TEXT_MAX_BYTES),
    topic: record.topic,
    partition: String(record.partition),
    offset: String(record.offset),
    timestamp: String(record.timestampMs),
    attempts: String(attempts),
    answer: answer === undefined ? undefined : storableText(answer, LETTER_TEXT_MAX_BYTES),
    group,
    at: new Date(atMs).toISOString(),
    'left-out': leftOut,
  }
  const headers = leftOut === 'all' ? [] : withoutOwn(record.headers)
  for (const name of OWN) {
    const text = own[name]
    if (text !== undefined) headers.push({ name: PREFIX + name, value: encodeUtf8(text) })
  }
  return headers
}

function withoutOwn(headers: readonly RecordHeader[]): RecordHeader[] {
  return headers.filter(({ name }) => !OWN_NAMES.has(name))
}

export type LetterReading =
  | {
      readonly kind: 'letter'
      /** Its record is the original one, at its own coordinates. */
      readonly letter: DeadLetter
      readonly group: string
      readonly atMs: number
      /** Defined where the original has to be fetched from where it stands. */
      readonly leftOut: LeftOut | undefined
    }
  | { readonly kind: 'stranger'; readonly why: string }

/** Reads a record of a dead-letter topic. Never throws: what no bridge has written is a stranger. */
export function readLetter(record: KafkaRecord, decodeUtf8: DecodeUtf8): LetterReading {
  const own = new Map<string, string>()
  for (const { name, value } of record.headers) {
    if (!OWN_NAMES.has(name)) continue
    const text = value === null ? undefined : decodeUtf8(value)
    if (text === undefined) return stranger(`its header ${name} is not text`)
    own.set(name.slice(PREFIX.length), text)
  }
  const get = (name: Own): string | undefined => own.get(name)
  const whole = (name: Own, digits: RegExp): string | undefined => digits.exec(get(name) ?? '')?.[0]

  const reason = DEAD_LETTER_REASONS.find((each) => each === get('reason'))
  const topic = get('topic')
  const partition = whole('partition', /^\d{1,10}$/)
  const offset = whole('offset', /^\d{1,19}$/)
  const timestamp = whole('timestamp', /^-?\d{1,19}$/)
  const attempts = whole('attempts', /^\d{1,10}$/)
  const atMs = Date.parse(get('at') ?? '')
  const leftOut = get('left-out')
  if (own.size === 0) return stranger('it has none of the headers of a dead letter')
  if (reason === undefined) return stranger(`its header ${PREFIX}reason names no reason that this version knows`)
  if (topic === undefined || topic === '') return stranger(`its header ${PREFIX}topic is missing`)
  const numbers = { partition, offset, timestamp, attempts }
  for (const [name, text] of Object.entries(numbers)) {
    if (text === undefined) return stranger(`its header ${PREFIX}${name} is missing or no number`)
  }
  if (Number.isNaN(atMs)) return stranger(`its header ${PREFIX}at is missing or no time`)
  if (leftOut !== undefined && leftOut !== 'value' && leftOut !== 'all') {
    return stranger(`its header ${PREFIX}left-out says nothing that this version knows`)
  }
  return {
    kind: 'letter',
    letter: {
      record: {
        topic,
        partition: Number(partition),
        offset: BigInt(offset ?? 0),
        timestampMs: Number(timestamp),
        key: record.key,
        value: record.value,
        headers: withoutOwn(record.headers),
      },
      reason,
      error: get('error') ?? '',
      attempts: Number(attempts),
      answer: get('answer'),
    },
    group: get('group') ?? '',
    atMs,
    leftOut,
  }
}

function stranger(why: string): LetterReading {
  return { kind: 'stranger', why }
}
