/**
 * The words after `npm run demo --`.
 *
 * Nothing is done here: demo.ts gets options, a text to print, or a refusal that names what would be right.
 */
import { parseArgs } from 'node:util'
import type { AppLanguage } from './app-programs.ts'
import { APP_LANGUAGES } from './app-programs.ts'

export interface DemoOptions {
  readonly app: AppLanguage
  readonly events: number
  /** Stays up until Ctrl-C. */
  readonly keep: boolean
  /** The in-memory log, also where a Kafka could be had. */
  readonly memory: boolean
}

export type DemoCommand =
  | { readonly kind: 'demo'; readonly options: DemoOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly why: string }

const MAX_EVENTS = 10_000
const LANGUAGES = `${APP_LANGUAGES.slice(0, -1).join(', ')} or ${APP_LANGUAGES.at(-1) ?? ''}`

export const DEMO_HELP = `npm run demo -- [options]

Sends events through XZepr's API and shows each step from Kafka to the app,
back to XZepr, to the committed offset. Starts all it needs on this machine and
leaves nothing behind. Exit code 0 only if every event made the whole way.

  --app LANGUAGE      the app beside the bridge (node):
                      ${LANGUAGES}
  --events N          how many events are sent, 1 to ${MAX_EVENTS} (6)
  --keep              stays up, says how to play with it and how to run a bridge
                      of your own beside it; Ctrl-C ends it
  --memory            runs on the in-memory log, without Kafka
  --help              this text

Kafka: KAFKA_BROKERS if set (nothing else is tried then), else Docker,
else Java 17 and Maven, else the in-memory log.
`

export function parseDemo(argv: readonly string[]): DemoCommand {
  let values
  try {
    values = parseArgs({
      args: [...argv],
      options: {
        app: { type: 'string', default: 'node' },
        events: { type: 'string', default: '6' },
        keep: { type: 'boolean', default: false },
        memory: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    return { kind: 'refused', why: error instanceof Error ? error.message : String(error) }
  }
  if (values.help) return { kind: 'help' }
  const app = APP_LANGUAGES.find((language) => language === values.app)
  if (app === undefined) return { kind: 'refused', why: `--app is ${LANGUAGES}, not ${values.app}.` }
  const events = /^\d{1,6}$/.test(values.events) ? Number(values.events) : 0
  if (events < 1 || events > MAX_EVENTS) {
    return { kind: 'refused', why: `--events is a number from 1 to ${MAX_EVENTS}, not ${values.events}.` }
  }
  return { kind: 'demo', options: { app, events, keep: values.keep, memory: values.memory } }
}
