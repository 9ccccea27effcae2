/**
 * The help of `xzepr-bridge dev`: the whole road on one machine, for somebody who writes an app and has nothing else yet.
 *
 * What the app gets and where it reports is said first, because that is all an app needs to know.
 */
import { commandHelp } from './command-help.ts'
import type { Terminal } from './help.ts'

const WHAT = `The whole road on this machine, with nothing but Node: an in-memory log in Kafka's place, a stand-in for XZepr, the bridge, and your app as a child. Every event, answer and report is a line as it happens. Send events from another terminal with \`xzepr-bridge emit\`.`

const FLAGS: readonly (readonly [string, string])[] = [
  [
    '-- COMMAND …',
    'Starts your app. Its output comes with a prefix; when it ends, all ends, with its exit code. Without a command, dev waits for an app that you start yourself.',
  ],
  [
    '--kafka',
    'A real Kafka instead of the in-memory log: that of XZEPR_KAFKA_BROKERS with the other XZEPR_KAFKA_* variables, else of KAFKA_BROKERS, else one that Docker or Java with Maven can start here. What is made in a Kafka that was there before (a topic and a group) is removed at the end; a topic that XZEPR_KAFKA_TOPIC names, and its group, stay.',
  ],
  ['--help', 'This text.'],
]

const APP: readonly (readonly [string, string])[] = [
  ['PORT', 'Where your app should listen: the port of BRIDGE_WEBHOOK_URL, 8080 when that is not set.'],
  ['WORK_API_URL', 'Where your app reports: http://127.0.0.1:8900. POST $WORK_API_URL/work/<work-id>/completed.'],
]

const EXAMPLES: readonly (readonly [string, string])[] = [
  ['xzepr-bridge dev -- node examples/node/app.mjs', 'An app of the examples.'],
  ['xzepr-bridge emit deployment.success --wait', 'Then, in another terminal: an event, and how its work ends.'],
  ['BRIDGE_WEBHOOK_URL=http://127.0.0.1:3000/hook xzepr-bridge dev', 'An app that runs in your debugger.'],
  ['BRIDGE_WEBHOOK_FORMAT=structured xzepr-bridge dev -- ./app', 'CloudEvents 1.0, for an SDK.'],
  ['BRIDGE_RETRY_INITIAL_MS=20 BRIDGE_MAX_ATTEMPTS=3 xzepr-bridge dev -- ./app', 'How does it do when it fails?'],
]

const TO_KNOW: readonly string[] = [
  'The bridge is the one of production: every BRIDGE_ variable means here what it means there. Defaults differ in a few: BRIDGE_SERVICE is dev, BRIDGE_OPS_HOST is 127.0.0.1, BRIDGE_SHUTDOWN_GRACE_MS is 2000. XZEPR_API_* is not read: reports go to the stand-in.',
  'Ports that are taken are replaced by free ones where you did not choose them; what stands where is printed at the start. `emit` finds this dev by a file that only you can read, in XDG_RUNTIME_DIR or the directory for temporary files.',
  'The in-memory log is forgotten at the end, and BRIDGE_DEAD_LETTER_TOPIC needs --kafka.',
  'Ctrl-C ends it in order: the bridge takes nothing new and lets works in hand report, then the app, then XZepr. A second one ends it at once.',
]

const EXITS: readonly (readonly [string, string])[] = [
  ['0', 'Ended by Ctrl-C, or the app ended with 0.'],
  ['64', 'The command line is wrong.'],
  ['69', 'A port that you chose is taken, or no Kafka can be had.'],
  ['78', 'The configuration is wrong; every error is listed.'],
  ['127', 'The app cannot be started.'],
  ['130', 'Ended at once by a second Ctrl-C, or by one before a Kafka was there.'],
  ['other', 'The exit code of the app; 128 and the number of the signal that ended it.'],
]

export function devHelpText(terminal: Terminal): string {
  return commandHelp(
    {
      usage: ['xzepr-bridge dev', '[--kafka] [-- command of the app]'],
      what: WHAT,
      groups: [
        ['Flags', FLAGS],
        ['What your app finds in its environment', APP],
      ],
      examples: EXAMPLES,
      toKnow: TO_KNOW,
      exits: EXITS,
    },
    terminal,
  )
}
