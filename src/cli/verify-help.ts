/**
 * The help of `xzepr-bridge verify-app`: does an app keep the contract?
 *
 * Written for somebody who writes an app in whatever language, and for the line of a CI that runs it.
 */
import { commandHelp } from './command-help.ts'
import type { Terminal } from './help.ts'
import { EVENT_NAME, FORMATS, TIMEOUT_SECONDS, WORK_API_PORT } from './verify-words.ts'

const WHAT = `Plays the bridge against your app's webhook and says, line by line, whether the app keeps the contract: what is sent is what the bridge sends, and reports are taken by the bridge's own work API. It needs neither Kafka nor XZepr nor Docker. The app does its work for each event that it is sent: use it where that does no harm.`

const FLAGS: readonly (readonly [string, string])[] = [
  ['URL', 'The app’s webhook, such as http://127.0.0.1:8080/events: what BRIDGE_WEBHOOK_URL would be.'],
  [
    '-- COMMAND …',
    'Starts the app, with PORT (that of the URL) and WORK_API_URL in its environment, and ends it afterwards. Without a command, the app runs already.',
  ],
  [
    '--format FORMAT',
    `What the app is sent: ${FORMATS.join(', ')} (verbatim). Several with commas between; the first is used for all other checks.`,
  ],
  [
    '--secret-file FILE',
    'Signs what is sent with the whsec_… secret in it, and looks whether wrong signatures are refused.',
  ],
  ['--name NAME', `The type of the events (${EVENT_NAME}).`],
  ['--data JSON', 'Their payload, a JSON object, for an app that needs one to work on.'],
  [
    '--timeout SECONDS',
    `How long an answer may take, and a report after a 202 (${TIMEOUT_SECONDS}): BRIDGE_WEBHOOK_TIMEOUT_MS, and BRIDGE_LEASE_SECONDS.`,
  ],
  [
    '--work-api-port PORT',
    `Where the app reports (${WORK_API_PORT}); 0 = any free one, for an app that is started here and reads WORK_API_URL.`,
  ],
  ['--json', 'One JSON object on standard output instead of lines.'],
  ['--help', 'This text.'],
]

const EXAMPLES: readonly (readonly [string, string])[] = [
  ['xzepr-bridge verify-app http://127.0.0.1:8080/events', 'An app that runs.'],
  ['xzepr-bridge verify-app http://127.0.0.1:8080/events -- python3 examples/python/app.py', 'One that is started.'],
  ['xzepr-bridge verify-app http://127.0.0.1:8080/events --format structured,batch', 'With CloudEvents.'],
  ['xzepr-bridge verify-app http://127.0.0.1:8080/events --json --timeout 5 -- ./app | jq .checks', 'In a CI.'],
]

const TO_KNOW: readonly string[] = [
  'An app that answers 202 is waited for until it reports completed or failed; one that answers another 2xx need not report. A failure that the app reports is an ending like any other.',
  'The report goes to WORK_API_URL, or http://127.0.0.1:8900 where an app knows no better: the bridge itself must not run on that port meanwhile.',
  'Whether the work was done once and not twice cannot be seen from here: only that the same event is answered in the same way, and that no report contradicts another.',
]

const EXITS: readonly (readonly [string, string])[] = [
  ['0', 'All is kept.'],
  ['1', 'Something is not kept, or the app is not there.'],
  ['64', 'The command line is wrong, the secret cannot be read, or the port for reports is taken.'],
  ['130', 'Ended by Ctrl-C.'],
]

export function verifyHelpText(terminal: Terminal): string {
  return commandHelp(
    {
      usage: ['xzepr-bridge verify-app', 'URL [flags] [-- command of the app]'],
      what: WHAT,
      groups: [['Which app, and how', FLAGS]],
      examples: EXAMPLES,
      toKnow: TO_KNOW,
      exits: EXITS,
    },
    terminal,
  )
}
