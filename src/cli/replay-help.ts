/**
 * The help of `xzepr-bridge replay`: what it does, which letters, how, with examples to paste.
 *
 * Written for a person who has an incident behind them and wants the events to go out again, once. What each flag is good
 * for stands beside it; what surprises (letters stay, another service's letters, works that have ended) is said.
 */
import { AWAY_MAX_MS, REPLAY_ATTEMPTS_MAX } from '../core/replay.ts'
import { commandHelp } from './command-help.ts'
import type { Terminal } from './help.ts'

const WHAT = `Sends dead letters through the webhook again: one after another, the oldest first, with the format and headers of the bridge and the original's idempotency-key. It is set up by the bridge's own variables, so it runs best where they are: with kubectl exec in the bridge's container, or as a Job with the same environment and a BRIDGE_WEBHOOK_URL that it can reach.`

const WHICH: readonly (readonly [string, string])[] = [
  ['--since WHEN', 'From the first letter written at that time on.'],
  ['--until WHEN', 'Only letters written before.'],
  [
    '--id ID',
    'Only letters of this event: its id, or the topic/partition/offset of the original record. May come several times.',
  ],
  [
    '--reason REASON',
    'Only letters with this reason: poison, rejected, attempts-spent, lease-expired or report-refused. May come several times.',
  ],
  [
    '--all',
    'Every letter of this group, but for report-refused: the work of those has ended, and would be done twice.',
  ],
]

const HOW: readonly (readonly [string, string])[] = [
  ['--dry-run', 'Sends nothing; one line a letter to standard output: when, reason, original, id, error.'],
  ['--limit N', 'At most so many letters.'],
  ['--rate N', 'At most so many letters a second, such as 10 or 0.5. Without it, as fast as the app answers.'],
  ['--from-topic TOPIC', 'Reads that topic instead of the one in BRIDGE_DEAD_LETTER_TOPIC.'],
  ['--group GROUP', 'Takes letters of that consumer group for ours, where the service was renamed.'],
]

const EXAMPLES: readonly (readonly [string, string])[] = [
  ['xzepr-bridge replay --dry-run', 'What is there?'],
  ['xzepr-bridge replay --since 2h --reason attempts-spent', 'The app was broken for the last two hours.'],
  ['xzepr-bridge replay --since 2026-11-23T10:00:00Z --until 2026-11-23T11:30:00Z --rate 5', 'An outage, gently.'],
  ['xzepr-bridge replay --id 01M847HRZSMFZDV1KG79EPM357', 'One event.'],
  ['kubectl exec deploy/deployer -c xzepr-bridge -- xzepr-bridge replay --since 1d', 'In the pod.'],
]

const TO_KNOW: readonly string[] = [
  'WHEN is a time with its zone (2026-11-23T10:35:00Z; a day alone is its beginning in UTC), or how long ago: 2h, 90m, 1d12h.',
  'Letters stay where they are, because Kafka only appends. Sent twice they arrive twice: the idempotency-key is the original’s both times, so the app can tell.',
  `An answer of "not now" is tried ${REPLAY_ATTEMPTS_MAX} times with the bridge's rests and Retry-After. An app that is away is asked for ${AWAY_MAX_MS / 1000} seconds, then the replay ends and says where to go on. Ctrl-C ends it after the letter that is out, and says so too; a second one does not wait for that.`,
  'An event answered with 202 counts as sent: the app reports later to the running bridge, which sends the report on to XZepr. Nothing is reported to XZepr by the replay itself.',
  'No consumer group is used and nothing is committed. The user needs the ACLs Describe and Read on the topic of dead letters, and on the source’s topic where a letter had to leave its value out.',
]

const EXITS: readonly (readonly [string, string])[] = [
  ['0', 'All that were meant are sent.'],
  ['1', 'Some failed or could not be read, or it ended early.'],
  ['64', 'The command line is wrong.'],
  ['69', 'Kafka cannot be reached, or the topic cannot be read.'],
  ['78', 'The configuration is wrong; every error is listed.'],
]

export function replayHelpText(terminal: Terminal): string {
  return commandHelp(
    {
      usage: ['xzepr-bridge replay', '[which letters] [how]'],
      what: WHAT,
      groups: [
        ['Which letters (one of these at least, or --dry-run)', WHICH],
        ['How', HOW],
      ],
      examples: EXAMPLES,
      toKnow: TO_KNOW,
      exits: EXITS,
    },
    terminal,
  )
}
