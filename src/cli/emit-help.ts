/**
 * The help of `xzepr-bridge emit`: an event through XZepr's own API, and how it ends.
 *
 * Written for somebody who tries out an app and wants to see one event go by, then a hundred, then one that fails.
 */
import { commandHelp } from './command-help.ts'
import { COUNT_MAX, WAIT_SECONDS } from './emit-words.ts'
import type { Terminal } from './help.ts'

const WHAT = `Sends events through XZepr's own API, as any tool that reports to XZepr does. While \`xzepr-bridge dev\` runs here they go to its XZepr, with nothing to set up. Each event is a line on standard output: its id, its name, and with --wait how its work ended.`

const FLAGS: readonly (readonly [string, string])[] = [
  ['NAME', 'The name of the event, such as deployment.success: what BRIDGE_EVENT_TYPES speaks of.'],
  ['--data JSON', 'Its payload, a JSON object. Numbers stay digit for digit.'],
  [
    '--file FILE',
    'An event for each JSON object in a file: lines of JSON, one object, or an array. With NAME each is a payload; without, each is an event with a "name", a "payload" and any of XZepr’s fields. - is standard input, whose lines are sent as they come.',
  ],
  ['--failure', 'The event says success: false. Without it: true.'],
  [
    '--set FIELD=VALUE',
    'A field of XZepr’s: version (1.0.0), release (1.0.0), platform_id (local), package (xzepr-bridge), description, success, or event_receiver_id. May come several times.',
  ],
  ['--count N', `Each event so many times, 1 to ${COUNT_MAX}.`],
  ['--rate N', 'At most so many events a second, such as 10 or 0.5. Without it, as fast as XZepr takes them.'],
  [
    '--wait',
    'Follows each event until its work has settled, by asking the bridge on this machine (BRIDGE_WORK_API_PORT, or that of dev).',
  ],
  ['--timeout SECONDS', `How long after the last event --wait goes on (${WAIT_SECONDS}).`],
  ['--help', 'This text.'],
]

const EXAMPLES: readonly (readonly [string, string])[] = [
  ['xzepr-bridge emit deployment.success --wait', 'One event, to its ending.'],
  [`xzepr-bridge emit deployment.success --data '{"cluster":"eu-1","build":9007199254740993}'`, 'With a payload.'],
  ['xzepr-bridge emit deployment.failure --failure --set package=web --wait', 'A deployment that failed.'],
  ['xzepr-bridge emit build.success --count 500 --rate 50', 'Some load.'],
  ['xzepr-bridge emit --file events.jsonl --wait', 'Events that were written down.'],
  [
    'XZEPR_API_URL=https://xzepr.example.com XZEPR_API_TOKEN_FILE=token xzepr-bridge emit build.success',
    'To a real XZepr.',
  ],
]

const TO_KNOW: readonly string[] = [
  'Where XZEPR_API_URL, XZEPR_API_TOKEN or XZEPR_API_TOKEN_FILE is set, events go to that XZepr, whatever else runs here; XZEPR_API_CA_LOCATION and XZEPR_API_TIMEOUT_MS count too. Where they go is said on standard error.',
  'XZepr wants a receiver for every event. emit uses its own, xzepr-bridge-emit, and makes it when it is not there; --set event_receiver_id= names another that the user owns.',
  'When XZepr has enough for a minute (429) or is busy, emit waits as it is told and goes on. XZepr’s create is not idempotent: where an answer is lost, nothing is sent twice.',
  'An event that no bridge here asks for (BRIDGE_EVENT_TYPES, BRIDGE_FILTER) never becomes a work: --wait then ends with 75.',
]

const EXITS: readonly (readonly [string, string])[] = [
  ['0', 'All sent; with --wait, all completed.'],
  ['1', 'XZepr refused an event, or a work failed or was passed over.'],
  ['64', 'The command line is wrong.'],
  ['65', 'The file holds something else than events.'],
  ['66', 'The file cannot be read.'],
  ['69', 'No XZepr answers; with --wait, no bridge.'],
  ['75', '--wait: not settled in time.'],
  ['77', 'XZepr does not let this user do that.'],
  ['78', 'The configuration is wrong; every error is listed.'],
  ['130', 'Ended by Ctrl-C: the first waits for the answer that is on its way, a second does not.'],
]

export function emitHelpText(terminal: Terminal): string {
  return commandHelp(
    {
      usage: ['xzepr-bridge emit', 'NAME [flags]'],
      what: WHAT,
      groups: [['Which events, and how', FLAGS]],
      examples: EXAMPLES,
      toKnow: TO_KNOW,
      exits: EXITS,
    },
    terminal,
  )
}
