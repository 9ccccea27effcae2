/**
 * The checks: what an app must keep, each with what is done to it, what is expected and what to do when it is not so.
 *
 * The order is that in which they make sense: who does not answer is not asked for more. A check looks at one thing, so that
 * an app that breaks one rule fails one line.
 */
import { randomBytes } from 'node:crypto'
import type { Format } from '../core/delivery.ts'
import { MAX_PUBLISHED_BYTES } from '../dev/xzepr-publisher.ts'
import type { Outcome } from './judge.ts'
import { broken, judge, judgeRefusal, kept, sameEnding, toldOf } from './judge.ts'
import type { SendOptions, Trial, Tried } from './trial.ts'

export interface Check {
  readonly name: string
  /** Finishes "expected: …". */
  readonly expected: string
  /** Where it fails, the others would say nothing more. */
  readonly isFirst?: true
  readonly run: (trial: Trial) => Promise<Outcome>
}

/** Room for what the formats put round the message. */
const LARGE_PADDING_BYTES = MAX_PUBLISHED_BYTES - 2000
const TOGETHER = 16
const OLD_MS = 10 * 60_000
const UNKNOWN_TYPE = 'xzepr.bridge.verify.unknown'
/** What has to be percent-encoded in a path, and a percent sign that must not be decoded twice. */
const ODD_ID = 'verify/größe 1%2F✓'
const MANY_SCRIPTS = '{"note":"Grüße, 你好, שלום, 👩‍🚀, \\u0001, e\\u0301, 12345678901234567890"}'

/** All checks for what was asked for. */
export function checksFor(formats: readonly Format[], isSigned: boolean): readonly Check[] {
  return [
    ANSWERS,
    ...formats.map(formatCheck),
    REPEAT,
    REDELIVERY,
    UNKNOWN,
    SCRIPTS,
    WORK_ID,
    LARGE,
    KEEP_ALIVE,
    SLOW,
    CUT,
    TOGETHER_CHECK,
    ...(isSigned ? SIGNATURES : []),
    ALIVE,
  ]
}

const ANSWERS: Check = {
  name: 'answers',
  isFirst: true,
  expected: 'an event is answered with 2xx in time; after a 202 it is reported completed or failed',
  run: async (trial) => judge(await trial.fresh()),
}

function formatCheck(format: Format): Check {
  const isBatch = format === 'batch'
  return {
    name: `format-${format}`,
    expected: isBatch ? 'an array of three events is taken, each of them' : `an event of the format ${format} is taken`,
    async run(trial) {
      const events = Array.from({ length: isBatch ? 3 : 1 }, () => trial.events.make())
      const hint = 'Read the body by its content type, or set BRIDGE_WEBHOOK_FORMAT to a format that the app reads.'
      return worst(await trial.sendAll(events, { format }), hint)
    },
  }
}

const REPEAT: Check = {
  name: 'repeat',
  expected:
    'the same event with the same idempotency-key, sent again, ends as it did the first time, and its ending is reported again',
  async run(trial) {
    const event = trial.events.make()
    const before = await trial.send(event)
    const first = judge(before, 'first time: ')
    if (first.kind === 'broken') return first
    const again = await trial.send(event)
    const judged = judge(again, 'sent again: ', HINT_REPEAT)
    if (judged.kind === 'broken') return judged
    return sameEnding(before, again)
      ? judged
      : broken(`${toldOf(before)}, and sent again ${toldOf(again)}`, HINT_REPEAT)
  },
}
const HINT_REPEAT =
  'After a crash an event may come again, and the last report may be lost: skip work that is done by its idempotency-key, but report its ending again before you answer.'

const REDELIVERY: Check = {
  name: 'redelivery',
  expected: 'an event that comes with work-attempt 2 is taken like any other',
  run: async (trial) =>
    judge(
      await trial.fresh({}, { attempt: 2 }),
      '',
      'An attempt before may never have reached this process: do the work.',
    ),
}

const UNKNOWN: Check = {
  name: 'unknown-type',
  expected: `an event of the type ${UNKNOWN_TYPE} is answered for good: 2xx, or a 4xx that is no retry`,
  async run(trial) {
    const tried = await trial.fresh({ name: UNKNOWN_TYPE })
    if (tried.answer.kind === 'never') return kept(tried)
    return judge(
      tried,
      '',
      'Answer 204 for what the app does not know, or set BRIDGE_EVENT_TYPES: a retry brings it again.',
    )
  },
}

const SCRIPTS: Check = {
  name: 'non-ascii',
  expected: 'texts in other scripts, and a number of 20 digits, are read',
  run: async (trial) =>
    judge(
      await trial.fresh({ payload: MANY_SCRIPTS, description: 'Größe ✓ 你好' }),
      '',
      'The body is UTF-8: decode its bytes once, when all of them are there.',
    ),
}

const WORK_ID: Check = {
  name: 'work-id',
  expected: 'an id that needs percent-encoding is reported about as it came',
  run: async (trial) =>
    judge(
      await trial.fresh({ id: ODD_ID }),
      '',
      'The work-id header is percent-encoded already: put it into the path as it is.',
    ),
}

const LARGE: Check = {
  name: 'large',
  expected: `an event of ${Math.round(MAX_PUBLISHED_BYTES / 1000)} KB, the largest that XZepr publishes, is taken`,
  run: async (trial) =>
    judge(
      await trial.fresh({ payload: trial.events.padded(LARGE_PADDING_BYTES) }),
      '',
      'Raise the limit of the body in the app’s framework to 2 MB.',
    ),
}

const KEEP_ALIVE: Check = {
  name: 'keep-alive',
  expected: 'a connection that the app leaves open takes a second event',
  async run(trial) {
    const { tried, reused } = await trial.onOneConnection()
    const judged = worst(tried, 'Read each body to its end, or close the connection with the answer.')
    if (judged.kind === 'broken') return judged
    const note = reused ? '' : '; the app closes after each answer, which costs a connection each'
    return { kind: 'kept', came: `${judged.came}${note}` }
  },
}

const SLOW: Check = {
  name: 'slow-sender',
  expected: 'an event whose bytes come slowly is taken',
  run: async (trial) =>
    judge(
      await trial.fresh({}, { way: (delivery) => trial.wire.slowly(delivery) }),
      '',
      'Read the body until Content-Length bytes are there; the first piece is not all of it.',
    ),
}

const CUT: Check = {
  name: 'cut-off',
  expected: 'a request that is reset in its middle does no harm: the event that comes again is taken',
  async run(trial) {
    const event = trial.events.make()
    const why = await trial.wire.breakOff(trial.request([event]))
    if (why !== undefined) return broken(`no connection: ${why}`, 'Is the app still there?')
    return judge(
      await trial.send(event),
      'after the reset: ',
      'Give up a request whose body breaks off; do no work for it.',
    )
  },
}

const TOGETHER_CHECK: Check = {
  name: 'together',
  expected: `${TOGETHER} events at once are all taken`,
  async run(trial) {
    const tried = await Promise.all(Array.from({ length: TOGETHER }, () => trial.fresh()))
    return worst(tried, 'Serve requests side by side, or lower BRIDGE_MAX_IN_FLIGHT.')
  },
}

const ALIVE: Check = {
  name: 'still-there',
  expected: 'after all that, an event is taken as at the beginning',
  run: async (trial) => judge(await trial.fresh()),
}

function refusedSignature(name: string, expected: string, options: (trial: Trial) => SendOptions): Check {
  return {
    name,
    expected,
    run: async (trial) => judgeRefusal(await trial.fresh({}, options(trial))),
  }
}

const SIGNATURES: readonly Check[] = [
  refusedSignature(
    'signature-wrong',
    'an event signed with another secret is refused with 4xx, and no work is done',
    () => ({
      keys: [randomBytes(32)],
    }),
  ),
  refusedSignature(
    'signature-missing',
    'an event without a signature is refused with 4xx, and no work is done',
    () => ({
      keys: [],
    }),
  ),
  refusedSignature(
    'signature-old',
    'a right signature of ten minutes ago is refused with 4xx, and no work is done',
    (trial) => ({
      signedAtMs: trial.nowMs - OLD_MS,
    }),
  ),
]

function worst(tried: readonly Tried[], hint?: string): Outcome {
  const judged = tried.map((each) => judge(each, '', hint))
  return judged.find(({ kind }) => kind === 'broken') ?? judged[0] ?? broken('nothing was sent', '')
}
